"""Sentences that anybody wrote: found in a draft, held against an abstract or against a library."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import pytest

from rag.datatypes import Paper, PaperHit
from rag.library.chunking import split_sentences
from rag.library.storage.stored_paper import StoredPaper
from rag.papers.kept_fields import NOTICE
from rag.verification import claims, sources
from rag.verification.claims import ClaimChecker, check_against_abstract, sentences_of_draft
from rag.verification.entailment import Judgement, Thresholds
from tests.library_parts import WordEncoder

if TYPE_CHECKING:
    from rag.datatypes import Vector

CRABS = Paper(
    "crabs", "Learning in hermit crabs",
    "Hermit crabs choose shells with care. Crabs that watched a neighbour chose a shell 31% faster. "
    "The effect vanished at night.",
)  # fmt: skip
SHELLS = Paper(
    "shells", "Vacancy chains", "We model the chain as a queue. One empty shell set off 4.2 moves on average."
)
BARE = Paper("bare", "A paper without an abstract")
SUPPORTED, CONTRADICTED, WEAK, SILENT = (
    Judgement(0.9, 0.05, 0.05), Judgement(0.05, 0.9, 0.05), Judgement(0.4, 0.1, 0.5), Judgement(0.1, 0.1, 0.8)
)  # fmt: skip
THRESHOLDS = Thresholds(supported=0.7, weak=0.3, contradicted=0.7)
Judge = Callable[[str, str], Judgement]


def never(claim: str, source: str) -> Judgement:
    raise AssertionError(f"the network was asked about {claim!r}")


@pytest.fixture
def judged_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[Judge], None]:
    """Puts a judge in the place of the network."""

    def put(judge: Judge) -> None:
        for module in (claims, sources):
            monkeypatch.setattr(module, "judge_claim", judge)
            monkeypatch.setattr(module, "thresholds", lambda: THRESHOLDS)

    return put


# --- the sentences of a draft ---


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ("One sentence here. Another one there!", ["One sentence here.", "Another one there!"]),
        ("# Crabs\n\nCrabs learn.\n\nShells\n------\n\nShells move.", ["Crabs learn.", "Shells move."]),
        ("- Crabs learn.\n- Shells move.\n  1. They move far.", ["Crabs learn.", "Shells move.", "They move far."]),
        ("Before the code.\n\n```python\nprint('no sentence')\n```\n\nAfter it.", ["Before the code.", "After it."]),
        ("The flag `--json` prints JSON.", ["The flag --json prints JSON."]),
        ("Crabs [learn *fast*](https://example.org/a.b).", ["Crabs learn fast."]),
        ("| Crab | Speed |\n|---|---|\n| Ada | is very fast. |\n\nOnly this.", ["Only this."]),
        ("> A quote that\n> goes on. And ends.", ["A quote that goes on.", "And ends."]),
        ("One line\nand the next  \nand the third.", ["One line and the next and the third."]),
        ("See ![a picture](x.png) of a crab.", ["See of a crab."]),
        ("It grew by 3.5% in Fig. 2 of Smith et al. (2020).", ["It grew by 3.5% in Fig. 2 of Smith et al. (2020)."]),
        ("12. – ... 3", []),
        ("", []),
        (" \n\t\n", []),
        ("# Only a heading", []),
        ("Crabs <b>learn</b> & 1 < 2 in all.", ["Crabs learn & 1 < 2 in all."]),
    ],
)  # fmt: skip
def test_the_sentences_of_a_draft(draft: str, expected: list[str]) -> None:
    assert sentences_of_draft(draft) == expected


@pytest.mark.parametrize("draft", ["> " * 2000 + "deep.", "[" * 5000, "\x00\udcff\u202e bad.", "*a" * 9000, "|" * 9000])
def test_odd_drafts_cost_neither_time_nor_an_error(draft: str) -> None:
    assert isinstance(sentences_of_draft(draft), list)


# --- one abstract ---


@pytest.mark.parametrize(
    "text",
    [
        "Crabs that watched a neighbour chose a shell 31% faster.",
        "crabs that watched a neighbour chose a shell 31% faster",
        "The effect vanished at night.",
    ],
)
def test_a_quote_is_supported_and_the_network_not_asked(text: str, judged_by: Callable[[Judge], None]) -> None:
    judged_by(never)
    checked = check_against_abstract(text, CRABS.abstract, CRABS.title, CRABS.id)
    assert (checked.text, checked.verdict, checked.score) == (text, "supported", 1.0)
    (citation,) = checked.citations
    assert (citation.paper_id, citation.title, citation.verdict) == ("crabs", CRABS.title, "supported")
    assert CRABS.abstract[citation.start : citation.end] == citation.quote
    assert citation.quote.lower().startswith(text.lower().rstrip("."))


def test_a_figure_that_the_abstract_lacks_is_unsupported_and_cites_nothing(judged_by: Callable[[Judge], None]) -> None:
    judged_by(never)
    checked = check_against_abstract("Crabs that watched a neighbour chose a shell 47% faster.", CRABS.abstract)
    assert (checked.verdict, checked.score, checked.citations) == ("unsupported", 0.0, ())


@pytest.mark.parametrize(
    ("judgement", "verdict", "cited"),
    [(SUPPORTED, "supported", 1), (CONTRADICTED, "contradicted", 1), (WEAK, "weak", 1), (SILENT, "unsupported", 0)],
)
def test_anything_else_is_as_the_network_judges(
    judgement: Judgement, verdict: str, cited: int, judged_by: Callable[[Judge], None]
) -> None:
    asked = []
    judged_by(lambda claim, source: asked.append((claim, source)) or judgement)
    checked = check_against_abstract("Watching a neighbour helps crabs.", CRABS.abstract)
    assert (checked.verdict, len(checked.citations)) == (verdict, cited)
    assert checked.score == judgement.supported
    assert asked == [("Watching a neighbour helps crabs.", CRABS.abstract)]


def test_without_an_abstract_nothing_is_supported(judged_by: Callable[[Judge], None]) -> None:
    judged_by(never)
    assert check_against_abstract("Crabs learn.", "", "Crabs learn").verdict == "unsupported"


# --- a library ---


class Shelf:
    """What the check asks of a library."""

    def __init__(self, *papers: Paper) -> None:
        self.papers = {paper.id: paper for paper in papers}
        self.encoder = WordEncoder()

    def entries(self, paper_ids: Sequence[str]) -> dict[str, StoredPaper]:
        found = {}
        for one in paper_ids:
            sentences = tuple(split_sentences(self.papers[one].abstract))
            vectors = self.encoder.encode([sentence.text for sentence in sentences])
            found[one] = StoredPaper(self.papers[one], (), sentences, vectors)
        return found


class Finder:
    """A search that finds all papers, always in the same order."""

    def __init__(self, *papers: Paper) -> None:
        self.papers = papers
        self.asked: list[tuple[str, int]] = []

    def __call__(self, text: str, vector: Vector, k: int, within: Collection[str] | None = None) -> Sequence[PaperHit]:
        self.asked.append((text, k))
        return [PaperHit(paper, 0.5, None, None) for paper in self.papers[:k]]


def checker(*papers: Paper, finder: Finder | None = None, most: int = claims.PAPERS) -> ClaimChecker:
    shelf = Shelf(*papers)
    return ClaimChecker(shelf, shelf.encoder, finder or Finder(*papers), most)  # type: ignore[arg-type]


def about(**by_title: Judgement) -> Judge:
    """A judge that knows the sources by a word of theirs."""
    return lambda claim, source: next((said for word, said in by_title.items() if word in source), SILENT)


def test_a_notice_bears_out_only_what_is_said_of_notices(judged_by: Callable[[Judge], None]) -> None:
    judged_by(about(neighbour=SUPPORTED))
    note = Paper("note", f"Retraction Note to: {CRABS.title}", CRABS.abstract, status=NOTICE)
    finder = Finder(note, CRABS, SHELLS)
    checked = checker(note, CRABS, SHELLS, finder=finder, most=2).check("Crabs that saw others were faster.")
    assert [one.paper_id for one in checked.citations] == [CRABS.id]
    assert [k for _, k in finder.asked] == [2, 4]
    checked = checker(note, CRABS).check("The paper on crabs that saw others was retracted.")
    assert {one.paper_id for one in checked.citations} == {note.id, CRABS.id}


def test_the_verdict_is_that_of_the_best_paper(judged_by: Callable[[Judge], None]) -> None:
    judged_by(about(neighbour=CONTRADICTED, queue=SUPPORTED))
    checked = checker(CRABS, SHELLS, BARE).check("Many shells move.")
    assert (checked.verdict, checked.score) == ("supported", 0.9)
    assert [(c.paper_id, c.title, c.verdict) for c in checked.citations] == [
        ("shells", "Vacancy chains", "supported"),
        ("crabs", "Learning in hermit crabs", "contradicted"),
    ]
    papers = {"shells": SHELLS, "crabs": CRABS}
    assert all(papers[c.paper_id].abstract[c.start : c.end] == c.quote for c in checked.citations)


def test_what_is_contradicted_counts_before_what_is_weak(judged_by: Callable[[Judge], None]) -> None:
    judged_by(about(neighbour=WEAK, queue=CONTRADICTED))
    checked = checker(CRABS, SHELLS).check("Many shells move.")
    assert (checked.verdict, [c.verdict for c in checked.citations]) == ("contradicted", ["contradicted", "weak"])


def test_where_no_paper_says_anything_the_verdict_is_nothing(judged_by: Callable[[Judge], None]) -> None:
    judged_by(lambda claim, source: SILENT)
    checked = checker(CRABS, SHELLS, BARE).check("Many shells move.")
    assert (checked.verdict, checked.score, checked.citations) == ("nothing", 0.1, ())
    assert checker().check("Many shells move.").verdict == "nothing", "an empty library"


def test_a_quote_is_found_by_rule(judged_by: Callable[[Judge], None]) -> None:
    judged_by(lambda claim, source: SILENT)
    checked = checker(SHELLS, CRABS).check("The effect vanished at night.")
    assert (checked.verdict, checked.score) == ("supported", 1.0)
    assert [(c.paper_id, c.quote) for c in checked.citations] == [("crabs", "The effect vanished at night.")]


def test_at_most_three_papers_are_cited_and_so_many_searched(judged_by: Callable[[Judge], None]) -> None:
    judged_by(lambda claim, source: SUPPORTED)
    papers = [Paper(f"p{n}", f"Paper {n}", f"Shells of kind {n} move.") for n in range(9)]
    finder = Finder(*papers)
    checked = checker(*papers, finder=finder, most=7).check("Many\x00 shells   move.")
    assert [c.paper_id for c in checked.citations] == ["p0", "p1", "p2"]
    assert finder.asked == [("Many shells move.", 7)]
    assert checked.text == "Many\x00 shells   move.", "as it was given"


@pytest.mark.parametrize("text", ["", "  ", "…?!", "\x00\udcff"])
def test_what_says_nothing_is_not_searched(text: str) -> None:
    finder = Finder(CRABS)
    checked = checker(CRABS, finder=finder).check(text)
    assert (checked.text, checked.verdict, checked.citations, finder.asked) == (text, "nothing", (), [])


def test_a_draft_is_checked_in_order_and_tells_how_far_it_is(judged_by: Callable[[Judge], None]) -> None:
    judged_by(lambda claim, source: SILENT)
    done: list[tuple[int, int]] = []
    draft = "# Crabs\n\nThe effect vanished at night. Bread rises.\n\n- Hermit crabs choose shells with care."
    checked = checker(CRABS).check_draft(draft, lambda at, count: done.append((at, count)))
    assert [(one.text, one.verdict) for one in checked] == [
        ("The effect vanished at night.", "supported"),
        ("Bread rises.", "nothing"),
        ("Hermit crabs choose shells with care.", "supported"),
    ]
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert checker(CRABS).check_draft("# Nothing else") == []


def test_sentences_are_checked_one_by_one_until_stopped(judged_by: Callable[[Judge], None]) -> None:
    judged_by(lambda claim, source: SILENT)
    finder, stop = Finder(CRABS), threading.Event()
    each = checker(CRABS, finder=finder).check_each(["One is here.", "Two is here.", "Three is here."], stop)
    assert next(each).text == "One is here."
    assert len(finder.asked) == 1, "the next is not checked before it is asked for"
    stop.set()
    assert list(each) == [] and len(finder.asked) == 1


def test_two_checks_of_a_text_say_the_same(judged_by: Callable[[Judge], None]) -> None:
    judged_by(about(neighbour=WEAK, queue=WEAK))
    made = checker(CRABS, SHELLS)
    assert made.check_draft(CRABS.abstract) == made.check_draft(CRABS.abstract)


def test_indented_prose_and_tags_are_text() -> None:
    text = "    Indented prose is prose.\n\n<div>A tag begins this sentence here.</div>\n"
    found = " ".join(sentences_of_draft(text))
    assert "Indented prose is prose." in found and "A tag begins this sentence here." in found
