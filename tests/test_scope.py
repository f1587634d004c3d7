"""Scopes: what they admit, how they are read from a question, and that retrieval within one is exact."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.datatypes import AnswerSettings, Intent, Paper, RefusalGrade, Turn
from rag.evidence.fitting import fit_judge
from rag.generation.generators.quote import QuoteGenerator
from rag.generation.writing import Writer
from rag.library.library import Library
from rag.library.storage import dense_search
from rag.output import presentation
from rag.pipeline import Pipeline
from rag.questions.catalogue import RecordCatalogue
from rag.questions.filters import read_filters, read_filters_of
from rag.questions.reading import understand
from rag.questions.scope import EVERYTHING, Scope, admitted, in_words
from rag.questions.venues import VenueNames
from rag.retrieval.ranking import hybrid_search
from rag.retrieval.retrievers.fusion import fuse
from tests.cli_parts import MOTHS, SNOW, WILLING, footnote, write_lines
from tests.library_parts import WordEncoder, made_papers

VENUES = (
    "ICML 2021",
    "International Conference on Machine Learning",
    "Advances in Neural Information Processing Systems 33 (NeurIPS)",
    "Nature",
    "Journal of Shore Studies",
)
ICML = ("ICML 2021", "International Conference on Machine Learning")
NEURIPS = (VENUES[2],)


def read(question: str) -> tuple[Scope, str]:
    return read_filters(question, lambda: VENUES)


# --- what a scope is ---


@pytest.mark.parametrize(
    ("scope", "ids", "words"),
    [
        (Scope(), "abcd", ""),
        (Scope(since=2020), "bc", "2020 or later"),
        (Scope(until=2020), "ab", "2020 or earlier"),
        (Scope(since=2020, until=2020), "b", "2020"),
        (Scope(since=2019, until=2020), "ab", "2019 to 2020"),
        (Scope(venues=("Nature", "Cell")), "ac", "Nature or Cell"),
        (Scope(sources=("x.bib",)), "bd", "from x.bib"),
        (Scope(paper_ids=("a", "d", "gone")), "ad", "3 chosen papers"),
        (Scope(since=2021, venues=("Cell",), paper_ids=("c",)), "c", "2021 or later, Cell, 1 chosen paper"),
    ],
)
def test_what_a_scope_admits_and_how_it_is_said(scope: Scope, ids: str, words: str) -> None:
    papers = [
        Paper("a", "A", year=2019, venue="Nature"),
        Paper("b", "B", year=2020, source="x.bib"),
        Paper("c", "C", year=2022, venue="Cell"),
        Paper("d", "D", source="x.bib"),  # without a year it fits no bound
    ]

    assert scope.admitted(papers) == list(ids)
    assert [p.id for p in papers if scope.admits(p)] == list(ids)
    assert scope.describe() == words
    assert scope.is_everything == (words == "")
    assert Scope.of_record(json.loads(json.dumps(scope.as_record()))) == scope


def test_parts_are_removed_one_by_one() -> None:
    scope = Scope(2019, 2021, ("Nature",), ("x.bib",), ("a",))

    for name, words in scope.parts():
        assert words not in scope.without(name).describe()
        scope = scope.without(name)
    assert scope.is_everything
    assert scope.without("nonsense") == scope


# --- filters in a question ---


@pytest.mark.parametrize(
    ("question", "scope", "rest"),
    [
        ("Which papers since 2021 use GANs?", Scope(2021), "Which papers use GANs?"),
        ("Which papers published since 2021 use GANs?", Scope(2021), "Which papers use GANs?"),
        ("Show me work from 2019 on pruning", Scope(2019, 2019), "Show me work on pruning"),
        ("How do papers from 2019 on prune?", Scope(2019, 2019), "How do papers on prune?"),
        ("What was published after 2019 about tides?", Scope(2020), "What about tides?"),
        ("papers between 2010 and 2015 that study tides", Scope(2010, 2015), "papers that study tides"),
        ("Which papers that were published in 2019 or later use z?", Scope(2019), "Which papers use z?"),
        ("Which studies before 2015 count crabs?", Scope(None, 2014), "Which studies count crabs?"),
        ("What did the 2019 paper on crabs find?", Scope(2019, 2019), "What did the paper on crabs find?"),
        ("Which methods proposed since 2020 prune nets?", Scope(2020), "Which methods proposed prune nets?"),
        ("How do ICML papers prune nets?", Scope(venues=ICML), "How do papers prune nets?"),
        ("Which papers at ICML 2021 count crabs?", Scope(venues=("ICML 2021",)), "Which papers count crabs?"),
        ("papers published at ICML/NeurIPS on tides", Scope(venues=(*NEURIPS, *ICML)), "papers on tides"),
        ("What do papers in Nature in 2019 say?", Scope(2019, 2019, ("Nature",)), "What do papers say?"),
        (
            "studies published in the Journal of Shore Studies before 2020 on crabs",
            Scope(None, 2019, ("Journal of Shore Studies",)),
            "studies on crabs",
        ),
    ],
)
def test_filters_are_read_and_their_words_taken_out(question: str, scope: Scope, rest: str) -> None:
    assert read(question) == (scope, rest)


@pytest.mark.parametrize(
    "question",
    [
        "Who won the 2018 World Cup?",
        "Which papers use data from 2012 to 2016?",
        "Which datasets cover the years 2012 to 2016?",
        "What did news articles from 2015 say?",
        "tweets published in 2019",
        "Which papers study the economy since 2008?",
        "recent papers on pruning",
        "What accuracy is reached on VOC 2007?",
        "What is known about ICML reviewers?",
        "Which papers in nature parks count moths?",
        "Which papers at PUMPCONF use graphs?",  # no venue of this library, and none that is well known
        "What happened in studies of Science education?",
        "Which studies of Nature parks count moths?",
        "How do Computer Science papers prune nets?",
        "How did the method work in 2019?",
        "Is the 2010s drought mentioned in papers?",
    ],
)
def test_a_year_or_name_that_belongs_to_the_content_is_no_filter(question: str) -> None:
    assert read(question) == (EVERYTHING, question)


def test_the_venues_are_asked_for_only_where_one_may_be_named() -> None:
    def never() -> list[str]:
        raise AssertionError("the venues were read")

    for question in ("What is SpineNet?", "Which papers use ImageNet?", "Do crabs learn?", "What do the papers say?"):
        assert read_filters(question, never)[0] == EVERYTHING


def test_venues_are_known_by_their_names() -> None:
    names = VenueNames(VENUES)

    assert names.resolve("icml") == sorted(ICML)
    assert (
        names.resolve("NeurIPS") == names.resolve("Advances in Neural Information Processing Systems 33") == [VENUES[2]]
    )
    assert names.resolve("nature") == ["Nature"]
    assert names.resolve("") == names.resolve("KDD") == []
    assert VenueNames(["", "A (B)"]).resolve("(") == []


def test_a_question_keeps_its_words_where_they_are_no_filter() -> None:
    query = understand("Which papers since 2021 use GANs?")

    read_in = read_filters_of(query, EVERYTHING, lambda: VENUES, understand)
    literal = read_filters_of(query, Scope(literal=True), lambda: VENUES, understand)

    assert (read_in.search, read_in.asked) == ("Which papers use GANs?", query.text)
    assert read_in.filters == Scope(2021)
    assert (literal.search, literal.filters, literal.asked) == (query.search, None, "")
    assert read_filters_of(understand("What is SpineNet?"), EVERYTHING, lambda: VENUES, understand) == understand(
        "What is SpineNet?"
    )


def test_a_follow_up_keeps_the_filters_of_the_question_before() -> None:
    history = [Turn("user", "Which papers since 2021 use GANs?"), Turn("assistant", "Some. [1]")]
    query = read_filters_of(understand("And how large are they?", history), EVERYTHING, lambda: VENUES, understand)

    assert query.filters == Scope(2021)
    assert "2021" not in query.search


def test_a_request_that_is_nothing_but_filters_is_a_list() -> None:
    query = read_filters_of(understand("What papers are there since 2021?"), EVERYTHING, lambda: VENUES, understand)

    assert (query.intent, query.topic, query.filters) == (Intent.LIST, "since 2021", Scope(2021))


def test_scope_and_filters_together() -> None:
    papers = [Paper(str(year), "T", year=year, venue="Nature" if year % 2 else "") for year in range(2010, 2020)]
    query = replace(understand("?x"), scope=Scope(venues=("Nature",)), filters=Scope(since=2015))

    assert admitted(query, RecordCatalogue(papers)) == ("2015", "2017", "2019")
    assert in_words(query) == "Nature, 2015 or later"
    assert admitted(understand("What is x?"), None) is None  # type: ignore[arg-type]


# --- retrieval within a scope ---


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    path = tmp_path_factory.mktemp("scope") / "library"
    encoder = WordEncoder()
    papers = [
        replace(p, venue=VENUES[n % 5], source=f"file{n % 3}.bib", abstract=f"{p.abstract} Shared{n % 7} words stand.")
        for n, p in enumerate(made_papers(150))
    ]
    with Library.create(path, embedder=encoder.id) as library:
        library.add(papers, encoder)
    with Library.open(path, embedder=encoder.id) as library:
        yield library


class BruteForce:
    """Compares with every passage and looks at every score, then leaves out what is not in the scope."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.count, self.entries, self.pull_forward = library.count, library.entries, library.pull_forward
        self.document_frequencies, self.lexical, self.best_passages = (
            library.document_frequencies, library.lexical, library.best_passages,
        )  # fmt: skip

    def dense(self, vector: np.ndarray, k: int, within: Collection[str] | None = None) -> list:
        assert within is not None
        stored = self._library.entries([p.id for p in self._library.papers()])
        rows = [
            (passage, float(score))
            for one in stored.values()
            if one.paper.id in within
            for passage, score in zip(one.passages, one.passage_vectors @ vector, strict=True)
        ]
        return sorted(rows, key=lambda row: (-row[1], row[0].id))[:k]

    def bm25_search(self, terms: dict, k: int, within: Collection[str] | None = None) -> list:
        assert within is not None
        return [pair for pair in self._library.bm25_search(terms, 10**6) if pair[0] in within][:k]


SCOPES = {
    "few": Scope(paper_ids=("made00003", "made00040", "made00149", "unknown")),
    "some": Scope(since=2015, venues=("Nature", "ICML 2021")),
    "most": Scope(until=2017),
    "none": Scope(since=2050),
}


@pytest.mark.parametrize("few", [2000, 0], ids=["compared one by one", "looked for deeper"])
@pytest.mark.parametrize("name", SCOPES)
def test_the_first_k_of_a_scope_are_those_of_brute_force(
    library: Library, name: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense_search, "_MAX_EXACT", few)
    within = library.admitted([SCOPES[name]])
    exact = BruteForce(library)
    assert tuple(SCOPES[name].admitted(library.papers())) == within

    for text in ("shared3 words about topic40", "the result149 is 149 of 100", "word3x2 word40x7"):
        vector = WordEncoder().encode([text])[0]
        for k in (1, 5, 60):
            found, expected = library.dense(vector, k, within), exact.dense(vector, k, within)
            assert np.allclose([s for _, s in found], [s for _, s in expected], atol=1e-3)
            assert {p.paper_id for p, _ in found} <= set(within)
            words = {"word3x2": 1.0, "share": 0.5, "stand": 2.0}
            assert library.bm25_search(words, k, within) == exact.bm25_search(words, k, within)
            hits = [h.passage.id for h in fuse(library, text, vector, k, within=within)]
            assert len(hits) == min(k, len(within))
            if not few:  # Chroma's vectors are not rounded as the stored ones are, so what is as good as equal may swap
                continue
            assert [p.id for p, _ in found] == [p.id for p, _ in expected]
            assert hits == [h.passage.id for h in fuse(exact, text, vector, k, within=within)]


def test_the_default_is_not_touched(library: Library) -> None:
    text = "shared3 words about topic40"
    vector = WordEncoder().encode([text])[0]

    everything = [p.id for p in library.papers()]
    assert fuse(library, text, vector, 9) == fuse(library, text, vector, 9, within=None)
    assert [h.passage for h in fuse(library, text, vector, 9)] == [
        h.passage for h in fuse(library, text, vector, 9, within=everything)
    ]


# --- the pipeline ---


@pytest.fixture(scope="module")
def pipeline(library: Library) -> Pipeline:
    quotes = Writer(QuoteGenerator())
    return Pipeline(
        library, WordEncoder(), hybrid_search(library, 100), quotes, quotes, AnswerSettings(refuse=False), fit_judge()
    )


def test_an_answer_uses_the_scope_alone_and_says_so(pipeline: Pipeline) -> None:
    scope = Scope(since=2015, venues=("Nature",))
    answer = pipeline.answer("What is the result of topic43?", scope=scope)

    assert answer.evidence
    assert all((e.paper.year or 0) >= 2015 and e.paper.venue == "Nature" for e in answer.evidence)
    assert (answer.trace.scope, answer.trace.filters) == ("2015 or later, Nature", {})
    assert presentation.to_json(answer)["trace"]["scope"] == "2015 or later, Nature"
    assert "2015 or later, Nature" in presentation.to_markdown(answer)
    assert "2015 or later, Nature" in presentation.to_plain(answer)
    assert "scope" not in presentation.to_json(pipeline.answer("What is the result of topic43?"))["trace"]


def test_filters_of_the_question_are_used_and_can_be_taken_back(pipeline: Pipeline) -> None:
    question = "What do papers in Nature since 2015 say about topic40?"
    answer = pipeline.answer(question)

    assert answer.question == question
    assert Scope.of_record(answer.trace.filters) == Scope(2015, venues=("Nature",))
    assert all((e.paper.year or 0) >= 2015 and e.paper.venue == "Nature" for e in answer.evidence)

    again = pipeline.answer(
        question, scope=replace(Scope.of_record(answer.trace.filters).without("years"), literal=True)
    )

    assert (again.trace.scope, again.trace.filters) == ("Nature", {})
    assert {e.paper.venue for e in again.evidence} == {"Nature"}


def test_no_paper_in_the_scope_is_a_refusal_that_names_it(pipeline: Pipeline) -> None:
    answer = pipeline.answer("What is the result of topic43?", scope=Scope(since=2050, venues=("Nature",)))

    assert answer.refusal is not None
    assert answer.refusal.grade is RefusalGrade.NOTHING
    assert answer.refusal.message == (
        "No paper of this library is in the scope: 2050 or later, Nature. Widen the scope or clear it."
    )
    assert answer.refusal.nearest == ()


def test_counts_are_of_the_scope(pipeline: Pipeline, library: Library) -> None:
    inside = Scope(venues=("Nature",)).admitted(library.papers())
    given = pipeline.answer("How many papers are there?", scope=Scope(venues=("Nature",)))
    named = pipeline.answer("How many papers published in Nature since 2015 mention words?")

    assert given.text.startswith(f"The scope holds {len(inside)} papers (checked {len(inside)} of 150: Nature)")
    recent = [p for p in library.papers() if p.venue == "Nature" and (p.year or 0) >= 2015]
    assert named.text.startswith(f"{len(recent)} papers fit")
    assert Scope.of_record(named.trace.filters) == Scope(2015, venues=("Nature",))
    assert named.trace.scope == "2015 or later, Nature"
    before_the_noun = pipeline.answer("How many ICML papers are there?")
    assert before_the_noun.text.startswith("The scope holds 60 papers (checked 60 of 150: ICML 2021 or International")
    assert before_the_noun.question == "How many ICML papers are there?"
    at_2021 = pipeline.answer("List all papers of the Journal of Shore Studies 2004")
    assert {(e.paper.venue, e.paper.year) for e in at_2021.evidence} == {("Journal of Shore Studies", 2004)}
    none = pipeline.answer("How many papers are there?", scope=Scope(since=2050))
    assert none.refusal is not None
    assert none.refusal.message == "No paper of the 150 is in the scope (checked 0 of 150: 2050 or later)."


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("How many papers use VOC 2007?", 1),
        ("How many papers mention data from 2012?", 1),
        ("How many papers in 2020 are about data?", 2),
    ],
)
def test_years_of_the_content_are_counted_as_words(question: str, count: int) -> None:
    from rag.survey.aggregate import answer
    from tests.test_aggregate import RecordsInMemory

    records = RecordsInMemory(
        [
            Paper("a", "A", "We test on VOC 2007.", year=2019),
            Paper("b", "B", "We have data of 2012.", year=2020),
            Paper("c", "C", "Data is scarce.", year=2020),
        ]
    )
    assert answer(understand(question), records).sentences[0].text.startswith(f"{count} paper")


# --- the command line ---


def test_the_command_line_takes_a_scope(shared_home: Path, tmp_path: Path) -> None:
    moths, snow = ({**MOTHS, "venue": "Nature"}, {**SNOW, "venue": "ICML 2021", "year": 2015})
    file = write_lines(tmp_path / "two.jsonl", moths, snow)
    folder = tmp_path / "library"
    footnote("import", file, "--library", folder, home=shared_home)

    def found(*options: object) -> list[str]:
        result = footnote("search", "moths in snow", "--library", folder, "--json", *options, home=shared_home)
        return sorted(hit["paper_id"] for hit in json.loads(result.stdout)["hits"])

    assert found() == ["moth", "snow"]
    assert found("--since", 2020) == found("--venue", "nature") == found("--paper", "moth") == ["moth"]
    assert found("--until", 2020) == found("--venue", "ICML") == ["snow"]
    assert found("--source", "two.jsonl") == ["moth", "snow"]
    assert found("--venue", "ICML", "--venue", "Nature", "--since", 2016) == ["moth"]

    asked = footnote(
        "ask", "How many microphones?", "--library", folder, "--since", 2020, "--json", home=shared_home, **WILLING
    )
    assert json.loads(asked.stdout)["trace"]["scope"] == "2020 or later"
    refused = footnote("ask", "How many microphones?", "--library", folder, "--since", 2050, code=3, home=shared_home)
    assert "No paper of this library is in the scope: 2050 or later." in refused.stdout

    for option, message in (
        (("--venue", "KDD"), "No paper of this library appeared in 'KDD'. It has: ICML 2021, Nature."),
        (("--source", "x.bib"), "No paper of this library comes from 'x.bib'."),
        (("--paper", "wolf"), "There is no paper with the id 'wolf' in this library."),
        (("--since", 2021, "--until", 2019), "--since 2021 is later than --until 2019."),
    ):
        result = footnote("search", "x", "--library", folder, *option, code=(1, 2), home=shared_home)
        assert message in result.stderr
