"""A checked answer, its evidence and its papers as HTML. Pure; all text is escaped.

Footnotes are buttons that carry their place as data; what a click does is up to the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rag.datatypes import Answer, Citation, Evidence, Paper, Verdict
from rag.output.presentation import VERDICT_SHORT, VERDICT_WORDS, Papers, cited, nearest_papers, paragraphs
from rag.papers.bibliography import addresses, byline, clean, one_line

NO_ABSTRACT = '<p class="fn-meta">The library holds no abstract of this paper.</p>'


def answer_html(answer: Answer, turn: int = 0, papers: Papers | None = None) -> str:
    """The answer as HTML. Footnote numbers are buttons that carry ``turn``, sentence index and number as data."""
    if answer.refusal is not None:
        return _refusal_html(answer, turn, papers)
    titles = {item.number: one_line(item.paper.title) for item in answer.evidence}
    footnotes = {(c.sentence, c.number): c for c in answer.citations}
    blocks = []
    for block in paragraphs(answer):
        sentences = []
        for index, sentence in block:
            chips = "".join(
                _chip(turn, index, number, titles.get(number, ""), footnotes.get((index, number)), sentence.verdict)
                for number in sentence.citations
            )
            text = escape(one_line(sentence.text))
            words = VERDICT_WORDS[sentence.verdict]
            doubt = "" if sentence.verdict is Verdict.SUPPORTED else f' title="This sentence is {words}."'
            if sentence.verdict is Verdict.UNSUPPORTED:
                text = f'{text} <em class="fn-flag">not supported</em>'
            sentences.append(f'<span class="fn-sentence fn-{sentence.verdict}"{doubt}>{text}{chips}</span>')
        blocks.append(f'<p dir="auto">{" ".join(sentences)}</p>')
    notes = "".join(f'<p class="fn-note">{escape(one_line(note))}</p>' for note in answer.trace.notes)
    return f'<div class="fn-answer">{"".join(blocks)}{notes}{verdicts_html(answer)}</div>'


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
    others = [item for item in answer.evidence if item not in in_answer]
    parts = [_card(item, _supports(answer, item.number, number, sentence), item.number == number) for item in in_answer]
    if others:
        parts.append('<h3 class="fn-more">Also read, not cited</h3>')
        parts += [_card(item, [], item.number == number) for item in others]
    return "".join(parts) or '<p class="fn-empty">This answer was computed over all records of the library.</p>'


def _supports(answer: Answer, number: int, chosen: int | None, sentence: int | None) -> list[Citation]:
    return [
        c
        for c in answer.citations
        if c.number == number and (sentence is None or number != chosen or c.sentence == sentence)
    ]


def verdicts_html(answer: Answer) -> str:
    """How many sentences the check found supported, and on demand those that it dropped."""
    counts = [(verdict, sum(s.verdict is verdict for s in answer.sentences)) for verdict in Verdict]
    checked = "".join(
        f'<li class="fn-tally fn-tally-{verdict}">{count} {VERDICT_SHORT[verdict]}</li>'
        for verdict, count in counts
        if count
    )
    dropped = [one_line(text) for text in answer.trace.dropped if text.strip()]
    if not answer.citations and not dropped:
        return ""
    tally = f'<ul class="fn-tallies" aria-label="What the check found">{checked}</ul>' if checked else ""
    if not dropped:
        return f'<div class="fn-checked">{tally}</div>'
    many = f"{len(dropped)} sentence{'s' if len(dropped) > 1 else ''} dropped"
    rows = "".join(f"<li>{escape(text)}</li>" for text in dropped)
    return (
        f'<div class="fn-checked">{tally}<details class="fn-dropped"><summary>{many}</summary>'
        f'<p class="fn-note">The model wrote this, and no abstract that it cites supports it.</p>'
        f"<ul>{rows}</ul></details></div>"
    )


def _chip(turn: int, sentence: int, number: int, title: str, citation: Citation | None, verdict: Verdict) -> str:
    verdict = verdict if citation is None else citation.verdict
    quote = "" if citation is None else escape(one_line(citation.quote))
    label = escape(f"Footnote {number}: {title} ({VERDICT_WORDS[verdict]}). Show the sentence.")
    return (
        f'<sup><button type="button" class="fn-cite fn-cite-{verdict}" data-turn="{turn}" data-sentence="{sentence}" '
        f'data-number="{number}" data-quote="{quote}" data-title="{escape(title)}" aria-label="{label}">{number}'
        "</button></sup>"
    )


def _refusal_html(answer: Answer, turn: int, papers: Papers | None) -> str:
    assert answer.refusal is not None
    rows = "".join(
        f'<li><button type="button" class="fn-nearest" data-turn="{turn}" data-number="{position}">'
        f"{escape(one_line(paper.title))}</button></li>"
        for position, paper in enumerate(nearest_papers(answer, papers), start=1)
    )
    nearest = f'<p class="fn-label">Nearest papers</p><ul>{rows}</ul>' if rows else ""
    grade, message = escape(answer.refusal.grade), escape(one_line(answer.refusal.message))
    return (
        f'<div class="fn-answer fn-refusal" data-grade="{grade}">'
        f"<p><strong>Not answered.</strong> {message}</p>{nearest}</div>"
    )


def _nearest_html(papers: Sequence[Paper], chosen: int | None) -> str:
    cards = [
        _card(Evidence(position, paper, (), 0.0), [], position == chosen)
        for position, paper in enumerate(papers, start=1)
    ]
    return "".join(cards) or '<p class="fn-empty">Nothing in this library comes near the question.</p>'


def _card(item: Evidence, supports: Sequence[Citation], opened: bool) -> str:
    paper = item.paper
    details = [paper_facts_html(paper)]
    quotes = list(dict.fromkeys(one_line(c.quote) for c in supports if c.quote))
    if not opened:
        details += [f'<blockquote class="fn-quote" dir="auto">{escape(quote)}</blockquote>' for quote in quotes]
    if paper.abstract.strip():
        marked = marked_abstract(paper.abstract, [(c.start, c.end) for c in supports])
        state = " open" if opened else ""
        details.append(
            f'<details{state}><summary>Abstract</summary><p class="fn-abstract" dir="auto">{marked}</p></details>'
        )
    else:
        details.append(NO_ABSTRACT)
    chosen = " fn-chosen" if opened else ""
    return (
        f'<article class="fn-card{chosen}" data-number="{item.number}" tabindex="-1">'
        f'<h3 dir="auto"><span class="fn-number" aria-hidden="true">{item.number}</span>{escape(one_line(paper.title))}'
        f"</h3>{''.join(details)}</article>"
    )


def paper_facts_html(paper: Paper) -> str:
    """Authors, year, venue, and where the paper is on the web: shown, never fetched."""
    meta = " · ".join(filter(None, [byline(paper), str(paper.year or ""), one_line(paper.venue)]))
    links = "".join(
        f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer nofollow">{escape(label)}</a> '
        for label, address in addresses(paper)
    )
    facts = f'<p class="fn-meta" dir="auto">{escape(meta)}</p>' if meta else ""
    return facts + (f'<p class="fn-meta fn-links">{links.rstrip()}</p>' if links else "")


def marked_abstract(abstract: str, marks: Sequence[tuple[int, int]]) -> str:
    """The abstract as HTML with the spans (start, end) in ``<mark>``; those that overlap become one.

    Spans outside the abstract are left out.
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
