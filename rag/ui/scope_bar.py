"""Above the question box: which papers a question may use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rag.errors import QuestionError
from rag.questions.scope import Scope
from rag.ui.components import html
from rag.ui.events import UNQUEUED, with_event
from rag.ui.page_context import PageContext
from rag.ui.render_scope import bar_html
from rag.ui.shelves import Shelf

_LISTS = ("venues", "sources", "tags", "collections")
_FIELDS = ("since", "until", *_LISTS, "only_ticked")
_EMPTY: tuple[Any, ...] = ("", "", *([] for _ in _LISTS), False)


def build(gr: Any, context: PageContext) -> None:
    """Lay out the bar; called inside ``gr.Column(elem_id="fn-scope")``."""
    parts = context.parts
    parts["scope"] = gr.State(None)  # None: all papers of the library
    parts["scope.open"] = gr.State(False)
    parts["scope.bar"] = html(gr, "fn-scope-bar", bar_html(None, 0, 0, False), script="scope_bar.js")
    with gr.Row(elem_id="fn-scope-fields", visible=False) as parts["scope.fields"]:
        parts["scope.since"] = gr.Textbox(label="From year", placeholder="any", max_lines=1, min_width=0)
        parts["scope.until"] = gr.Textbox(label="To year", placeholder="any", max_lines=1, min_width=0)
        for name in _LISTS:
            # Tags and collections are shown once a library has any.
            shown = name in ("venues", "sources")
            parts[f"scope.{name}"] = gr.Dropdown(
                [], label=name.capitalize(), multiselect=True, min_width=0, visible=shown
            )
        parts["scope.only_ticked"] = gr.Checkbox(label="Only papers ticked in the library", value=False, min_width=0)


def year_of(text: str | None) -> int | None:
    """The year that was typed, None for an empty field. Raises :class:`QuestionError` for anything else."""
    typed = (text or "").strip()  # Gradio gives None for a field that was never touched
    if not typed:
        return None
    if not re.fullmatch(r"[12]\d{3}", typed):
        raise QuestionError(f"“{typed}” is no year. Type four digits, or leave the field empty.")
    return int(typed)


def scope_of(
    since: str | None,
    until: str | None,
    venues: Sequence[str],
    sources: Sequence[str],
    tags: Sequence[str],
    collections: Sequence[str],
    only: bool,
    ticked: Sequence[str],
) -> Scope | None:
    """What the fields say; None for all papers. Raises :class:`QuestionError` where they cannot be meant."""
    first, last = year_of(since), year_of(until)
    if first is not None and last is not None and first > last:
        raise QuestionError(f"The years are the wrong way round: {first} is later than {last}.")
    if only and not ticked:
        raise QuestionError("No paper is ticked. Tick some in the Library tab.")
    scope = Scope(
        first, last, tuple(venues or ()), tuple(sources or ()), tuple(ticked) if only else (),
        tags=tuple(tags or ()), collections=tuple(collections or ()),
    )  # fmt: skip
    return None if scope.is_everything else scope


def shown(scope: Scope | None, papers: Shelf, opened: bool, problem: str = "") -> str:
    """The bar for a scope in a library as far as its papers are known."""
    return bar_html(scope, papers.count(scope), len(papers), opened, problem)


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events."""
    ScopeEvents(gr, context).connect()


class ScopeEvents:
    """What the bar and its fields do. Everything that belongs to one browser tab comes in as an argument."""

    def __init__(self, gr: Any, context: PageContext) -> None:
        self._gr, self._context = gr, context
        self._parts = context.parts
        self._fields = [context.parts[f"scope.{name}"] for name in _FIELDS]

    def connect(self) -> None:
        """Connect every event of the bar."""
        self._connect_fields()
        self._connect_bar()

    # --- the fields ---

    def _connect_fields(self) -> None:
        parts = self._parts
        ticked = parts.get("library.ticked") or self._gr.State([])
        inputs = [*self._fields, ticked, parts["scope"], parts["scope.open"], parts["library"]]
        outputs = [parts["scope"], parts["scope.bar"]]
        typed, chosen = self._fields[:2], self._fields[2:]
        events = [field.blur for field in typed] + [field.submit for field in typed]
        events += [field.input for field in chosen]
        if "library.ticked" in parts:
            events.append(ticked.change)
        for event in events:
            event(self._change, inputs, outputs, **UNQUEUED)

    def _change(self, *values: Any) -> tuple[Any, ...]:
        *fields, scope, is_open, library = values
        papers = self._context.known_papers(library)
        try:
            made = scope_of(*fields)
        except QuestionError as error:
            return scope, shown(scope, papers, is_open, str(error))
        return made, shown(made, papers, is_open)

    # --- the bar ---

    def _connect_bar(self) -> None:
        parts, bar = self._parts, self._parts["scope.bar"]
        scope, is_open, library = parts["scope"], parts["scope.open"], parts["library"]
        lists = [parts[f"scope.{name}"] for name in _LISTS]
        everything = [scope, bar, *self._fields]
        bar.expand(
            self._fold, [is_open, scope, library], [is_open, parts["scope.fields"], *lists, bar], **UNQUEUED
        )  # fmt: skip
        bar.select(with_event(self._gr, self._remove), [scope, is_open, library], everything, **UNQUEUED)
        bar.clear(self._clear, [is_open, library], everything, **UNQUEUED)
        library.change(self._clear, [is_open, library], everything, **UNQUEUED)
        # The number of papers is known once the library has been opened.
        parts["status"].change(self._refresh, [scope, is_open, library], [bar], **UNQUEUED)

    def _fold(self, was_open: bool, scope: Scope | None, library: str) -> tuple[Any, ...]:
        """Show the fields with what the library offers for them, or hide them."""
        papers = self._context.known_papers(library)
        groups = [papers.choices("tags"), papers.choices("collections")]
        return (
            not was_open,
            self._gr.update(visible=not was_open),
            self._gr.update(choices=papers.choices("venues")),
            self._gr.update(choices=papers.choices("sources")),
            *(self._gr.update(choices=found, visible=bool(found)) for found in groups),
            shown(scope, papers, not was_open),
        )

    def _remove(self, event: Any, scope: Scope | None, is_open: bool, library: str) -> tuple[Any, ...]:
        left = scope.without(str(event.part)) if scope is not None else None
        left = None if left is None or left.is_everything else left
        values = _EMPTY if left is None else (
            str(left.since or ""), str(left.until or ""), *(list(getattr(left, name)) for name in _LISTS),
            bool(left.paper_ids),
        )  # fmt: skip
        return left, shown(left, self._context.known_papers(library), is_open), *values

    def _clear(self, is_open: bool, library: str) -> tuple[Any, ...]:
        return None, shown(None, self._context.known_papers(library), is_open), *_EMPTY

    def _refresh(self, scope: Scope | None, is_open: bool, library: str) -> str:
        return shown(scope, self._context.known_papers(library), is_open)
