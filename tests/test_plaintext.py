"""Markup to plain text."""

import json
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.plaintext import clean_line, plain_text

CASES = {
    # accents, fonts, shorthands
    r"R\'enyi, Erd\H{o}s, G\"{o}del, \L{}ukasz, \c{c}, na\"\i ve": "Rényi, Erdős, Gödel, Łukasz, ç, naïve",
    r"{\em while} and {\it deep} \textbf{Mamba} \textsf{PBP}": "while and deep Mamba PBP",
    r"the \overfeat network, \mymacro{words}, \ie this, \etc": "the overfeat network, words, i.e. this, etc.",
    r"0.932\textpm0.021 and 5\,ms": "0.932±0.021 and 5 ms",
    r"As \cite{smith2001}, see Figure~\ref{fig}": "As (smith2001), see Figure fig",
    # signs that are no markup
    r"50\% better, 50% better, Q\&A, AT&T, V1&V2, a_b, #3": "50% better, 50% better, Q&A, AT&T, V1&V2, a_b, #3",
    r"{\bf It} costs $5 and $10 million, from \$3": "It costs $5 and $10 million, from $3",
    "<2% and <4%, p<0.05, a < b > c, i<j": "<2% and <4%, p<0.05, a < b > c, i<j",
    "{A}bout ~30% of networks~(CNNs)": "About ~30% of networks (CNNs)",
    r"see \url{http://x.y/a_b%20c~d} or https://x.y/~me_a {\em b}": "see http://x.y/a_b%20c~d or https://x.y/~me_a b",
    "``query'' tokens, a `teacher' and f''(x)": '"query" tokens, a \'teacher\' and f"(x)',
    r"don't -- {\em ever} --- stop": "don't -- ever --- stop",
    # formulas
    r"in $O(n \log n)$ for $x^2 \le 3$": "in O(n log n) for x^2 ≤ 3",
    r"$n^{1/2}$, $10^{-3}$, $A_{ij}$, $x_{i+1}$, O(L^{{4}/{3}})": "n^(1/2), 10^-3, A_ij, x_(i+1), O(L^(4/3))",
    r"$\frac{n+1}{2}$ of $\binom{n}{k}$ in $\mathbb{R}^d$": "(n+1)/2 of (n choose k) in ℝ^d",
    r"$\sim$5\% of $k$NN with $7k$ nodes": "∼5% of kNN with 7k nodes",
    # HTML and JATS
    "<jats:title>Abstract</jats:title><jats:p>H<sub>2</sub>O &lt; 5 &amp; <i>E. coli</i></jats:p>": (
        "Abstract H2O < 5 & E. coli"
    ),
    "10<sup>5</sup> cells of the 1<sup>st</sup> kind": "10^5 cells of the 1st kind",
    "caf&eacute; &#233; &#x1b;&#0;x &unknown; R&D;": "café é x &unknown; R&D;",
    # listings that lost their backslashes
    "via texttt{D}ual-texttt{H}ead": "via Dual-Head",
    "at https://aka.ms/a{https://aka.ms/a}. https://x.y/F{FD}.": "at https://aka.ms/a. https://x.y/F (FD).",
    # blanks and control characters
    "a\x00b\tc\n\n d\u200b\ufeff e\u00a0f \x1b[0m": "ab c d e f [0m",
    "e\u0301": "é",
    "": "",
    # broken
    r"broken { brace $x and \href{x": r"broken { brace $x and \href{x",
    "\\": "",
}


@pytest.mark.parametrize(("markup", "plain"), CASES.items(), ids=range(len(CASES)))
def test_markup_becomes_plain_text(markup: str, plain: str) -> None:
    assert plain_text(markup) == plain


def test_files_cannot_be_included(tmp_path: Path) -> None:
    secret = tmp_path / "secret.tex"
    secret.write_text("hidden words")
    assert "hidden" not in plain_text(rf"\input{{{secret}}} \include{{{secret}}} seen")
    assert "seen" in plain_text(rf"\input{{{secret}}} seen")


@pytest.mark.parametrize(
    "bomb", ["{" * 50_000, "\\href{" * 200, "$" * 5_000, "\\begin{a}" * 300, "<sup>" * 5_000, "~`" * 9_000]
)
def test_hostile_text_is_neither_slow_nor_fatal(bomb: str) -> None:
    began = time.perf_counter()
    plain_text(bomb)
    assert time.perf_counter() - began < 5


@given(st.text(alphabet=st.sampled_from("ab 1\\{}$%&~^_#`'<>/.;[]()\n\x00é") | st.characters(), max_size=80))
def test_it_never_raises_and_leaves_clean_text(text: str) -> None:
    plain = plain_text(text)
    assert plain == unicodedata.normalize("NFC", " ".join(plain.split()))
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in plain)


@given(st.text(alphabet="abcdefg ABC.,;:()0123456789-'\"!?", max_size=200))
def test_ordinary_text_is_only_trimmed(text: str) -> None:
    assert plain_text(text) == " ".join(text.split())


def test_shipped_papers_are_plain() -> None:
    shipped = Path(__file__).parent.parent / "data" / "papers.jsonl"
    for line in shipped.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        assert plain_text(record["title"]) == record["title"]
        assert plain_text(record["abstract"]) == record["abstract"]


def test_clean_line_keeps_markup() -> None:
    assert clean_line(" a\x00_{b}\n c ") == "a_{b} c"
