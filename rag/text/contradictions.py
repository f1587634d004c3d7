"""Contradictions between two sentences that rules can find: a negation in one of them, or a word and its opposite."""

from __future__ import annotations

import re

from rag.text.facts import normalised
from rag.text.tokenization import stems

_TOKEN = re.compile(r"\W*[\w-]+")
_NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|fails? to|failed to|unable to|lacks?|hardly|\w+n['’]t)\b", re.I
)
# Phrases with a negation word that deny nothing: 'not only … but also'.
_NO_NEGATION = re.compile(
    r"\bnot only\b|\bno longer than\b|\bwhether or not\b|\bno more than\b|\bnot limited to\b", re.I
)


def contradicts_by_negation(sentence: str, source: str) -> bool:
    """Whether one of the two denies a word that the other affirms: 'does not improve' against 'improves'.

    A word that the same text both denies and affirms decides nothing.
    """
    affirmed, denied = _affirmed_and_denied(sentence)
    source_affirmed, source_denied = _affirmed_and_denied(source)
    return bool(
        (denied - affirmed) & (source_affirmed - source_denied)
        or (affirmed - denied) & (source_denied - source_affirmed)
    )


def _affirmed_and_denied(text: str) -> tuple[set[str], set[str]]:
    """Stems of the content words of ``text``: those it affirms, and the first one behind each negation."""
    clear = _NO_NEGATION.sub(" ", normalised(text))
    affirmed: list[str] = []
    denied: set[str] = set()
    end = 0
    for match in _NEGATION.finditer(clear):
        affirmed += stems(clear[end : match.start()])
        clause = re.split(r"[,;:.()]|\b(?:but|and|while|whereas)\b", clear[match.end() :], maxsplit=1)[0]
        first = _TOKEN.match(clause)
        while first and not stems(first.group()):
            first = _TOKEN.match(clause, first.end())
        if first:
            denied.update(stems(first.group()))
        end = match.end() + (first.end() if first else 0)
    affirmed += stems(clear[end:])
    return set(affirmed), denied


def has_negation(text: str) -> bool:
    """Whether a sentence denies something; phrases such as 'not only' do not."""
    return bool(_NEGATION.search(_NO_NEGATION.sub("", text)))


_ANTONYMS = (
    ("increas|elevat|enhanc|upregulat", "decreas|reduc|lower|diminish|declin|downregulat|attenuat"),
    ("improv|enhanc", "worsen|degrad|deteriorat|harm|hurt|impair"),
    ("promot|induc|stimulat|activat|trigger", "inhibit|block|suppress|prevent|repress|inactivat|deactivat"),
    ("outperform|surpass|exceed", "underperform"), ("faster", "slower"), ("higher", "lower"), ("better", "worse"),
    ("more", "fewer|less"), ("larger|bigger|greater", "smaller"), ("stronger", "weaker"), ("best", "worst"),
    ("cheap", "expensive|costly"), ("highest|largest", "lowest|smallest"), ("succeed|success", "fail"),
    ("longer", "shorter"), ("earlier", "later"), ("positive", "negative"), ("presence", "absence"),
    ("sensitiv", "resistan"), ("necessary|required|essential", "unnecessary|dispensable"), ("stable", "unstable"),
    ("sufficient", "insufficient"), ("effective", "ineffective"), ("supervised", "unsupervised"),
)  # fmt: skip
_ANTONYM_PATTERNS = tuple(tuple(re.compile(rf"\b(?:{side})", re.IGNORECASE) for side in pair) for pair in _ANTONYMS)


def contradicts_by_antonym(sentence: str, source: str) -> bool:
    """Whether ``sentence`` has a word ('faster') where ``source`` has only its opposite ('slower')."""
    for one, other in _ANTONYM_PATTERNS:
        for said, held in ((one, other), (other, one)):
            if said.search(sentence) and not said.search(source) and held.search(source) and not held.search(sentence):
                return True
    return False
