"""What the writer should answer to a question, given the evidence that the program itself would show it.

The answer is

* of a summary, what the abstract sets out to do, how, and with what result, where its sentences are marked so;
* a person's own (QASPER, PubMedQA's conclusions, SciTLDR's summaries, ExpertQA's claims) where it is a
  sentence, is shorter than what it rests on and the support checker accepts it, in the third person;
* else the sentences that answer, in the third person, without the clauses that say nothing of what was asked
  (:mod:`training.writer.shorten`);
* of a near miss, that the sources do not answer: the same question, the evidence chosen anew by the program from the
  sentences that are left when those that answer are gone.

Whatever it is, the program's own check of an answer must find every sentence of it supported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from rag import citations, selection, support
from rag.chunking import split_sentences
from rag.datatypes import Evidence, Intent, Query, Turn, Verdict
from rag.errors import QuestionError
from rag.evidence import Candidate, Ranked
from rag.marks import NO_ANSWER, with_numbers
from rag.pipeline import Clock, Pipeline, sources_of
from rag.wording import third_person
from rag.words import stems
from training.writer.shorten import shorten
from training.writer.sources import Item, key, without_marks

SENTENCES = 3  # as many as an answer shows
PAPERS = 6  # as many as the program ranks
LONGEST_ANSWER = 60  # words
BESIDE = 0.45  # share of the question that a sentence beside the one that answers must hold to be in the answer
STILL = 0.6  # share of an answer's words, or of a question's, that evidence with no answer may not hold
# Whose marked sentences are all that answers, or nearly so: of these a near miss can be made. A question that a
# language model wrote may well be answered by other sentences too.
MARKED_WELL = ("qasper", "xquad", "scifact")
AHEAD = 1.0  # of the next sentence, what answers must have scored: else that may answer too, in other words
_FIGURES = re.compile(
    r"\bhow (?:many|much|large|big|long|often|fast|far|well|accurate|small|high)\b|"
    r"\b(?:percentage|percent|share|accuracy|score|size|number|rate|factor|ratio|speed-?up|improvement)\b",
    re.IGNORECASE,
)
IDLE = frozenset(
    stems("what which how many much does do did is are was were be the a an of in for to on with by and or it its this "
          "that these paper papers work study authors approach method used use using their they from as at can")
)  # fmt: skip
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|could|may|might|does|do|did|will|should|"
    r"(?:authors|paper|method|model|approach|framework|algorithm|system|network|they|it|which) \w+(?:s|ed|e|d|n|ow))\b"
)
_POINTS_BACK = re.compile(
    r"(?:This|These|It|They|Such|The former|The latter) (?:\w+s|are|were|can|could|may|might|will|would|have|had)\b|"
    r"(?:In|For|With|By|At|From) (?:this|these|that|those|such) |(?:Next|Its|Their|Another|Additionally|Similarly|"
    r"Likewise|Both)\b"
)

_NO_STATEMENT = re.compile(r"\]\?|\(\s*(?:and|or|,)?\s*\)")  # a question, or a gap where a formula stood


@dataclass(frozen=True)
class Example:
    """``answer`` ends every sentence with the number of its evidence, or says that there is none.

    ``task`` is write, refuse, summarise or rewrite; a rewriting has ``history`` instead of evidence. Examples about
    one text share their ``group``.
    """

    source: str
    question: str
    evidence: tuple[Evidence, ...]
    answer: str
    task: str = "write"
    group: str = ""
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True)
class Look:
    """What the program finds for a question; ``own`` is what of it comes from the paper that answers."""

    item: Item
    query: Query
    ranked: Ranked
    found: tuple[Evidence, ...]
    own: Evidence


def look(pipeline: Pipeline, item: Item) -> Look | None:
    """Search, ranking and selection; None where the paper that answers is not among the evidence."""
    try:
        query = pipeline.understand(item.question)
    except QuestionError:
        return None
    if query.intent not in (Intent.FACT, Intent.SUMMARY):
        return None
    ranked = pipeline.rank(query, PAPERS, Clock())
    found = selection.select(query, ranked, SENTENCES)
    own = _of(item, found)
    return Look(item, query, ranked, found, own) if own is not None else None


def written(pipeline: Pipeline, seen: Look) -> Example | None:
    """The example with an answer, None where no sentence that answers is among the evidence."""
    item, own = seen.item, seen.own
    gold = _gold(seen)
    persons = _persons(item, own)
    if item.roles:
        parts = _summary(item, own)
    elif persons:
        parts = [with_numbers(s.text, (own.number,)) for s in split_sentences(persons)]
    elif gold and item.source not in ("pubmedqa", "scitldr", "expertqa"):
        parts = _cut(item, seen.found, own, gold)
    else:
        return None
    answer = " ".join(parts)
    if not parts or _POINTS_BACK.match(answer) or _NO_STATEMENT.search(answer) or len(answer.split()) > LONGEST_ANSWER:
        return None
    task = "summarise" if item.source in ("scitldr", "csabstruct") else "write"
    made = Example(item.source, item.question, seen.found, answer, task, item.group)
    return made if _passes(pipeline, made, len(parts)) else None


def refused(seen: Look) -> Example | None:
    """The near miss that the question makes without the sentences that answer, None where it may be answered yet."""
    item = seen.item
    figure = item.source == "arxiv" and seen.query.wants_figure and any(re.search(r"\d", g) for g in item.gold)
    if not figure and item.source not in (*MARKED_WELL, "detail"):
        return None
    gone = {key(g) for g in item.gold}
    left = tuple(
        c for c in seen.ranked.candidates
        if key(c.sentence.text) not in gone and not (figure and re.search(r"\d", c.sentence.text))
    )  # fmt: skip
    if item.source != "detail" and not _stood_out(seen.ranked, gone, left):
        return None
    found = selection.select(seen.query, replace(seen.ranked, candidates=left), SENTENCES)
    if _of(item, found) is None or _still_answers(item, found):
        return None
    return Example(item.source, item.question, found, NO_ANSWER, "refuse", item.group)


def _of(item: Item, found: Sequence[Evidence]) -> Evidence | None:
    return next((e for e in found if e.paper.title == item.paper.title), None)


def _gold(seen: Look) -> list[str]:
    """The sentences that answer, as far as they are shown; of a model's question only where it finds its way back."""
    keys = {key(g) for g in seen.item.gold}
    gold = [s.text for s in sorted(seen.own.sentences, key=lambda s: s.start) if key(s.text) in keys]
    if seen.item.source == "arxiv":  # the best two of all sentences
        first = {key(c.sentence.text) for c in seen.ranked.candidates[:2]}
        gold = [g for g in gold if key(g) in first]
    return gold


def _stood_out(ranked: Ranked, gone: Set[str], left: Sequence[Candidate]) -> bool:
    """Whether a sentence that answers came first, well ahead of all that are left."""
    best = ranked.candidates[0]
    return key(best.sentence.text) in gone and (not left or best.score - left[0].score >= AHEAD)


def _still_answers(item: Item, found: Sequence[Evidence]) -> bool:
    """Whether evidence that should hold no answer has most words of one, or a sentence with most of the question's."""
    if item.source == "detail":
        return any(word in e.paper.abstract.lower() for e in found for word in item.answers)
    asked = set(stems(item.question))
    if any(_share(asked - IDLE, s.text) >= STILL for e in found for s in e.sentences):
        return True
    held = set(stems(" ".join(f"{e.paper.title} {' '.join(s.text for s in e.sentences)}" for e in found)))
    for answer in (*item.answers, *item.gold):
        words = set(stems(answer)) - asked
        if not words or len(words & held) / len(words) >= STILL:
            return True
    return False


def _passes(pipeline: Pipeline, made: Example, sentences: int) -> bool:
    """Whether the program would show the answer as it is, every sentence as supported."""
    sources = sources_of(pipeline.library, pipeline.encoder)
    checked = citations.check(made.answer, made.evidence, sources, split_sentences)
    return len(checked.sentences) >= sentences and all(s.verdict is Verdict.SUPPORTED for s in checked.sentences)


def _persons(item: Item, own: Evidence) -> str:
    """What a person answered, where it is a sentence that the evidence bears out."""
    shown = [s.text for s in own.sentences]
    for answer in item.answers:
        text = third_person(without_marks(answer)).strip()
        words = text.split()
        if not 6 <= len(words) <= max(8, 0.9 * len(" ".join(shown).split())) or not text[0].isupper() or "[" in text:
            continue
        text = text if text[-1] in ".!" else text + "."
        if not _VERB.search(text) or len(split_sentences(text)) > 2:
            continue
        if support.probability(text, own.paper.title, shown) >= support.weights().supported:
            return text
    return ""


def _summary(item: Item, own: Evidence) -> list[str]:
    """What is shown of aim, approach and result, a sentence of each, shortened; [] without a result and one other."""
    roles = {key(text): role for text, role in item.roles}
    shown = sorted(own.sentences, key=lambda s: s.start)
    first: dict[str, str] = {}
    for sentence in shown:
        first.setdefault(roles.get(key(sentence.text), ""), sentence.text)
    if "result" not in first or not {"objective", "method"} & set(first):
        return []
    parts, introduced, asked = [], False, set(stems(item.question)) - IDLE
    for role in ("objective", "method", "result"):
        if role in first:
            text = third_person(first[role], introduced=introduced)
            introduced = introduced or "the authors" in text.lower()
            parts.append(with_numbers(shorten(text, asked, role == "result"), (own.number,)))
    return parts


def _cut(item: Item, found: Sequence[Evidence], own: Evidence, gold: Sequence[str]) -> list[str]:
    """The sentences that answer, cut down to what was asked, and the one beside them that shares most with it."""
    marked = " ".join(item.answers) if item.source in ("qasper", "xquad", "covid") else ""
    asked = set(stems(item.question)) - IDLE
    figures = bool(_FIGURES.search(item.question) or re.search(r"\d", marked))
    shown = [(e.number, s.text) for e in found for s in sorted(e.sentences, key=lambda s: s.start)]
    others = [(_share(asked, text), text) for _, text in shown if text not in gold]
    beside = [text for share, text in sorted(others, reverse=True)[:1] if share >= BESIDE]
    parts, introduced = [], False
    for number, sentence in shown:
        if sentence in beside or (number == own.number and sentence in gold):
            text = third_person(sentence, introduced=introduced)
            introduced = introduced or "the authors" in text.lower()
            parts.append(with_numbers(shorten(text, asked | (set(stems(marked)) - IDLE), figures), (number,)))
    return parts[:SENTENCES]


def _share(asked: Set[str], text: str) -> float:
    """The share of the question's words that a sentence holds; two of them at least."""
    held = len(asked & set(stems(text)))
    return held / len(asked) if held > 1 else 0.0
