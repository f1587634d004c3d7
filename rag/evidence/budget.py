"""How much of the evidence a language model is shown: as much as it can read in the time that is allowed, best first.

The model's own tokenizer is not asked, which would load the model: a token of an abstract has about five characters.
What is too long for the context after all is cut by the generator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rag.datatypes import Evidence, Sentence

CHARACTERS_A_TOKEN = 5.0  # of the shipped abstracts: 5.3 by the tokenizer of SmolLM2, 5.4 by that of Qwen2.5
_LABEL = 4  # tokens around a paper: its number in brackets, a colon, the end of its line
_TITLE = 80  # characters of a title that are shown


def estimated_tokens(text: str) -> int:
    """About how many tokens ``text`` has; at least 1."""
    return max(1, round(len(text) / CHARACTERS_A_TOKEN))


def within_budget(
    evidence: tuple[Evidence, ...], tokens: int, count: Callable[[str], int] = estimated_tokens
) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """``(shown, left_out)``: the best sentences of ``evidence`` that fit ``tokens``, and the others.

    First comes the best sentence of each paper, in the order of the papers, then every other one by its score; the
    first that does not fit ends it. At least one sentence is shown. Both keep numbers and order, so a paper may stand
    in both, with different sentences. ``count`` says how many tokens a text has.
    """
    taken: dict[int, set[int]] = {}
    room = tokens
    for paper, at in _best_first(evidence):
        cost = count(evidence[paper].sentences[at].text)
        if paper not in taken:
            cost += count(evidence[paper].paper.title[:_TITLE]) + _LABEL
        if cost > room and taken:
            break
        room -= cost
        taken.setdefault(paper, set()).add(at)
    shown, left_out = [], []
    for paper, item in enumerate(evidence):
        mine = taken.get(paper, set())
        shown += _only(item, [at for at in range(len(item.sentences)) if at in mine])
        left_out += _only(item, [at for at in range(len(item.sentences)) if at not in mine])
    return tuple(shown), tuple(left_out)


def with_unseen(shown: tuple[Evidence, ...], others: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """``shown`` and those of ``others`` whose papers were not, by number: what the footnotes of both lead to."""
    numbers = {item.number for item in shown}
    return tuple(sorted((*shown, *(one for one in others if one.number not in numbers)), key=lambda one: one.number))


def _best_first(evidence: tuple[Evidence, ...]) -> list[tuple[int, int]]:
    """Index of the paper and of the sentence in it, for every sentence."""
    places = [(paper, at) for paper, item in enumerate(evidence) for at in range(len(item.sentences))]

    def score(place: tuple[int, int]) -> float:
        paper, at = place
        scores = evidence[paper].scores
        return scores[at] if at < len(scores) else evidence[paper].score

    firsts: dict[int, tuple[int, int]] = {}
    for place in sorted(places, key=lambda p: (-score(p), p)):
        firsts.setdefault(place[0], place)
    leading = [firsts[paper] for paper in sorted(firsts)]
    return leading + sorted(set(places) - set(leading), key=lambda p: (-score(p), p))


def _only(item: Evidence, places: list[int]) -> list[Evidence]:
    """``item`` with the sentences at ``places`` alone; nothing without any."""
    if not places:
        return []
    sentences: tuple[Sentence, ...] = tuple(item.sentences[at] for at in places)
    scores = tuple(item.scores[at] for at in places) if len(item.scores) == len(item.sentences) else ()
    return [replace(item, sentences=sentences, scores=scores)]
