"""Sentences and passages."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.datatypes import Paper, Sentence
from rag.library.chunking import split_passages, split_sentences
from rag.library.run_in_headings import divided_at_headings

# Each list is one text, joined by blanks, and its segmentation.
SEGMENTED = [
    # abbreviations
    ["We use e.g. BERT, i.e. an encoder, cf. Fig. 3 and Eq. (4) vs. Others.", "It works."],
    ["Smith et al. (2020) and Doe et al. Proved it.", "It is short (see Doe et al.) The end."],
    ["Dr. Who met Ms. May after approx. 5 ms.", "Then he left with J. Smith and A. M. Turing of the U.S. Army."],
    ["It affects patients with MS.", "Pathophysiology is unknown in the U.S.", "The end."],
    ["We assume i.i.d. Gaussian noise w.r.t. Euclidean distance, etc.", "We prove it."],
    ["See Sec. 3, no. 5, pp. 10-12, vol. 4 and Tab. 2.", "No. 7 follows."],
    ["Bacteria such as E. coli and S. aureus were used.", "C. elegans was not."],
    ["We need vitamin C.", "We lack it."],
    # figures, versions, formulas
    ["It is 3.14 with v2.0, 1.5B parameters and p<0.05.", "Accuracy rises by 0.5%."],
    ["We used many.", "12 models were used in 5.2.", "3D too."],
    ["It achieves 96. 7% accuracy with 3.8M parameters.", "Good."],
    ["The bound is O(n^2).", "It holds for x_1 ... x_n and all {1,...,n}."],
    # citations, addresses, brackets, quotation marks
    ["As shown in [12].", "Others disagree [3, 4].", "Code: https://x.org/a.B/c."],
    ["It is code.", "We use torch.Tensor and Node.js here."],
    ["Results agree.[12]", "We stop.[3,4-6]", "Fine."],
    ["We (see Sec. 2. It is long. Really) go on.", "(This is an aside. It has two sentences.)", "End."],
    ['He said "It works."', "“Does it?”", "It does."],
    ["This is “one-shot learning.”", "Traditional methods fail."],
    # beginnings
    ["We present iBugMask.", "iBugMask is fast.", "mBERT is not.", "k-means is."],
    ["Noise is common.", "α-stable noise is rare.", "wav2vec 2.0 wins."],
    ["What is learnt?", "(1) How much?", "(2) Why? because it must."],
    ["(1) Is it good?", "(2) Is it bad?", "(3) No!"],
    ["1. We propose it.", "2. We prove it.", "(a) It holds.", "(b) It does not."],
    ["It is on Yahoo! Answers.", "Great!", "Really?!"],
    ["It ends...", "Then it goes on… and on."],
    ["BACKGROUND: Cells grow.", "METHODS: We count.", "RESULTS We find 7."],
    # no capitals at all, as in old collections
    ["the wing was tested .", "see fig . 3 for it .", "results are given ."],
    # other scripts
    ["深度学习很好。", "为什么？", "因为！"],
    ["ما هذا؟", "جملة."],
    ["यह है।", "वह भी।"],
]  # fmt: skip


@pytest.mark.parametrize("sentences", SEGMENTED, ids=[s[0][:30] for s in SEGMENTED])
def test_sentences_end_where_they_end(sentences: list[str]) -> None:
    assert [sentence.text for sentence in split_sentences(" ".join(sentences))] == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("the proposed scheme.Code is available.", ["the proposed scheme.", "Code is available."]),
        ("from 95% to 0.5%.In this paper", ["from 95% to 0.5%.", "In this paper"]),
        ("it grows.RESULTS We find", ["it grows.", "RESULTS We find"]),
        ("第一句。第二句。", ["第一句。", "第二句。"]),
        ("One line\n\nanother", ["One line", "another"]),
        ("no stop", ["no stop"]),
        ("...", ["..."]),
        ("  \n ", []),
        ("", []),
    ],
)
def test_sloppy_texts(text: str, sentences: list[str]) -> None:
    assert [sentence.text for sentence in split_sentences(text)] == sentences


TEXTS = st.lists(
    st.sampled_from(
        [
            "We",
            "show",
            "e.g.",
            "3.5%",
            "(see",
            "it.)",
            "it.",
            "Why?",
            "。",
            "[12].",
            "i.e.",
            '"So."',
            "a,",
            "b;",
            "…",
            "B.",
            "\n\n",
            "x" * 60,
        ]
    )
    | st.text(max_size=12)
).map(" ".join)


def _words(text: str) -> int:
    """A tokeniser as word pieces behave: words and punctuation, long words in pieces of five letters."""
    return sum(-(-len(token) // 5) for token in re.findall(r"\w+|[^\w\s]", text))


@given(TEXTS)
def test_sentences_lose_nothing(text: str) -> None:
    sentences = split_sentences(text)
    assert all(text[s.start : s.end] == s.text == s.text.strip() != "" for s in sentences)
    assert all(one.end <= other.start for one, other in pairwise(sentences))
    assert "".join("".join(s.text.split()) for s in sentences) == "".join(text.split())


@given(TEXTS, st.integers(1, 30), st.sampled_from([_words, len]))
def test_passages_lose_nothing_and_keep_the_limit(text: str, limit: int, count: object) -> None:
    assert callable(count)
    paper = Paper("p", "A title", text)
    passages = split_passages(paper, count, limit)
    if not text.strip():
        assert [(p.text, p.start, p.end) for p in passages] == [("A title", 0, 0)]
        return
    assert [p.id for p in passages] == [f"p#{i}" for i in range(len(passages))]
    assert all(text[p.start : p.end] == p.text and p.paper_id == "p" for p in passages)
    assert all(one.end <= other.start for one, other in pairwise(passages))
    assert "".join("".join(p.text.split()) for p in passages) == "".join(text.split())
    assert all(count(p.text) <= limit or len(p.text) == 1 for p in passages)


def test_passages_consist_of_whole_sentences() -> None:
    sentences = [f"Sentence number {i} has seven words." for i in range(10)]
    paper = Paper("p", "T", " ".join(sentences))
    passages = split_passages(paper, lambda text: len(text.split()), 20)
    ends = {s.end for s in split_sentences(paper.abstract)}
    assert all(p.end in ends for p in passages)
    assert [len(p.text.split()) // 6 for p in passages] == [3, 3, 2, 2]  # not 3, 3, 3, 1


def test_a_sentence_above_the_limit_is_cut_between_clauses() -> None:
    text = "We first collect many papers from the web, then we cut them into passages, and finally we embed them all."
    passages = split_passages(Paper("p", "T", text), lambda part: len(part.split()), 12)
    assert [p.text for p in passages] == [
        "We first collect many papers from the web,",
        "then we cut them into passages, and finally we embed them all.",
    ]


def test_tokens_are_counted_a_linear_number_of_times() -> None:
    calls = 0

    def count(text: str) -> int:
        nonlocal calls
        calls += 1
        return len(text.split())

    split_passages(Paper("p", "T", "This is a sentence. " * 1_000), count, 50)
    assert calls < 2_500


def test_a_limit_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="limit is 0"):
        split_passages(Paper("p", "T", "Text."), len, 0)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("It acts on it.AREAS COVERED: In this, we look.", ["It acts on it.", "AREAS COVERED: In this, we look."]),
        ("It fell (p < 0.05).Conclusions: It fell.", ["It fell (p < 0.05).", "Conclusions: It fell."]),
        ("Doses vary.Expert opinion: None.", ["Doses vary.", "Expert opinion: None."]),
        ("See www.NASA.gov for the std.string: a type.", ["See www.NASA.gov for the std.string: a type."]),
        ("It is written in C.We have: a plan.", ["It is written in C.We have: a plan."]),
        ("RESULTS: It fell.", ["RESULTS: It fell."]),
    ],
)  # fmt: skip
def test_a_heading_that_runs_into_a_sentence_divides_it(text: str, parts: list[str]) -> None:
    divided = divided_at_headings([Sentence("Before.", 0, 7), Sentence(text, 8, 8 + len(text))])
    assert [s.text for _, s in divided] == ["Before.", *parts]
    assert [index for index, _ in divided] == [0] + [1] * len(parts)
    whole = f"Before. {text}"
    assert all(whole[s.start : s.end] == s.text for _, s in divided)
