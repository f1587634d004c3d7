"""Every sentence of an answer against the abstract that it cites. Deterministic.

For a sentence and each number behind it: does the number exist; are the sentence's figures (with their units) and
names in the cited paper; does its abstract bear the sentence out? A quote does, whole or shortened as a rule can defend
(:mod:`rag.verification.quoting`). Of anything else a network that reads sentence and abstract together says whether it
is supported, contradicted or not stated (:mod:`rag.verification.entailment`). What is unsupported is dropped or marked;
what the abstract contradicts is never shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from rag.datatypes import AnswerSentence, Citation, Evidence, Sentence, Verdict
from rag.library.chunking import split_sentences
from rag.text.citation_format import with_numbers
from rag.text.facts import (
    LONGEST_COMPARED,
    has_exchanged_fact,
    missing_figures,
    missing_names,
    missing_proper_nouns,
)
from rag.text.tokenization import stems
from rag.text.wording import third_person
from rag.verification.checked import Checked
from rag.verification.entailment import Judgement, Thresholds
from rag.verification.quoting import is_quote

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

_BY_WORDS = 0.72  # share of a sentence's words in another, from which on it needs no vectors to be found
_NEAR_COPY = 0.85  # share of a sentence's words, in their order, from which on it follows another
_ALMOST_ALL = 0.8  # share of the words of a quote that its source has at least, whatever changes with the person

_MARK = r"\[\s*[1-9]\d*(?:\s*[,;–-]\s*[1-9]\d*)*\s*\]"  # [0, 1] is an interval
_MARKS_AFTER_STOP = re.compile(rf"(?<![.!?。！？।؟])([.!?。！？।؟]++[\"'”’)]*)((?:\s*{_MARK})+)(?=\s|$)")
_END_OF_CITED = re.compile(rf"{_MARK}\s*[.!?。！？।؟]++[\"'”’)]*+(?=\s)")
_DOUBLE_STOP = re.compile(rf"\.\s*(?:{_MARK}\s*)+\.(?=\s*$)")  # 'et al. [1].'
_BULLET = re.compile(r"^\s*(?:[-*•]\s+|\d{1,2}[.)]\s++(?!.*\b\d{1,2}\)\s))")
_PERSON = frozenset(("author",))  # 'the authors' for 'we' is no word that the abstract must have
_REJECTED = (Verdict.UNSUPPORTED, Verdict.CONTRADICTED)
_ORDER = {Verdict.SUPPORTED: 3, Verdict.WEAK: 2, Verdict.UNKNOWN: 1, Verdict.UNSUPPORTED: 0, Verdict.CONTRADICTED: -1}


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """One sentence as written, without its brackets, and the numbers that stood in them."""

    text: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the check finds abstracts (their sentences by paper id), and what judges a sentence by one.

    ``judge`` is asked with the sentence and what it is held against; ``thresholds`` make verdicts of what it says.
    ``vectors`` are those of the sentences of a paper; without them the nearest sentence is found by words alone.
    """

    sentences: Callable[[str], Sequence[Sentence]]
    judge: Callable[[str, str], Judgement]
    thresholds: Callable[[], Thresholds]
    vectors: Callable[[str], Matrix] | None = None
    encode: Callable[[str], Vector] | None = None


# What may stand in the place of a sentence that failed, given that and its citations: texts with the number of their
# paper, the likeliest first. Asked for one at a time, for a text may take a model seconds.
Repair = Callable[[str, Sequence[Citation]], Iterable[tuple[str, int]]]


def source_sentence(text: str, failed: Sequence[Citation]) -> Iterable[tuple[str, int]]:
    """A :data:`Repair`: the sentence of the abstract that comes nearest, in the third person."""
    return [(third_person(failed[0].quote), failed[0].number)]


def parse(text: str, split: Callable[[str], Sequence[Sentence]]) -> list[DraftSentence]:
    """The sentences of a draft; ``split`` cuts plain text. Numbers may stand before or after the full stop."""
    sentences: list[DraftSentence] = []
    for line in text.splitlines():
        body = _MARKS_AFTER_STOP.sub(lambda m: f" {m[2].strip()}{m[1]}", line)
        for piece in (sentence for part in _cited_parts(body) for sentence in split(_BULLET.sub("", part))):
            numbers = tuple(n for mark in re.findall(_MARK, piece.text) for n in _expand(mark))
            bare = _DOUBLE_STOP.sub(".", piece.text)
            bare = re.sub(rf"(?<!\s)\s*+{_MARK}", "", bare).strip()
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
    split: Callable[[str], Sequence[Sentence]] = split_sentences,
    *,
    unsupported: str = "drop",
    repair: Repair | None = None,
) -> Checked:
    """Judge every sentence of ``text``; ``unsupported`` is 'drop' or 'mark'.

    Sentences that repeat others or themselves are dropped, and so is what an abstract contradicts. With ``repair`` the
    first of its texts that is supported outright stands in the place of a sentence that is not. Long because it is the
    one place that decides what is shown.
    """
    by_number = {e.number: e for e in evidence}
    kept: list[AnswerSentence] = []
    citations: list[Citation] = []
    dropped: list[str] = []
    repaired: list[str] = []
    seen: set[tuple[str, ...]] = set()

    def judged(said: str, numbers: Sequence[int]) -> list[Citation]:
        return [judge(said, by_number[n], len(kept), sources) for n in numbers if n in by_number]

    for draft in parse(text, split):
        said, found = draft.text, judged(draft.text, draft.numbers)
        written = with_numbers(draft.text, draft.numbers)
        if repair is not None and _fails(said, found):
            said, found = _repaired(said, found, repair, judged, seen)
        good = [c for c in found if c.verdict not in _REJECTED]
        denied = not good and any(c.verdict is Verdict.CONTRADICTED for c in found)
        stuck = _loops(said) and not any(_loops(c.quote) for c in good)
        key = tuple(stems(said))
        if key in seen or stuck or denied or (not good and unsupported == "drop"):
            dropped.append(written)
            continue
        seen.add(key)
        shown = good or found
        verdict = max((c.verdict for c in shown), key=_ORDER.__getitem__, default=Verdict.UNSUPPORTED)
        kept.append(AnswerSentence(said, tuple(c.number for c in shown), verdict))
        citations.extend(shown)
        if said != draft.text or not set(kept[-1].citations) <= set(draft.numbers):
            repaired.append(written)
    return Checked(tuple(kept), tuple(citations), tuple(dropped), tuple(repaired))


def _repaired(
    text: str,
    failed: Sequence[Citation],
    repair: Repair,
    judged: Callable[[str, Sequence[int]], list[Citation]],
    seen: Collection[tuple[str, ...]],
) -> tuple[str, list[Citation]]:
    """The first text of ``repair`` that is supported outright and was not said before, else the last one that is
    supported, else ``text`` as it was."""
    said, found = text, list(failed)
    for other, number in repair(text, failed):
        again = judged(other, (number,))
        if any(c.verdict is Verdict.SUPPORTED for c in again) and not _loops(other):
            said, found = other, again
            if tuple(stems(said)) not in seen:
                break
    return said, found


def _fails(text: str, found: Sequence[Citation]) -> bool:
    """Whether a sentence with these citations calls for a repair: no abstract bears it out, or it repeats itself.

    A paper without an abstract says nothing either way, and offers nothing to repair it with.
    """
    if not found or all(c.verdict is Verdict.UNKNOWN for c in found):
        return False
    return _loops(text) or not any(c.verdict is Verdict.SUPPORTED for c in found)


def _loops(text: str) -> bool:
    """Whether a sentence says a run of six words twice, as small models do when they get stuck."""
    words = text.lower().split()
    runs = [tuple(words[i : i + 6]) for i in range(len(words) - 5)]
    return len(set(runs)) < len(runs)


def judge(text: str, evidence: Evidence, position: int, sources: Sources) -> Citation:
    """One sentence against one paper: its verdict, and the abstract sentence that comes nearest."""
    paper = evidence.paper
    sentences = sources.sentences(paper.id)

    def cited(by: Sentence, score: float, verdict: Verdict) -> Citation:
        number, at = evidence.number, (by.text, by.start, by.end)
        return Citation(number, paper.id, position, *at, verdict, round(score, 4))

    shares = _shares(text, sentences)
    for at in sorted(range(len(sentences)), key=lambda at: (-shares[at], at)):
        if shares[at] < _ALMOST_ALL:
            break
        if is_quote(text, sentences[at].text):
            return cited(sentences[at], 1.0, Verdict.SUPPORTED)
    whole = f"{paper.title} {paper.abstract}"
    invented = missing_figures(text, whole) or missing_names(text, whole) or missing_proper_nouns(text, whole)
    if not paper.abstract or not sentences:
        title = Sentence(paper.title, 0, 0)
        return cited(title, 0.0, Verdict.UNSUPPORTED if invented else Verdict.UNKNOWN)
    best = _nearest(text, paper.id, sentences, shares, sources)
    says_nothing = not any(shares)  # 'The answer to the question is:' has no word of the abstract
    if invented or says_nothing or (_in_order(text, best.text) >= _NEAR_COPY and has_exchanged_fact(text, best.text)):
        return cited(best, 0.0, Verdict.UNSUPPORTED)
    judgement = sources.judge(text, " ".join(s.text for s in sentences))
    return cited(best, judgement.supported, sources.thresholds().verdict(judgement))


def _shares(text: str, sentences: Sequence[Sentence]) -> list[float]:
    """For each sentence the share of the words of ``text`` that it has, 0..1."""
    words = set(stems(text))
    words = words - _PERSON or words
    return [len(words & set(stems(s.text))) / max(1, len(words)) for s in sentences]


def _in_order(text: str, sentence: str) -> float:
    """The share of the words of ``text`` that ``sentence`` has in the same order, 0..1."""
    words = ([w for w in stems(text) if w not in _PERSON] or stems(text))[:LONGEST_COMPARED]
    held = stems(sentence)[:LONGEST_COMPARED]
    if not words:
        return 0.0
    matched = sum(block.size for block in SequenceMatcher(None, words, held, autojunk=False).get_matching_blocks())
    return matched / len(words)


def _nearest(
    text: str, paper_id: str, sentences: Sequence[Sentence], shares: Sequence[float], sources: Sources
) -> Sentence:
    """The sentence of the abstract that says what ``text`` says, or comes nearest to it."""
    best = max(range(len(sentences)), key=lambda i: (shares[i], -i))
    vectors, encode = sources.vectors, sources.encode
    if (
        vectors and encode and shares[best] < _BY_WORDS
    ):  # other words for the same thing: ask the vectors, which cost some milliseconds
        cosines = vectors(paper_id) @ encode(text)
        best = max(range(len(sentences)), key=lambda i: (0.5 * float(cosines[i]) + 0.5 * shares[i], -i))
    return sentences[best]


def _expand(mark: str) -> list[int]:
    """``[1, 3-5]`` to 1, 3, 4, 5; a range of more than 20 is taken as its two ends."""
    numbers: list[int] = []
    for part in re.split(r"[,;]", mark.strip("[] ")):
        ends = [int(n) for n in re.findall(r"\d+", part) if len(n) < 10]  # no answer has so many footnotes
        if len(ends) == 2 and 0 < ends[1] - ends[0] <= 20:
            numbers.extend(range(ends[0], ends[1] + 1))
        else:
            numbers.extend(ends)
    return numbers
