"""Libraries, their papers and imports as HTML. Whatever comes from papers, files and folders is escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from rag.datatypes import Paper
from rag.library.importing import ImportState, Remark
from rag.library.service import LibraryInfo
from rag.library.storage.browsing import PaperFilter, PaperPage
from rag.output.presentation_html import NO_ABSTRACT
from rag.papers.bibliography import addresses, byline, clean, one_line

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


def error_html(message: str) -> str:
    """A sentence with its remedy; nothing for an empty one."""
    return f'<p class="fn-error" role="alert">{escape(clean(message))}</p>' if message else ""


def note_html(message: str) -> str:
    """A sentence that something went well."""
    return f'<p class="fn-library-done" role="status">{escape(clean(message))}</p>' if message else ""


def working_html(words: str) -> str:
    """What is being done."""
    return f'<p class="fn-state fn-busy" role="status">{escape(words)}</p>'


def shelf_html(shelf: LibraryInfo) -> str:
    """The library that is chosen: name, size, folder, and what cannot be done with it."""
    papers = "1 paper" if shelf.papers == 1 else f"{shelf.papers:,} papers"
    hint = ""
    if shelf.problem:
        hint = error_html(shelf.problem)
    elif shelf.is_shipped:
        hint = (
            '<p class="fn-library-hint">These abstracts come with the program and stay as they are. To add, edit or '
            "delete papers, make a copy of this library or a new one.</p>"
        )
    elif shelf.is_started and not shelf.is_own:
        hint = (
            '<p class="fn-library-hint">The program was started with this library: to rename or delete it, start with '
            "another one.</p>"
        )
    elif not shelf.is_own:
        hint = '<p class="fn-library-hint">Its folder lies elsewhere: rename or delete it there.</p>'
    return (
        f'<h2 class="fn-library-name" dir="auto">{escape(one_line(shelf.name))}</h2>'
        f'<p class="fn-library-facts"><strong>{papers}</strong> · <span class="fn-library-path">'
        f"{escape(one_line(str(shelf.path)))}</span></p>{hint}"
    )


# --- the table ---


def table_html(view: View, page: PaperPage, filtered: bool) -> str:
    """One page of papers; titles open them, boxes tick them, headings sort."""
    if not page.papers:
        if filtered:
            return '<p class="fn-empty">No paper fits. Take a filter away, or search for fewer words.</p>'
        return '<p class="fn-empty">This library holds no papers yet. Drop files above to add some.</p>'
    # A column of which this page has nothing is left out: many lists of abstracts know neither year nor venue.
    columns = [name for name, _ in _COLUMNS if any(getattr(paper, name) for paper in page.papers)]
    heads = "".join(_head(view, name, label) for name, label in _COLUMNS if name in columns)
    rows = "".join(_row(paper, columns) for paper in page.papers)
    first = view.page * PAGE
    return (
        f'<table class="fn-library-table"><caption class="fn-library-unseen">Papers {first + 1:,} to '
        f"{first + len(page.papers):,} of {page.total:,}</caption><thead><tr>"
        '<th scope="col" class="fn-library-box"><input type="checkbox" data-tick="page" '
        f'aria-label="Tick all papers on this page"></th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        f"{_pager(view, page)}"
    )


def _head(view: View, name: str, label: str) -> str:
    here = view.sort == name
    state = ("descending" if view.descending else "ascending") if here else "none"
    down = not view.descending if here else name in _FIRST_DOWN
    arrow = f'<span aria-hidden="true">{"▾" if view.descending else "▴"}</span>' if here else ""
    return (
        f'<th scope="col" aria-sort="{state}" class="fn-library-{name}"><button type="button" data-sort="{name}" '
        f'data-descending="{str(down).lower()}">{label}{arrow}</button></th>'
    )


def _row(paper: Paper, columns: Sequence[str]) -> str:
    key, title = escape(paper.id), escape(one_line(paper.title) or paper.id)
    texts = {
        "authors": byline(paper, 2), "year": str(paper.year or ""), "venue": one_line(paper.venue),
        "source": one_line(paper.source),
    }  # fmt: skip
    cells = "".join(
        f'<td class="fn-library-{name}" dir="auto">{escape(texts[name])}</td>' for name in texts if name in columns
    )
    flag = "" if paper.abstract else ' <span class="fn-library-flag">no abstract</span>'
    return (
        f'<tr data-paper="{key}"><td class="fn-library-box"><input type="checkbox" value="{key}" '
        f'aria-label="Tick: {title}"></td>'
        f'<th scope="row" class="fn-library-title"><button type="button" data-open="{key}" dir="auto">{title}</button>'
        f"{flag}</th>{cells}</tr>"
    )


def _pager(view: View, page: PaperPage) -> str:
    last = (page.total - 1) // PAGE
    if last < 1:
        return ""

    def button(label: str, to: int, usable: bool) -> str:
        return f'<button type="button" data-page="{to}"{"" if usable else " disabled"}>{label}</button>'

    here = view.page
    return (
        f'<nav class="fn-library-pager" aria-label="Pages of the table">{button("First", 0, here > 0)}'
        f"{button('Previous', here - 1, here > 0)}<span>Page {here + 1:,} of {last + 1:,}</span>"
        f"{button('Next', here + 1, here < last)}{button('Last', last, here < last)}</nav>"
    )


def found_html(total: int, all_papers: int, filtered: bool) -> str:
    """How many papers the filters leave, read out when it changes."""
    text = f"{total:,} of {all_papers:,} papers" if filtered else f"{total:,} papers"
    return f'<p class="fn-library-found" role="status">{text}</p>'


def ticks_html(ticked: Sequence[str], shown: Sequence[str], found: int) -> str:
    """How many papers are ticked, with buttons; for the script, which of the page they are."""
    here = set(ticked)
    data = escape(json.dumps([one for one in shown if one in here]))
    count = f"{len(ticked):,} paper{'' if len(ticked) == 1 else 's'} ticked" if ticked else "No paper ticked"
    every = f'<button type="button" data-tick="all">Tick all {found:,} found</button>' if found else ""
    none = '<button type="button" data-tick="none">Untick all</button>' if ticked else ""
    return f'<p class="fn-library-ticks" data-ticked="{data}"><span role="status">{count}</span> {every}{none}</p>'


# --- one paper ---


def paper_html(paper: Paper) -> str:
    """Everything that the library says of a paper."""
    links = "<br>".join(
        f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer nofollow">{escape(label)}</a>'
        for label, address in addresses(paper)
    )
    facts = (
        ("Authors", escape(", ".join(map(one_line, paper.authors)))),
        ("Year", str(paper.year or "")),
        ("Venue", escape(one_line(paper.venue))),
        ("Links", links),
        ("Id", escape(one_line(paper.id))),
        ("Source", escape(one_line(paper.source))),
    )
    rows = "".join(f'<dt>{label}</dt><dd dir="auto">{text}</dd>' for label, text in facts if text)
    abstract = escape(clean(paper.abstract))
    body = f'<p class="fn-abstract" dir="auto">{abstract}</p>' if abstract else NO_ABSTRACT
    return (
        f'<article class="fn-library-paper" tabindex="-1" aria-label="Paper"><h3 dir="auto">'
        f'{escape(one_line(paper.title) or paper.id)}</h3><dl class="fn-library-fields">{rows}</dl>{body}</article>'
    )


NO_PAPER = '<p class="fn-empty">Open a paper from the table to read, edit or delete it.</p>'


# --- papers by year ---


def years_html(years: Sequence[tuple[int | None, int]]) -> str:
    """A bar for each year, the figures as a table for those who do not see bars."""
    known = [(year, count) for year, count in years if year is not None]
    unknown = sum(count for year, count in years if year is None)
    if not known:
        return ""
    first, last, most = known[0][0], known[-1][0], max(count for _, count in known)
    # A stray year far off ('1066') must not squeeze all others into nothing.
    slots = last - first + 1 if last - first < _MAX_BARS else len(known)
    places = {year: year - first if slots == last - first + 1 else i for i, (year, _) in enumerate(known)}
    step = _WIDTH / slots
    width = max(min(step * 0.8, 44), 0.5)
    bars = "".join(
        f'<rect x="{places[year] * step + (step - width) / 2:.1f}" y="{_HEIGHT - height:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"><title>{year}: {count:,}</title></rect>'
        for year, count in known
        for height in (max(count / most * _HEIGHT, 1.5),)
    )
    without = f", {unknown:,} without a year" if unknown else ""
    summary = f"Papers by year, {first} to {last}, at most {most:,} in a year{without}"
    rows = "".join(f"<tr><th scope=row>{year}</th><td>{count:,}</td></tr>" for year, count in known)
    nameless = f"<tr><th scope=row>no year</th><td>{unknown:,}</td></tr>" if unknown else ""
    return (
        f'<figure class="fn-library-years"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{summary}">{bars}</svg><figcaption><span>{first}</span><span>{summary}</span><span>{last}</span>'
        f"</figcaption><details><summary>Figures</summary><table><thead><tr><th scope=col>Year</th>"
        f"<th scope=col>Papers</th></tr></thead><tbody>{rows}{nameless}</tbody></table></details></figure>"
    )


# --- imports ---


def progress_html(state: ImportState) -> str:
    """How far an import is."""
    what = {
        "count": f"Reading the files: {state.total:,} papers so far…",
        "load": f"{state.total:,} papers to look at. Loading the encoder…",
    }.get(state.stage) or f"{state.read:,} of {state.total:,} papers"
    if state.stopping:
        what = f"Stopping. The papers that were begun are stored first. {state.read:,} of {state.total:,} papers"
    figures = ""
    if state.stage == "papers":
        parts = [
            f"{state.added:,} added", f"{state.updated:,} updated", f"{state.unchanged:,} unchanged",
            f"{state.merged:,} merged", f"{state.skipped:,} skipped",
        ]  # fmt: skip
        if state.rate:
            parts.append(f"{state.rate:,.0f} papers a second")
        if state.remaining_s is not None and not state.stopping:
            parts.append(f"{_duration(state.remaining_s)} left")
        figures = f'<p class="fn-library-figures">{" · ".join(parts)}</p>'
    value = f' value="{state.read}" max="{max(state.total, 1)}"' if state.stage == "papers" and state.total else ""
    return (
        f'<div class="fn-library-progress"><p class="fn-library-stage">{what}</p>'
        f'<progress aria-label="Import"{value}></progress>{figures}</div>'
    )


def report_html(state: ImportState, remarks: Sequence[Remark]) -> str:
    """What an import did, and a line for each record that did not become a paper of its own."""
    outcome = "Import stopped" if state.stopping else "Import finished"
    counts = (
        f"{state.added:,} added, {state.updated:,} updated, {state.unchanged:,} unchanged, {state.merged:,} merged, "
        f"{state.skipped:,} skipped"
    )
    rest = " What was stored stays; import the same files again to go on." if state.stopping else ""
    head = f'<p class="fn-library-done" role="status"><strong>{outcome}.</strong> {counts}.{rest}</p>'
    if state.error:
        head = (
            f'<div class="fn-error" role="alert"><p>{escape(clean(state.error))}</p><p>Until then: {counts}.</p></div>'
        )
    if not remarks:
        return head
    rows = "".join(
        f'<tr><td dir="auto">{escape(one_line(remark.file))}</td><td>{remark.line or ""}</td><td>{remark.outcome}</td>'
        f'<td dir="auto">{escape(one_line(remark.reason)[:500])}</td></tr>'
        for remark in remarks[:_SHOWN_REMARKS]
    )
    more = len(remarks) - _SHOWN_REMARKS
    hidden = f'<p class="fn-library-hint">{more:,} more stand in the CSV file.</p>' if more > 0 else ""
    return (
        f'{head}<div class="fn-library-scroll" tabindex="0" role="region" aria-label="Report of the import">'
        '<table class="fn-library-report"><thead><tr><th scope="col">File</th><th scope="col">Line</th>'
        f'<th scope="col">What</th><th scope="col">Why</th></tr></thead><tbody>{rows}</tbody></table></div>{hidden}'
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(round(seconds), 1)} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
