"""What of the ranker's sentences an answer needs: how they are read, the network that ships, and what is made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.datatypes import Evidence, Paper, Sentence
from rag.encoding.onnx_encoder import Network, tokenizer
from rag.errors import ModelError
from rag.evidence.pruning import LONGEST, QUESTION, Judged, Pruner, encode, pruned, pruner
from rag.text.sentence_compression import split_units

ASKED = "By how much does MothEar lower the error?"
ANSWERS = "MothEar lowers the error of counting from 9.1% to 2.5%, which the authors did not expect."
IDLE = "Counting animals has a long history in ecology."


def evidence(*worths: tuple[float, ...]) -> tuple[tuple[Evidence, ...], list[Judged]]:
    """Papers whose sentences are named by their places, and judgements of that worth."""
    papers = []
    for number, mine in enumerate(worths, start=1):
        sentences = tuple(Sentence(f"{number}.{at}", at, at + 1) for at, _ in enumerate(mine))
        papers.append(Evidence(number, Paper(f"p{number}", "A title", ""), sentences, 1.0, tuple(map(float, mine))))
    return tuple(papers), [Judged(worth, ()) for mine in worths for worth in mine]


# How they are read


def test_question_and_sentences_are_read_as_one_text() -> None:
    read = encode(ASKED, [(1, ANSWERS), (2, IDLE)])
    pieces = tokenizer()
    assert pieces.decode(read.ids, skip_special_tokens=True).startswith("by how much does mothear lower the error?")
    assert [read.ids[at] for at in read.heads] == [1, 2]  # the numbers of the papers
    assert read.kinds == (0,) * read.heads[0] + (1,) * (len(read.ids) - read.heads[0])
    for text, spans in zip((ANSWERS, IDLE), read.spans, strict=True):
        for unit, (begin, end) in zip(split_units(text), spans, strict=True):
            assert pieces.decode(read.ids[begin:end]).replace(" ", "") == unit.text.lower().replace(" ", "")


def test_what_does_not_fit_is_read_in_parts() -> None:
    long = " ".join(f"word{n}" for n in range(80)) + "."
    sentences = [(n, long) for n in range(1, 12)]
    judged = pruner().judge("why? " * 200, sentences)
    assert len(judged) == len(sentences) and all(len(j.keep_logits) == len(split_units(long)) for j in judged)
    assert len(encode("why? " * 200, sentences).ids) <= LONGEST


def test_a_sentence_that_is_too_long_loses_the_judgement_of_its_end() -> None:
    endless = " ".join(f"word{n}" for n in range(700)) + "."
    (one,) = pruner().judge(ASKED, [(1, endless)])
    assert len(one.keep_logits) == 700 and one.keep_logits[0] != 0.0 and one.keep_logits[-1] == 0.0
    read = encode("x " * 500, [(1, endless)])
    assert len(read.ids) == LONGEST and read.heads == (QUESTION + 2,)


@pytest.mark.parametrize("text", ["", "…", "[SEP] [CLS]", "\ud800", "日本 " * 50, "(" * 300])
def test_no_text_is_too_strange(text: str) -> None:
    assert len(pruner().judge(text, [(1, text), (99, text)])) == 2
    assert pruner().judge(text, []) == []


# What the shipped network says


def test_it_knows_the_sentence_that_answers_and_the_words_that_do() -> None:
    answers, idle = pruner().judge(ASKED, [(1, ANSWERS), (1, IDLE)])
    assert answers.relevance_logit > idle.relevance_logit + 1 and answers.probability > 0.5 > idle.probability
    words = [unit.text for unit in split_units(ANSWERS)]
    assert answers.keep_logits[words.index("2.5%")] > answers.keep_logits[words.index("expect")] + 1


def test_the_same_is_judged_the_same() -> None:
    once, again = (pruner().judge(ASKED, [(1, ANSWERS), (2, IDLE)]) for _ in range(2))
    assert once == again


def test_a_file_that_is_damaged_or_gone_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "pruning.onnx").write_bytes(b"\0")
    for name, said in (("pruning.onnx", "damaged. Install Footnote again"), ("none.onnx", "cannot be read")):
        with pytest.raises(ModelError, match=said):
            Pruner(Network(tmp_path / name, "0" * 64)).judge(ASKED, [(1, IDLE)])


# What is made of it


@pytest.mark.parametrize(
    ("worths", "several", "kept"),
    [
        (((2.0, -1.0, 0.5), (0.1,)), False, ["1:1.0", "1:1.2", "2:2.0"]),
        (((-1.0, -3.0), (0.1,)), False, ["1:2.0"]),  # papers are numbered anew
        (((-1.0, -3.0), (0.1,)), True, ["1:1.0", "2:2.0"]),  # each paper keeps its best
        (((-5.0, -3.0), (-4.0,)), False, ["1:1.1"]),  # one always stays
        ((), False, []),
    ],
)
def test_what_is_worth_enough_stays(worths: tuple[tuple[float, ...], ...], several: bool, kept: list[str]) -> None:
    offered, judged = evidence(*worths)
    found = pruned(offered, judged, 0.0, several)
    assert [f"{item.number}:{s.text}" for item in found for s in item.sentences] == kept
    assert all(len(item.scores) == len(item.sentences) for item in found)


def test_log_odds_are_probabilities() -> None:
    assert Judged(0.0, ()).probability == 0.5
    assert np.isclose(Judged(-2.0, ()).probability + Judged(2.0, ()).probability, 1.0)
