"""Scores of answers: one question and one reply to figures, and figures of many to rows by type. Nothing is run here.

Every figure is a share in 0..1 (or a count of words, or milliseconds) for one question, and is left out where it has
no meaning, such as the precision of citations where nothing is cited. Means are over the questions that have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.evaluation.datasets import EvalQuestion
from rag.evaluation.significance import Comparison, Estimate, compare, estimate
from rag.papers.identity import normalised_title

# Key, what it says, and whether more is better (None: neither). In the order of the reports.
FIGURES: dict[str, tuple[str, bool | None]] = {
    "key_facts": ("key facts found", True),
    "citation_precision": ("citation precision (papers)", True),
    "citation_recall": ("citation recall (papers)", True),
    "right_paper_5": ("right paper in the first five", True),
    "evidence_quoted": ("evidence sentences quoted", True),
    "evidence_1": ("evidence sentence ranked first", True),
    "evidence_2": ("… among the first two", True),
    "evidence_5": ("… among the first five", True),
    "supported": ("sentences that their citation supports", True),
    "overlap": ("words of a sentence in the sentence it cites", True),
    "false_refusal": ("refused though answerable", False),
    "true_refusal": ("refused as it should be", True),
    "dropped": ("sentences that the check dropped", False),
    "replaced": ("answers replaced by quotes", False),
    "words": ("words in an answer", None),
    "first_word_ms": ("first word, ms", False),
    "total_ms": ("whole answer, ms", False),
}
TIMES = ("first_word_ms", "total_ms")
SAME_SENTENCE = 0.6  # share of the longer of two sentences that the shorter must make up to be the same


@dataclass(frozen=True, slots=True)
class Shown:
    """One sentence of a reply. ``titles`` are of the papers it cites, ``quotes`` the abstract sentences behind that.

    ``supported`` is the verdict of :func:`rag.verification.citations.judge` for the best of its citations,
    ``overlap`` the share of its content words that stand in the sentences it cites: a figure that owes nothing to
    that judge.
    """

    text: str
    titles: tuple[str, ...]
    quotes: tuple[str, ...]
    supported: bool
    overlap: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What one system said to one question. Times in milliseconds from the question.

    ``papers`` are the titles that retrieval found, ``ranked`` the sentences in the order of the ranker; both empty for
    a system that has no such thing. ``dropped`` counts what the check took out; ``error`` is why there is no reply.
    """

    question: str  # the id
    refused: bool
    sentences: tuple[Shown, ...]
    total_ms: float
    first_word_ms: float | None = None
    papers: tuple[str, ...] = ()
    ranked: tuple[tuple[str, str], ...] = ()
    dropped: int = 0
    replaced: bool = False
    refusal: str = ""
    error: str = ""

    @property
    def text(self) -> str:
        """The answer without footnotes; empty for a refusal."""
        return "" if self.refused else " ".join(s.text for s in self.sentences)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Refusing as a decision: of the unanswerable questions and of the others, how many were refused."""

    unanswerable: int
    unanswerable_refused: int
    answerable: int
    answerable_refused: int

    @property
    def precision(self) -> float | None:
        """Share of the refusals that were right; None without any."""
        refused = self.unanswerable_refused + self.answerable_refused
        return self.unanswerable_refused / refused if refused else None

    @property
    def recall(self) -> float | None:
        """Share of the unanswerable questions that were refused; None without any."""
        return self.unanswerable_refused / self.unanswerable if self.unanswerable else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of the two; None where one has no meaning."""
        precision, recall = self.precision, self.recall
        if precision is None or recall is None:
            return None
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one type of question, or of ``all``. ``times`` holds p50 and p95 by figure."""

    type: str
    questions: int
    estimates: dict[str, Estimate]
    times: dict[str, tuple[float, float]]
    refusals: Refusals


def score(question: EvalQuestion, reply: Reply) -> dict[str, float]:
    """The figures of one reply, by the keys of ``FIGURES``."""
    figures: dict[str, float] = {"total_ms": reply.total_ms}
    if reply.first_word_ms is not None:
        figures["first_word_ms"] = reply.first_word_ms
    figures["false_refusal" if question.answerable else "true_refusal"] = float(reply.refused)
    if not reply.refused and reply.sentences:
        shown = reply.sentences
        figures["supported"] = _mean(float(s.supported) for s in shown)
        figures["overlap"] = _mean(s.overlap for s in shown)
        figures["words"] = float(len(reply.text.split()))
        figures["dropped"] = reply.dropped / (reply.dropped + len(shown)) if not reply.replaced else 1.0
        figures["replaced"] = float(reply.replaced)
    if question.answerable:
        figures |= _against_gold(question, reply)
    return figures


def _against_gold(question: EvalQuestion, reply: Reply) -> dict[str, float]:
    figures: dict[str, float] = {}
    gold = {normalised_title(t) for t in question.gold}
    cited = {normalised_title(t) for s in reply.sentences for t in s.titles} if not reply.refused else set()
    if question.keyfacts:
        figures["key_facts"] = _mean(float(has_fact(reply.text, fact)) for fact in question.keyfacts)
    if cited:
        figures["citation_precision"] = len(cited & gold) / len(cited)
    figures["citation_recall"] = len(cited & gold) / len(gold)
    if reply.papers:
        figures["right_paper_5"] = float(any(normalised_title(t) in gold for t in reply.papers[:5]))
    if question.evidence:
        quoted = [(t, q) for s in reply.sentences for t in s.titles for q in s.quotes] if not reply.refused else []
        figures["evidence_quoted"] = _mean(float(_is_among(e, quoted)) for e in question.evidence)
        if reply.ranked:
            for first in (1, 2, 5):
                found = any(_is_among(e, reply.ranked[:first]) for e in question.evidence)
                figures[f"evidence_{first}"] = float(found)
    return figures


def has_fact(text: str, fact: str) -> bool:
    """Whether ``text`` contains one of the forms of ``fact`` (``a|b``), without regard to case and white space."""
    plain = _case_folded(text)
    return any(_case_folded(form) in plain for form in fact.split("|") if form.strip())


def same_sentence(one: str, other: str) -> bool:
    """Whether two sentences are the same but for punctuation, or one is the greater part of the other.

    Splitters differ on where a sentence ends, so the sentence of the file may be a part of ours or the reverse.
    """
    a, b = sorted((normalised_title(one), normalised_title(other)), key=len)
    return bool(a) and a in b and len(a) >= SAME_SENTENCE * len(b)


def _is_among(evidence: tuple[str, str], sentences: Iterable[tuple[str, str]]) -> bool:
    title = normalised_title(evidence[0])
    return any(normalised_title(t) == title and same_sentence(evidence[1], s) for t, s in sentences)


def rows(questions: Sequence[EvalQuestion], replies: Sequence[Reply], seed: int) -> tuple[Row, ...]:
    """The figures of all questions, then of each type in alphabetical order."""
    by_id = {r.question: r for r in replies}
    types = sorted({q.type for q in questions})
    result = [_row("all", list(questions), by_id, seed)]
    if len(types) > 1:
        result += [_row(t, [q for q in questions if q.type == t], by_id, seed) for t in types]
    return tuple(result)


def _row(type_: str, questions: Sequence[EvalQuestion], replies: Mapping[str, Reply], seed: int) -> Row:
    scored = [score(q, replies[q.id]) for q in questions]
    columns = {key: [s[key] for s in scored if key in s] for key in FIGURES}
    refused = {q.id: replies[q.id].refused for q in questions}
    return Row(
        type=type_,
        questions=len(questions),
        estimates={k: estimate(v, seed) for k, v in columns.items() if v and k not in TIMES},
        times={k: (percentile(columns[k], 50), percentile(columns[k], 95)) for k in TIMES if columns[k]},
        refusals=Refusals(
            unanswerable=sum(not q.answerable for q in questions),
            unanswerable_refused=sum(refused[q.id] and not q.answerable for q in questions),
            answerable=sum(q.answerable for q in questions),
            answerable_refused=sum(refused[q.id] and q.answerable for q in questions),
        ),
    )


def comparisons(
    questions: Sequence[EvalQuestion], ours: Sequence[Reply], theirs: Sequence[Reply], seed: int
) -> dict[str, Comparison]:
    """``ours`` minus ``theirs`` for every figure, over the questions where both have it."""
    mine, others = {r.question: r for r in ours}, {r.question: r for r in theirs}
    pairs = [(score(q, mine[q.id]), score(q, others[q.id])) for q in questions]
    result = {}
    for key in FIGURES:
        both = [(a[key], b[key]) for a, b in pairs if key in a and key in b]
        if both:
            result[key] = compare([a for a, _ in both], [b for _, b in both], seed)
    return result


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that ``percent`` in 100 do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(-(-percent * len(ordered) // 100), 1) - 1]


def _case_folded(text: str) -> str:
    """``text`` without regard to case, every run of white space one blank."""
    return re.sub(r"\s+", " ", text).strip().casefold()


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
