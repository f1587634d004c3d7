"""Which sentence says what a term is: the form of a definition, which tells it from one that only has the term."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rag.datatypes import Reading
from rag.evidence.ranking import Candidate, Ranked
from rag.questions.definitions import defined_term
from rag.text.tokenization import stem

# In points of the ranker, whose best sentences lie within three of each other: a definition goes before all others, but
# not so far that what comes next seems to be of another paper.
LIFT = 6.0
# How surely a form defines: as one kind of thing or by its name; by what it does; by being introduced.
_CERTAIN, _LIKELY, _INTRODUCED = 1.0, 0.6, 0.3
_ASIDE = re.compile(r"\([^()]{0,80}\)")
_WORD = re.compile(r"[^\W_]+|,")
_BE = frozenset("is are".split())
_ARTICLES = frozenset("a an the".split())
_MEANS = frozenset("refers refer denotes denote means describes describe comprises comprise".split())
_KIND = frozenset("a an the one any defined characterized characterised called".split())
_NAMED = frozenset("called termed named dubbed".split())
_PROPOSES = frozenset("propose proposes introduce introduces present presents develop develops".split())
# What follows 'is' where something is said of a thing that is known already. Participles are found by their ending.
_SAID_OF_IT = frozenset(
    """not also often still now well thus therefore essential important necessary critical crucial responsible likely
    able due thought known common rare present absent key central vital it to in on of as at""".split()
)
_LEAD = 3  # words that may stand before the term where it is the subject: 'In mice, the …'
_NEAR = 8  # words between 'we propose' and the term


def defines(sentence: str, term: Sequence[str]) -> float:
    """How surely ``sentence`` says what ``term`` (its words in lower case) is, 0 to 1."""
    words = [w.lower() for w in _WORD.findall(_ASIDE.sub("", sentence))]
    roots, wanted = list(map(_root, words)), list(map(_root, term))
    found = 0.0
    for at in range(len(words) - len(wanted) + 1):
        if roots[at : at + len(wanted)] == wanted:
            found = max(found, _form(words[:at], words[at + len(wanted) :]))
    return found


def _form(before: Sequence[str], after: Sequence[str]) -> float:
    """What the words around the term make of the sentence."""
    subject = len([w for w in before if w != ","]) <= _LEAD
    follows, then = (*after[:2], "", "")[:2]
    named = next((w for w in reversed(before) if w not in _ARTICLES), "") in _NAMED
    apposed = follows == "," and then in _ARTICLES
    if named or (subject and ((follows in _BE and then in _KIND) or follows in _MEANS or apposed)):
        return _CERTAIN
    if subject and follows in _BE and then not in _SAID_OF_IT and not then.endswith(("ed", "ing", "ly")):
        return _LIKELY
    introduced = any(w in _PROPOSES for w in before[-_NEAR:])
    return _INTRODUCED if introduced and (not after or follows in (",", "which", "that", "a")) else 0.0


def _root(word: str) -> str:
    """The stem; of an abbreviation in the plural ('rnas') too, which the stemmer leaves."""
    return stem(word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word)


def definitions_first(reading: Reading, ranked: Ranked) -> tuple[Ranked, bool]:
    """``ranked`` with the sentences lifted that say what the question's term is, and whether there is any.

    Sentences of a paper that was judged not to fit are left where they are.
    """
    term = defined_term(reading.search)
    if not term:
        return ranked, False

    best = ranked.candidates[0].score if ranked.candidates else 0.0

    def lifted(candidate: Candidate) -> Candidate:
        if ranked.fitting is not None and candidate.paper_id not in ranked.fitting:
            return candidate
        sure = defines(candidate.sentence.text, term)
        return replace(candidate, score=min(candidate.score + LIFT * sure, best + sure)) if sure else candidate

    candidates = [lifted(one) for one in ranked.candidates]
    found = any(new is not old for new, old in zip(candidates, ranked.candidates, strict=True))
    candidates.sort(key=lambda c: (-c.score, c.paper_id, c.index))
    return replace(ranked, candidates=tuple(candidates)), found
