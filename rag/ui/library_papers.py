"""The library tab: the table of papers with its filters and ticks, and the one paper that is open beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from rag.library.storage.browsing import PaperFilter
from rag.papers.revision import FIELDS, fields_of
from rag.ui.events import with_event, with_request_and_event
from rag.ui.library_actions import LibraryActions
from rag.ui.library_events import LibraryEvents, Updates, Values, visible
from rag.ui.render_library import (
    NO_PAPER,
    View,
    found_html,
    library_html,
    note_html,
    paper_html,
    table_html,
    ticks_html,
    years_html,
)
from rag.ui.render_map import question_about
from rag.ui.roles import Editor

_MOST_VALUES = 1000  # names of a kind that are offered; the search finds other venues and sources
_WITHOUT = " "  # stands for papers that have none: a list of choices cannot hold an empty one
_TYPED = ("text", "since", "until")
_NAMES = ("venues", "sources", "tags", "collections")
_FILTERS = ("text", "since", "until", *_NAMES, "abstract")
# Every click, in its order: what comes while an earlier one is served must not be lost.
_IN_ORDER = {"trigger_mode": "multiple", "concurrency_limit": 1}
_HIDDEN = visible(False)

NO_FILTERS: Updates = {
    "text": "", "since": None, "until": None, "abstract": "", **{name: {"value": []} for name in _NAMES},
}  # fmt: skip
NO_OPEN_PAPER: Updates = {
    "open": "", "paper": NO_PAPER, "paper_tools": _HIDDEN, "sure": _HIDDEN, "editor": _HIDDEN,
}  # fmt: skip


def table_updates(library_actions: LibraryActions, key: str, view: View, ticked: Sequence[str]) -> Updates:
    """The page of the table that ``view`` asks for, with the counts, the chart and the ticks around it."""
    shown = library_actions.table_page(key, view)
    filtered = view.chosen != PaperFilter()
    ids = [paper.id for paper in shown.page.papers]
    return {
        "view": shown.view, "shown": ids, "table": table_html(shown.view, shown.page, filtered),
        "found": found_html(shown.page.total, shown.all_papers, filtered), "years": years_html(shown.years),
        "ticks": ticks_html(ticked, ids, shown.page.total),
    }  # fmt: skip


def facet_updates(
    library_actions: LibraryActions, key: str, more: Mapping[str, Any] = MappingProxyType({})
) -> Updates:  # fmt: skip
    """What there is to choose from, and the size of the library. ``more``: properties of all choices of names."""
    facets = library_actions.facets(key)

    def choices(values: Sequence[tuple[str, int]]) -> list[tuple[str, str]]:
        return [(f"{name or 'none'} ({count:,})", name or _WITHOUT) for name, count in values[:_MOST_VALUES]]

    return {
        "venues": {"choices": choices(facets.venues), **more},
        "sources": {"choices": choices(facets.sources), **more},
        "tags": {"choices": choices(facets.tags), **visible(bool(facets.tags)), **more},
        "collections": {"choices": choices(facets.collections), **visible(bool(facets.collections)), **more},
        "summary": library_html(library_actions.info(key)),
    }


class PaperTable:
    """Filters, order, pages and ticks of the table. ``view`` says what a browser tab shows of it."""

    def __init__(self, events: LibraryEvents) -> None:
        self._events, self._actions = events, events.library_actions

    def connect(self) -> None:
        """Connect the events."""
        self._connect_filters()
        self._connect_table()

    def _table(self, key: str, view: View, ticked: Sequence[str]) -> Updates:
        return table_updates(self._actions, key, view, ticked)

    # --- filters ---

    def _connect_filters(self) -> None:
        on, part, reported = self._events.on, self._events.part, self._events.reported
        # A text that is pasted or dropped is a change and no input.
        changes = [part(name).change if name in _TYPED else part(name).input for name in _FILTERS]
        shown = ("library", "view", "ticked")
        latest = {"trigger_mode": "always_last"}
        self._events.on_any(changes, reported(self._filter, clear=False), *shown, *_FILTERS, **latest)
        on(part("clear").click, reported(self._clear), *shown)
        on(part("changes").change, reported(self._refresh, clear=False), *shown)

    def _filter(self, key: str, view: View, ticked: list[str], *fields: Any) -> Updates:
        chosen = _paper_filter(*fields)
        if chosen == view.chosen:  # the fields were emptied with the filter itself
            return {}
        return self._table(key, replace(view, chosen=chosen, page=0), ticked)

    def _clear(self, key: str, view: View, ticked: list[str]) -> Updates:
        return NO_FILTERS | self._table(key, replace(view, chosen=PaperFilter(), page=0), ticked)

    def _refresh(self, key: str, view: View, ticked: list[str]) -> Updates:
        """After a change of the papers."""
        return facet_updates(self._actions, key) | self._table(key, view, ticked)

    # --- pages, order, ticks ---

    def _connect_table(self) -> None:
        on, part, gr = self._events.on, self._events.part, self._events.gr
        shown = ("library", "view", "ticked")
        on(part("table").apply, with_event(gr, self._events.reported(self._turn_page)), *shown, **_IN_ORDER)
        for name in ("table", "ticks"):
            on(part(name).tick, with_event(gr, self._tick), *shown, **_IN_ORDER)
        on(part("ticked").change, self._events.reported(self._show_ticks, clear=False), *shown, "shown")

    def _turn_page(self, event: Any, key: str, view: View, ticked: list[str]) -> Updates:
        """Another page, or another order from its first page."""
        if event.sort:
            view = replace(view, sort=str(event.sort), descending=event.descending == "true", page=0)
        else:
            view = replace(view, page=max(int(event.page), 0))
        return self._table(key, view, ticked)

    def _tick(self, event: Any, key: str, view: View, ticked: list[str]) -> Values:
        """Tick as the page says, tick none, or tick all that the filters leave."""
        if event.what == "page":
            shown, here = set(map(str, event.shown)), [str(one) for one in event.ticked]
            return self._events.values({"ticked": [one for one in ticked if one not in shown] + here})
        if event.what == "none":
            return self._events.values({"ticked": []})
        return self._events.reported(self._tick_all)(key, view, ticked)

    def _tick_all(self, key: str, view: View, ticked: list[str]) -> Updates:
        there = set(ticked)
        return {"ticked": [*ticked, *(one for one in self._actions.ids(key, view.chosen) if one not in there)]}

    def _show_ticks(self, key: str, view: View, ticked: list[str], shown: list[str]) -> Updates:
        return {"ticks": ticks_html(ticked, shown, self._actions.count(key, view.chosen))}


def _paper_filter(
    text: str,
    since: float | None,
    until: float | None,
    venues: list[str],
    sources: list[str],
    tags: list[str],
    collections: list[str],
    abstract: str,
) -> PaperFilter:
    """What the fields of the filters say."""
    named = (
        tuple("" if name == _WITHOUT else name for name in names) for names in (venues, sources, tags, collections)
    )
    return PaperFilter(
        text.strip(),
        None if since is None else int(since),
        None if until is None else int(until),
        abstract={"with": True, "without": False}.get(abstract),
        **dict(zip(_NAMES, named, strict=True)),
    )


class OpenPaper:
    """The paper beside the table: read, edit, delete it, ask about it."""

    def __init__(self, events: LibraryEvents) -> None:
        self._events, self._actions, self._context = events, events.library_actions, events.context

    def connect(self) -> None:
        """Connect the events."""
        part = self._events.part
        open_paper = with_request_and_event(self._events.gr, self._events.reported(self._open))
        self._events.on(part("table").select, open_paper, "library", **_IN_ORDER)
        self._connect_editor()
        self._connect_removal()
        self._context.ask_from(part("ask").click, part("question"))

    def _open(self, request: Any, event: Any, key: str) -> Updates:
        return self._paper(key, str(event.paper), self._context.may_edit(request))

    def _paper(self, key: str, paper_id: str, may_edit: bool) -> Updates:
        paper, writable = self._actions.paper(key, paper_id), may_edit and self._actions.info(key).is_writable
        versions = self._actions.versions(key, paper_id)
        return NO_OPEN_PAPER | {
            "open": paper_id, "paper": paper_html(paper, versions), "paper_tools": visible(True),
            "question": question_about(paper), "edit": visible(writable), "remove": visible(writable),
        }  # fmt: skip

    def _swap(self, shown: str, hidden: str) -> Callable[[], Values]:
        return self._events.always({shown: visible(True), hidden: visible(False)})

    # --- editing ---

    def _connect_editor(self) -> None:
        on, part, changing = self._events.on, self._events.part, self._events.changing
        on(part("edit").click, changing(self._edit), "library", "open")
        saving = on(part("save").click, self._events.announce("Saving…"))
        fields = [f"field_{name}" for name in FIELDS]
        on(saving.then, changing(self._save), "library", "open", "changes", *fields)
        on(part("discard").click, self._swap("paper_tools", "editor"))

    def _edit(self, editor: Editor, key: str, paper_id: str) -> Updates:
        typed = fields_of(self._actions.paper(key, paper_id))
        values = {f"field_{name}": text for name, text in typed.items()}
        return values | {"editor": visible(True), "paper_tools": visible(False)}

    def _save(self, editor: Editor, key: str, paper_id: str, changes: int, *typed: str) -> Updates:
        changed = self._actions.revise(editor, key, paper_id, dict(zip(FIELDS, typed, strict=True)))
        self._context.forget(key)
        note = note_html("Saved." if changed else "Nothing was changed.")
        return self._paper(key, paper_id, True) | {"message": note, "changes": changes + changed}

    # --- deleting ---

    def _connect_removal(self) -> None:
        on, part = self._events.on, self._events.part
        on(part("remove").click, self._swap("sure", "paper_tools"))
        on(part("remove_no").click, self._swap("paper_tools", "sure"))
        removing = on(part("remove_yes").click, self._events.announce("Deleting…"))
        on(removing.then, self._events.changing(self._remove), "library", "open", "ticked", "changes")

    def _remove(self, editor: Editor, key: str, paper_id: str, ticked: list[str], changes: int) -> Updates:
        self._actions.remove(editor, key, [paper_id])
        self._context.forget(key)
        left = [one for one in ticked if one != paper_id]
        return NO_OPEN_PAPER | {
            "message": note_html("The paper was deleted."), "ticked": left, "changes": changes + 1,
        }  # fmt: skip
