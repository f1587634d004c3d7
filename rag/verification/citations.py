"""Every sentence of an answer against the abstract that it cites. Pure and deterministic.

For a sentence and each number behind it: does the number exist; are the sentence's figures (with
their units) and names in the cited paper; does its abstract bear the sentence out? A quote, which has
the words of one abstract sentence in their order, does. Otherwise it is a matter of probability
(``rag/verification/support.py``). What is unsupported is dropped or marked, never shown as fact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from rag.datatypes import AnswerSentence, Citation, Evidence, Sentence, Verdict
from rag.text.citation_format import with_numbers
from rag.text.contradictions import contradicts_by_antonym, contradicts_by_negation, has_negation
from rag.text.facts import has_exchanged_fact, missing_figures, missing_names, missing_proper_nouns
from rag.text.tokenization import stems

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

_BY_WORDS = 0.72  # share of a sentence's words in another, from which on it needs no vectors to be found
QUOTED = 0.85  # share of a sentence's words, in their order, that make it a quote of another

_MARK = r"\[\s*[1-9]\d*(?:\s*[,;–-]\s*[1-9]\d*)*\s*\]"  # [0, 1] is an interval
_MARKS_AFTER_STOP = re.compile(rf"([.!?。！？।؟]+[\"'”’)]*)((?:\s*{_MARK})+)(?=\s|$)")
_END_OF_CITED = re.compile(rf"(?:{_MARK}\s*)+[.!?。！？।؟]+[\"'”’)]*(?=\s)")
_DOUBLE_STOP = re.compile(rf"\.\s*(?:{_MARK}\s*)+\.(?=\s*$)")  # 'et al. [1].'
_BULLET = re.compile(r"^\s*(?:[-*•]\s+|\d{1,2}[.)]\s+(?!.*\b\d{1,2}\)\s))")
_PERSON = frozenset(("author",))  # 'the authors' for 'we' is no word that the abstract must have
_ORDER = {Verdict.SUPPORTED: 3, Verdict.WEAK: 2, Verdict.UNKNOWN: 1, Verdict.UNSUPPORTED: 0}


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """One sentence as written, without its brackets, and the numbers that stood in them."""

    text: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of a draft: sentences, their footnotes, and the text of those that were dropped."""

    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    dropped: tuple[str, ...]

    @property
    def text(self) -> str:
        """The answer as it is shown: every sentence with its numbers before the full stop."""
        return " ".join(with_numbers(s.text, s.citations) for s in self.sentences)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the check finds abstracts (sentences and their vectors by paper id), and what it asks about them.

    ``support`` tells how likely an abstract bears a sentence out (text, title, sentences of the abstract; 0..1);
    from ``supported`` on it does, from ``weak`` on perhaps.
    """

    sentences: Callable[[str], Sequence[Sentence]]
    vectors: Callable[[str], Matrix]
    encode: Callable[[str], Vector]
    support: Callable[[str, str, Sequence[str]], float]
    supported: float
    weak: float


def parse(text: str, split: Callable[[str], Sequence[Sentence]]) -> list[DraftSentence]:
    """The sentences of a draft; ``split`` cuts plain text. Numbers may stand before or after the full stop."""
    sentences: list[DraftSentence] = []
    for line in text.splitlines():
        body = _MARKS_AFTER_STOP.sub(lambda m: f" {m[2].strip()}{m[1]}", line)
        for piece in (sentence for part in _cited_parts(body) for sentence in split(_BULLET.sub("", part))):
            numbers = tuple(n for mark in re.findall(_MARK, piece.text) for n in _expand(mark))
            bare = _DOUBLE_STOP.sub(".", piece.text)
            bare = re.sub(rf"\s*{_MARK}", "", bare).strip()
            if any(c.isalnum() for c in bare):
                sentences.append(DraftSentence(bare, tuple(dict.fromkeys(numbers))))
            elif numbers and sentences:  # brackets on their own belong to the sentence before
                before = sentences.pop()
                sentences.append(DraftSentence(before.text, tuple(dict.fromkeys((*before.numbers, *numbers)))))
    return sentences


def _cited_parts(line: str) -> list[str]:
    """``line`` cut behind every '[n].': that ends a sentence, whatever the next one begins with."""
    ends = [m.end() for m in _END_OF_CITED.finditer(line)]
    return [line[start:end] for start, end in zip([0, *ends], [*ends, len(line)], strict=True)]


def check(
    text: str,
    evidence: Sequence[Evidence],
    sources: Sources,
    split: Callable[[str], Sequence[Sentence]],
    *,
    unsupported: str = "drop",
) -> Checked:
    """Judge every sentence of ``text``; ``unsupported`` is 'drop' or 'mark'.

    Sentences that repeat others or themselves are dropped.
    """
    by_number = {e.number: e for e in evidence}
    kept: list[AnswerSentence] = []
    citations: list[Citation] = []
    dropped: list[str] = []
    seen: set[tuple[str, ...]] = set()
    for draft in parse(text, split):
        key = tuple(stems(draft.text))
        found = [judge(draft.text, by_number[n], len(kept), sources) for n in draft.numbers if n in by_number]
        good = [c for c in found if c.verdict is not Verdict.UNSUPPORTED]
        stuck = _loops(draft.text) and not any(_loops(c.quote) for c in good)
        if key in seen or stuck or (not good and unsupported == "drop"):
            dropped.append(with_numbers(draft.text, draft.numbers))
            continue
        seen.add(key)
        shown = good or found
        verdict = max((c.verdict for c in shown), key=_ORDER.__getitem__, default=Verdict.UNSUPPORTED)
        kept.append(AnswerSentence(draft.text, tuple(c.number for c in shown), verdict))
        citations.extend(shown)
    return Checked(tuple(kept), tuple(citations), tuple(dropped))


def _loops(text: str) -> bool:
    """Whether a sentence says a run of six words twice, as small models do when they get stuck."""
    words = text.lower().split()
    runs = [tuple(words[i : i + 6]) for i in range(len(words) - 5)]
    return len(set(runs)) < len(runs)


def judge(text: str, evidence: Evidence, position: int, sources: Sources) -> Citation:
    """One sentence against one paper: its verdict, and the abstract sentence that comes nearest."""
    paper = evidence.paper
    sentences = sources.sentences(paper.id)
    whole = f"{paper.title} {paper.abstract}"
    invented = missing_figures(text, whole) or missing_names(text, whole) or missing_proper_nouns(text, whole)
    if not paper.abstract or not sentences:
        verdict = Verdict.UNSUPPORTED if invented else Verdict.UNKNOWN
        return Citation(evidence.number, paper.id, position, paper.title, 0, 0, verdict)
    best = _nearest(text, paper.id, sentences, sources)
    turned = has_negation(text) != has_negation(best.text) or contradicts_by_antonym(text, best.text)
    quoted = _quoted(text, best.text) >= QUOTED
    if invented or (quoted and has_exchanged_fact(text, best.text)):
        score, verdict = 0.0, Verdict.UNSUPPORTED
    elif not turned and quoted:
        score, verdict = 1.0, Verdict.SUPPORTED
    else:
        score = sources.support(text, paper.title, [s.text for s in sentences])
        verdict = Verdict.WEAK if score >= sources.weak else Verdict.UNSUPPORTED
        if score >= sources.supported and not turned:
            verdict = Verdict.SUPPORTED
        if contradicts_by_negation(text, best.text):
            verdict = Verdict.UNSUPPORTED
    return Citation(evidence.number, paper.id, position, best.text, best.start, best.end, verdict, round(score, 4))


def _quoted(text: str, sentence: str) -> float:
    """The share of the words of ``text`` that ``sentence`` has in the same order, 0..1."""
    words = [w for w in stems(text) if w not in _PERSON] or stems(text)
    held = stems(sentence)
    if not words:
        return 0.0
    matched = sum(block.size for block in SequenceMatcher(None, words, held, autojunk=False).get_matching_blocks())
    return matched / len(words)


def _nearest(text: str, paper_id: str, sentences: Sequence[Sentence], sources: Sources) -> Sentence:
    """The sentence of the abstract that says what ``text`` says, or comes nearest to it."""
    words = set(stems(text))
    words = words - _PERSON or words
    shares = [len(words & set(stems(s.text))) / max(1, len(words)) for s in sentences]
    best = max(range(len(sentences)), key=lambda i: (shares[i], -i))
    if shares[best] < _BY_WORDS:  # other words for the same thing: ask the vectors, which cost some milliseconds
        cosines = sources.vectors(paper_id) @ sources.encode(text)
        best = max(range(len(sentences)), key=lambda i: (0.5 * float(cosines[i]) + 0.5 * shares[i], -i))
    return sentences[best]


def _expand(mark: str) -> list[int]:
    """``[1, 3-5]`` to 1, 3, 4, 5; a range of more than 20 is taken as its two ends."""
    numbers: list[int] = []
    for part in re.split(r"[,;]", mark.strip("[] ")):
        ends = [int(n) for n in re.findall(r"\d+", part)]
        if len(ends) == 2 and 0 < ends[1] - ends[0] <= 20:
            numbers.extend(range(ends[0], ends[1] + 1))
        else:
            numbers.extend(ends)
    return numbers
