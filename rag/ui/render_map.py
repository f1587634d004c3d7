"""The map of a library as the page takes it: the points as JSON for the script, everything else as HTML.

Titles and terms are data: in JSON they are text, in HTML they are escaped.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.datatypes import Paper
from rag.output.presentation_html import paper_facts_html
from rag.output.templating import Template, html
from rag.papers.bibliography import clean, one_line
from rag.survey.library_map import EDGE, Group, LibraryMap
from rag.ui.conversation import Turn
from rag.ui.map_view import MOST_LISTED, Box, DrawnMap
from rag.ui.render_messages import error_html, working_html

_TEMPLATE = Template("rag.ui", "map")
_LONGEST_TITLE = 200
_BARS = 48  # bars of the chart by year; more years are put together
_WIDTH, _HEIGHT = 288, 92  # of the chart
_FLOOR = _HEIGHT - 16  # where its bars stand


def map_json(drawn: DrawnMap) -> str:
    """The map for the script: ``edge``, the largest coordinate, the ``groups``, ``total``, the number of papers, and
    columns of points as in :func:`points`.

    Where there are more papers than points: ``density``, see :meth:`DrawnMap.density`, and ``years``, of each group the
    number of its papers by year.
    """
    library_map = drawn.library_map
    content: dict[str, Any] = {
        "edge": EDGE,
        "total": len(library_map.ids),
        "groups": [
            {"terms": g.terms, "x": g.x, "y": g.y, "tone": g.tone, "papers": g.papers} for g in library_map.groups
        ],
        **points(drawn, drawn.first_rows()),
    }
    if not drawn.is_whole:
        content |= {"density": drawn.density(), "years": drawn.years_of_groups()}
    return _json(content)


def looked_at_json(drawn: DrawnMap, box: Box, text: str, time: str, marked: Sequence[str] = ()) -> str:
    """The points of the part of a map that is looked at, of papers whose titles have ``text``, and of those ``marked``.

    ``found``: how many have the text, by year, where it was looked for;
    ``time`` is that of the request.
    """
    inside = drawn.rows_in(box)
    titled, found = drawn.titled(text)
    rows = sorted({*inside, *titled, *(row for one in marked if (row := drawn.row_of(one)) >= 0)})
    return _json({**points(drawn, rows), "found": found, "time": time})


def points(drawn: DrawnMap, rows: Sequence[int]) -> dict[str, Any]:
    """Columns of equal length, a row a paper: ``id``, ``title``, ``year`` (0: not known), ``x``, ``y``, ``group``."""
    library_map = drawn.library_map
    ids = [library_map.ids[row] for row in rows]
    papers = drawn.papers.several(ids)
    known = [papers.get(one) for one in ids]
    return {
        "id": ids,
        "title": ["" if p is None else _title(p) for p in known],
        "year": [0 if p is None else p.year or 0 for p in known],
        **{name: [getattr(library_map, name)[row] for row in rows] for name in ("x", "y", "group")},
    }


def _json(content: Mapping[str, Any]) -> str:
    # No "<": it travels through a component for HTML.
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def marks_json(turns: Sequence[Turn], chosen: str = "") -> str:
    """Ids of the papers that the conversation cites, and of the one that is open."""
    return json.dumps({"cited": cited_ids(turns), "chosen": chosen}).replace("<", "\\u003c")


def cited_ids(turns: Sequence[Turn]) -> list[str]:
    """The papers that the answers of a conversation cite, in the order in which they came up."""
    return list(dict.fromkeys(c.paper_id for turn in turns if turn.answer is not None for c in turn.answer.citations))


@dataclass(frozen=True, slots=True)
class _Bar:
    """The papers of ``span``, one year or several, as a rectangle."""

    year: int
    span: str
    papers: int
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class _Chart:
    """Papers by year. ``slots`` bars have room, each of ``step`` years; ``most`` papers are the highest."""

    bars: Sequence[_Bar]
    first: int
    last: int
    step: int
    slots: int
    most: int
    without_year: int
    width: int = _WIDTH
    height: int = _HEIGHT
    floor: int = _FLOOR


def legend_html(library_map: LibraryMap) -> str:
    """The groups as buttons, largest first; the script highlights them."""
    return _TEMPLATE.legend([(group, _label(group)) for group in library_map.groups])


def years_html(years: Mapping[int, int]) -> str:
    """Papers by year (0: not known) as bars, with the numbers as a table behind them for those who do not see them."""
    unknown = years.get(0, 0)
    known = sorted((year, count) for year, count in years.items() if year)
    if not known:
        return _TEMPLATE.no_years()
    first, last = known[0][0], known[-1][0]
    step = -(-(last - first + 1) // _BARS)
    slots = (last - first) // step + 1
    bins: Counter[int] = Counter()
    for year, count in known:
        bins[first + (year - first) // step * step] += count
    most = max(bins.values())
    bars = [
        _bar(year, count, (year - first) // step, step, _WIDTH / slots, most) for year, count in sorted(bins.items())
    ]
    return _TEMPLATE.years(_Chart(bars, first, last, step, slots, most, unknown))


def _bar(year: int, count: int, slot: int, step: int, width: float, most: int) -> _Bar:
    height = _FLOOR * count / most
    return _Bar(
        year,
        str(year) if step == 1 else f"{year}–{year + step - 1}",
        count,
        f"{slot * width + 0.08 * width:.2f}",
        f"{_FLOOR - height:.2f}",
        f"{0.84 * width:.2f}",
        f"{height:.2f}",
    )


def list_html(drawn: DrawnMap) -> str:
    """The map for those who do not see it: every group with its papers, each a button that opens it.

    A group of a large map is listed by the papers in its middle.
    """
    groups = []
    for group, rows in zip(drawn.library_map.groups, drawn.listed(), strict=True):
        papers = drawn.papers.several([drawn.library_map.ids[row] for row in rows])
        found = sorted(papers.values(), key=lambda p: (one_line(p.title).casefold(), p.id))
        shown = [(paper.id, _title(paper), paper.year) for paper in found[:MOST_LISTED]]
        more = len(found) if drawn.is_whole else group.papers
        groups.append((_label(group), group.papers, shown, more - len(shown)))
    return _TEMPLATE.list(groups)


def card_html(paper: Paper | None, group: Group | None = None) -> str:
    """One paper, opened by a click on its point; what to do, where none is open."""
    if paper is None:
        return '<p class="fn-map-hint">Click a point to read the paper and to ask about it.</p>'
    facts, label = html(paper_facts_html(paper)), "" if group is None else _label(group)
    return _TEMPLATE.card(paper, facts, group, label)


def question_about(paper: Paper) -> str:
    """The question that the button beside an open paper asks unless it is changed."""
    return f'Summarise the paper "{one_line(paper.title)}"'


def state_html(word: str, problem: bool = False) -> str:
    """The sentence above the map while it is drawn, or why there is none."""
    return error_html(word) if problem else working_html(word)


def _title(paper: Paper) -> str:
    title = one_line(paper.title)
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"


def _label(group: Group) -> str:
    return clean(group.label) or "no common terms"
