"""One footnote, or one paper, opened for reading: the whole abstract with the supporting sentence marked. Pure HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rag.datatypes import Answer, Citation, Paper, Verdict
from rag.output.presentation import VERDICT_WORDS, Papers, nearest_papers
from rag.output.presentation_html import NO_ABSTRACT, marked_abstract, paper_facts_html
from rag.papers.bibliography import one_line
from rag.retrieval.related import Related

Stop = tuple[int | None, int]  # index of the sentence (None: of no sentence), number


def stops(answer: Answer, papers: Papers | None = None) -> list[Stop]:
    """The footnotes of an answer in the order in which one reads them; of a refusal its nearest papers."""
    if answer.refusal is not None:
        return [(None, position) for position, _ in enumerate(nearest_papers(answer, papers), start=1)]
    return [(index, number) for index, sentence in enumerate(answer.sentences) for number in sentence.citations]


def paper_behind(answer: Answer, number: int, papers: Papers | None = None) -> Paper | None:
    """The paper that a footnote number, or a place among the nearest papers of a refusal, stands for."""
    if answer.refusal is not None:
        near = nearest_papers(answer, papers)
        return near[number - 1] if 0 < number <= len(near) else None
    return next((item.paper for item in answer.evidence if item.number == number), None)


def footnote_html(
    answer: Answer,
    turn: int,
    number: int,
    sentence: int | None,
    papers: Papers | None = None,
    related: Sequence[Related] = (),
) -> str:
    """Footnote ``number`` of the answer sentence with index ``sentence``; '' where there is none.

    Without an index every sentence of the paper that the answer rests on is marked.
    """
    paper = paper_behind(answer, number, papers)
    if paper is None:
        return ""
    supports = [c for c in answer.citations if c.number == number and (sentence is None or c.sentence == sentence)]
    order = stops(answer, papers)
    place = order.index((sentence, number)) + 1 if (sentence, number) in order else 0
    kind = "Footnote" if answer.refusal is None else "Nearest paper"
    of = f' <span class="fn-of">{place} of {len(order)}</span>' if place else ""
    where = f'data-turn="{turn}" data-number="{number}" data-sentence="{"" if sentence is None else sentence}"'
    return (
        f'<section class="fn-reader" aria-label="{kind} {number}" {where}>'
        f"{_bar(kind + of, steps=len(order) > 1)}{_claim(answer, sentence, supports)}"
        f"{_article(paper, [(c.start, c.end) for c in supports], number)}{_related(related)}</section>"
    )


def paper_html(paper: Paper, related: Sequence[Related] = (), marks: Sequence[tuple[int, int]] = ()) -> str:
    """A paper that was opened by itself; ``marks`` are spans (start, end) of the abstract to mark."""
    return (
        f'<section class="fn-reader" aria-label="Paper">{_bar("Paper", steps=False)}'
        f"{_article(paper, marks)}{_related(related)}</section>"
    )


def _bar(title: str, steps: bool) -> str:
    both = (
        _button("previous", "Previous footnote (key [)", "‹") + _button("next", "Next footnote (key ])", "›")
        if steps
        else ""
    )
    return (
        f'<div class="fn-reader-bar"><h2 class="fn-panel-title">{title}</h2>{both}'
        f"{_button('close', 'Close (Escape)', '×')}</div>"
    )


def _button(action: str, label: str, sign: str) -> str:
    return (
        f'<button type="button" class="fn-step" data-action="{action}" aria-label="{label}" title="{label}">'
        f"{sign}</button>"
    )


def _claim(answer: Answer, sentence: int | None, supports: Sequence[Citation]) -> str:
    """The sentence of the answer, what the check said of it, and how sure it was."""
    if sentence is None or not 0 <= sentence < len(answer.sentences) or not supports:
        return ""
    verdict: Verdict = supports[0].verdict
    score = f'<span class="fn-score">score {supports[0].score:.2f}</span>' if supports[0].score else ""
    words = VERDICT_WORDS[verdict]
    return (
        f'<div class="fn-claim"><p class="fn-label">In the answer</p>'
        f'<p dir="auto">{escape(one_line(answer.sentences[sentence].text))}</p>'
        f'<p class="fn-verdict fn-verdict-{verdict}">{words[0].upper()}{words[1:]}{score}</p></div>'
    )


def _article(paper: Paper, marks: Sequence[tuple[int, int]], number: int | None = None) -> str:
    title = one_line(paper.title)
    sign = "" if number is None else f'<span class="fn-number" aria-hidden="true">{number}</span>'
    abstract = NO_ABSTRACT
    if paper.abstract.strip():
        abstract = f'<p class="fn-abstract" dir="auto">{marked_abstract(paper.abstract, marks)}</p>'
    ask = (
        f'<button type="button" class="fn-action" data-action="question" data-text="{escape(f"Summarise “{title}”.")}">'
        "Summarise this paper</button>"
    )
    numbered = "" if number is not None else " fn-unnumbered"
    return (
        f'<article class="fn-card fn-chosen{numbered}" tabindex="-1">'
        f'<h3 dir="auto">{sign}{escape(title)}</h3>{paper_facts_html(paper)}{abstract}{ask}</article>'
    )


def _related(related: Sequence[Related]) -> str:
    if not related:
        return ""
    rows = "".join(
        f'<li><button type="button" class="fn-nearest" data-action="paper" data-paper="{escape(one.paper.id)}" '
        f'dir="auto">{escape(one_line(one.paper.title))}</button>'
        f'<span class="fn-meta">{escape(_aside(one))}</span></li>'
        for one in related
    )
    return f'<div class="fn-related"><h3 class="fn-more">Nearest papers in this library</h3><ul>{rows}</ul></div>'


def _aside(one: Related) -> str:
    return " · ".join(filter(None, [str(one.paper.year or ""), f"similarity {one.cosine:.2f}"]))
