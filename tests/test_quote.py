"""Sentences of abstracts in the third person: read as English, and not one figure or name is touched."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest

from rag.datatypes import Evidence, GenerationRequest, Paper, Sentence
from rag.errors import GenerationCancelled
from rag.generation.generators.quote import QuoteGenerator
from rag.library.chunking import split_sentences
from rag.text.citation_format import with_numbers
from rag.text.wording import third_person
from rag.verification.citations import parse

ROOT = Path(__file__).parent.parent
SNAPSHOTS = [
    json.loads(line)
    for line in (ROOT / "tests" / "samples" / "third_person.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    """All sentences of the shipped abstracts."""
    lines = (ROOT / "data" / "papers.jsonl").read_text(encoding="utf-8").splitlines()
    return [s.text for line in lines for s in split_sentences(json.loads(line)["abstract"])]


@pytest.mark.parametrize("pair", SNAPSHOTS, ids=[str(i) for i in range(len(SNAPSHOTS))])
def test_sentences_of_real_abstracts(pair: dict[str, str]) -> None:
    assert third_person(pair["abstract"]) == pair["answer"]


def test_the_snapshots_are_of_the_shipped_abstracts(sentences: list[str]) -> None:
    assert {pair["abstract"] for pair in SNAPSHOTS} <= set(sentences)


def test_figures_and_names_of_all_shipped_sentences_survive(sentences: list[str]) -> None:
    hard = re.compile(r"\d+(?:[.,]\d+)*|\b[A-Za-z]*[a-z][A-Z]\w*|\b[A-Z]{2,}\w*|https?://\S+")
    for sentence in (re.sub(r"^\(?[1-9]\) ", "", s) for s in sentences):  # numbers of list items go
        for introduced in (False, True):
            assert hard.findall(third_person(sentence, introduced=introduced)) == hard.findall(sentence)


def test_no_first_person_is_left_in_any_shipped_sentence(sentences: list[str]) -> None:
    person = re.compile(r"(?<!\w)(?:[Ww]e|[Oo]ur|[Oo]urs|us|[Oo]urselves)(?![\w-])")
    assert [s for s in sentences if person.search(third_person(s))] == []


@pytest.mark.parametrize(
    ("abstract", "answer"),
    [
        ("We propose X.", "The authors propose X."),
        ("We've shown that our code helps us.", "The authors have shown that their code helps them."),
        ("Our method is fast.", "The authors' method is fast."),
        ("It was built by us.", "It was built by the authors."),
        ("Let us consider a graph.", "The authors consider a graph."),
        ("We're done and we'll stop.", "The authors are done and they will stop."),
        ("Ours vs. theirs is compared.", "The authors' own vs. theirs is compared."),
        ("We find that ours is faster.", "The authors find that the authors' own is faster."),
        ("The authors show that our code works.", "The authors show that their code works."),
        ("As we all know, nets learn.", "As is known, nets learn."),
        ("However, we find that it fails.", "The authors find that it fails."),
        ("In this paper, we propose X.", "The authors propose X."),
        ("In this paper we propose X.", "The authors propose X."),
        ("Then, iBugMask is made.", "iBugMask is made."),
        ("iBugMask is ours to give.", "iBugMask is the authors' own to give."),
        ("Specifically, k-means is run.", "k-means is run."),
        ("Moreover, a net is run.", "A net is run."),
        ("Here, α-divergence is used.", "α-divergence is used."),
        ("Also, single-ISA processors are used.", "Single-ISA processors are used."),
        ("First, we train; second, we prune.", "First, the authors train; second, they prune."),
        ("First, we train it.", "The authors train it."),
        ("Experiments show it works.", "Experiments show it works."),
        ("2) we discover that it sees.", "The authors discover that it sees."),
        ("(ii) Nets are wide.", "Nets are wide."),
        ("1) nets are wide and 2) we see.", "1) nets are wide and 2) the authors see."),
        ("We train it. ...", "The authors train it."),
    ],
)  # fmt: skip
def test_we(abstract: str, answer: str) -> None:
    assert third_person(abstract) == answer


@pytest.mark.parametrize(
    ("abstract", "answer"),
    [
        ("I propose a net.", "The author proposes a net."),
        ("In this work, I also study nets.", "The author also studies nets."),
        ("I am sure that I have found it.", "The author is sure that the author has found it."),
        ("I discuss my method.", "The author discusses the author's method."),
        ("Finally, I trained a net.", "The author trained a net."),
        ("A Phase I trial showed that I/O is slow.", "A Phase I trial showed that I/O is slow."),
        ("Given sets I and J, we test I) and II).", "Given sets I and J, the authors test I) and II)."),
        ("In Part I we have a type I error.", "In Part I the authors have a type I error."),
    ],
)
def test_a_single_author(abstract: str, answer: str) -> None:
    assert third_person(abstract) == answer


@pytest.mark.parametrize(
    "abstract",
    [
        "The U.S. and the US census power WeChat, Weave and ResourceNet.",
        "A delay of 10 us is measured.",
        "The prompt “we trust our model” is used.",
        'It answers "We do not know" too often.',
        "Code is at https://github.com/we/our-model and www.us.gov.",
        "Users write to us@our.org.",
        "The we-media outlets answer.",
        "Points lie in [0, 1] or [0.5, 1.5] or [-1, 1].",
        "Focus on bus routes of Belarus.",
        "Ein Verfahren wird vorgestellt.",
        "本文提出一种方法。",
    ],
)
def test_what_is_no_person_stays(abstract: str) -> None:
    assert third_person(abstract) == abstract


def test_brackets_of_the_abstract_are_no_footnotes() -> None:
    text = third_person("Gu et al. [2021], [3]-[5], [1,2] and [ 7 ] agree.")

    assert text == "Gu et al. (2021), (3)-(5), (1,2) and ( 7 ) agree."
    assert [d.numbers for d in parse(with_numbers(text, (4,)), split_sentences)] == [(4,)]


def test_once_introduced_they_will_do() -> None:
    assert third_person("We show that our net works.", introduced=True) == "They show that their net works."


def test_line_breaks_of_an_abstract_do_not_break_an_answer() -> None:
    assert third_person("We\u2028show\nthat\r\n it works.") == "The authors show that it works."


@pytest.mark.parametrize("text", ["", " ", "We", "However, ", "I", "[1]", "."])
def test_scraps_do_no_harm(text: str) -> None:
    assert len(third_person(text)) <= len(text) + 10


@pytest.mark.parametrize(
    ("text", "numbered"),
    [
        ("It works.", "It works [2]."),
        ("It works", "It works [2]."),
        ("Does it work?", "Does it work [2]?"),
        ("It reaches 0.5.", "It reaches 0.5 [2]."),
        ("See https://a.org/b.", "See https://a.org/b [2]."),
        ("He said “it works.”", "He said “it works [2].”"),
        ("它有效。", "它有效 [2]。"),
        ("as follows:", "as follows [2]."),
    ],
)
def test_the_number_stands_before_the_stop(text: str, numbered: str) -> None:
    assert with_numbers(text, (2,)) == numbered
    assert [d.numbers for d in parse(numbered, split_sentences)] == [(2,)]


def _evidence(number: int, *texts: str) -> Evidence:
    return Evidence(number, Paper(f"p{number}", "Title", " ".join(texts)), tuple(Sentence(t, 0, 0) for t in texts), 1.0)


def test_one_piece_a_sentence_and_each_paper_introduces_its_authors() -> None:
    request = GenerationRequest("?", (_evidence(1, "We do A.", "We do B."), _evidence(2, "We do C.")))

    pieces = list(QuoteGenerator().stream(request, threading.Event()))

    assert pieces == ["The authors do A [1].", " They do B [1].", " The authors do C [2]."]


def test_stop_stops() -> None:
    stop = threading.Event()
    stream = QuoteGenerator().stream(GenerationRequest("?", (_evidence(1, "We do A.", "We do B."),)), stop)

    next(stream)
    stop.set()

    with pytest.raises(GenerationCancelled):
        next(stream)


def test_no_evidence_is_no_text() -> None:
    assert list(QuoteGenerator().stream(GenerationRequest("?", ()), threading.Event())) == []


@pytest.mark.parametrize(
    ("sentence", "quoted"),
    [
        ("Results: Our model reaches 91%.", "The authors' model reaches 91%."),
        ("Materials and Methods: mice were fed twice.", "Mice were fed twice."),
        ("BACKGROUND AND AIMS: Sleep is short.", "Sleep is short."),
        ("Results are given in full.", "Results are given in full."),
        ("The results: three of four.", "The results: three of four."),
        ("Results:", "Results:"),
        ("METHODS We asked 20 nurses.", "The authors asked 20 nurses."),
        ("DESIGN, SETTING, AND PARTICIPANTS In 2006, WHO asked 20 nurses.", "In 2006, WHO asked 20 nurses."),
        ("PATIENTS AND METHODS 20 nurses were asked.", "20 nurses were asked."),
        ("MAIN OUTCOME MEASURES Deaths.", "Deaths."),
        ("Results In all wards it fell.", "In all wards it fell."),
        ("Results of all wards fell.", "Results of all wards fell."),
        ("DATA from all wards fell.", "DATA from all wards fell."),
        ("METHODS are compared.", "METHODS are compared."),
    ],
)
def test_the_label_of_a_structured_abstract_goes(sentence: str, quoted: str) -> None:
    assert third_person(sentence) == quoted
