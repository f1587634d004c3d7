"""A question that asks two things: what answers the second, or a line that says that no abstract does."""

from __future__ import annotations

from dataclasses import replace

from rag.datatypes import Evidence, Reading, Sentence
from rag.evidence.fitting import FitJudge
from rag.evidence.ranking import SentenceStore, rank_sentences
from rag.questions.kinds import wants_figure
from rag.questions.parts import parts_of
from rag.retrieval.ranking import Rank

ANSWERED = -1.5  # log-odds of the best sentence from which on a part counts as answered by what was chosen
ADDED = 0.0  # and of another sentence, from which on it is added for a part that is not
_TRIED = 6  # sentences that are tried for a part


def with_parts(
    reading: Reading, evidence: tuple[Evidence, ...], judge: FitJudge, rank: Rank, store: SentenceStore
) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
    """``evidence`` with a sentence more for each part that it does not answer, or a line that says so of the part.

    A part is searched for with the first one before it, which names what it is about.
    """
    first, *others = parts_of(reading.text)
    closing: list[str] = []
    for part in others:
        said = [sentence.text for item in evidence for sentence in item.sentences]
        if max(judge.answers(part, said), default=ANSWERED) >= ANSWERED:
            continue
        alone = replace(reading, text=part, search=f"{first} {part}", spread=False)
        ranking = rank(None, alone)
        ranked = rank_sentences(alone, ranking.vector, ranking.hits, store)
        tried = [c for c in ranked.candidates if c.sentence.text not in said][:_TRIED]
        worth = judge.answers(alone.search, [c.sentence.text for c in tried])
        best = max(range(len(tried)), key=lambda at: (worth[at], -at), default=None)
        papers = {hit.paper.id: hit.paper for hit in ranking.hits}
        if best is not None and worth[best] >= ADDED:
            new = tried[best]
            item = Evidence(0, papers[new.paper_id], (new.sentence,), new.score, (new.score,))
            evidence = _added(evidence, item)
        else:
            closing.append(_unanswered(part))
    return evidence, tuple(closing)


def first_part(reading: Reading) -> tuple[Reading, tuple[str, ...]] | None:
    """The first of several parts, which names what all are about, and lines that say of the others that no abstract
    answers them; None where there is but one.

    Where the whole is refused and this part is not, the others are the reason.
    """
    first, *others = parts_of(reading.text)
    if not others or reading.is_follow_up:
        return None
    alone = replace(reading, text=first, search=first, wants_figure=wants_figure(first))
    return alone, tuple(map(_unanswered, others))


def _unanswered(part: str) -> str:
    return f"None of the abstracts here answers “{part[:1].lower()}{part[1:]}”"


def _added(evidence: tuple[Evidence, ...], new: Evidence) -> tuple[Evidence, ...]:
    """``evidence`` with the sentence of ``new`` behind those of its paper, or as a paper of its own."""
    for at, item in enumerate(evidence):
        if item.paper.id == new.paper.id:
            sentences: tuple[Sentence, ...] = (*item.sentences, *new.sentences)
            scores = (*item.scores, *new.scores) if len(item.scores) == len(item.sentences) else ()
            return (*evidence[:at], replace(item, sentences=sentences, scores=scores), *evidence[at + 1 :])
    return (*evidence, replace(new, number=len(evidence) + 1))
