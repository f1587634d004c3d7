"""The figures themselves, against values worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rag.datatypes import Paper
from rag.errors import EvaluationError
from rag.evaluation.answer_scoring import Reply, Shown, comparisons, has_fact, percentile, rows, same_sentence, score
from rag.evaluation.datasets import EvalQuestion
from rag.evaluation.mode_results import ModeResult, Speed
from rag.evaluation.question_generation import OFF_TOPIC, generate, named
from rag.evaluation.ranking_measures import MEASURES, per_query
from rag.evaluation.retrieval_baselines import reciprocal_rank_fusion
from rag.evaluation.significance import compare, estimate
from rag.evaluation.trust_verdicts import choice_verdict, verdict

# --- rankings ---


def test_measures_against_hand_worked_values() -> None:
    qrels = {"a": {"x": 1, "y": 1, "z": 0}, "b": {"x": 2, "y": 1}}
    rankings = {"a": ["z", "x", "n1", "n2", "n3", "n4", "y"], "b": ["y", "x"]}
    values = per_query(qrels, rankings)
    assert set(values) == set(MEASURES)
    assert values["MRR@10"] == {"a": 0.5, "b": 1.0}
    assert values["Recall@5"] == {"a": 0.5, "b": 1.0}
    assert values["Recall@10"] == {"a": 1.0, "b": 1.0}
    ideal = 1 + 1 / math.log2(3)
    assert values["nDCG@10"]["a"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(8)) / ideal)
    # Gains are linear in the relevance: 1 at the first place and 2 at the second, against 2 and 1.
    assert values["nDCG@10"]["b"] == pytest.approx((1 + 2 / math.log2(3)) / (2 + 1 / math.log2(3)))


def test_a_query_without_a_ranking_counts_as_zero() -> None:
    values = per_query({"a": {"x": 1}, "b": {"x": 1}}, {"a": ["x"]})
    assert all(v == {"a": 1.0, "b": 0.0} for v in values.values())


def test_the_order_given_is_the_order_measured() -> None:
    """trec_eval breaks ties by id; ranks must not become ties, even a hundred deep."""
    ids = [f"d{n:03}" for n in range(150)]
    values = per_query({"a": {ids[99]: 1}, "b": {ids[100]: 1}}, {"a": ids, "b": ids})
    assert values["Recall@100"] == {"a": 1.0, "b": 0.0}


def test_fusion_adds_reciprocal_ranks_and_breaks_ties_by_row() -> None:
    assert reciprocal_rank_fusion([[7, 3, 5], [3, 9]]) == [3, 7, 9, 5]
    assert reciprocal_rank_fusion([[2], [1]]) == [1, 2]
    assert reciprocal_rank_fusion([[], []]) == []


# --- how sure ---


def test_an_interval_holds_the_mean_and_repeats() -> None:
    values = [0.0, 1.0] * 50
    first = estimate(values, seed=3)
    assert first == estimate(values, seed=3)
    assert first.mean == 0.5 and first.n == 100
    # The standard error of such a mean is 0.05: 95% lie within about two of them.
    assert first.low == pytest.approx(0.40, abs=0.02) and first.high == pytest.approx(0.60, abs=0.02)


def test_constant_values_have_an_interval_of_no_width() -> None:
    assert (estimate([0.3] * 9, 0).low, estimate([0.3] * 9, 0).high) == (pytest.approx(0.3), pytest.approx(0.3))
    with pytest.raises(ValueError, match="no values"):
        estimate([], 0)


def test_the_randomisation_test_is_exact_for_few_queries() -> None:
    """Five differences of one sign: only 2 of the 32 sign patterns are as extreme."""
    found = compare([1.0, 0.9, 0.8, 0.7, 0.6], [0.0] * 5, seed=0)
    assert found.difference == pytest.approx(0.8)
    assert found.p == pytest.approx(2 / 32)
    assert compare([0.5, 0.5], [0.5, 0.5], 0).p == 1.0
    assert compare([1.0], [0.0], 0).p == 1.0, "one query proves nothing"
    with pytest.raises(ValueError, match="not the same number"):
        compare([1.0], [1.0, 2.0], 0)


# --- one reply ---

TITLE = "SALTMAP: soil salinity from cheap probes"
OTHER = "A record of lake ice"
SENTENCE = "SALTMAP predicts salinity from the readings of three probes."
QUESTION = EvalQuestion("q", "fact", "What is it?", (), (TITLE,), ("three|3 probes", "peat"), ((TITLE, SENTENCE),))


def shown(text: str = SENTENCE, title: str = TITLE, supported: bool = True) -> Shown:
    return Shown(text, (title,), (text,), supported, 1.0)


def reply(*sentences: Shown, refused: bool = False) -> Reply:
    return Reply("q", refused, sentences, total_ms=10.0, first_word_ms=4.0, papers=(OTHER, TITLE), ranked=())


def test_a_good_reply() -> None:
    figures = score(QUESTION, reply(shown()))
    assert figures["key_facts"] == 0.5, "one of two"
    assert figures["citation_precision"] == figures["citation_recall"] == 1.0
    assert figures["evidence_quoted"] == figures["supported"] == figures["right_paper_5"] == 1.0
    assert figures["false_refusal"] == 0.0 and "true_refusal" not in figures
    assert figures["words"] == 9


def test_a_citation_of_another_paper_costs_precision_and_its_sentence_is_no_evidence() -> None:
    figures = score(QUESTION, reply(shown(title=OTHER), shown("Ice melts.", TITLE)))
    assert figures["citation_precision"] == 0.5
    assert figures["citation_recall"] == 1.0
    assert figures["evidence_quoted"] == 0.0


def test_a_refusal_finds_nothing_and_has_no_precision() -> None:
    figures = score(QUESTION, reply(refused=True))
    assert figures["false_refusal"] == 1.0
    assert figures["key_facts"] == figures["citation_recall"] == figures["evidence_quoted"] == 0.0
    assert "citation_precision" not in figures and "words" not in figures


def test_an_unanswerable_question_is_judged_by_the_refusal_alone() -> None:
    unanswerable = EvalQuestion("q", "unanswerable", "Why?")
    assert score(unanswerable, reply(refused=True))["true_refusal"] == 1.0
    answered = score(unanswerable, reply(shown(supported=False)))
    assert answered["true_refusal"] == 0.0 and answered["supported"] == 0.0
    assert "citation_precision" not in answered and "key_facts" not in answered


def test_the_ranker_is_judged_by_its_first_sentences() -> None:
    wrong = (TITLE, "The method fails in peat.")
    figures = score(QUESTION, replace(reply(shown()), ranked=(wrong, (TITLE, SENTENCE))))
    assert (figures["evidence_1"], figures["evidence_2"], figures["evidence_5"]) == (0.0, 1.0, 1.0)
    assert score(QUESTION, replace(reply(shown()), ranked=((OTHER, SENTENCE),)))["evidence_5"] == 0.0


def test_an_answer_replaced_by_quotes_counts_as_dropped_whole() -> None:
    assert score(QUESTION, replace(reply(shown(), shown()), dropped=2))["dropped"] == 0.5
    replaced = score(QUESTION, replace(reply(shown(), shown()), dropped=2, replaced=True))
    assert replaced["dropped"] == replaced["replaced"] == 1.0


@pytest.mark.parametrize(
    ("text", "fact", "found"),
    [
        ("It rose by 78 per\ncent.", "78%|78 per cent", True),
        ("A BOOSTED tree", "boosted tree", True),
        ("Nothing of it", "78%", False),
        ("anything", "|", False),
    ],
)
def test_key_facts(text: str, fact: str, found: bool) -> None:
    assert has_fact(text, fact) is found


def test_the_same_sentence_but_for_punctuation_or_a_short_end() -> None:
    assert same_sentence("We reach 52.7 AP, on COCO.", "we reach 52.7 AP on COCO")
    assert same_sentence(SENTENCE, SENTENCE + " Indeed, cheap.")
    assert not same_sentence("It works.", SENTENCE + " It works.")
    assert not same_sentence("", "")


# --- many replies ---


def test_rows_by_type_with_refusals_counted() -> None:
    questions = [
        replace(QUESTION, id="a"),
        replace(QUESTION, id="b", type="name"),
        EvalQuestion("c", "unanswerable", "?"),
    ]
    replies = [
        replace(reply(shown()), question="a"),
        replace(reply(refused=True), question="b", total_ms=30.0),
        replace(reply(refused=True), question="c", total_ms=20.0),
    ]
    whole, *by_type = rows(questions, replies, 0)
    assert [r.type for r in by_type] == ["fact", "name", "unanswerable"]
    assert whole.estimates["key_facts"].mean == 0.25 and whole.estimates["key_facts"].n == 2
    assert whole.times["total_ms"] == (20.0, 30.0)
    assert (whole.refusals.precision, whole.refusals.recall) == (0.5, 1.0)
    assert whole.refusals.f1 == pytest.approx(2 / 3)
    assert by_type[0].refusals.precision is None and by_type[0].refusals.f1 is None
    differences = comparisons(questions, replies, [replace(r, refused=False) for r in replies], 0)
    assert differences["true_refusal"].difference == 1.0
    assert differences["citation_precision"].n == 1, "only where both cite"


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(n) for n in range(1, 21)]
    assert percentile(values, 50) == 10.0
    assert percentile(values, 95) == 19.0
    assert percentile([7.0], 95) == 7.0


# --- questions by rule ---

PAPERS = [
    Paper("1", "GLINT: glaciers in satellite images", "It outlines glaciers."),
    Paper("2", "Why city blackbirds sing earlier", "Light explains it."),
    Paper("3", "A title without an abstract"),
    *(Paper(f"p{n}", f"Trees of region {n}", "They grow.") for n in range(20)),
]


def test_questions_are_made_from_titles_and_repeat() -> None:
    made = generate(PAPERS, 15, seed=1)
    assert made == generate(PAPERS, 15, seed=1)
    assert made != generate(PAPERS, 15, seed=2)
    assert len(made) == 15 and sum(not q.answerable for q in made) == 3
    assert {q.question for q in made if not q.answerable} <= set(OFF_TOPIC)
    every = {q.id: q for q in generate(PAPERS, 100, seed=0)}
    assert every["name-1"].question == "What does GLINT do?"
    assert every["topic-2"].question == "What is found about why city blackbirds sing earlier?"
    assert "topic-3" not in every
    with pytest.raises(EvaluationError, match="no paper with an abstract"):
        generate([PAPERS[2]], 5, 0)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("BERT: pre-training of transformers", "BERT"),
        ("wav2vec 2.0: speech", "wav2vec 2.0"),
        ("Bees and caffeine: a field study", ""),
        ("Attention is all you need", ""),
    ],
)
def test_names_of_titles(title: str, name: str) -> None:
    assert named(title) == name


# --- the verdict on a model ---


def mode(name: str, *replies: Reply) -> ModeResult:
    questions = [replace(QUESTION, id=str(n)) for n in range(len(replies))]
    numbered = tuple(replace(r, question=str(n)) for n, r in enumerate(replies))
    return ModeResult(name, name, rows(questions, numbered, 0), numbered, Speed(None, None, 0))


QUOTES = mode("quote", reply(shown()), reply(shown()))


def test_a_mode_that_keeps_up_suits() -> None:
    cite = mode("cite", reply(shown("Three probes, not in peat.")), reply(shown()))
    assert verdict([QUOTES, cite, mode("free", reply(refused=True))]) == (
        "cite",
        "cite mode keeps up with the built-in quotes on these questions (in free mode it answered nothing).",
    )


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ([replace(reply(shown()), replaced=True)], "100% of the answers had to be replaced by quotes"),
        ([replace(reply(shown()), dropped=3)], "the check dropped 75% of the sentences"),
        ([reply(shown(supported=False))], "only 0% of the sentences are supported outright"),
        ([reply(shown(title=OTHER))], "citations are 0% precise against 100%"),
        ([reply(shown("It is cheap."))], "0% of the key facts are found against 50%"),
    ],
)
def test_a_mode_that_does_not_is_told_why(replies: list[Reply], reason: str) -> None:
    suits, said = verdict([QUOTES, mode("cite", *replies)])
    assert suits == "quote"
    assert reason in said


# --- who chooses the quotes ---

EVIDENCE = [(TITLE, f"Sentence {n} of the evidence says it.") for n in range(4)]


def choosing(hits: Sequence[int], **more: object) -> tuple[list[EvalQuestion], ModeResult]:
    """Questions with evidence, and a ranking for each that has it in the place ``hits`` names."""
    questions = [replace(QUESTION, id=str(n), evidence=(EVIDENCE[0],)) for n in range(len(hits))]
    replies = []
    for n, place in enumerate(hits):
        ranked = EVIDENCE[1:]
        ranked.insert(place, EVIDENCE[0])
        replies.append(replace(reply(shown()), question=str(n), ranked=tuple(ranked), **more))
    return questions, ModeResult("quote", "", rows(questions, replies, 0), tuple(replies), Speed(None, None, 0))


@pytest.mark.parametrize(
    ("ranker", "model", "more", "better", "said"),
    [
        ([1] * 12, [0] * 12, {}, True, "comes first for 100% of the questions, against 0%"),
        ([0] * 12, [0] * 12, {}, False, "for 100% of the questions, against 100%"),
        ([1] * 12, [0, 0, *[1] * 10], {}, False, "may be chance"),
        ([1] * 12, [*[0] * 10, 2, 2], {}, False, "but fewer among the first two (-17%)"),
        ([1] * 12, [0] * 12, {"refused": True}, False, "but fewer key facts"),
    ],
)
def test_a_model_must_choose_better_than_the_ranker(
    ranker: list[int], model: list[int], more: dict[str, object], better: bool, said: str
) -> None:
    questions, theirs = choosing(ranker)
    chooses, reason = choice_verdict(questions, theirs, choosing(model, **more)[1], 0)
    assert chooses is better
    assert said in reason


def test_questions_without_evidence_say_nothing_of_the_choice() -> None:
    questions = [replace(QUESTION, id=str(n), evidence=()) for n in range(2)]
    assert choice_verdict(questions, QUOTES, QUOTES, 0) == (
        None, "the questions name no supporting sentences; give some that do with --questions",
    )  # fmt: skip
