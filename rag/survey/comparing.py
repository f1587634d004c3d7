"""Comparisons: of each side the papers that speak of it, and what these say of each aspect.

A side is looked for among the titles, then among the abstracts that a network judges to be about it. Aspects that the
question names are read of each paper like a question; where it names none, they are problem, method, data and results.
Every cell is a sentence of the paper, or stays empty; a side that no abstract speaks of is named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.datatypes import Encoder, Evidence, Paper, Sentence
from rag.evidence.fitting import Fit
from rag.library.storage.admitting import among
from rag.questions.sides import Asked
from rag.retrieval.ranking import may_testify
from rag.survey import tables
from rag.survey.structure import Find, Key, Structured
from rag.text.facts import missing_names
from rag.text.tokenization import stems

PAPERS_OF_A_SIDE = 2
SAYS = 0.0  # log-odds from which on a sentence holds what is asked of the paper
_BELOW = -1.5  # log-odds down to which one that the table's thresholds admit may do so
_DEFAULT = ("problem", "method", "data", "results")
_SHORT, _BETWEEN = 2, 1  # words of a short name, and words that may stand between them
_SPOKEN = 0.6  # share of the words of a long name that a paper which speaks of it has
_MOST_LOOKED_AT = 50  # papers that BM25 finds for a name
_NAME_CHARACTERS = 300
_MISSING, _SILENT = "No abstract here speaks of {}.", "The abstract on {} says nothing of this."
_LONGEST_NAME = 3  # words of what is taken for a name
_QUOTES = " \t\"'“”‘’«»"


class PaperSource(Protocol):
    """What reading a paper by its title needs of :class:`rag.library.library.Library`."""

    def lexical(self, query: str, k: int) -> list[tuple[str, float]]: ...
    def get_papers(self, ids: Sequence[str]) -> Mapping[str, Paper]: ...
    def sentences(self, paper_id: str) -> tuple[Sentence, ...]: ...


class ComparisonSource(PaperSource, tables.TableSource, Protocol):
    """What a comparison needs of a library."""


@dataclass(frozen=True, slots=True)
class _Side:
    """A side with its papers; ``judged`` are those that speak of it."""

    name: str
    papers: tuple[Paper, ...]
    judged: tuple[Fit, ...]


def compare(
    asked: Asked, find: Find, source: ComparisonSource, encoder: Encoder, within: Collection[str] | None = None
) -> Structured | None:
    """The comparison that ``asked`` wants, without evidence where no abstract says anything; then ``closing`` says why.

    None where nothing is found and a side is no name but a description: that may be another question.

    ``find`` finds papers for a question and judges them; ``within`` holds the ids of the papers that may be used (None:
    all).
    """
    sides = [_side(name, asked.context, find, source, within) for name in asked.sides]
    cells = _cells(asked, sides, find, source, encoder)
    if not cells and any(len(stems(side.name)) > _LONGEST_NAME for side in sides):
        return None
    papers = {paper.id: paper for side in sides for paper in side.papers}
    evidence: list[Evidence] = []
    for paper_id, said in cells.items():
        sentences = tuple(dict.fromkeys(said.values()))
        evidence.append(Evidence(len(evidence) + 1, papers[paper_id], sentences, 1.0, (1.0,) * len(sentences)))
    sections: dict[Key, str] = {}
    for aspect in _aspects(asked):
        for paper_id, said in cells.items():
            if aspect in said:
                sections.setdefault((paper_id, said[aspect].start), aspect.title)
    silent = [one.title for one in _aspects(asked) if one.question and one.title not in sections.values()]
    silent_sides = [side for side in sides if not any(paper.id in cells for paper in side.papers)]
    closing = [(_SILENT if side.papers else _MISSING).format(side.name) for side in silent_sides]
    closing += [] if not cells else [f"None of these abstracts says anything of “{title}”." for title in silent]
    judged = {fit.paper.id: fit for side in sides for fit in reversed(side.judged)}
    considered = tuple(sorted(judged.values(), key=lambda fit: (-fit.probability, fit.paper.id)))
    return Structured(tuple(evidence), sections, closing=tuple(closing), considered=considered)


def _aspects(asked: Asked) -> tuple[tables.Column, ...]:
    """The rows of the comparison, with a capital."""
    named = [tables.column(text[0].upper() + text[1:]) for text in asked.aspects] or map(tables.column, _DEFAULT)
    return tuple(dict.fromkeys(named))


def _side(name: str, context: str, find: Find, source: ComparisonSource, within: Collection[str] | None) -> _Side:
    """The paper of that title, else the best papers that speak of it and fit."""
    if (paper := titled(name, source, within)) is not None:
        return _Side(name, (paper,), (Fit(paper, 1.0, (), ()),))
    speaking = [fit for fit in find(f"{name} in {context}" if context else name, within) if speaks_of(fit.paper, name)]
    fitting = [fit for fit in speaking if fit.fits] or speaking[:1]
    return _Side(name, tuple(fit.paper for fit in fitting[:PAPERS_OF_A_SIDE]), tuple(speaking))


def speaks_of(paper: Paper, name: str) -> bool:
    """Whether title or abstract has the words of ``name``: those of a short one, or of one that is all names, together,
    most of a long one; and every name in it."""
    text = f"{paper.title} {paper.abstract}"
    wanted, there = set(stems(name)), stems(text)
    if not wanted or missing_names(name, text):
        return False
    all_names = all(any(c.isupper() or c.isdigit() for c in word) for word in name.split())
    if len(wanted) > _SHORT and not all_names:
        return len(wanted & set(there)) >= _SPOKEN * len(wanted)
    window = len(wanted) + _BETWEEN
    return any(wanted <= set(there[at : at + window]) for at, word in enumerate(there) if word in wanted)


def _cells(
    asked: Asked, sides: Sequence[_Side], find: Find, source: ComparisonSource, encoder: Encoder
) -> dict[str, dict[tables.Column, Sentence]]:
    """By paper, in the order of the sides, the sentence for each aspect; papers that say nothing are left out."""
    aspects = _aspects(asked)
    found: dict[str, dict[tables.Column, Sentence]] = {}
    for side in sides:
        ids = [paper.id for paper in side.papers if paper.id not in found]
        for row in tables.rows(ids, aspects, source, encoder):
            said: dict[tables.Column, Sentence] = {}
            for aspect, cell in zip(aspects, row.cells, strict=True):
                by_rule = Sentence(cell.text, cell.start, cell.end) if cell.text else None
                sentence = _judged(side.name, aspect, row.paper.id, by_rule, find) if aspect.question else by_rule
                if sentence is not None and sentence not in said.values():
                    said[aspect] = sentence
            if said:
                found[row.paper.id] = said
    return found


def _judged(side: str, aspect: tables.Column, paper_id: str, by_rule: Sentence | None, find: Find) -> Sentence | None:
    """The sentence of a paper that says the most of an aspect; None where none says it."""
    fit = next(iter(find(f"{side}: {aspect.question}", [paper_id])), None)
    if fit is None:
        return by_rule
    relevance = dict(zip(fit.sentences, fit.relevance, strict=True))
    if max(relevance.values()) >= SAYS:
        return fit.best
    return by_rule if by_rule is not None and relevance.get(by_rule, _BELOW) > _BELOW else None


def titled(name: str, source: PaperSource, within: Collection[str] | None = None) -> Paper | None:
    """The one paper whose title is ``name``, else begins with it, else contains it; None where no step finds one.

    A notice, whose title has that of its paper, is found only by a name that is a notice's.
    """
    wanted = name.strip(_QUOTES)[:_NAME_CHARACTERS]
    if not wanted:
        return None
    found_ids = [one for one, _ in source.lexical(wanted, _MOST_LOOKED_AT)]
    inside = among(within, found_ids)
    ids = [one for one in found_ids if one in inside]
    has = re.compile(rf"(?<!\w){re.escape(wanted)}(?!\w)", re.IGNORECASE)
    found = source.get_papers(ids).values()
    papers = [paper for paper in found if has.search(paper.title) and may_testify(paper, wanted)]
    starting = [paper for paper in papers if has.match(paper.title)]
    whole = [paper for paper in papers if has.fullmatch(paper.title.strip())]
    return next((group[0] for group in (whole, starting, papers) if len(group) == 1), None)
