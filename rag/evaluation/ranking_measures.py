"""Measures of rankings against relevance judgements, by ir-measures (which calls trec_eval's own code)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Our name and that of ir-measures (https://ir-measur.es). Gains are linear in the relevance, as trec_eval has them.
MEASURES = {
    "nDCG@10": "nDCG@10",
    "Recall@5": "R@5",
    "Recall@10": "R@10",
    "Recall@100": "R@100",
    "MRR@10": "RR@10",
}
DEPTH = 100  # documents of a ranking that count

PerQuery = dict[str, dict[str, float]]  # measure to query to value


def per_query(qrels: Mapping[str, Mapping[str, int]], rankings: Mapping[str, Sequence[str]]) -> PerQuery:
    """Each measure for each query of ``qrels``; a query without a ranking has 0.

    ``rankings`` are document ids, best first, without repetitions; the order is what counts.
    """
    import ir_measures

    # trec_eval sorts by score and breaks ties by id: falling scores keep the order that was given.
    run = {q: {d: float(-rank) for rank, d in enumerate(rankings.get(q, ())[:DEPTH])} for q in qrels}
    judged = {q: dict(documents) for q, documents in qrels.items()}
    names = {str(ir_measures.parse_measure(theirs)): ours for ours, theirs in MEASURES.items()}
    values: PerQuery = {ours: dict.fromkeys(sorted(qrels), 0.0) for ours in MEASURES}
    for metric in ir_measures.iter_calc([ir_measures.parse_measure(m) for m in MEASURES.values()], judged, run):
        values[names[str(metric.measure)]][metric.query_id] = float(metric.value)
    return values
