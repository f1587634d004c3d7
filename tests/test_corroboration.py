"""Numbers that join a footnote, and those that stand against a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag.datatypes import AnswerSentence, Citation, Evidence, Paper, Sentence, Verdict
from rag.library.chunking import split_sentences
from rag.verification.checked import Checked
from rag.verification.citations import Sources
from rag.verification.corroboration import corroborated, of_its_own_paper, without_repeats
from rag.verification.entailment import Judgement, Thresholds
from tests.library_parts import WordEncoder

WORDS = WordEncoder()
Reads = Callable[[str, str], Judgement]
YES, NO, AGAINST = Judgement(0.95, 0.0, 0.05), Judgement(0.1, 0.1, 0.8), Judgement(0.0, 0.95, 0.05)

MAIN = "Early treatment lowers mortality in adults with sepsis."
PAPERS = {
    "a": Paper("a", "A trial", f"{MAIN} Costs were high."),
    "b": Paper("b", "Another trial", "In adults with sepsis, early treatment lowers mortality at home. Dogs bark."),
    "c": Paper("c", "A third trial", "Early treatment raises mortality in adults with sepsis. Cats sleep."),
    "d": Paper("d", "On glaciers", "Glaciers lose mass in warm summers."),
}


def sources(read: Reads) -> Sources:
    def sentences(paper_id: str) -> list[Sentence]:
        return split_sentences(PAPERS[paper_id].abstract)

    return Sources(
        sentences, read, lambda: Thresholds(0.7, 0.5, 0.5),
        lambda paper_id: WORDS.encode([s.text for s in sentences(paper_id)]), lambda text: WORDS.encode([text])[0],
    )  # fmt: skip


def quoted(*texts: tuple[str, str]) -> tuple[Checked, tuple[Evidence, ...]]:
    """An answer of these sentences, each with the id of the paper that it is of."""
    ids = list(dict.fromkeys(paper_id for _, paper_id in texts))
    sentences, citations = [], []
    for at, (text, paper_id) in enumerate(texts):
        number = ids.index(paper_id) + 1
        start = PAPERS[paper_id].abstract.index(text)
        sentences.append(AnswerSentence(text, (number,), Verdict.SUPPORTED))
        citations.append(Citation(number, paper_id, at, text, start, start + len(text), Verdict.SUPPORTED, 1.0))
    evidence = tuple(Evidence(n, PAPERS[one], (), 1.0) for n, one in enumerate(ids, 1))
    return Checked(tuple(sentences), tuple(citations), ()), evidence


def test_a_paper_that_bears_a_sentence_out_joins_its_footnote() -> None:
    checked, evidence = quoted((MAIN, "a"))
    found, more = corroborated(checked, evidence, [PAPERS["b"], PAPERS["d"]], sources(lambda claim, source: YES))
    assert found.sentences[0].citations == (1, 2)
    assert [(item.number, item.paper.id) for item in more] == [(1, "a"), (2, "b")]
    own, joined = found.citations
    assert (own.paper_id, joined.paper_id, joined.sentence) == ("a", "b", 0)
    assert PAPERS["b"].abstract[joined.start : joined.end] == joined.quote
    assert joined.quote.startswith("In adults with sepsis")


def test_one_that_contradicts_it_stands_against_it() -> None:
    checked, evidence = quoted((MAIN, "a"))
    found, more = corroborated(checked, evidence, [PAPERS["c"]], sources(lambda claim, source: AGAINST))
    assert found.sentences[0].citations == (1,) and found.sentences[0].against == (2,)
    assert found.citations[-1].verdict is Verdict.CONTRADICTED
    assert more[-1].paper.id == "c"


@pytest.mark.parametrize(("paper_id", "said"), [("b", NO), ("b", AGAINST), ("c", YES), ("c", NO), ("d", YES)])
def test_where_words_and_network_do_not_both_say_so_nothing_joins(paper_id: str, said: Judgement) -> None:
    checked, evidence = quoted((MAIN, "a"))
    found, more = corroborated(checked, evidence, [PAPERS[paper_id]], sources(lambda claim, source: said))
    assert found.sentences == checked.sentences
    assert more == evidence


def test_the_network_reads_no_more_than_it_may() -> None:
    read: list[str] = []

    def counting(claim: str, source: str) -> Judgement:
        read.append(claim)
        return NO

    checked, evidence = quoted((MAIN, "a"))
    corroborated(checked, evidence, [PAPERS["b"], PAPERS["c"]], sources(counting), passes=1)
    assert len(read) <= 1
    corroborated(checked, evidence, [PAPERS["b"]], sources(counting), passes=0)
    assert len(read) <= 1


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("The authors propose a lamp.", True),
        ("Their model reaches 87%; we release it.", True),
        ("This study weighed moths.", True),
        ("A novel lamp is cheap.", True),
        (MAIN, False),
        ("Moths fly to light.", False),
    ],
)
def test_what_a_paper_says_of_itself_is_left_alone(text: str, own: bool) -> None:
    assert of_its_own_paper(text) is own


def test_a_sentence_that_adds_nothing_goes_into_the_footnote_of_the_other() -> None:
    other = "In adults with sepsis, early treatment lowers mortality at home."
    checked, evidence = quoted((MAIN, "a"), (other, "b"))
    found, _ = corroborated(checked, evidence, [], sources(lambda claim, source: YES))
    assert found.sentences[0].citations == (1, 2)
    merged = without_repeats(found)
    assert [s.text for s in merged.sentences] == [MAIN]
    assert {c.sentence for c in merged.citations} == {0} and len(merged.citations) == 2
    assert without_repeats(checked) == checked
