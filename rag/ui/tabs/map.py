"""The map tab: the papers of the library as points by topic, drawn by map.js; one opens beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

from rag.errors import FootnoteError
from rag.ui.components import html
from rag.ui.conversation import Turn
from rag.ui.events import QUIET, UNQUEUED, with_event, with_selection
from rag.ui.map_view import Box, DrawnMap
from rag.ui.maps import Maps
from rag.ui.page_context import PageContext
from rag.ui.render_map import (
    card_html,
    cited_ids,
    legend_html,
    list_html,
    looked_at_json,
    map_json,
    marks_json,
    question_about,
    state_html,
    years_html,
)

_OUTPUTS = ("sent", "open", "state", "view", "marks", "card", "actions", "question", "legend", "years", "list")
# Marks, and the points of the part that is looked at, come by components of their own: the map itself seldom changes.
_SEND = """
const send = () => {
  (window.footnoteMap ??= {}).NAME = props.value;
  window.dispatchEvent(new CustomEvent("footnote-map-NAME"));
};
watch("value", send);
send();
"""

Steps = Iterator[tuple[Any, ...]]


def build(gr: Any, context: PageContext) -> None:
    """Lay out the tab."""
    parts = context.parts
    parts["map.sent"] = gr.State("")  # which map the browser has: its library and fingerprint
    parts["map.open"] = gr.State("")  # id of the paper beside the map
    parts["map.shown"] = gr.State(False)
    with gr.Row(elem_id="fn-map"):
        with gr.Column(elem_id="fn-map-main", min_width=0):
            parts["map.state"] = html(gr, "fn-map-state")
            _build_canvas(gr, parts)
        with gr.Column(elem_id="fn-map-side", min_width=0):
            parts["map.card"] = html(gr, "fn-map-card", card_html(None))
            with gr.Column(elem_id="fn-map-actions", visible=False, min_width=0) as parts["map.actions"]:
                _build_actions(gr, parts)
            parts["map.legend"] = html(gr, "fn-map-legend")
            parts["map.years"] = html(gr, "fn-map-years")
    parts["map.list"] = html(gr, "fn-map-list")


def _build_canvas(gr: Any, parts: dict[str, Any]) -> None:
    folder = files("rag.ui.tabs")
    script = folder.joinpath("map.js").read_text(encoding="utf-8")
    # The template is fixed: a new value redraws the canvas and leaves the elements alone.
    parts["map.view"] = gr.HTML(
        "", html_template=folder.joinpath("map.html").read_text(encoding="utf-8"), elem_id="fn-map-view",
        apply_default_css=False, js_on_load=f"({script})({{element, props, trigger, watch}});",
    )  # fmt: skip
    for name in ("marks", "points"):
        parts[f"map.{name}"] = gr.HTML(
            "", html_template="<span hidden></span>", elem_id=f"fn-map-{name}", apply_default_css=False,
            js_on_load=_SEND.replace("NAME", name),
        )  # fmt: skip


def _build_actions(gr: Any, parts: dict[str, Any]) -> None:
    parts["map.question"] = gr.Textbox(
        label="Question about this paper", lines=2, max_lines=5, elem_id="fn-map-question", min_width=0
    )
    with gr.Row(elem_id="fn-map-buttons"):
        parts["map.ask"] = gr.Button("Ask about this paper", variant="primary", elem_id="fn-map-ask")
        parts["map.tick"] = gr.Button("Tick this paper", elem_id="fn-map-tick", visible="library.ticked" in parts)


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events."""
    MapEvents(gr, context).connect()


class MapEvents:
    """What is done on the map tab. Everything that belongs to one browser tab comes in as an argument."""

    def __init__(self, gr: Any, context: PageContext) -> None:
        self._gr, self._context, self._maps = gr, context, Maps(context)
        self._parts = context.parts
        self._outputs = [self._parts[f"map.{name}"] for name in _OUTPUTS]

    def connect(self) -> None:
        """Connect every event of the tab."""
        self._connect_map()
        self._connect_papers()
        if "library.ticked" in self._parts:
            self._connect_ticks()

    def _values(self, **values: Any) -> tuple[Any, ...]:
        """A value for each output."""
        return tuple(values.get(name, self._gr.skip()) for name in _OUTPUTS)

    # --- the map ---

    def _connect_map(self) -> None:
        parts, shown = self._parts, self._parts["map.shown"]
        known = [parts["library"], parts["map.sent"], parts["map.open"], parts["turns"]]
        select = with_selection(self._gr, self._select)
        parts["tabs"].select(select, known, [shown, *self._outputs], **QUIET)
        parts["library"].change(self._change_library, [shown, *known], self._outputs, **QUIET)

    def _select(self, tab: str, library: str, sent: str, opened: str, turns: list[Turn]) -> Steps:
        shown = tab == "Map"
        yield (shown, *self._values())
        if shown:
            for values in self._show(library, sent, opened, turns):
                yield (True, *values)

    def _change_library(self, shown: bool, library: str, sent: str, opened: str, turns: list[Turn]) -> Steps:
        if shown:
            yield from self._show(library, sent, opened, turns)

    def _show(self, library: str, sent: str, opened: str, turns: Sequence[Turn]) -> Steps:
        """The map, drawn if need be; only its marks where the browser has it already (``sent``)."""
        for word in self._maps.draw(library):
            if isinstance(word, str):
                yield self._values(state=state_html(word))
            elif isinstance(word, FootnoteError):
                yield self._values(**(self._no_map() | {"state": state_html(str(word), problem=True)}))
            elif sent == _name(library, word):
                yield self._values(state="", marks=marks_json(turns, opened))
            else:
                yield self._values(**(self._no_map() | _drawn(library, word) | {"marks": marks_json(turns)}))

    def _no_map(self) -> dict[str, Any]:
        texts = dict.fromkeys(("sent", "open", "state", "view", "question", "legend", "years", "list"), "")
        hidden = self._gr.update(visible=False)
        return texts | {"card": card_html(None), "actions": hidden, "marks": marks_json(())}

    # --- one paper ---

    def _connect_papers(self) -> None:
        parts = self._parts
        open_paper = with_event(self._gr, self._open_paper)
        looking = with_event(self._gr, self._look)
        looked_from = [parts["library"], parts["turns"], parts["map.open"]]
        parts["map.view"].expand(looking, looked_from, [parts["map.points"]], **UNQUEUED, trigger_mode="always_last")
        parts["map.view"].select(open_paper, [parts["library"], parts["turns"]], self._outputs, **UNQUEUED)
        self._context.ask_from(parts["map.ask"].click, parts["map.question"])

    def _open_paper(self, event: Any, library: str, turns: list[Turn]) -> tuple[Any, ...]:
        drawn = self._maps.drawn(library)
        paper = drawn.papers.get(str(event.id)) if drawn is not None else None
        row = drawn.row_of(paper.id) if drawn is not None and paper is not None else -1
        if drawn is None or paper is None or row < 0:
            return self._values(open="", card=card_html(None), actions=self._gr.update(visible=False))
        group = drawn.library_map.groups[drawn.library_map.group[row]]
        return self._values(
            open=paper.id,
            card=card_html(paper, group),
            actions=self._gr.update(visible=True),
            question=question_about(paper),
            marks=marks_json(turns, paper.id),
        )

    def _look(self, event: Any, library: str, turns: list[Turn], opened: str) -> Any:
        """The points of the part of a large map that the browser shows, with those of papers that are marked."""
        drawn = self._maps.drawn(library)
        if drawn is None:
            return self._gr.skip()
        try:
            box = Box(*(float(getattr(event, side)) for side in ("left", "top", "right", "bottom")))
            return looked_at_json(drawn, box, str(event.text), str(event.time), [*cited_ids(turns), opened])
        except (AttributeError, TypeError, ValueError, FootnoteError):  # no such request, or the library is gone
            return self._gr.skip()

    # --- the button that ticks the open paper, and says whether it is ticked ---

    def _connect_ticks(self) -> None:
        ticked, opened, button = (self._parts[name] for name in ("library.ticked", "map.open", "map.tick"))
        button.click(_tick_or_untick, [ticked, opened], [ticked], **UNQUEUED)
        self._gr.on([ticked.change, opened.change], self._label_tick, [ticked, opened], [button], **UNQUEUED)

    def _label_tick(self, ticked: Sequence[str], opened: str) -> Any:
        return self._gr.update(value="Untick this paper" if opened in ticked else "Tick this paper")


def _tick_or_untick(ticked: Sequence[str], opened: str) -> list[str]:
    others = [one for one in ticked if one != opened]
    return others if len(others) < len(ticked) or not opened else [*ticked, opened]


def _name(library: str, drawn: DrawnMap) -> str:
    """What a map is remembered by in the browser tab that it was sent to."""
    return f"{library}\n{drawn.library_map.fingerprint}"


def _drawn(library: str, drawn: DrawnMap) -> dict[str, Any]:
    return {
        "sent": _name(library, drawn),
        "view": map_json(drawn),
        "legend": legend_html(drawn.library_map),
        "years": years_html(sum(drawn.years_of_groups(), Counter())),
        "list": list_html(drawn),
    }
