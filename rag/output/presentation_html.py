"""A checked answer, its evidence and its papers as HTML. Pure; all text is escaped.

Footnotes are buttons that carry their place as data; what a click does is up to the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from rag.datatypes import Answer, Citation, Evidence, Paper, Verdict, Version
from rag.output.layout import blocks, grid, is_list, more_papers
from rag.output.presentation import VERDICT_SHORT, VERDICT_WORDS, Papers, cited, nearest_papers, surrounding
from rag.output.templating import Template, html
from rag.papers.bibliography import addresses, byline, clean, one_line
from rag.papers.retractions import label
from rag.papers.versions import versions_line

_TEMPLATE = Template("rag.output", "presentation")


def answer_html(answer: Answer, turn: int = 0, papers: Papers | None = None) -> str:
    """The answer as HTML. Footnote numbers are buttons that carry ``turn``, sentence index and number as data."""
    if answer.refusal is not None:
        return _TEMPLATE.refusal(answer.refusal, turn, nearest_papers(answer, papers))
    titles = {item.number: _titled(item.paper) for item in answer.evidence}
    notes = _Notes(turn, titles, {(c.sentence, c.number): c for c in answer.citations}, VERDICT_WORDS)
    body = (
        _TEMPLATE.grid(table, notes)
        if (table := grid(answer))
        else _TEMPLATE.blocks(blocks(answer), "list" if is_list(answer) else "text", notes)
    )
    lead, closing = surrounding(answer)
    checked = html(verdicts_html(answer))
    return _TEMPLATE.answer(answer, lead, html(body), closing, more_papers(answer), checked)


def _titled(paper: Paper) -> str:
    return f"[{label(paper)}] {one_line(paper.title)}" if paper.status else one_line(paper.title)


@dataclass(frozen=True, slots=True)
class _Notes:
    """What the footnotes of one answer need: its turn, titles by number, citations by sentence and number, words."""

    turn: int
    titles: Mapping[int, str]
    citations: Mapping[tuple[int, int], Citation]
    words: Mapping[Verdict, str]


def verdicts_html(answer: Answer) -> str:
    """How many sentences the check found supported, and on demand those that it dropped."""
    counts = [(verdict, sum(s.verdict is verdict for s in answer.sentences)) for verdict in Verdict]
    dropped = [one_line(text) for text in answer.trace.dropped if text.strip()]
    if not answer.citations and not dropped:
        return ""
    return _TEMPLATE.verdicts([(verdict, n, VERDICT_SHORT[verdict]) for verdict, n in counts if n], dropped)


@dataclass(frozen=True, slots=True)
class _Card:
    """One paper of the evidence panel. ``abstract`` and ``facts`` are HTML; ``quotes`` stand in it unless opened."""

    number: int
    paper: Paper
    facts: Any
    quotes: Sequence[str]
    abstract: Any
    opened: bool


def evidence_html(
    answer: Answer, number: int | None = None, sentence: int | None = None, papers: Papers | None = None
) -> str:
    """The evidence panel: one card a paper, cited ones first.

    ``number`` opens that paper's abstract. The sentence of it that supports the answer sentence with index
    ``sentence`` is in ``<mark class="fn-support">``; without an index, all that support the answer are.
    """
    if answer.refusal is not None:
        return _nearest_html(nearest_papers(answer, papers), number)
    in_answer = cited(answer)
    cards = [_card(item, _supports(answer, item.number, number, sentence), item.number == number) for item in in_answer]
    others = [_card(item, [], item.number == number) for item in answer.evidence if item not in in_answer]
    if not cards and not others:
        return '<p class="fn-empty">This answer was computed over all records of the library.</p>'
    return _TEMPLATE.cards(cards, others)


def _nearest_html(papers: Sequence[Paper], chosen: int | None) -> str:
    if not papers:
        return '<p class="fn-empty">Nothing in this library comes near the question.</p>'
    numbered = enumerate(papers, start=1)
    return _TEMPLATE.cards([_card(Evidence(at, paper, (), 0.0), [], at == chosen) for at, paper in numbered], ())


def _supports(answer: Answer, number: int, chosen: int | None, sentence: int | None) -> list[Citation]:
    return [
        c
        for c in answer.citations
        if c.number == number and (sentence is None or number != chosen or c.sentence == sentence)
    ]


def _card(item: Evidence, supports: Sequence[Citation], opened: bool) -> _Card:
    paper = item.paper
    quotes = list(dict.fromkeys(one_line(c.quote) for c in supports if c.quote))
    abstract = html(marked_abstract(paper.abstract, [(c.start, c.end) for c in supports]))
    return _Card(
        item.number,
        paper,
        html(paper_facts_html(paper, item.versions)),
        [] if opened else quotes,
        abstract if paper.abstract.strip() else "",
        opened,
    )


def paper_facts_html(paper: Paper, versions: Sequence[Version] = ()) -> str:
    """Whether it was retracted, authors, year, venue, where the paper is on the web (shown, never fetched), and its
    other versions."""
    about = " · ".join(filter(None, [byline(paper), str(paper.year or ""), one_line(paper.venue)]))
    return _TEMPLATE.paper_facts(about, addresses(paper), label(paper), versions_line(versions))


def marked_abstract(abstract: str, marks: Sequence[tuple[int, int]]) -> str:
    """The abstract as HTML with the spans (start, end) in ``<mark>``; those that overlap become one.

    Spans outside the abstract are left out. No template: it is one text that is cut into pieces.
    """
    spans: list[tuple[int, int]] = []
    for start, end in sorted((start, end) for start, end in marks if 0 <= start < end <= len(abstract)):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    pieces, position = [], 0
    for start, end in spans:
        pieces.append(escape(clean(abstract[position:start])))
        pieces.append(f'<mark class="fn-support">{escape(clean(abstract[start:end]))}</mark>')
        position = end
    return "".join([*pieces, escape(clean(abstract[position:]))])
