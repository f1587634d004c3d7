"""Comparisons, reviews and agreement: what is asked, what is chosen, and what is said of what is missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from rag import factory
from rag.config import load_settings
from rag.datatypes import (
    AnswerSentence,
    Citation,
    Coverage,
    Intent,
    Paper,
    PaperHit,
    Reading,
    Sentence,
    Verdict,
    Version,
    Wanted,
)
from rag.evidence.fitting import Fit
from rag.evidence.ranking import Ranked
from rag.library.chunking import split_sentences
from rag.library.read_once import ReadOnce
from rag.output.sections import in_sections
from rag.papers.kept_fields import NOTICE
from rag.pipeline import Pipeline
from rag.questions.reading import understand
from rag.questions.sides import Asked, compared_in, with_sides
from rag.survey.agreement import AGREE, APART, DISAGREE, ONE, OTHER, UNDECIDED, agreement, asks_agreement
from rag.survey.comparing import compare, speaks_of, titled
from rag.survey.finding import PaperFinder
from rag.survey.reviewing import review, what_was_covered
from rag.survey.structure import best_standing
from rag.text.directions import concur, directions, oppose
from rag.verification.checked import Checked
from rag.verification.entailment import Judgement
from tests.library_parts import WordEncoder

WORDS = WordEncoder()


@dataclass(frozen=True)
class Stored:
    paper: Paper
    sentences: tuple[Sentence, ...]
    sentence_vectors: np.ndarray


class Shelf:
    """Papers in memory, their sentences with vectors of their words."""

    def __init__(self, **abstracts: str) -> None:
        self.stored: dict[str, Stored] = {}
        for name, abstract in abstracts.items():
            sentences = tuple(split_sentences(abstract))
            paper = Paper(name, f"{name.capitalize()}: a study", abstract)
            self.stored[name] = Stored(paper, sentences, WORDS.encode([s.text for s in sentences]))

    @property
    def count(self) -> int:
        return len(self.stored)

    def pull_forward(self, paper_ids: Sequence[str]) -> None:
        """All have vectors."""

    def entries(self, paper_ids: Sequence[str]) -> Mapping[str, Stored]:
        return {one: self.stored[one] for one in paper_ids}

    def sentences(self, paper_id: str) -> tuple[Sentence, ...]:
        return self.stored[paper_id].sentences

    def sentence_vectors(self, paper_id: str) -> np.ndarray:
        return self.stored[paper_id].sentence_vectors

    def document_frequencies(self, stems: Collection[str]) -> dict[str, int]:
        return dict.fromkeys(stems, 1)

    def lexical(self, query: str, k: int) -> list[tuple[str, float]]:
        return [(one, 1.0) for one in self.stored]

    def get_papers(self, ids: Sequence[str]) -> dict[str, Paper]:
        return {one: self.stored[one].paper for one in ids}

    def versions(self, paper_ids: Sequence[str]) -> dict[str, tuple[Version, ...]]:
        return {}

    def fit(self, name: str, probability: float = 0.9, best: int = 0) -> Fit:
        """A judgement by which the sentence with index ``best`` says what is asked."""
        one = self.stored[name]
        relevance = tuple(2.0 if at == best else -2.0 for at in range(len(one.sentences)))
        return Fit(one.paper, probability, one.sentences, relevance)


# What is compared


@pytest.mark.parametrize(
    ("question", "sides", "aspects", "context"),
    [
        ("Compare CvT, ViT and T5 on speed and data.", ("CvT", "ViT", "T5"), ("speed", "data"), ""),
        ("aspirin vs. ibuprofen", ("aspirin", "ibuprofen"), (), ""),
        ("Ice vs snow: how do they differ in weight and cost?", ("Ice", "snow"), ("weight", "cost"), ""),
        ("What is the difference between moths and bees?", ("moths", "bees"), (), ""),
        ("How do moths and bees differ in terms of size?", ("moths", "bees"), ("size",), ""),
        ("How do CvT and ViT differ in accuracy?", ("CvT", "ViT"), ("accuracy",), ""),
        ("How does CvT differ from ViT?", ("CvT", "ViT"), (), ""),
        ("Compare aspirin and ibuprofen in older adults", ("aspirin", "ibuprofen"), (), "older adults"),
        ("Please compare the papers on snow with those on ice", ("snow", "those on ice"), (), ""),
        ("Which is better, dropout or weight decay?", ("dropout", "weight decay"), (), ""),
        ("Compare sleep with light and sleep without light", ("sleep with light", "sleep without light"), (), ""),
    ],
)  # fmt: skip
def test_sides_and_aspects_are_found(
    question: str, sides: tuple[str, ...], aspects: tuple[str, ...], context: str
) -> None:
    assert compared_in(question) == Asked(sides, aspects, context)


@pytest.mark.parametrize("question", ["What is CvT?", "Compare methods", "Which papers compare CvT and ViT?", "", "vs"])
def test_what_names_no_two_sides_is_no_comparison(question: str) -> None:
    assert compared_in(question) is None


def compared(text: str, search: str = "") -> Reading:
    return Reading(text, search or text, Intent.COMPARE, text, False, is_follow_up=bool(search))


def test_a_comparison_without_two_sides_is_a_list() -> None:
    assert with_sides(compared("BERT vs GPT-2 on text")).intent is Intent.COMPARE
    assert with_sides(compared("Set Rust against Go")).intent is Intent.MULTI
    asked = "How do they compare in speed?"
    assert with_sides(compared(asked, f"Which languages are safe? {asked}")).intent is Intent.MULTI


@pytest.mark.parametrize("text", ["How does that compare with Rust in speed?", "and compared with two-phase locking?"])
def test_a_follow_up_that_compares_the_one_thing_answered_asks_after_one_thing(text: str) -> None:
    assert with_sides(compared(text, f"What frees memory on both sides? {text}")).intent is Intent.FACT


MOTHS = "However, moths are hard to count. We propose a lamp for counting moths. It is cheap. It finds 31% more moths."
BEES = "We weigh bees with a small scale. The scale costs 3 euros. Bees weigh 0.1 g."


def finder(shelf: Shelf, **best: int) -> object:
    """Finds every paper of the shelf, those first whose name the question has; ``best`` by the word of an aspect."""

    def find(question: str, within: Collection[str] | None = None, /) -> list[Fit]:
        at = next((at for word, at in best.items() if word in question), -1)
        names = [one for one in shelf.stored if within is None or one in within]
        return [shelf.fit(one, 0.9 if one in question.lower() else 0.2, at) for one in names]

    return find


def test_each_side_has_its_papers_and_each_aspect_its_sentence() -> None:
    shelf = Shelf(moths=MOTHS, bees=BEES)
    asked = Asked(("counting moths", "weighing bees"), ("price",))
    made = compare(asked, finder(shelf, Price=1), shelf, WORDS)  # type: ignore[arg-type]
    assert made is not None
    assert [(e.number, e.paper.id, [s.text for s in e.sentences]) for e in made.evidence] == [
        (1, "moths", ["We propose a lamp for counting moths."]),
        (2, "bees", ["The scale costs 3 euros."]),
    ]
    assert set(made.sections.values()) == {"Price"}
    assert made.closing == ()


def test_a_side_that_no_abstract_speaks_of_and_a_silent_aspect_are_named() -> None:
    shelf = Shelf(moths=MOTHS, bees=BEES)
    asked = Asked(("moths", "abatacept"), ("data", "toxicity"))
    made = compare(asked, finder(shelf), shelf, WORDS)  # type: ignore[arg-type]
    assert made is not None
    assert made.closing == ("The abstract on moths says nothing of this.", "No abstract here speaks of abatacept.")
    known = compare(Asked(("moths", "abatacept")), finder(shelf), shelf, WORDS)  # type: ignore[arg-type]
    assert known is not None
    assert known.closing == ("No abstract here speaks of abatacept.",)
    assert [e.paper.id for e in known.evidence] == ["moths"]
    assert list(dict.fromkeys(known.sections.values()))[:2] == ["Problem", "Method"]
    silent = compare(Asked(("moths", "bees"), ("problem", "toxicity")), finder(shelf), shelf, WORDS)  # type: ignore[arg-type]
    assert silent is not None
    assert silent.closing == (
        "The abstract on bees says nothing of this.", "None of these abstracts says anything of “Toxicity”.",
    )  # fmt: skip


def test_a_notice_is_a_side_only_where_it_is_named_as_one() -> None:
    shelf = Shelf(moths=MOTHS, note="The moths never existed.")
    title = shelf.stored["moths"].paper.title
    note = Paper("note", f"Retraction Note to: {title}", "The moths never existed.", status=NOTICE)
    shelf.stored["note"] = replace(shelf.stored["note"], paper=note)
    for name, found in ((title, "moths"), ("a study", "moths"), (f"Retraction Note to: {title}", "note")):
        paper = titled(name, shelf)  # type: ignore[arg-type]
        assert paper is not None and paper.id == found
    del shelf.stored["moths"]
    assert titled(title, shelf) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "found"),
    [("Compare moths and bees.", ["moths"]), ("Compare the retractions on moths and bees.", ["moths", "note"])],
)
def test_what_is_said_of_a_side_is_no_notice(question: str, found: list[str]) -> None:
    shelf = Shelf(moths=MOTHS, note=MOTHS)
    shelf.stored["note"] = replace(shelf.stored["note"], paper=Paper("note", "Retraction", MOTHS, status=NOTICE))
    hits = [PaperHit(one.paper, 1.0, 0.5, 1.0) for one in shelf.stored.values()]

    class Every:
        def judge(self, reading: Reading, ranked: Ranked) -> tuple[Fit, ...]:
            return tuple(shelf.fit(hit.paper.id) for hit in ranked.hits)

    once = ReadOnce(shelf)  # type: ignore[arg-type]
    find = PaperFinder(understand(question), WORDS, lambda *_: hits, Every(), once)  # type: ignore[arg-type]
    assert [fit.paper.id for fit in find("moths")] == found


def test_nothing_is_compared_where_no_side_is_there() -> None:
    shelf = Shelf(moths=MOTHS)
    made = compare(Asked(("aspirin", "abatacept")), finder(shelf), shelf, WORDS)  # type: ignore[arg-type]
    assert made is not None and made.evidence == ()
    assert made.closing == ("No abstract here speaks of aspirin.", "No abstract here speaks of abatacept.")
    described = Asked(("aspirin", "the many ways in which old dogs sleep"))
    assert compare(described, finder(shelf), shelf, WORDS) is None  # type: ignore[arg-type]


def test_a_paper_speaks_of_what_it_has_the_words_and_names_of() -> None:
    paper = Paper("x", "Counting moths with lamps", "We use MothEar at night.")
    assert speaks_of(paper, "moths") and speaks_of(paper, "MothEar") and speaks_of(paper, "lamps for moths at night")
    apart = Paper("y", "Vitamin C in moths", "They were given food A to D.")
    assert not speaks_of(apart, "vitamin D")
    versions = Paper("z", "A Moth Transformer", "Shown the pictures of Wing V1 and V2, it beats MothEar.")
    assert speaks_of(versions, "Moth Transformer") and not speaks_of(versions, "MothEar Transformer V2")
    assert not speaks_of(paper, "bees") and not speaks_of(paper, "BeeEar lamps") and not speaks_of(paper, "moth wings")


# Reviews


def many(count: int) -> Shelf:
    """Papers of two kinds, about moths and about glaciers."""
    kinds = ("Moths fly to lamp light at night {0}.", "Glaciers lose mass in warm summers {0}.")
    return Shelf(**{f"p{at:02}": kinds[at % 2].format(f"w{at}") + " It is so." for at in range(count)})


def test_a_review_has_a_heading_for_each_group_and_every_paper_once() -> None:
    shelf = many(12)
    made = review("nature", [shelf.fit(one) for one in shelf.stored], shelf)
    assert made is not None
    assert sorted(e.paper.id for e in made.evidence) == sorted(shelf.stored)
    assert [e.number for e in made.evidence] == list(range(1, 13))
    by_heading: dict[str, set[int]] = {}
    for (paper_id, _), heading in made.sections.items():
        by_heading.setdefault(heading, set()).add(int(paper_id[1:]) % 2)
    assert len(by_heading) == 2
    assert sorted(map(sorted, by_heading.values())) == [[0], [1]]
    assert all(heading[0].isupper() for heading in by_heading)
    assert made == review("nature", [shelf.fit(one) for one in shelf.stored], shelf)


def test_one_paper_that_is_unlike_the_others_does_not_cost_a_review_its_headings() -> None:
    kinds = ("Moths fly to lamp light at night {0}.", "Moths in glaciers fly to ice at night {0}.")
    papers = {f"p{at:02}": kinds[at % 2].format(f"w{at}") + " It is so." for at in range(8)}
    shelf = Shelf(**papers, odd="Volcanoes erupt ash over towns. Lava flows downhill slowly.")
    made = review("nature", [shelf.fit(one) for one in shelf.stored], shelf)
    assert made is not None
    by_heading: dict[str, set[str]] = {}
    for (paper_id, _), heading in made.sections.items():
        by_heading.setdefault(heading, set()).add(paper_id)
    assert len(by_heading) == 2 and min(map(len, by_heading.values())) == 4


def test_a_small_review_has_no_headings_and_none_without_papers() -> None:
    shelf = many(3)
    made = review("nature", [shelf.fit("p00"), shelf.fit("p01"), shelf.fit("p02", 0.1)], shelf)
    assert made is not None
    assert [e.paper.id for e in made.evidence] == ["p00", "p01"]
    assert made.sections == {}
    assert review("nature", [shelf.fit("p02", 0.1)], shelf) is None


@pytest.mark.parametrize(
    ("covered", "said"),
    [
        (Coverage(30, 24, 23, (("x", "On Crabs"),)), "24 papers found, 23 cited; the other is “On Crabs”."),
        (Coverage(30, 2, 2), "2 papers found, all cited."),
        (Coverage(30, 1, 1), "1 paper found, all cited."),
        (
            Coverage(30, 9, 4, tuple((f"p{at}", "ABCDE"[at]) for at in range(5))),
            "9 papers found, 4 cited; the others are “A”, “B”, “C” and 2 more.",
        ),
    ],
)
def test_a_review_says_what_it_covered(covered: Coverage, said: str) -> None:
    assert what_was_covered(covered) == said


def test_a_sentence_that_leans_gives_way_or_brings_what_it_leans_on() -> None:
    shelf = Shelf(moths="Moths are pale. They fly at night. Bees fly by day.")
    fit = shelf.fit("moths", best=1)
    assert [s.text for s in best_standing(fit, shelf.sentences("moths"))] == ["Moths are pale."]
    alone = replace(fit, sentences=fit.sentences[1:2], relevance=(2.0,))
    texts = [s.text for s in best_standing(alone, shelf.sentences("moths"))]
    assert texts == ["Moths are pale.", "They fly at night."]


# Agreement

UP = "The drug increased survival in old mice."
DOWN = "The drug decreased survival in old mice."
UP_TOO = "The drug increased survival in young mice."


def says(supported: float, contradicted: float) -> object:
    return lambda claim, source: Judgement(supported, contradicted, 1 - supported - contradicted)


def test_papers_that_go_different_ways_stand_on_two_sides() -> None:
    shelf = Shelf(up=UP, also=UP_TOO, down=DOWN, other="Glaciers lost mass.")
    fits = [shelf.fit(one) for one in shelf.stored]

    def read(claim: str, source: str) -> Judgement:
        return (
            Judgement(0.0, 0.95, 0.05) if ("decreased" in claim) != ("decreased" in source) else Judgement(0.9, 0, 0.1)
        )

    made = agreement(fits, shelf, read)
    assert made is not None
    assert made.lead == DISAGREE
    assert {paper_id: heading for (paper_id, _), heading in made.sections.items()} == {
        "up": ONE, "also": ONE, "down": OTHER, "other": APART,
    }  # fmt: skip


def test_papers_that_bear_each_other_out_agree_and_others_are_not_compared() -> None:
    shelf = Shelf(up=UP, also=UP_TOO)
    fits = [shelf.fit(one) for one in shelf.stored]
    agreed = agreement(fits, shelf, says(0.1, 0.1))  # type: ignore[arg-type]
    assert agreed is not None and agreed.lead == AGREE and agreed.sections == {}
    opposed = agreement([shelf.fit("up"), Shelf(down=DOWN).fit("down")], Shelf(up=UP, down=DOWN), says(0.1, 0.1))  # type: ignore[arg-type]
    assert opposed is not None and opposed.lead == UNDECIDED, "words alone decide no contradiction"
    assert agreement(fits[:1], shelf, says(0.9, 0.0)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Do the studies agree on the effect of sleep?", True),
        ("Is there a consensus about sleep?", True),
        ("Do any papers contradict this?", True),
        ("Are the results of trials conflicting?", True),
        ("Which agreement did the states sign?", False),
        ("What is sleep?", False),
    ],
)
def test_it_is_heard_whether_agreement_is_asked_for(question: str, asked: bool) -> None:
    assert asks_agreement(question) is asked


def test_directions_are_those_of_outcomes() -> None:
    assert directions("Mortality was lower with the drug.")["mortal"] == -1
    assert directions("The drug did not change mortality.")["mortal"] == 0
    assert directions("Moths are pale.") == {}
    assert oppose(UP, DOWN) and not concur(UP, DOWN)
    assert concur(UP, UP_TOO) and not oppose(UP, UP_TOO)
    assert not oppose(UP, "Costs decreased.") and not concur(UP, "Costs rose.")


# Under headings


def test_sentences_are_put_in_the_order_of_their_headings() -> None:
    def sentence(text: str, number: int) -> AnswerSentence:
        return AnswerSentence(text, (number,), Verdict.SUPPORTED)

    def citation(at: int, paper_id: str, start: int) -> Citation:
        return Citation(1, paper_id, at, "q", start, start + 1, Verdict.SUPPORTED)

    checked = Checked(
        (sentence("a", 1), sentence("b", 1), sentence("c", 2)),
        (citation(0, "p", 5), citation(1, "p", 0), citation(2, "q", 0), citation(2, "p", 5)),
        (),
    )
    sections = {("p", 0): "Method", ("q", 0): "Method", ("p", 5): "Results"}
    found = in_sections(checked, sections)
    assert [(s.text, s.section) for s in found.sentences] == [("b", "Method"), ("c", "Method"), ("a", "Results")]
    assert [(c.sentence, c.paper_id, c.start) for c in found.citations] == [
        (0, "p", 0),
        (1, "q", 0),
        (1, "p", 5),
        (2, "p", 5),
    ]
    assert in_sections(checked, {}) is checked


# Over the shipped abstracts


@pytest.fixture(scope="module")
def answering(shipped_home: Path) -> Iterator[Pipeline]:
    settings = load_settings(home=shipped_home, model="quote")
    yield factory.open_answerer(settings)
    factory.close_all()


def test_two_papers_are_compared_in_a_table_and_a_missing_side_is_named(answering: Pipeline) -> None:
    answer = answering.answer("Compare SpineNet, RelationNet++ and abatacept", wanted=Wanted("compare"))
    assert answer.trace.reading["kind"] == "compare"
    assert {item.paper.title.split(":")[0] for item in answer.evidence} >= {"RelationNet++"}
    sections = list(dict.fromkeys(s.section for s in answer.sentences))
    assert set(sections) <= {"Problem", "Method", "Data", "Results"} and len(sections) >= 3
    assert answer.closing == ("No abstract here speaks of abatacept.",)
    assert all(s.citations and s.verdict is Verdict.SUPPORTED for s in answer.sentences)
    assert answer.coverage is not None and answer.coverage.cited == 2


def test_where_no_side_is_there_the_comparison_is_refused(answering: Pipeline) -> None:
    answer = answering.answer("Compare abatacept and teplizumab", wanted=Wanted("compare"))
    assert answer.refusal is not None
    assert answer.refusal.message == "No abstract here speaks of abatacept. No abstract here speaks of teplizumab."
    assert answer.refusal.nearest


def test_a_review_cites_many_papers_under_headings(answering: Pipeline) -> None:
    answer = answering.answer("knowledge distillation", wanted=Wanted("review"))
    assert answer.refusal is None and answer.coverage is not None
    on_it = {paper.id for paper in answering.papers() if speaks_of(paper, "knowledge distillation")}
    cited = {citation.paper_id for citation in answer.citations}
    assert len(on_it) == 18 and len(cited & on_it) >= 14, "most of the papers that name the topic"
    assert answer.coverage.cited == len(cited) <= answer.coverage.fitting <= answer.coverage.considered
    assert 2 <= len({s.section for s in answer.sentences}) <= 6
    assert f"{answer.coverage.fitting} papers found" in answer.closing[-1]
    assert all(s.citations for s in answer.sentences)
    titles = {item.number: f"{item.paper.title} {item.paper.abstract}".lower() for item in answer.evidence}
    about = [any("distill" in titles[n] or "teacher" in titles[n] for n in s.citations) for s in answer.sentences]
    assert sum(about) >= 0.7 * len(about)
