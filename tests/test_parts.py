"""Questions that ask two things, and questions after several things: how they are read, and what is done for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from rag import factory
from rag.config import load_settings
from rag.datatypes import Evidence, Intent, Paper, Reading, Sentence, Verdict
from rag.evidence.fitting import Fit
from rag.evidence.parts import with_parts
from rag.evidence.spread import is_spread
from rag.library.read_once import ReadOnce
from rag.pipeline import Pipeline
from rag.questions.parts import asks_for_things, parts_of
from rag.questions.reading import understand
from rag.retrieval.ranking import Ranking

# What is asked


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Is the lamp safe in barns, and what does it cost?", ("Is the lamp safe in barns?", "what does it cost?")),
        ("What is MothEar? How does it work?", ("What is MothEar?", "How does it work?")),
        ("What is MothEar and how does it work?", ("What is MothEar?", "how does it work?")),
        ("What is the dose; how often is it given?", ("What is the dose?", "how often is it given?")),
        ("How large is the lamp and is it bright?", ("How large is the lamp?", "is it bright?")),
        ("What do moths eat, and do they sleep?", ("What do moths eat?", "do they sleep?")),
        ("Which moths fly at night, and which are pale?", ("Which moths fly at night?", "which are pale?")),
        ("Which gene is it and which does it block?", ("Which gene is it?", "which does it block?")),
        ("What does it eat and by how much does it grow?", ("What does it eat?", "by how much does it grow?")),
        (
            "What are moths? Where do they live? How do they mate? Which birds eat moths?",
            ("What are moths?", "Where do they live?", "How do they mate?"),
        ),
    ],
)  # fmt: skip
def test_what_is_asked_in_parts(text: str, parts: tuple[str, ...]) -> None:
    assert parts_of(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "What is MothEar?",
        "Which lamp was tested in barns and was effective in fields?",
        "Which drugs block the kinase and can cross the blood-brain barrier?",
        "Which genes are mutated in cancer and which are approved targets?",
        "How are patients treated who smoke and who also have asthma?",
        "In moths with pale wings, what lowers mortality?",
        "If a lamp is bright and does not flicker, what do moths do?",
        "When and how were moths counted?",
        "In what year, and in which country, was it found?",
        "What did the ECDC and WHO ask for?",
        "",
        "and what and how and why",
    ],
)
def test_what_asks_one_thing_is_not_divided(text: str) -> None:
    assert parts_of(text) == (text,)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Which symptoms come with sleep loss?", True),
        ("What are the side effects of teplizumab?", True),
        ("Please list the datasets for counting moths", True),
        ("What kinds of lamps are used for moths?", True),
        ("What has been tried against moths?", True),
        ("Which criteria define sleep loss?", True),
        ("Which lamp is best for moths?", False),
        ("Which two genes cause it?", False),
        ("What happens to moths at night?", False),
        ("What is the basis of sleep?", False),
        ("How do moths fly?", False),
    ],
)
def test_whether_several_things_are_asked_for(text: str, asked: bool) -> None:
    assert asks_for_things(text) is asked


# Whether several papers bear on it


def fits(*probabilities: float) -> list[Fit]:
    sentence = Sentence("Moths sleep.", 0, 12)
    return [Fit(Paper(f"p{at}", "t"), one, (sentence,), (1.0,)) for at, one in enumerate(probabilities)]


@pytest.mark.parametrize("question", ["How is sleep loss treated?", "What are the side effects of melatonin?"])
def test_a_question_is_spread_where_two_more_papers_bear_on_it(question: str) -> None:
    reading = replace(understand(question), intent=Intent.FACT)
    assert is_spread(reading, fits(0.99, 0.95, 0.9, 0.8))
    assert not is_spread(reading, fits(0.99, 0.2, 0.1, 0.1))
    assert not is_spread(reading, fits(0.99, 0.99)) and not is_spread(reading, [])


def test_it_is_sooner_spread_where_the_words_ask_for_several() -> None:
    reading = replace(understand("How is sleep loss treated?"), intent=Intent.FACT)
    middling = fits(0.9, 0.7, 0.45, 0.3)
    assert not is_spread(replace(reading, several=-4.0), middling)
    assert is_spread(replace(reading, several=4.0), middling)


def test_what_has_a_name_stands_sooner_in_one_paper() -> None:
    plain, named = (replace(understand(f"How does {it} count moths?"), intent=Intent.FACT) for it in ("it", "MothEar"))
    middling = fits(0.9, 0.65, 0.45, 0.3)
    assert is_spread(plain, middling) and not is_spread(named, middling)


def test_a_figure_stands_sooner_in_one_paper() -> None:
    reading = replace(understand("How do moths sleep by day?"), intent=Intent.FACT)
    middling = fits(0.9, 0.65, 0.45, 0.3)
    assert is_spread(reading, middling) and not is_spread(replace(reading, wants_figure=True), middling)


def test_follow_ups_and_other_kinds_of_questions_are_not_spread() -> None:
    reading = replace(understand("How is sleep loss treated?"), intent=Intent.FACT)
    assert is_spread(reading, fits(0.99, 0.99, 0.99))
    assert not is_spread(replace(reading, is_follow_up=True), fits(0.99, 0.99, 0.99))
    assert not is_spread(replace(reading, intent=Intent.REVIEW), fits(0.99, 0.99, 0.99))


# What answers a part, over the shipped library


@pytest.fixture(scope="module")
def quoting(shipped_home: Path) -> Iterator[Pipeline]:
    yield factory.open_answerer(load_settings(home=shipped_home, model="quote"))
    factory.close_all()


@dataclass(frozen=True)
class OneAnswers:
    """A judge by whom the one sentence answers that has a word."""

    word: str

    def answers(self, question: str, sentences: Sequence[str]) -> list[float]:
        return [5.0 if self.word in text else -3.0 for text in sentences]


IS, GAIN, NOTHING = "We propose SpineNet", "iNaturalist", "\0"
ASKED = "What is SpineNet, and by how much does it improve accuracy on iNaturalist?"


def completed(
    pipeline: Pipeline, question: str, answers: str, *said: str
) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
    """What :func:`with_parts` makes of the sentences of SpineNet with the words ``said``, where only a sentence with
    the word ``answers`` answers."""
    reading = pipeline.read(question)
    once = ReadOnce(pipeline.library)
    paper = next(paper for paper in pipeline.papers() if paper.title.startswith("SpineNet"))
    sentences = tuple(s for s in once.sentences(paper.id) if any(word in s.text for word in said))
    assert len(sentences) == len(said)
    evidence = (Evidence(1, paper, sentences, 1.0, (1.0,) * len(sentences)),)

    def ranked(k: int | None, part: Reading | None = None, /) -> Ranking:
        return pipeline.rank(part or reading, k)

    return with_parts(reading, evidence, OneAnswers(answers), ranked, once)  # type: ignore[arg-type]


def test_a_part_that_is_not_answered_gets_a_sentence_of_its_own(quoting: Pipeline) -> None:
    evidence, closing = completed(quoting, ASKED, GAIN, IS)
    assert closing == ()
    (one,) = evidence
    assert one.number == 1 and IS in one.sentences[0].text and len(one.scores) == len(one.sentences) == 2
    assert "5% top-1 accuracy improvement" in one.sentences[1].text


def test_another_paper_that_answers_a_part_has_the_next_number(quoting: Pipeline) -> None:
    question = "What is SpineNet, and how does RelationNet++ bridge visual representations?"
    evidence, closing = completed(quoting, question, "RelationNet++", IS)
    assert closing == ()
    assert [(e.number, e.paper.title.split(":")[0]) for e in evidence] == [(1, "SpineNet"), (2, "RelationNet++")]
    assert len(evidence[1].sentences) == 1


def test_a_part_that_no_abstract_speaks_of_is_named(quoting: Pipeline) -> None:
    evidence, closing = completed(quoting, "What is SpineNet, and which saddle fits a shire horse?", NOTHING, IS)
    assert [len(e.sentences) for e in evidence] == [1]
    assert closing == ("None of the abstracts here answers “which saddle fits a shire horse?”",)


def test_a_part_that_some_sentence_speaks_of_is_not_said_to_be_without_an_answer(quoting: Pipeline) -> None:
    evidence, closing = completed(quoting, ASKED, NOTHING, IS)
    assert [len(e.sentences) for e in evidence] == [1] and closing == ()


def test_what_is_answered_already_and_what_has_one_part_stay_as_they_are(quoting: Pipeline) -> None:
    evidence, closing = completed(quoting, ASKED, GAIN, IS, GAIN)
    assert [len(e.sentences) for e in evidence] == [2] and closing == ()
    alone, closing = completed(quoting, "What is SpineNet?", NOTHING, GAIN)
    assert [len(e.sentences) for e in alone] == [1] and closing == ()


def test_an_answer_has_what_both_parts_ask(quoting: Pipeline) -> None:
    answer = quoting.answer(ASKED)
    assert answer.refusal is None and answer.closing == ()
    assert "5% top-1 accuracy improvement" in answer.text
    assert all(s.verdict is Verdict.SUPPORTED for s in answer.sentences)
    assert quoting.answer("Who won the horse race, and what does it cost to feed a horse?").refusal is not None
