"""The one tokenisation that search, evidence and the citation check share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.tokenization import STOPWORDS, stem, stems, tokens, unique_stems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Naïve Bayes, naively", ["naive", "bayes", "naively"]),
        ("accuracy of 52.7% on 21,866 images", ["accuracy", "of", "52.7", "on", "21866", "images"]),
        ("1,234,567.89 but 1,2 and 3.", ["1234567.89", "but", "1,2", "and", "3"]),
        ("state-of-the-art GPT-4o", ["state", "of", "the", "art", "gpt", "4", "o"]),
        ("snake_case and e-mail", ["snake", "case", "and", "e", "mail"]),
        ("ＦＵＬＬ ｗｉｄｔｈ ﬁne ½", ["full", "width", "fine", "1", "2"]),
        ("深度学习", ["深度", "度学", "学习"]),
        ("字", ["字"]),
        ("Größe STRASSE İstanbul", ["große", "strasse", "istanbul"]),
        ("a\0b\ud800c", ["a", "b", "c"]),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_stems_meet_across_forms_and_leave_stop_words_out() -> None:
    assert stems("How do the networks generalise?") == stems("generalised network")[::-1]
    assert stems("what is it and why") == []
    assert stems("52.7 and 21,866") == ["52.7", "21866"]
    assert unique_stems(["A network", "networks run"]) == {stem("network"), stem("run")}


@given(st.text())
def test_any_text_has_tokens_that_are_stable(text: str) -> None:
    found = tokens(text)
    assert all(token and token == token.strip() for token in found)
    assert tokens(" ".join(found)) == [t for token in found for t in tokens(token)]
    assert [token for token in found if token not in STOPWORDS] == [] or stems(text)


@given(st.lists(st.sampled_from(["network", "trained", "52.7", "the", "深度", "é"]), max_size=8))
def test_words_do_not_depend_on_their_neighbours(words: list[str]) -> None:
    assert stems(" ".join(words)) == [one for word in words for one in stems(word)]
