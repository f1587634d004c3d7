"""How questions are read as a whole: the kind, filters, follow-ups, and what overrules them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from rag.datatypes import Intent, Paper, Reading, Scope, Turn, Wanted
from rag.encoding.query_encoder import QueryEncoder
from rag.questions.authors import read_authors
from rag.questions.catalogue import RecordCatalogue
from rag.questions.classifier import pieces, runs, shipped
from rag.questions.library_requests import library_request
from rag.questions.reading import classified, read
from rag.questions.references import points_to, said_before
from rag.questions.topics import topic_of
from rag.questions.years import with_absolute_years

PAPERS = (
    Paper("a", "Deep nets", authors=("Geoffrey E. Hinton", "Yann LeCun"), year=2019, venue="Nature"),
    Paper("b", "Moths", authors=("Ada Lovelace",), year=2024, venue="Journal of Moths"),
    Paper("c", "Snow", authors=("van der Berg, Anna",), year=2010),
)


class Shelf(RecordCatalogue):
    def vocabulary(self) -> Mapping[str, int]:
        return {}


Encode = Callable[[str], np.ndarray]


@pytest.fixture(scope="module")
def encode(shared_home: Path) -> Encode:
    encoder = QueryEncoder(shared_home / "models", threads=1)
    return lambda text: encoder.encode([text])[0]


def by_rule(question: str, *history: Turn, wanted: Wanted = Wanted()) -> Reading:  # noqa: B008  # frozen
    return read(question, history, library=Shelf(PAPERS), this_year=2026, wanted=wanted)


# --- kinds ---


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many studies were pooled in the meta-analysis?", "answer"),
        ("How many papers mention tides?", "library"),
        ("Where has the fungus appeared?", "answer"),
        ("What happened in studies of Nature kindergartens?", "papers"),
        ("Which years saw the most papers on tides?", "library"),
        ("When were the crabs counted?", "answer"),
        ("When was the paper on tides published?", "record"),
        ("List the symptoms of scurvy", "answer"),
        ("Which papers show that tides affect crabs?", "papers"),
        ("What is the difference between fog and mist?", "answer"),
        ("Compare Raft and Paxos", "compare"),
        ("What is known about crabs?", "review"),
        ("Summarise the paper on tides", "summary"),
        ("thank you", "talk"),
        ("Hello!", "talk"),
        ("Wie viele Studien gibt es zu Krabben?", "library"),
        ("crab burrows temperature", "answer"),
        ("xyzzy plugh frotz", "answer"),
        ("Politeness", "answer"),
        ("What is the DOI of counting moths?", "record"),
    ],
)
def test_kinds_are_read_by_the_classifier(question: str, kind: str, encode: Encode) -> None:
    assert read(question, library=Shelf(PAPERS), encode=encode).kind == kind


def test_a_vector_of_another_encoder_leaves_the_kind_to_the_rules() -> None:
    assert classified("How many papers mention tides?", lambda text: np.ones(7, np.float32)) == (Intent.COUNT, "tides")


def test_what_the_reader_wants_overrules_what_is_read(encode: Encode) -> None:
    wanted = read("What is known about crabs?", library=Shelf(PAPERS), encode=encode, wanted=Wanted("papers"))
    assert wanted.intent is Intent.MULTI
    assert by_rule("What is SpineNet?", wanted=Wanted("library")).intent in (Intent.LIST, Intent.COUNT)


def test_a_word_that_is_no_word_of_asking_counts_as_a_word_a_name_or_a_figure() -> None:
    assert pieces("Papers on Coral since 2010?") == ["Papers", "on", "Coral", "since", "2010", "?"]
    found = runs("Papers on pale Coral since 2010?", {"papers", "on", "since", "?"})
    assert "papers on _" in found and "^ since #" in found and "# ? >" in found
    assert not any("coral" in one.lower() for one in found)


@pytest.mark.parametrize("name", ["kind", "follow_up"])
def test_probabilities_sum_to_one_whatever_is_asked(name: str) -> None:
    classifier = shipped(name)
    for text in ("", "?", "a" * 4_000, "什么", "how " * 500):
        assert sum(classifier.probabilities(text, {"rule": 1.0}).values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("request_", "topic"),
    [
        ("Write a literature review on crab burrows", "crab burrows"),
        ("What is known about crab burrows?", "crab burrows"),
        ("Give me an overview of research on crab burrows, please", "crab burrows"),
        ("Summarise what the papers say about tides and crabs", "tides and crabs"),
        ("What is the state of the art in crab counting?", "crab counting"),
        ("review hydrogen storage materials for me", "hydrogen storage materials"),
        ("What is the paper “Crabs of the World” about?", "Crabs of the World"),
    ],
)
def test_the_words_of_a_request_are_not_its_topic(request_: str, topic: str) -> None:
    assert topic_of(request_) == topic


@pytest.mark.parametrize(
    ("question", "intent", "topic"),
    [
        ("Wie viele Artikel gibt es über Schlaf?", Intent.COUNT, "Schlaf"),
        ("Combien d'articles parlent de la mémoire ?", Intent.COUNT, "mémoire"),
        ("¿Cuántos artículos hay sobre el sueño?", Intent.COUNT, "sueño"),
        ("Quanti studi ci sono sul sonno?", Intent.COUNT, "sonno"),
        ("Quantos artigos falam sobre educação?", Intent.COUNT, "educação"),
        ("有多少篇关于睡眠的论文？", Intent.COUNT, "睡眠"),
        ("Give me an overview of the library", Intent.COUNT, ""),
        ("In how many papers does SpineNet occur?", Intent.COUNT, "SpineNet"),
        ("studies on crabs", Intent.LIST, "crabs"),
        ("How many papers on crabs appeared each year?", Intent.COUNT, "crabs"),
    ],
)
def test_what_is_counted_is_read_in_several_languages(question: str, intent: Intent, topic: str) -> None:
    found = library_request(question)
    assert found[0] is intent
    assert found[1].removesuffix(" appeared each year") == topic


# --- filters ---


@pytest.mark.parametrize(
    ("text", "absolute"),
    [
        ("papers published in the last five years on crabs", "papers published since 2021 on crabs"),
        ("papers of the past decade", "papers since 2016"),
        ("papers since last year", "papers since 2025"),
        ("papers from last year", "papers in 2025"),
        ("papers from this year", "papers in 2026"),
        ("papers of the last 3 years", "papers since 2023"),
        ("papers of recent years", "papers of recent years"),
        ("papers of the last years", "papers of the last years"),
    ],
)
def test_relative_years_count_back_from_this_one(text: str, absolute: str) -> None:
    assert with_absolute_years(text, 2026) == absolute


@pytest.mark.parametrize(
    ("question", "filters"),
    [
        ("Which papers of the last five years count crabs?", Scope(2021)),
        ("How many papers on crabs since 2018?", Scope(2018)),
        ("Which papers on crabs published before 2015?", Scope(None, 2014)),
        ("papers between 2015 and 2020 about attention", Scope(2015, 2020)),
        ("Which papers in Nature use nets?", Scope(venues=("Nature",))),
        ("Which papers in Science use nets?", Scope(venues=("Science",))),
        ("Which articles by Hinton treat speech?", Scope(authors=("Geoffrey E. Hinton",))),
        ("What did Hinton show about speech?", Scope(authors=("Geoffrey E. Hinton",))),
        ("List papers by Hinton", Scope(authors=("Geoffrey E. Hinton",))),
        ("List papers by Turing", Scope(authors=("Turing",))),
        ("What happened in studies of Science education?", None),
        ("Was 1984 cited?", None),
        ("works of art stolen in 1911", None),
        ("research in 2020 vision plans", None),
        ("What has changed in the last five years?", None),
        ("What did SpineNet show about speech?", None),
        ("Are nets improved by Adam?", None),
        ("recent papers on crabs", None),
    ],
)
def test_filters_are_what_says_which_papers(question: str, filters: Scope | None) -> None:
    reading = by_rule(question)
    assert reading.filters == filters
    if filters is None:
        assert reading.text == question


def test_a_filter_is_kept_as_the_question_words_it() -> None:
    reading = by_rule("Which papers by Hinton in Nature since 2019 use nets?")
    assert reading.named == (("author", "Hinton"), ("venue", "Nature"))


def test_authors_are_asked_for_only_where_one_may_be_named() -> None:
    def never() -> tuple[str, ...]:
        raise AssertionError("the authors were read")

    for question in ("What is SpineNet?", "Which papers use nets?", "how are nets trained"):
        assert read_authors(question, never) is None


def test_papers_by_an_author_are_those_that_may_be_used() -> None:
    assert by_rule("What did Hinton show about speech?").within == ("a",)
    assert by_rule("Which articles by van der Berg treat snow?").within == ("c",)
    assert by_rule("Which articles by Turing treat snow?").within == ()


# --- follow-ups ---

ASKED = Turn("user", "Which papers count crabs?")
ANSWERED = Turn("assistant", "One counts crabs at night [3]. Another counts them by day [1].", ((3, "b"), (1, "a")))


@pytest.mark.parametrize(
    ("question", "ids"),
    [
        ("[3]?", ("b",)),
        ("tell me more about paper 1", ("a",)),
        ("the second one", ("a",)),
        ("the first one", ("b",)),
        ("What does the last paper measure?", ("a",)),
        ("which of them was tested on mice?", ("a", "b")),
        ("What is SpineNet?", ()),
        ("the seventh one", ()),
        ("[2]?", ()),
    ],
)
def test_papers_of_the_answer_before_are_pointed_to(question: str, ids: tuple[str, ...]) -> None:
    assert points_to(question, (ASKED, ANSWERED)) == ids
    assert by_rule(question, ASKED, ANSWERED).within == (ids or None)


def test_which_of_them_asks_for_each_that_does_and_takes_no_name_of_one_along() -> None:
    told = Turn("assistant", "MothEar counts crabs at night [3]. CrabNet counts them by day [1].", ((3, "b"), (1, "a")))
    reading = by_rule("which of them were tested at sea?", ASKED, told)
    assert reading.intent is Intent.MULTI
    assert reading.search == "Which papers count crabs? which of them were tested at sea?"
    alone = Turn("assistant", told.content, ((1, "a"),))
    assert by_rule("which of them were tested at sea?", ASKED, alone).intent is Intent.FACT


def test_a_follow_up_knows_what_was_said() -> None:
    reading = by_rule("the second one", ASKED, ANSWERED)
    assert reading.said == ("One counts crabs at night.", "Another counts them by day.")
    assert (reading.intent, reading.is_follow_up) == (Intent.SUMMARY, True)
    assert by_rule("What is SpineNet?", ASKED, ANSWERED).said == ()
    assert said_before(()) == ()


def test_a_question_may_be_made_one_of_its_own() -> None:
    assert by_rule("How large is it?", ASKED, ANSWERED).is_follow_up
    assert not by_rule("How large is it?", ASKED, ANSWERED, wanted=Wanted(alone=True)).is_follow_up


@pytest.mark.parametrize(
    ("question", "follows"),
    [
        ("And how large is it?", True),
        ("What are its limitations?", True),
        ("Has it been replicated?", True),
        ("Which network architecture is best?", False),
        ("What is the effect of tides on crabs?", False),
        ("Is it possible to count crabs at night?", False),
        ("thanks", False),
    ],
)
def test_only_what_leans_on_the_turn_before_is_a_follow_up(question: str, follows: bool, encode: Encode) -> None:
    reading = read(question, (Turn("user", "What is SpineNet?"), ANSWERED), library=Shelf(PAPERS), encode=encode)
    assert reading.is_follow_up is follows
