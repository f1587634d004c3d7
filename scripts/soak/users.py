"""What the users of the page do: ask, read, switch models, stop, browse, make tables and maps, close tabs."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import httpx

from scripts.soak.browser import Page, PageFailure, Tab

QUESTIONS: Mapping[str, Sequence[str]] = {
    "one fact": (
        "How many images does ImageNet have?",
        "What accuracy does CLIP reach on ImageNet?",
        "How is the BLEU score computed?",
        "What is dropout?",
        "How many parameters does BERT have?",
        "What does batch normalisation reduce?",
    ),
    "several papers": (
        "How are language models evaluated?",
        "Which methods detect objects in images?",
        "What are the limits of attention?",
        "Compare transformers and recurrent networks.",
        "What is known about adversarial examples?",
    ),
    "count": (
        "How many papers are there?",
        "How many papers are from 2017?",
        "How many papers are about translation?",
        "Which venue has the most papers?",
    ),
    "which papers": (
        "Which papers are about graph neural networks?",
        "Which papers were published in 2015?",
        "Which papers use reinforcement learning?",
        "List the papers about speech.",
    ),
    "refusal": (
        "How do I bake sourdough bread?",
        "Who won the football match yesterday?",
        "What is the capital of Australia?",
        "Which tyres fit a bicycle for winter?",
    ),
    "review": ("What does this library say about pre-training?", "Summarise the papers on summarisation."),
}
FOLLOW_UPS = ("And what data does it use?", "How large is it?", "Why?", "Who wrote it?", "What about images?")
DRAFT = (
    "Dropout prevents neural networks from overfitting. Batch normalisation makes training slower. "
    "Transformers rely on attention alone. The moon is made of cheese. "
    "Residual networks have more than a hundred layers."
)
SEARCHES = ("translation", "graph neural networks", "image segmentation", "question answering", "speech")
WRITING = ("writer", "smollm2")  # models that take seconds, worth stopping
EXPORTS = ("markdown", "html", "json")  # those that need no citation
_ALERT = re.compile(r'class="fn-(?:error|scope-problem)"[^>]*>(.*?)</(?:p|span)>', re.S)  # something went wrong
_CONVERSATION = re.compile(r'fn-history-item" data-id="([0-9a-f]+)"')
_PAPER = re.compile(r'data-open="([^"]+)"')


class Errors:
    """What went wrong, with the time and who saw it. For all users."""

    def __init__(self) -> None:
        self.found: list[dict[str, object]] = []
        self._lock = threading.Lock()
        self._begun = time.monotonic()

    def add(self, who: str, doing: str, what: str) -> None:
        """Note an error."""
        with self._lock:
            self.found.append(
                {"seconds": round(time.monotonic() - self._begun), "who": who, "doing": doing, "what": what[:600]}
            )


class User:
    """One user with a tab of a browser, which is closed now and then. ``libraries`` are chosen by their folders."""

    def __init__(
        self, number: int, page: Page, models: Sequence[str], libraries: Sequence[str], errors: Errors
    ) -> None:
        self.name = f"user {number}"
        self.done: Counter[str] = Counter()
        self.resting = threading.Event()
        self._page, self._models, self._libraries, self._errors = page, models, libraries, errors
        self._chance = random.Random(number)
        self._tab: Tab | None = None
        self._shown: set[str] = set()  # error sentences that were noted for this tab
        self.actions: Mapping[str, tuple[int, Callable[[Tab], None]]] = {  # how often, of all
            "ask": (10, self._ask),
            "follow up": (4, self._follow_up),
            "ask again": (1, self._ask_again),
            "open a footnote": (3, self._open_footnote),
            "switch the model": (5, self._switch_model),
            "stop": (3, self._stop),
            "close in the middle": (2, self._close_in_the_middle),
            "new conversation": (1, self._new_conversation),
            "browse the library": (3, self._browse),
            "switch the library": (1, self._switch_library),
            "make a table": (1, self._make_table),
            "check a text": (1, self._check_text),
            "look at the map": (1, self._look_at_map),
            "look at the models": (1, self._look_at_models),
            "reopen a conversation": (2, self._reopen),
            "export": (2, self._export),
            "import a paper": (1 if number == 1 else 0, self._import),
        }

    def work(self, ended: threading.Event, awake: threading.Event) -> None:
        """Do one thing after another until ``ended``, but for when nobody is ``awake``."""
        names = list(self.actions)
        weights = [weight for weight, _ in self.actions.values()]
        while not ended.wait(self._chance.uniform(0.2, 3.0)):
            if not awake.is_set():
                self.resting.set()
                awake.wait()
                self.resting.clear()
            self.do(self._chance.choices(names, weights)[0])
            if self._chance.random() < 0.08:
                self.leave()
        self.leave()

    def do(self, action: str) -> None:
        """Do one thing, in a new tab where none is open; what fails is noted, and the tab closed."""
        try:
            if self._tab is None:
                self._tab = Tab(self._page)
                self.done["open a tab"] += 1
            self.actions[action][1](self._tab)
            self.done[action] += 1
            self._note_errors(action)
        except (PageFailure, httpx.HTTPError, OSError) as error:
            self._errors.add(self.name, action, repr(error))
            self.leave()

    def ask_with(self, model: str, question: str) -> None:
        """Ask in a tab of one's own, so that this is the model that stays in memory."""
        try:
            tab = Tab(self._page)
            tab.set("Model", model, "change")
            self._submit(tab, question)
            tab.close()
        except (PageFailure, httpx.HTTPError, OSError) as error:
            self._errors.add(self.name, "ask_with", repr(error))

    def leave(self) -> None:
        """Close the tab."""
        if self._tab is not None:
            self._tab.close()
        self._tab, self._shown = None, set()

    def _note_errors(self, action: str) -> None:
        shown = set(_ALERT.findall(self._tab.html())) if self._tab is not None else set()
        for sentence in shown - self._shown:
            self._errors.add(self.name, action, f"On the page: {sentence}")
        self._shown = shown

    # --- asking ---

    def _question(self) -> str:
        kind = self._chance.choice(list(QUESTIONS))
        return self._chance.choice(QUESTIONS[kind])

    def _submit(self, tab: Tab, question: str) -> None:
        tab.set("fn-box", question)
        tab.fire("fn-box", "submit")

    def _ask(self, tab: Tab) -> None:
        self._submit(tab, self._question())

    def _follow_up(self, tab: Tab) -> None:
        self._submit(tab, self._chance.choice(FOLLOW_UPS))

    def _ask_again(self, tab: Tab) -> None:
        tab.fire("fn-conversation", "retry")

    def _open_footnote(self, tab: Tab) -> None:
        tab.fire("fn-conversation", "select", {"turn": 0, "number": 1, "sentence": 0})

    def _switch_model(self, tab: Tab) -> None:
        tab.set("Model", self._chance.choice(self._models), "change")

    def _begin_writing(self, tab: Tab) -> threading.Thread:
        """A question that takes a language model some seconds."""
        tab.set("Model", self._chance.choice(WRITING), "change")
        tab.set("fn-box", self._chance.choice(QUESTIONS["several papers"]))
        asking = tab.beside("fn-box", "submit")
        time.sleep(self._chance.uniform(0.5, 6.0))
        return asking

    def _stop(self, tab: Tab) -> None:
        asking = self._begin_writing(tab)
        tab.fire("fn-stop", "click")
        asking.join()

    def _close_in_the_middle(self, tab: Tab) -> None:
        self._begin_writing(tab)
        self.leave()

    def _new_conversation(self, tab: Tab) -> None:
        tab.fire("fn-new", "click")

    # --- the other tabs of the page ---

    def _browse(self, tab: Tab) -> None:
        tab.fire("fn-library-table", "apply", {"sort": None, "descending": None, "page": self._chance.randrange(5)})
        tab.set("fn-library-text", self._chance.choice(SEARCHES), "change")
        if found := _PAPER.findall(str(tab.value("fn-library-table"))):
            tab.fire("fn-library-table", "select", {"paper": self._chance.choice(found)})
        tab.fire("fn-library-clear", "click")

    def _switch_library(self, tab: Tab) -> None:
        tab.set("Library", self._chance.choice(self._libraries), "input")

    def _import(self, tab: Tab) -> None:
        """One paper, which is there already from the second time on: the library does not grow."""
        tab.set("Library", self._libraries[-1], "input")
        record = {"id": "soak", "title": "A paper on speech", "abstract": "We study speech. It is spoken."}
        tab.upload("fn-library-files", "papers.jsonl", json.dumps(record))
        tab.fire("fn-library-dismiss", "click")

    def _make_table(self, tab: Tab) -> None:
        tab.set("fn-tables-most", 8)
        tab.set("fn-tables-search", self._chance.choice(SEARCHES), "submit")
        tab.fire("fn-tables-csv", "click")

    def _check_text(self, tab: Tab) -> None:
        tab.set("fn-check-text", DRAFT)
        tab.fire("fn-check-start", "click")
        tab.fire("fn-check-list", "select", {"sentence": 0, "source": 0})

    def _look_at_map(self, tab: Tab) -> None:
        tab.fire("fn-tabs", "select", {"value": "Map", "index": 4, "selected": True})

    def _look_at_models(self, tab: Tab) -> None:
        tab.fire("fn-tabs", "select", {"value": "Models", "index": 5, "selected": True})

    def _reopen(self, tab: Tab) -> None:
        if kept := _CONVERSATION.findall(str(tab.value("fn-history-list"))):
            tab.fire("fn-history-list", "select", {"conversation": self._chance.choice(kept[:20])})

    def _export(self, tab: Tab) -> None:
        if kept := _CONVERSATION.findall(str(tab.value("fn-history-list"))):
            chosen = {"conversation": kept[0], "format": self._chance.choice(EXPORTS), "turn": ""}
            tab.fire("fn-history-list", "download", chosen)
