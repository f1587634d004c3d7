"""The map tab: the papers of the library as points by topic, drawn by map.js; one opens beside it.

Gradio finds out from annotations that a handler wants the event, so the annotations of the inner functions are real
classes: this module does without postponed evaluation.
"""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from queue import SimpleQueue
from typing import Any

from rag.datatypes import Paper
from rag.errors import ConfigError, FootnoteError
from rag.survey.library_map import LibraryMap, library_map
from rag.ui.conversation import Turn
from rag.ui.page_context import PageContext
from rag.ui.render_map import (
    card_html,
    legend_html,
    list_html,
    map_json,
    marks_json,
    question_about,
    state_html,
    years_html,
)

_log = logging.getLogger(__name__)
_SEE_TERMINAL = "Choose the tab again; the details stand in the terminal that Footnote was started from."
_QUIET = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The map of one library with its papers."""

    atlas: LibraryMap
    papers: Mapping[str, Paper]

    @property
    def stamp(self) -> str:
        return self.atlas.fingerprint


class Maps:
    """The maps of all libraries that were looked at, each made once at a time. Shared by all browser tabs."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._sheets: dict[str, _Sheet] = {}

    def draw(self, library: str) -> Iterator[str | _Sheet | FootnoteError]:
        """Words about the progress, and last the map or why there is none."""
        said: SimpleQueue[str | _Sheet | FootnoteError] = SimpleQueue()

        def work() -> None:
            try:
                with self._lock:
                    said.put(self._sheet(library, said))
            except FootnoteError as error:
                said.put(error)
            except Exception as error:  # the edge: whatever it is, the tab gets a sentence
                _log.exception("A map failed")
                said.put(FootnoteError(f"The map could not be drawn ({type(error).__name__}). {_SEE_TERMINAL}"))

        threading.Thread(target=work, name="footnote-map", daemon=True).start()
        while True:
            word = said.get()
            yield word
            if not isinstance(word, str):
                return

    def sheet(self, library: str) -> _Sheet | None:
        """The map that was drawn last for this library."""
        return self._sheets.get(library)

    def _sheet(self, library: str, said: SimpleQueue[Any]) -> _Sheet:
        from rag.config import with_overrides
        from rag.factory import open_library

        if self._context.settings is None:
            raise ConfigError("There is no library to draw. Start the program with a library.")
        papers = self._context.papers(library)
        found = open_library(with_overrides(self._context.settings, library=library or None))
        kept = self._sheets.get(library)
        if kept is None or kept.stamp != found.fingerprint:
            kept = _Sheet(library_map(found, said.put), papers)
            self._sheets[library] = kept
        return kept


def build(gr: Any, context: PageContext) -> None:
    """Lay out the tab."""
    parts = context.parts
    resource = files("rag.ui.tabs")
    script = resource.joinpath("map.js").read_text(encoding="utf-8")
    skeleton = resource.joinpath("map.html").read_text(encoding="utf-8")

    def html(name: str, value: str = "", **more: Any) -> Any:
        return gr.HTML(value, elem_id=f"fn-map-{name}", apply_default_css=False, js_on_load=None, **more)

    parts["map.sent"] = gr.State("")  # which map the browser has: its library and fingerprint
    parts["map.open"] = gr.State("")  # id of the paper beside the map
    parts["map.shown"] = gr.State(False)
    with gr.Row(elem_id="fn-map"):
        with gr.Column(elem_id="fn-map-main", min_width=0):
            parts["map.state"] = html("state")
            # The template is fixed: a new value redraws the canvas and leaves the elements alone.
            parts["map.view"] = gr.HTML(
                "", html_template=skeleton, elem_id="fn-map-view", apply_default_css=False,
                js_on_load=f"({script})({{element, props, trigger, watch}});",
            )  # fmt: skip
            parts["map.marks"] = gr.HTML(
                "", html_template="<span hidden></span>", elem_id="fn-map-marks", apply_default_css=False,
                js_on_load=_SEND_MARKS,
            )  # fmt: skip
        with gr.Column(elem_id="fn-map-side", min_width=0):
            parts["map.card"] = html("card", card_html(None))
            with gr.Column(elem_id="fn-map-actions", visible=False, min_width=0) as parts["map.actions"]:
                parts["map.question"] = gr.Textbox(
                    label="Question about this paper", lines=2, max_lines=5, elem_id="fn-map-question", min_width=0
                )
                with gr.Row(elem_id="fn-map-buttons"):
                    parts["map.ask"] = gr.Button("Ask about this paper", variant="primary", elem_id="fn-map-ask")
                    parts["map.tick"] = gr.Button(
                        "Tick this paper", elem_id="fn-map-tick", visible="library.ticked" in parts
                    )
            parts["map.legend"] = html("legend")
            parts["map.years"] = html("years")
    parts["map.list"] = html("list")


# Marks come by another component than the points, which are many and seldom change.
_SEND_MARKS = """
const send = () => {
  window.footnoteMapMarks = props.value;
  window.dispatchEvent(new CustomEvent("footnote-map-marks"));
};
watch("value", send);
send();
"""


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events."""
    parts = context.parts
    maps = Maps(context)
    names = ("sent", "open", "state", "view", "marks", "card", "actions", "question", "legend", "years", "list")
    outputs = [parts[f"map.{name}"] for name in names]

    def updates(**values: Any) -> tuple[Any, ...]:
        return tuple(values.get(name, gr.skip()) for name in names)

    def show(library: str, sent: str, opened: str, turns: Sequence[Turn]) -> Iterator[tuple[Any, ...]]:
        for word in maps.draw(library):
            if isinstance(word, str):
                yield updates(state=state_html(word))
            elif isinstance(word, FootnoteError):
                yield updates(**(_empty(gr) | {"state": state_html(str(word), problem=True)}))
            elif sent == f"{library}\n{word.stamp}":
                yield updates(state="", marks=marks_json(turns, opened))
            else:
                yield updates(**(_empty(gr) | _drawn(library, word) | {"marks": marks_json(turns)}))

    def selected(
        library: str, sent: str, opened: str, turns: list[Turn], event: gr.SelectData
    ) -> Iterator[tuple[Any, ...]]:
        if event.value != "Map":
            yield (False, *updates())
            return
        yield (True, *updates())
        for values in show(library, sent, opened, turns):
            yield (True, *values)

    def other_library(
        shown: bool, library: str, sent: str, opened: str, turns: list[Turn]
    ) -> Iterator[tuple[Any, ...]]:
        if shown:
            yield from show(library, sent, opened, turns)

    def open_paper(library: str, turns: list[Turn], event: gr.EventData) -> tuple[Any, ...]:
        sheet = maps.sheet(library)
        paper = sheet.papers.get(str(event.id)) if sheet is not None else None
        if sheet is None or paper is None:
            return updates(open="", card=card_html(None), actions=gr.update(visible=False))
        group = sheet.atlas.groups[sheet.atlas.group[sheet.atlas.ids.index(paper.id)]]
        return updates(
            open=paper.id,
            card=card_html(paper, group),
            actions=gr.update(visible=True),
            question=question_about(paper),
            marks=marks_json(turns, paper.id),
        )

    known = [parts["library"], parts["map.sent"], parts["map.open"], parts["turns"]]
    parts["tabs"].select(selected, known, [parts["map.shown"], *outputs], **_QUIET)
    parts["library"].change(other_library, [parts["map.shown"], *known], outputs, **_QUIET)
    parts["map.view"].select(open_paper, [parts["library"], parts["turns"]], outputs, queue=False, **_QUIET)
    context.ask_from(parts["map.ask"].click, parts["map.question"])
    if "library.ticked" in parts:
        _wire_ticks(gr, parts)


def _wire_ticks(gr: Any, parts: Mapping[str, Any]) -> None:
    """The button that ticks the open paper, and says whether it is ticked."""
    ticked, opened, button = parts["library.ticked"], parts["map.open"], parts["map.tick"]

    def label(ticked: Sequence[str], opened: str) -> Any:
        return gr.update(value="Untick this paper" if opened in ticked else "Tick this paper")

    def toggle(ticked: Sequence[str], opened: str) -> list[str]:
        others = [one for one in ticked if one != opened]
        return others if len(others) < len(ticked) or not opened else [*ticked, opened]

    button.click(toggle, [ticked, opened], [ticked], queue=False, **_QUIET)
    gr.on([ticked.change, opened.change], label, [ticked, opened], [button], queue=False, **_QUIET)


def _empty(gr: Any) -> dict[str, Any]:
    """What the tab shows without a map."""
    texts = dict.fromkeys(("sent", "open", "state", "view", "question", "legend", "years", "list"), "")
    return texts | {"card": card_html(None), "actions": gr.update(visible=False), "marks": marks_json(())}


def _drawn(library: str, sheet: _Sheet) -> dict[str, Any]:
    atlas, papers = sheet.atlas, sheet.papers
    return {
        "sent": f"{library}\n{sheet.stamp}",
        "view": map_json(atlas, papers),
        "legend": legend_html(atlas),
        "years": years_html(papers[one].year for one in atlas.ids if one in papers),
        "list": list_html(atlas, papers),
    }
