"""Answers over several papers: how papers are read, the lines of a list, and what is said of how many fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import factory
from rag.config import load_settings
from rag.datatypes import AnswerSentence, Citation, Coverage, Evidence, Paper, Sentence, Verdict
from rag.encoding.packaged_weights import tokenizer
from rag.evidence.fitting import LONGEST, QUESTION, Fit, encode
from rag.evidence.several import MOST_LINES, coverage, lines, standing
from rag.papers.naming import short_name
from rag.pipeline import Pipeline
from rag.text.messages import how_many_fit
from rag.verification.checked import Checked

ASKED = "Who has counted crabs at night, and how?"
CRABS = Paper(
    "crabs", "MothEar: counting animals on beaches", "MothEar counts crabs. It needs no light. Crabs are many."
)


def fit(name: str, probability: float, *relevance: float) -> Fit:
    """A paper whose sentences are named by their places."""
    sentences = tuple(Sentence(f"{name}{at} x{at} y{at}", 10 * at, 10 * at + 9) for at, _ in enumerate(relevance))
    return Fit(Paper(name, f"On {name}", "."), probability, sentences, relevance)


# How a paper is read


def test_question_title_and_sentences_are_read_as_one_text() -> None:
    texts = ["MothEar counts crabs.", "It needs no light."]
    read = encode(ASKED, CRABS.title, texts)
    told = tokenizer().decode(read.ids, skip_special_tokens=True)
    assert told.startswith("who has counted crabs at night, and how?") and told.endswith("it needs no light.")
    assert len(read.heads) == 2 and len({read.ids[at] for at in read.heads}) == 1
    assert read.kinds.count(0) == read.ids.index(102) + 1, "the question and the mark behind it are the first part"


def test_what_is_too_long_loses_its_end_and_never_its_question() -> None:
    read = encode("why? " * 200, "Title " * 200, ["word " * 300, "more " * 300])
    assert len(read.ids) <= LONGEST and read.ids.index(102) == QUESTION + 1 and len(read.heads) == 1


# The lines of a list


def listed(fits: list[Fit], said: set[str] | None = None) -> tuple[Evidence, ...]:
    abstracts = {one.paper.id: one.sentences for one in fits}
    return lines(fits, abstracts.__getitem__, said=said or ())


def test_every_paper_that_fits_has_a_line_and_no_other() -> None:
    evidence = listed([fit("a", 0.9, 2.0), fit("b", 0.7, 1.0), fit("c", 0.3, 3.0)])
    assert [(e.number, e.paper.id) for e in evidence] == [(1, "a"), (2, "b")]


def test_where_none_fits_the_best_has_a_line() -> None:
    assert [e.paper.id for e in listed([fit("a", 0.3, -2.0), fit("b", 0.1, 1.0)])] == ["a"]
    assert listed([]) == ()


def test_a_list_ends_after_so_many_papers_and_says_which_are_left() -> None:
    fits = [fit(f"p{at:02}", 0.9, 1.0) for at in range(MOST_LINES + 2)]
    evidence = listed(fits)
    covered = coverage(fits, [e.paper.id for e in evidence])
    assert len(evidence) == covered.cited == MOST_LINES
    assert covered == Coverage(10, 10, 8, (("p08", "On p08"), ("p09", "On p09")))


def test_a_second_sentence_stands_only_where_it_holds_what_is_asked() -> None:
    one, two = listed([fit("a", 0.9, -3.0, 2.0, -2.5), fit("b", 0.9, 1.0, -3.0, 2.0)])
    assert [s.start for s in one.sentences] == [10]
    assert [s.start for s in two.sentences] == [0, 20], "in the order of the abstract"


def test_what_was_said_before_is_not_said_again_where_there_is_something_else() -> None:
    a, b = fit("a", 0.9, 2.0, 1.0), fit("b", 0.9, 2.0)
    evidence = listed([a, b], said={a.sentences[0].text, b.sentences[0].text})
    assert [s.start for e in evidence for s in e.sentences] == [10, 0]


def test_what_was_said_is_known_again_in_the_third_person() -> None:
    texts = ["However, we count crabs with lamps at night.", "Gulls eat crabs on beaches."]
    sentences = tuple(Sentence(text, 50 * at, 50 * at + len(text)) for at, text in enumerate(texts))
    (one,) = listed([Fit(CRABS, 0.9, sentences, (1.0, -1.5))], said={"The authors count crabs with lamps at night."})
    assert [s.text for s in one.sentences] == texts[1:]


def test_what_a_sentence_leans_on_stands_before_it() -> None:
    texts = ["Crabs swim at night.", "They hide by day.", "Gulls eat crabs on beaches."]
    abstract = tuple(Sentence(text, 30 * at, 30 * at + len(text)) for at, text in enumerate(texts))
    chosen = Evidence(1, CRABS, (abstract[2], abstract[1]), 2.0, (2.0, 1.0))
    (whole,) = standing((chosen,), lambda _: abstract)
    assert [s.text for s in whole.sentences] == [texts[2], *texts[:2]]
    assert whole.scores == (2.0, 1.0, 1.0)
    assert standing((whole,), lambda _: abstract) == (whole,), "what is there is not said twice"


def test_a_sentence_that_leans_on_another_gives_way_or_brings_it_along() -> None:
    texts = ["Crabs swim at night.", "They hide by day.", "Gulls eat crabs on beaches."]
    sentences = tuple(Sentence(text, 30 * at, 30 * at + len(text)) for at, text in enumerate(texts))
    near = Fit(CRABS, 0.9, sentences, (-3.0, 1.0, -0.5))
    far = Fit(CRABS, 0.9, sentences, (-4.0, 3.0, -4.0))
    assert [s.text for s in listed([near])[0].sentences] == [*texts[:2], texts[2]]
    assert [s.text for s in listed([far])[0].sentences] == texts[:2]
    gives_way = Fit(CRABS, 0.9, sentences, (-3.0, -1.5, -2.0))
    assert [s.text for s in listed([gives_way])[0].sentences] == texts[2:]


# What is said of it


@pytest.mark.parametrize(
    ("covered", "said"),
    [
        (Coverage(30, 6, 4), "Six of the 459 papers fit; four are cited."),
        (Coverage(30, 2, 2), "Two of the 459 papers fit."),
        (Coverage(30, 1, 1), "One of the 459 papers fits."),
        (Coverage(90, 41, 1), "41 of the 459 papers fit; one is cited."),
    ],
)
def test_how_many_fit_is_said_in_a_line(covered: Coverage, said: str) -> None:
    assert how_many_fit(covered.fitting, covered.cited, 459) == said


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("CvT: Introducing Convolutions to Vision Transformers", "CvT"),
        ("Deep learning: a review", "Deep learning: a review"),
        ("Sleep: its uses", "Sleep"),
        ("A  title\nover two lines.", "A title over two lines"),
        ("word " * 40, "word word word word word word word word word word word word word word word word word…"),
    ],
)
def test_a_paper_goes_by_its_short_name(title: str, name: str) -> None:
    assert short_name(Paper("x", title)) == name


def test_a_paper_without_a_title_goes_by_its_author_or_its_id() -> None:
    assert short_name(Paper("x1", "", authors=("Ada Lovelace",), year=1843)) == "Ada Lovelace 1843"
    assert short_name(Paper("x1", " ")) == "x1"


# Remainders of two drafts


def test_two_remainders_become_one_in_the_order_of_their_numbers() -> None:
    def of(number: int) -> Checked:
        cited = Citation(number, f"p{number}", 0, "q", 0, 1, Verdict.SUPPORTED)
        return Checked((AnswerSentence(f"s{number}", (number,), Verdict.SUPPORTED),), (cited,), ())

    both = of(2).with_more(of(1)).in_order(lambda sentence: sentence.citations[0])
    assert [s.text for s in both.sentences] == ["s1", "s2"]
    assert [(c.number, c.sentence) for c in both.citations] == [(1, 0), (2, 1)]
    assert both.cited == {1, 2} and both.text == "s1 [1]. s2 [2]."


# On the shipped library


@pytest.fixture(scope="module")
def quoting(shipped_home: Path) -> Iterator[Pipeline]:
    yield factory.open_answerer(load_settings(home=shipped_home, model="quote"))
    factory.close_all()


def test_a_question_after_several_papers_is_answered_by_a_list(quoting: Pipeline) -> None:
    answer = quoting.answer("Which papers bring convolutions into vision transformers, and how?")
    assert answer.refusal is None and answer.coverage is not None
    cited = [sentence.citations for sentence in answer.sentences]
    assert len(set(cited)) >= 3 and all(cited)
    assert cited == sorted(cited), "best first, a paper's sentences together"
    assert answer.text.startswith(answer.lead) and str(quoting.library.count) in answer.lead
    assert all(sentence.section for sentence in answer.sentences)
    assert answer.coverage.cited == len({c.paper_id for c in answer.citations})
    assert answer.coverage.fitting == answer.coverage.cited + len(answer.coverage.not_cited)
