"""A question that asks two things: what answers the second, or a line that says that no abstract does."""

from __future__ import annotations

from dataclasses import replace

from rag.datatypes import Evidence, Reading, Sentence
from rag.evidence.fitting import FitJudge
from rag.evidence.ranking import SentenceStore, rank_sentences
from rag.questions.kinds import wants_figure
from rag.questions.parts import parts_of
from rag.retrieval.ranking import Rank
from rag.text.tokenization import stems

# Log-odds by the writer's network: sentences about something else have 1 to 1.6 where they stand alone, answers 2.4.
ADDED = 2.2
_ENOUGH = 2  # content words of a part from which on it can be said that nothing has them
_TRIED = 6  # sentences that are tried for a part


def with_parts(
    reading: Reading, evidence: tuple[Evidence, ...], judge: FitJudge, rank: Rank, store: SentenceStore
) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
    """``evidence`` with a sentence more for each part that it does not speak of, or a line that says so of the part.

    Only what can be told for sure is said: a part counts as spoken of where a sentence has one of its content words. It
    is searched for with the first one before it, which names what it is about.
    """
    first, *others = parts_of(reading.text)
    closing: list[str] = []
    for part in others:
        said = [sentence.text for item in evidence for sentence in item.sentences]
        words = set(stems(part))
        if len(words) < _ENOUGH or any(words & set(stems(text)) for text in said):
            continue
        alone = replace(reading, text=part, search=f"{first} {part}", spread=False)
        ranking = rank(None, alone)
        ranked = rank_sentences(alone, ranking.vector, ranking.hits, store)
        tried = [c for c in ranked.candidates if c.sentence.text not in said][:_TRIED]
        speaking = [c for c in tried if words & set(stems(c.sentence.text))]
        worth = judge.answers(part, [c.sentence.text for c in speaking]) if speaking else []
        best = max(range(len(worth)), key=lambda at: (worth[at], -at), default=None)
        if best is None:
            closing.append(_unanswered(part))
        elif worth[best] >= ADDED:
            new = speaking[best]
            paper = next(hit.paper for hit in ranking.hits if hit.paper.id == new.paper_id)
            evidence = _added(evidence, Evidence(0, paper, (new.sentence,), new.score, (new.score,)))
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
