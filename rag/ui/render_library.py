"""Libraries, their papers and imports as HTML. Whatever comes from papers, files and folders is escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from rag.datatypes import Paper, Version
from rag.library.importing import ImportState
from rag.library.manager import LibraryInfo
from rag.library.remarks import Remark
from rag.library.storage.browsing import PaperFilter, PaperPage
from rag.output.exports.papers import PAPER_FORMATS
from rag.output.templating import Template, html
from rag.papers.bibliography import addresses, byline, clean, one_line
from rag.papers.retractions import label
from rag.papers.versions import versions_line
from rag.ui.render_messages import error_html

_TEMPLATE = Template("rag.ui", "library")
PAGE = 50  # papers on a page of the table
_SHOWN_REMARKS = 200
_COLUMNS = (("title", "Title"), ("authors", "Authors"), ("year", "Year"), ("venue", "Venue"), ("source", "Source"))
_FIRST_DOWN = frozenset({"year"})  # columns that are sorted descending at the first click
_WIDTH, _HEIGHT = 960, 84  # of the chart
_MAX_BARS = 120


@dataclass(frozen=True, slots=True)
class View:
    """What the table shows: which papers, in which order, which page (from 0)."""

    chosen: PaperFilter = field(default_factory=PaperFilter)
    sort: str = "year"
    descending: bool = True
    page: int = 0


def note_html(message: str) -> str:
    """A sentence that something went well."""
    return f'<p class="fn-library-done" role="status">{escape(clean(message))}</p>' if message else ""


def library_html(library: LibraryInfo) -> str:
    """The library that is chosen: name, size, folder, and what cannot be done with it."""
    papers = "1 paper" if library.papers == 1 else f"{library.papers:,} papers"
    return _TEMPLATE.library(library, papers, html(error_html(library.problem)))


# --- the table ---


@dataclass(frozen=True, slots=True)
class _Head:
    """One heading of the table; ``next_down``: a click on it sorts descending."""

    name: str
    label: str
    state: str
    next_down: bool
    arrow: str


@dataclass(frozen=True, slots=True)
class _Row:
    """One paper of the table; ``cells`` are name and text of each column beside the title."""

    id: str
    title: str
    has_abstract: bool
    cells: Sequence[tuple[str, str]]
    status: str = ""


def table_html(view: View, page: PaperPage, filtered: bool) -> str:
    """One page of papers; titles open them, boxes tick them, headings sort."""
    if not page.papers:
        if filtered:
            return '<p class="fn-empty">No paper fits. Take a filter away, or search for fewer words.</p>'
        return '<p class="fn-empty">This library holds no papers yet. Drop files above to add some.</p>'
    # A column of which this page has nothing is left out: many lists of abstracts know neither year nor venue.
    columns = [name for name, _ in _COLUMNS if any(getattr(paper, name) for paper in page.papers)]
    heads = [_head(view, name, label) for name, label in _COLUMNS if name in columns]
    rows = [_row(paper, columns) for paper in page.papers]
    first = view.page * PAGE
    pages = (page.total - 1) // PAGE + 1
    return _TEMPLATE.table(heads, rows, first + 1, first + len(rows), page.total, view.page, pages)


def _head(view: View, name: str, label: str) -> _Head:
    if view.sort != name:
        return _Head(name, label, "none", name in _FIRST_DOWN, "")
    if view.descending:
        return _Head(name, label, "descending", False, "▾")
    return _Head(name, label, "ascending", True, "▴")


def _row(paper: Paper, columns: Sequence[str]) -> _Row:
    texts = {
        "authors": byline(paper, 2), "year": str(paper.year or ""), "venue": one_line(paper.venue),
        "source": one_line(paper.source),
    }  # fmt: skip
    cells = [(name, text) for name, text in texts.items() if name in columns]
    return _Row(paper.id, one_line(paper.title) or paper.id, bool(paper.abstract), cells, label(paper))


def found_html(total: int, all_papers: int, filtered: bool) -> str:
    """How many papers the filters leave, read out when it changes."""
    text = f"{total:,} of {all_papers:,} papers" if filtered else f"{total:,} papers"
    return f'<p class="fn-library-found" role="status">{text}</p>'


def ticks_html(ticked: Sequence[str], shown: Sequence[str], found: int) -> str:
    """How many papers are ticked, with buttons; for the script, which of the page they are."""
    here = set(ticked)
    return _TEMPLATE.ticks(json.dumps([one for one in shown if one in here]), len(ticked), found)


def export_html() -> str:
    """The menu that exports papers."""
    return _TEMPLATE.export_menu(PAPER_FORMATS)


# --- one paper ---


def paper_html(paper: Paper, versions: Sequence[Version] = ()) -> str:
    """Everything that the library says of a paper, and its ``versions``: other papers of the same work."""
    facts = (
        ("Status", label(paper)),
        ("Authors", ", ".join(map(one_line, paper.authors))),
        ("Year", str(paper.year or "")),
        ("Venue", one_line(paper.venue)),
        ("Links", ""),
        ("Versions", versions_line(versions)),
        ("Id", one_line(paper.id)),
        ("Source", one_line(paper.source)),
        ("Tags", ", ".join(map(one_line, paper.tags))),
        ("Collections", ", ".join(map(one_line, paper.collections))),
    )
    return _TEMPLATE.paper(one_line(paper.title) or paper.id, facts, addresses(paper), clean(paper.abstract))


NO_PAPER = '<p class="fn-empty">Open a paper from the table to read, edit or delete it.</p>'


# --- papers by year ---


@dataclass(frozen=True, slots=True)
class _Bar:
    """The papers of one year as a rectangle."""

    year: int
    papers: int
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class _Chart:
    """Papers by year: bars, and what is said of them."""

    bars: Sequence[_Bar]
    summary: str
    first: int
    last: int
    without_year: int
    width: int = _WIDTH
    height: int = _HEIGHT


def years_html(years: Sequence[tuple[int | None, int]]) -> str:
    """A bar for each year, the figures as a table for those who do not see bars."""
    known = [(year, count) for year, count in years if year is not None]
    unknown = sum(count for year, count in years if year is None)
    if not known:
        return ""
    first, last, most = known[0][0], known[-1][0], max(count for _, count in known)
    without = f", {unknown:,} without a year" if unknown else ""
    summary = f"Papers by year, {first} to {last}, at most {most:,} in a year{without}"
    return _TEMPLATE.years(_Chart(_bars(known), summary, first, last, unknown))


def _bars(known: Sequence[tuple[int, int]]) -> list[_Bar]:
    """Years without papers have their place, unless that leaves nothing of the bars ('1066' among others)."""
    first, last, most = known[0][0], known[-1][0], max(count for _, count in known)
    slots = last - first + 1 if last - first < _MAX_BARS else len(known)
    places = [year - first if slots == last - first + 1 else i for i, (year, _) in enumerate(known)]
    step = _WIDTH / slots
    width = max(min(step * 0.8, 44), 0.5)
    heights = [max(count / most * _HEIGHT, 1.5) for _, count in known]
    return [
        _Bar(
            year,
            count,
            f"{place * step + (step - width) / 2:.1f}",
            f"{_HEIGHT - height:.1f}",
            f"{width:.1f}",
            f"{height:.1f}",
        )
        for (year, count), place, height in zip(known, places, heights, strict=True)
    ]


# --- imports ---


def progress_html(state: ImportState) -> str:
    """How far an import is."""
    what = {
        "count": f"Reading: {state.total:,} papers so far…",
        "load": f"{state.total:,} papers to look at. Loading the encoder…",
    }.get(state.stage) or f"{state.read:,} of {state.total:,} papers"
    if state.stopping:
        what = f"Stopping. The papers that were begun are stored first. {state.read:,} of {state.total:,} papers"
    if state.stage != "papers":
        return _TEMPLATE.progress(what, 0, 0, "")
    figures = [_counts(state)]
    if state.rate:
        figures.append(f"{state.rate:,.0f} papers a second")
    if state.remaining_s is not None and not state.stopping:
        figures.append(f"{_duration(state.remaining_s)} left")
    return _TEMPLATE.progress(what, state.read, state.total, " · ".join(figures))


def report_html(state: ImportState, remarks: Sequence[Remark]) -> str:
    """What an import did, and a line for each record that did not become a paper of its own."""
    shown, more = remarks[:_SHOWN_REMARKS], len(remarks) - _SHOWN_REMARKS
    return _TEMPLATE.report(state, _counts(state, ", "), clean(state.error), shown, more)


def _counts(state: ImportState, between: str = " · ") -> str:
    """What became of the records that were read."""
    words = ["added", "updated", "unchanged", "merged", *(["deleted"] if state.deleted else []), "skipped"]
    return between.join(f"{getattr(state, word):,} {word}" for word in words)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(round(seconds), 1)} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
