"""The sentences of an answer, from those that were scored: the best, no repeats, within a budget, numbered by paper."""

from __future__ import annotations

from collections.abc import Sequence

from rag.datatypes import Evidence, Intent, PaperHit, Reading
from rag.evidence.entity_match import by_itself
from rag.evidence.features import names_in
from rag.evidence.ranking import Candidate, Ranked, fitted, share_of_first
from rag.text.sentence_roles import Role, role_scores
from rag.text.tokenization import stems

TOPIC_PAPERS = 4  # papers that the summary of a topic draws on
SETTING = 2.5  # how much further behind the second sentence may be than the third
DUPLICATE = 0.8  # share of common words above which two sentences say the same


def select(query: Reading, ranked: Ranked, limit: int) -> tuple[Evidence, ...]:
    """The sentences in the order in which an answer should give them, papers numbered from 1; () without candidates.

    A question after one thing takes at most ``limit`` from the best paper, and from a second one only when its sentence
    scores nearly as high; a summary of one paper takes ``limit``, of a topic two from each of ``TOPIC_PAPERS``.
    """
    return numbered(ranked, _chosen(query, ranked, limit))


def offered(query: Reading, ranked: Ranked, limit: int, count: int) -> tuple[Candidate, ...]:
    """What a model may choose from: those that :func:`select` takes, then the best others up to ``count``, by score.

    No two of the others say the same.
    """
    mine = _chosen(query, ranked, limit)[:count]
    for candidate in ranked.candidates:
        if len(mine) < count and candidate not in mine and not _repeats(candidate, mine):
            mine.append(candidate)
    return tuple(sorted(mine, key=lambda c: (-c.score, c.paper_id, c.index)))


def numbered(ranked: Ranked, chosen: Sequence[Candidate]) -> tuple[Evidence, ...]:
    """``chosen`` in their order, by paper, papers numbered from 1."""
    papers = {h.paper.id: h.paper for h in ranked.hits}
    order = list(dict.fromkeys(c.paper_id for c in chosen))
    evidence = []
    for number, paper_id in enumerate(order, start=1):
        mine = [c for c in chosen if c.paper_id == paper_id]
        scores = tuple(c.score for c in mine)
        evidence.append(Evidence(number, papers[paper_id], tuple(c.sentence for c in mine), max(scores), scores))
    return tuple(evidence)


def broadened(chosen: Sequence[Evidence], ranked: Ranked, papers: int) -> tuple[Evidence, ...]:
    """The papers of ``chosen`` under their numbers, then the others by rank, ``papers`` in all, with every sentence.

    Of the others those that were judged to fit, where that was judged. The sentences that were chosen come first in
    each, with scores above those of all others.
    """
    by_id = {item.paper.id: item for item in chosen}
    fitting = (h.paper.id for h in ranked.hits if ranked.fitting is None or h.paper.id in ranked.fitting)
    order = list(dict.fromkeys([*by_id, *fitting]))
    scored = [c.score for c in ranked.candidates] or [0.0]
    lift = max(scored) - min(scored)
    hits = {h.paper.id: h.paper for h in ranked.hits}
    broad: list[Evidence] = []
    number = max((item.number for item in chosen), default=0)
    for paper_id in order:
        mine = [c for c in ranked.candidates if c.paper_id == paper_id]
        item = by_id.get(paper_id)
        if len(broad) == max(papers, len(by_id)) or not (mine or item):
            continue
        first = item.sentences if item is not None else ()
        own = {c.sentence: c.score for c in mine}
        rest = [c for c in mine if c.sentence not in first]
        scores = (*(own.get(s, 0.0) + lift for s in first), *(c.score for c in rest))
        if item is None:
            number += 1
        broad.append(
            Evidence(
                item.number if item is not None else number,
                item.paper if item is not None else hits[paper_id],
                (*first, *(c.sentence for c in rest)),
                item.score if item is not None else max(scores),
                scores,
            )
        )
    return tuple(broad)


def _chosen(query: Reading, ranked: Ranked, limit: int) -> list[Candidate]:
    if not ranked.candidates:
        return []
    if query.intent is Intent.SUMMARY:
        return _summary(query, ranked, limit)
    return _best(ranked, limit)


def _best(ranked: Ranked, limit: int) -> list[Candidate]:
    """The best sentence, then what adds to it: the same paper's next ones, another paper's only if nearly as good.

    A second one stands beside the first unless it is far off, so that a bare figure has its setting.
    """
    chosen: list[Candidate] = []
    best = ranked.candidates[0]
    model = fitted()
    for candidate in ranked.candidates:
        behind = best.score - candidate.score
        same_paper = candidate.paper_id == best.paper_id
        margin = model.same_paper_margin if same_paper else model.other_paper_margin
        if same_paper and len(chosen) == 1:
            margin *= SETTING
        if behind <= margin and not _repeats(candidate, chosen):
            chosen.append(candidate)
        if len(chosen) == limit:
            break
    same = sorted((c for c in chosen[1:] if c.paper_id == best.paper_id), key=lambda c: c.index)
    return [best, *same, *(c for c in chosen if c.paper_id != best.paper_id)]


def _with_abstract(ranked: Ranked) -> list[PaperHit]:
    """The papers that have sentences to choose from, by rank."""
    with_text = {c.paper_id for c in ranked.candidates}
    return [h for h in ranked.hits if h.paper.id in with_text]


def _near_the_first(ranked: Ranked, most: int) -> list[str]:
    """Ids of the papers with an abstract whose score is near the first one's, by rank."""
    hits = _with_abstract(ranked)
    return [h.paper.id for h in hits[:most] if share_of_first(h, hits[0]) >= fitted().several_papers_share]


def _summary(query: Reading, ranked: Ranked, limit: int) -> list[Candidate]:
    """Problem, approach and result of one paper, or the approach of each of several papers on a topic."""
    hits = list(ranked.hits)
    single = _named_paper(query, hits)
    if single is not None:
        return _by_role(ranked, single, limit)
    chosen: list[Candidate] = []
    for paper_id in _near_the_first(ranked, TOPIC_PAPERS):
        chosen += _by_role(ranked, paper_id, 2, (Role.APPROACH, Role.RESULT))
    return chosen


def _named_paper(query: Reading, hits: Sequence[PaperHit]) -> str | None:
    """The paper that a request for a summary means, when it means one: its name or nearly its whole title.

    A name that stands in several of the titles ('GAN') is a topic.
    """
    topic = set(stems(query.topic))
    for hit in hits:
        title = set(stems(hit.paper.title))
        if title and len(topic & title) / len(title) >= 0.6:
            return hit.paper.id
    for name in names_in(query.topic):
        pattern = by_itself(name)
        named = [hit.paper.id for hit in hits if pattern.search(hit.paper.title)]
        if len(named) == 1:
            return named[0]
    wants_one = any(w in query.text.lower().split() for w in ("paper", "article", "abstract", "study"))
    return hits[0].paper.id if wants_one and hits else None


def _by_role(
    ranked: Ranked, paper_id: str, limit: int, roles: Sequence[Role] = (Role.PROBLEM, Role.APPROACH, Role.RESULT)
) -> list[Candidate]:
    """The sentence that most reads like each role, in the order of the abstract; ``limit`` of them at most."""
    mine = sorted((c for c in ranked.candidates if c.paper_id == paper_id), key=lambda c: c.index)
    last = max(len(mine) - 1, 1)
    chosen: dict[int, Candidate] = {}
    for role in roles[: max(limit, 1)]:
        free = [c for c in mine if c.index not in chosen]
        if free:
            pick = max(free, key=lambda c: (role_scores(c.sentence.text, c.index / last)[role], -c.index))
            chosen[pick.index] = pick
    return [chosen[i] for i in sorted(chosen)]


def _repeats(candidate: Candidate, chosen: Sequence[Candidate]) -> bool:
    """Whether a sentence says (by its words) what a chosen one says already."""
    words = set(stems(candidate.sentence.text))
    return any(
        len(words & set(stems(c.sentence.text)))
        >= DUPLICATE * max(min(len(words), len(set(stems(c.sentence.text)))), 1)
        for c in chosen
    )
