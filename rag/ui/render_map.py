"""The map of a library as the page takes it: the points as JSON for the script, everything else as HTML.

Titles and terms are data: in JSON they are text, in HTML they are escaped.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from rag.datatypes import Paper
from rag.output.presentation_html import NO_ABSTRACT, paper_facts_html
from rag.papers.bibliography import clean, one_line
from rag.survey.library_map import EDGE, Group, LibraryMap
from rag.ui.conversation import Turn

_LISTED = 100  # papers of a group that the list names
_LONGEST_TITLE = 200
_BARS = 48  # bars of the chart by year; more years are put together
_WIDTH, _HEIGHT, _FOOT = 288, 92, 16


def map_json(atlas: LibraryMap, papers: Mapping[str, Paper]) -> str:
    """Columns of equal length, a row a paper: ``id``, ``title``, ``year`` (0: not known), ``x``, ``y``, ``group``.

    Beside them ``edge``, the largest coordinate, and the ``groups``.
    """
    known = [papers.get(one) for one in atlas.ids]
    content = {
        "edge": EDGE,
        "groups": [{"terms": g.terms, "x": g.x, "y": g.y, "tone": g.tone, "papers": g.papers} for g in atlas.groups],
        "id": atlas.ids,
        "title": ["" if p is None else _title(p) for p in known],
        "year": [0 if p is None else p.year or 0 for p in known],
        "x": atlas.x,
        "y": atlas.y,
        "group": atlas.group,
    }
    # No "<": it travels through a component for HTML.
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def marks_json(turns: Sequence[Turn], chosen: str = "") -> str:
    """Ids of the papers that the conversation cites, and of the one that is open."""
    return json.dumps({"cited": cited_ids(turns), "chosen": chosen}).replace("<", "\\u003c")


def cited_ids(turns: Sequence[Turn]) -> list[str]:
    """The papers that the answers of a conversation cite, in the order in which they came up."""
    return list(dict.fromkeys(c.paper_id for turn in turns if turn.answer is not None for c in turn.answer.citations))


def legend_html(atlas: LibraryMap) -> str:
    """The groups as buttons, largest first; the script highlights them."""
    rows = "".join(
        f'<li><button type="button" class="fn-map-group" data-group="{i}" aria-pressed="false">'
        f'<span class="fn-map-dot" data-tone="{g.tone}" aria-hidden="true"></span>'
        f'<span class="fn-map-terms">{escape(_label(g))}</span> '
        f'<span class="fn-map-count">{g.papers:,}</span></button></li>'
        for i, g in enumerate(atlas.groups)
    )
    return f'<h3 class="fn-map-heading">Topics</h3><ul class="fn-map-groups">{rows}</ul>'


def years_html(years: Iterable[int | None]) -> str:
    """Papers by year as bars, with the numbers as a table behind them for those who do not see them."""
    counts = Counter(year for year in years)
    unknown = counts.pop(None, 0)
    known = sorted((int(year), count) for year, count in counts.items() if year is not None)
    title = '<h3 class="fn-map-heading">By year</h3>'
    if not known:
        return f'{title}<p class="fn-map-hint">No paper of this library names its year.</p>'
    hint = f'<p class="fn-map-hint">{unknown:,} without a year.</p>' if unknown else ""
    first, last = known[0][0], known[-1][0]
    step = -(-(last - first + 1) // _BARS)
    bins = Counter({first + (year - first) // step * step: 0 for year, _ in known})
    for year, count in known:
        bins[first + (year - first) // step * step] += count
    slots, most = (last - first) // step + 1, max(bins.values())
    width = _WIDTH / slots
    bars = "".join(_bar(year, count, (year - first) // step, step, width, most) for year, count in sorted(bins.items()))
    ends = f'<text x="0" y="{_HEIGHT}">{first}</text>'
    if slots > 1:
        ends += f'<text x="{_WIDTH}" y="{_HEIGHT}" text-anchor="end">{last}</text>'
    rows = "".join(f"<tr><td>{_span(year, step)}</td><td>{count:,}</td></tr>" for year, count in sorted(bins.items()))
    return (
        f'{title}<svg class="fn-map-years" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" data-first="{first}" '
        f'data-step="{step}" data-most="{most}" data-height="{_HEIGHT - _FOOT}" '
        f'aria-label="Papers by year, {first} to {last}; at most {most:,} in a bar">{bars}{ends}</svg>{hint}'
        f'<details class="fn-map-numbers"><summary>As a table</summary><table><thead><tr><th scope="col">Year</th>'
        f'<th scope="col">Papers</th></tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _bar(year: int, count: int, slot: int, step: int, width: float, most: int) -> str:
    height = (_HEIGHT - _FOOT) * count / most
    place = f'x="{slot * width + 0.08 * width:.2f}" width="{0.84 * width:.2f}"'
    foot = _HEIGHT - _FOOT
    return (
        f'<g class="fn-map-bar" data-year="{year}"><title>{_span(year, step)}: {count:,}</title>'
        f'<rect class="fn-map-all" {place} y="{foot - height:.2f}" height="{height:.2f}" rx="1"/>'
        f'<rect class="fn-map-part" {place} y="{foot}" height="0" rx="1"/></g>'
    )


def _span(year: int, step: int) -> str:
    return str(year) if step == 1 else f"{year}–{year + step - 1}"


def list_html(atlas: LibraryMap, papers: Mapping[str, Paper]) -> str:
    """The map for those who do not see it: every group with its papers, each a button that opens it."""
    members: list[list[Paper]] = [[] for _ in atlas.groups]
    for one, number in zip(atlas.ids, atlas.group, strict=True):
        if one in papers:
            members[number].append(papers[one])
    sections = []
    for group, found in zip(atlas.groups, members, strict=True):
        found.sort(key=lambda p: (one_line(p.title).casefold(), p.id))
        rows = "".join(
            f'<li><button type="button" class="fn-map-open" data-paper="{escape(p.id)}" dir="auto">{escape(_title(p))}'
            f"</button>{f' <span>{p.year}</span>' if p.year else ''}</li>"
            for p in found[:_LISTED]
        )
        more = len(found) - _LISTED
        rest = f'<p class="fn-map-hint">and {more:,} more; the Library tab has them all.</p>' if more > 0 else ""
        sections.append(
            f"<details><summary>{escape(_label(group))} <span>{group.papers:,}</span></summary>"
            f"<ol>{rows}</ol>{rest}</details>"
        )
    return f'<h3 class="fn-map-heading">The map as a list</h3>{"".join(sections)}'


def card_html(paper: Paper | None, group: Group | None = None) -> str:
    """One paper, opened by a click on its point; what to do, where none is open."""
    if paper is None:
        return '<p class="fn-map-hint">Click a point to read the paper and to ask about it.</p>'
    text = paper.abstract.strip()
    abstract = f'<p class="fn-abstract" dir="auto">{escape(clean(text))}</p>' if text else NO_ABSTRACT
    topic = ""
    if group is not None:
        topic = (
            f'<p class="fn-map-topic"><span class="fn-map-dot" data-tone="{group.tone}" aria-hidden="true"></span>'
            f"{escape(_label(group))}</p>"
        )
    return (
        f'<article class="fn-map-paper" tabindex="-1">{topic}<h3 dir="auto">{escape(one_line(paper.title))}</h3>'
        f"{paper_facts_html(paper)}{abstract}</article>"
    )


def question_about(paper: Paper) -> str:
    """The question that the button beside an open paper asks unless it is changed."""
    return f'Summarise the paper "{one_line(paper.title)}"'


def state_html(word: str, problem: bool = False) -> str:
    """The line above the map while it is made, or why there is none."""
    if not word:
        return ""
    if problem:
        return f'<p class="fn-error" role="alert">{escape(clean(word))}</p>'
    return f'<p class="fn-state fn-busy" role="status">{escape(word)}</p>'


def _title(paper: Paper) -> str:
    title = one_line(paper.title)
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"


def _label(group: Group) -> str:
    return clean(group.label) or "no common terms"
