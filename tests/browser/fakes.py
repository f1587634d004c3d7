"""An answerer with prepared events and a call history, and papers that try to break the page."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from rag.datatypes import (
    Answer,
    AnswerSentence,
    Citation,
    Coverage,
    Draft,
    Event,
    Evidence,
    Paper,
    Refusal,
    RefusalGrade,
    Sentence,
    Stage,
    StopSignal,
    Trace,
    Turn,
    Verdict,
)
from rag.errors import GenerationCancelled
from rag.output.layout import answer_text
from rag.verification.claims import CheckedClaim, ClaimCitation

HOSTILE = "<img src=x onerror=window.pwned=1> ${window.pwned=2} {{7*7}} <script>window.pwned=3</script> $$x$$ `rm`"


@dataclass(frozen=True)
class FakeChoice:
    name: str
    label: str
    modes: tuple[str, ...]


CHOICES = (
    FakeChoice("quote", "built-in quotes", ("quote",)),
    FakeChoice("tiny", "Tiny-Instruct, 92 MB", ("cite", "free", "quote")),
)

PAPERS = (
    Paper(
        "p1",
        "Tidal Pools as Classrooms: Learning Rates of Hermit Crabs",
        "Hermit crabs choose shells with care. We observed 240 crabs over two summers. "
        "Crabs that watched a neighbour chose a fitting shell 31% faster than crabs that were alone. "
        "The effect vanished at night.",
        ("Ada Strand", "Björn Öre", "Carmen Ruiz"),
        2021,
        "Journal of Shore Studies",
        "https://example.org/crabs?a=1&b=2",
        "10.1234/crabs",
    ),
    Paper(
        "p2",
        "Shell Vacancy Chains in Crowded Coves",
        "When one crab moves out, several others move up. We model the chain as a queue. "
        "A single empty shell set off 4.2 moves on average.",
        ("Dilek Aydın",),
        2019,
        "Proceedings of the Cove Conference",
    ),
    Paper("p3", f"A title {HOSTILE}", f"An abstract {HOSTILE} goes on. It ends.", (f"Eve {HOSTILE}",), None, HOSTILE,
          "javascript:alert(1)"),
    Paper("p4", "A Paper Without an Abstract"),
)  # fmt: skip
BY_ID = {paper.id: paper for paper in PAPERS}


def span(paper: Paper, text: str) -> Sentence:
    start = paper.abstract.index(text)
    return Sentence(text, start, start + len(text))


FASTER = span(PAPERS[0], "Crabs that watched a neighbour chose a fitting shell 31% faster than crabs that were alone.")
NIGHT = span(PAPERS[0], "The effect vanished at night.")
MOVES = span(PAPERS[1], "A single empty shell set off 4.2 moves on average.")


def make_trace(**changes: object) -> Trace:
    values: dict[str, object] = {
        "generator": "quote", "model": "", "model_sha256": "", "mode": "quote", "seed": 0, "prompt_sha256": "",
        "library": "f" * 8, "timings_ms": {"retrieve": 12.5},
    } | changes  # fmt: skip
    return Trace(**values)  # type: ignore[arg-type]


def make_answer(question: str = "Do crabs learn?", **trace: object) -> Answer:
    """Two paragraphs of three sentences; the middle one is weakly supported."""
    first = "Crabs that watched a neighbour chose a fitting shell 31% faster."
    second = "At night there was no effect."
    third = "One empty shell sets off 4.2 moves on average."
    return Answer(
        question,
        f"{first} [1] {second} [1]\n\n{third} [2]",
        (
            AnswerSentence(first, (1,), Verdict.SUPPORTED),
            AnswerSentence(second, (1,), Verdict.WEAK),
            AnswerSentence(third, (2,), Verdict.SUPPORTED),
        ),
        (
            Citation(1, "p1", 0, FASTER.text, FASTER.start, FASTER.end, Verdict.SUPPORTED, 0.9),
            Citation(1, "p1", 1, NIGHT.text, NIGHT.start, NIGHT.end, Verdict.WEAK, 0.5),
            Citation(2, "p2", 2, MOVES.text, MOVES.start, MOVES.end, Verdict.SUPPORTED, 0.8),
        ),
        (
            Evidence(1, PAPERS[0], (FASTER, NIGHT), 0.9),
            Evidence(2, PAPERS[1], (MOVES,), 0.7),
            Evidence(3, PAPERS[3], (), 0.1),
        ),
        None,
        make_trace(**trace),
    )


def make_structured(kind: str, *sections: str) -> Answer:
    """:func:`make_answer` as an answer of a kind: its sentences under ``sections``, with a lead, a closing line and
    two papers that fit and are not cited. The last sentence is contradicted by the first paper."""
    answer = make_answer(reading={"kind": kind})
    last = len(answer.sentences) - 1
    sentences = tuple(
        replace(s, section=section, against=(1,) if at == last else ())
        for at, (s, section) in enumerate(zip(answer.sentences, sections, strict=True))
    )
    denial = Citation(1, "p1", last, NIGHT.text, NIGHT.start, NIGHT.end, Verdict.CONTRADICTED, 0.1)
    lead, closing = "Four of the 459 papers fit; two are cited.", ("No abstract here speaks of whelks.",)
    return replace(
        answer,
        sentences=sentences,
        citations=(*answer.citations, denial),
        text=answer_text(sentences, kind, lead, closing),
        lead=lead,
        closing=closing,
        coverage=Coverage(20, 4, 2, (("p3", PAPERS[2].title), ("p4", PAPERS[3].title))),
    )


def make_hostile_answer(question: str) -> Answer:
    quote = span(PAPERS[2], f"An abstract {HOSTILE} goes on.")
    return Answer(
        question,
        f"{HOSTILE} [1]",
        (AnswerSentence(HOSTILE, (1,), Verdict.SUPPORTED),),
        (Citation(1, "p3", 0, quote.text, quote.start, quote.end, Verdict.SUPPORTED, 0.9),),
        (Evidence(1, PAPERS[2], (quote,), 0.9),),
        None,
        make_trace(notes=(HOSTILE,)),
    )


ARABIC = "يتعلم السرطان الناسك بمراقبة جيرانه 31% أسرع."
FORMULA = "For $\\alpha < \\beta$ the loss $\\mathcal{L}(x) = \\sum_{i=1}^{n} x_i^2$ shrinks as n → ∞."
LONG_TITLE = "On " + "Pneumonoultramicroscopicsilicovolcanoconiosis" * 6 + " and " + "a very long title " * 15
ODD_PAPERS = (
    Paper("ar", "التعلم عند السرطان الناسك", f"{ARABIC} وهذه نهاية الملخص.", ("ليلى حسن",), 2022),
    Paper("fo", "Losses of $x^2$ & <friends>", FORMULA, ("Łukasz Żółć", "王小明"), 2020),
    Paper("lo", LONG_TITLE, "A short abstract." + " It goes on and on." * 80, ("A" * 120,) * 9, 1999, "V" * 300),
)


def make_odd_answer(question: str) -> Answer:
    """Right-to-left text, a formula, and a title and abstract that are far too long."""
    texts = (ARABIC, FORMULA, "A short abstract.")
    return Answer(
        question,
        "\n\n".join(f"{text} [{n}]" for n, text in enumerate(texts, 1)),
        tuple(AnswerSentence(text, (n,), Verdict.SUPPORTED) for n, text in enumerate(texts, 1)),
        tuple(
            Citation(n, paper.id, n - 1, text, 0, len(text), Verdict.SUPPORTED, 0.9)
            for n, (text, paper) in enumerate(zip(texts, ODD_PAPERS, strict=True), 1)
        ),
        tuple(
            Evidence(n, paper, (span(paper, text),), 0.5)
            for n, (text, paper) in enumerate(zip(texts, ODD_PAPERS, strict=True), 1)
        ),
        None,
        make_trace(),
    )


def make_refusal(question: str = "Who won the match?") -> Answer:
    message = "Nothing in this library is about it."
    refusal = Refusal(RefusalGrade.NOTHING, message, ("p2", "p4"))
    return Answer(question, message, (), (), (), refusal, make_trace())


def make_claim(text: str, verdict: str, *sources: tuple[Paper, Sentence, str]) -> CheckedClaim:
    """A checked sentence; of each source the paper, the sentence of its abstract and the verdict."""
    cited = (ClaimCitation(p.id, p.title, s.text, s.start, s.end, of, 0.9) for p, s, of in sources)
    return CheckedClaim(text, verdict, 0.9, tuple(cited))


@dataclass
class Hold:
    """Blocks the answerer like a model that evaluates its prompt. With ``stoppable`` the stop signal ends it."""

    seconds: float = 30.0
    stoppable: bool = True
    released: threading.Event = field(default_factory=threading.Event)

    def wait(self, stop: StopSignal | None) -> None:
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and not self.released.is_set():
            if self.stoppable and stop is not None and stop.is_set():
                raise GenerationCancelled("Stopped.")
            time.sleep(0.005)


Step = Event | Exception | Hold


class FakeAnswerer:
    """Answers by script: what stands under the question, or a plain answer. Remembers every call."""

    def __init__(self, scripts: dict[str, list[Step]] | None = None, papers: Sequence[Paper] = PAPERS) -> None:
        self.scripts = scripts or {}
        self.calls: list[tuple[str, tuple[Turn, ...]]] = []
        self.asked_with: list[dict[str, object]] = []  # scope and what is wanted, where they are given
        self.opened: list[tuple[str, str]] = []
        self.libraries: list[str] = []
        self.related: tuple[Paper, ...] = ()
        self.follow_ups: tuple[str, ...] = ()
        self.claims: dict[str, CheckedClaim | Exception] = {}  # by sentence; of any other nothing is said
        self.claim_holds: dict[str, Hold] = {}  # sentences whose check takes long
        self._papers = papers

    def open(self, model: str, mode: str, library: str = "") -> FakeAnswerer:
        self.opened.append((model, mode))
        self.libraries.append(library)
        return self

    def answer(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        return [event for event in self.stream(question, history) if isinstance(event, Answer)][-1]

    def stream(
        self, question: str, history: Sequence[Turn] = (), stop: StopSignal | None = None, **asked_with: object
    ) -> Iterator[Event]:
        self.calls.append((question, tuple(history)))
        self.asked_with.append(asked_with)
        for step in self.scripts.get(question) or [Stage("retrieve"), Stage("check"), make_answer(question)]:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Hold):
                step.wait(stop)
            else:
                yield step

    def papers(self) -> Sequence[Paper]:
        return self._papers


def drafted(question: str, hold: Hold) -> list[Step]:
    """A model that writes a draft, lets one look at it, and is checked."""
    drafts = (Draft("Crabs learn "), Draft("quickly <b>[1]</b>."))
    return [Stage("retrieve"), Stage("write"), *drafts, hold, Stage("check"), make_answer(question)]
