"""Above the question box: which papers a question may use."""

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from rag.datatypes import Paper
from rag.errors import QuestionError
from rag.questions.scope import Scope
from rag.ui.page_context import PageContext
from rag.ui.render_scope import line_html

_QUIET = {"show_progress": "hidden", "api_visibility": "private"}
_FIELDS = ("since", "until", "venues", "sources", "only_ticked")
_EMPTY: tuple[Any, ...] = ("", "", [], [], False)
_MOST_CHOICES = 1000


def build(gr: Any, context: PageContext) -> None:
    """Lay out the bar; called inside ``gr.Column(elem_id="fn-scope")``."""
    parts = context.parts
    parts["scope"] = gr.State(None)  # None: all papers of the library
    parts["scope.open"] = gr.State(False)
    script = files("rag.ui").joinpath("scope_bar.js").read_text(encoding="utf-8")
    parts["scope.line"] = gr.HTML(
        line_html(None, 0, 0, False), elem_id="fn-scope-bar", apply_default_css=False,
        js_on_load=f"({script})({{element, trigger}});",
    )  # fmt: skip
    with gr.Row(elem_id="fn-scope-fields", visible=False) as parts["scope.fields"]:
        parts["scope.since"] = gr.Textbox(label="From year", placeholder="any", max_lines=1, min_width=0)
        parts["scope.until"] = gr.Textbox(label="To year", placeholder="any", max_lines=1, min_width=0)
        parts["scope.venues"] = gr.Dropdown([], label="Venues", multiselect=True, min_width=0)
        parts["scope.sources"] = gr.Dropdown([], label="Sources", multiselect=True, min_width=0)
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
    only: bool,
    ticked: Sequence[str],
) -> Scope | None:
    """What the fields say; None for all papers. Raises :class:`QuestionError` where they cannot be meant."""
    first, last = year_of(since), year_of(until)
    if first is not None and last is not None and first > last:
        raise QuestionError(f"The years are the wrong way round: {first} is later than {last}.")
    if only and not ticked:
        raise QuestionError("No paper is ticked. Tick some in the Library tab.")
    scope = Scope(first, last, tuple(venues or ()), tuple(sources or ()), tuple(ticked) if only else ())
    return None if scope.is_everything else scope


def shown(scope: Scope | None, papers: Mapping[str, Paper], opened: bool, problem: str = "") -> str:
    """The line for a scope in a library as far as its papers are known."""
    admitted = len(scope.admitted(papers.values())) if scope is not None else len(papers)
    return line_html(scope, admitted, len(papers), opened, problem)


def choices(papers: Mapping[str, Paper], field: str) -> list[str]:
    """The venues or sources of a library, those of the most papers first when there are too many to offer."""
    counts: dict[str, int] = {}
    for paper in papers.values():
        if name := getattr(paper, field):
            counts[name] = counts.get(name, 0) + 1
    return sorted(sorted(counts, key=lambda name: (-counts[name], name))[:_MOST_CHOICES])


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events."""
    parts = context.parts
    fields = [parts[f"scope.{name}"] for name in _FIELDS]
    line, scope, opened, library = parts["scope.line"], parts["scope"], parts["scope.open"], parts["library"]
    ticked = parts.get("library.ticked") or gr.State([])
    quick = _QUIET | {"queue": False}

    def edit(was_open: bool, scope: Scope | None, library: str) -> tuple[Any, ...]:
        papers = context.known_papers(library)
        return (
            not was_open,
            gr.update(visible=not was_open),
            gr.update(choices=choices(papers, "venue")),
            gr.update(choices=choices(papers, "source")),
            shown(scope, papers, not was_open),
        )

    def changed(
        since: str | None, until: str | None, venues: list[str], sources: list[str], only: bool, ticked: list[str],
        scope: Scope | None, is_open: bool, library: str,
    ) -> tuple[Any, ...]:  # fmt: skip
        papers = context.known_papers(library)
        try:
            made = scope_of(since, until, venues, sources, only, ticked)
        except QuestionError as error:
            return scope, shown(scope, papers, is_open, str(error))
        return made, shown(made, papers, is_open)

    def removed(scope: Scope | None, is_open: bool, library: str, event: gr.EventData) -> tuple[Any, ...]:
        left = scope.without(str(event.part)) if scope is not None else None
        left = None if left is None or left.is_everything else left
        values = _EMPTY if left is None else (
            str(left.since or ""), str(left.until or ""), list(left.venues), list(left.sources), bool(left.paper_ids),
        )  # fmt: skip
        return left, shown(left, context.known_papers(library), is_open), *values

    def cleared(is_open: bool, library: str) -> tuple[Any, ...]:
        return None, shown(None, context.known_papers(library), is_open), *_EMPTY

    def refreshed(scope: Scope | None, is_open: bool, library: str) -> str:
        return shown(scope, context.known_papers(library), is_open)

    lists = [parts["scope.venues"], parts["scope.sources"]]
    line.expand(edit, [opened, scope, library], [opened, parts["scope.fields"], *lists, line], **quick)
    events = [field.blur for field in fields[:2]] + [field.submit for field in fields[:2]]
    for event in (*events, *(field.input for field in fields[2:])):
        event(changed, [*fields, ticked, scope, opened, library], [scope, line], **quick)
    if "library.ticked" in parts:
        ticked.change(changed, [*fields, ticked, scope, opened, library], [scope, line], **quick)
    line.select(removed, [scope, opened, library], [scope, line, *fields], **quick)
    line.clear(cleared, [opened, library], [scope, line, *fields], **quick)
    library.change(cleared, [opened, library], [scope, line, *fields], **quick)
    # The number of papers is known once the library has been opened.
    parts["status"].change(refreshed, [scope, opened, library], [line], **quick)
