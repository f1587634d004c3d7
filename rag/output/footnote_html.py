"""One footnote, or one paper, opened for reading: the whole abstract with the supporting sentence marked. Pure HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rag.datatypes import Answer, Citation, Paper, Verdict, Version
from rag.output.presentation import VERDICT_WORDS, Papers, nearest_papers
from rag.output.presentation_html import marked_abstract, paper_facts_html
from rag.output.templating import Template, html
from rag.papers.bibliography import one_line
from rag.retrieval.related import Related

_TEMPLATE = Template("rag.output", "footnote")
Stop = tuple[int | None, int]  # index of the sentence (None: of no sentence), number


def stops(answer: Answer, papers: Papers | None = None) -> list[Stop]:
    """The footnotes of an answer in the order in which one reads them; of a refusal its nearest papers."""
    if answer.refusal is not None:
        return [(None, position) for position, _ in enumerate(nearest_papers(answer, papers), start=1)]
    return [
        (index, number)
        for index, sentence in enumerate(answer.sentences)
        for number in (*sentence.citations, *sentence.against)
    ]


def paper_behind(answer: Answer, number: int, papers: Papers | None = None) -> Paper | None:
    """The paper that a footnote number, or a place among the nearest papers of a refusal, stands for."""
    if answer.refusal is not None:
        near = nearest_papers(answer, papers)
        return near[number - 1] if 0 < number <= len(near) else None
    return next((item.paper for item in answer.evidence if item.number == number), None)


@dataclass(frozen=True, slots=True)
class _Article:
    """The paper that is read; ``facts`` and ``abstract`` are HTML, and it has no ``number`` when opened by itself."""

    title: str
    facts: Any
    abstract: Any
    number: int | None


@dataclass(frozen=True, slots=True)
class _Claim:
    """The sentence of the answer that a footnote supports, and in words how well."""

    text: str
    verdict: Verdict
    words: str
    score: float


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
    versions = next((item.versions for item in answer.evidence if item.number == number), ())
    article = _article(paper, [(c.start, c.end) for c in supports], number, versions)
    claim = _claim(answer, sentence, supports)
    return _TEMPLATE.footnote(kind, number, turn, sentence, place, len(order), claim, article, related)


def paper_html(
    paper: Paper,
    related: Sequence[Related] = (),
    marks: Sequence[tuple[int, int]] = (),
    versions: Sequence[Version] = (),
) -> str:
    """A paper that was opened by itself; ``marks`` are spans (start, end) of the abstract to mark."""
    return _TEMPLATE.paper(_article(paper, marks, None, versions), related)


def _claim(answer: Answer, sentence: int | None, supports: Sequence[Citation]) -> _Claim | None:
    if sentence is None or not 0 <= sentence < len(answer.sentences) or not supports:
        return None
    verdict, words = supports[0].verdict, VERDICT_WORDS[supports[0].verdict]
    text = one_line(answer.sentences[sentence].text)
    return _Claim(text, verdict, f"{words[0].upper()}{words[1:]}", supports[0].score)


def _article(
    paper: Paper, marks: Sequence[tuple[int, int]], number: int | None, versions: Sequence[Version]
) -> _Article:
    abstract = html(marked_abstract(paper.abstract, marks)) if paper.abstract.strip() else ""
    return _Article(one_line(paper.title), html(paper_facts_html(paper, versions)), abstract, number)
