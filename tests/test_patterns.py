"""Patterns and functions that read what others wrote: on pumped texts their time grows no faster than the text."""

from __future__ import annotations

import ast
import re

import pytest

from rag.generation.prompting import clean
from rag.library.chunking import split_sentences
from rag.questions import kinds
from rag.survey.topic_lexer import Lexer
from rag.text.plaintext import plain_text
from rag.text.spelling import edit_distance
from rag.verification.citations import parse
from scripts.pump.find import Found, find_patterns
from scripts.pump.functions import OF_ABSTRACTS, OF_QUESTIONS, PAIRS
from scripts.pump.growth import slow_at, steep, steep_pattern, steep_units_of
from scripts.pump.texts import nested, text_of, units_of

FUNCTIONS = OF_ABSTRACTS | OF_QUESTIONS


@pytest.fixture(scope="module")
def found() -> tuple[list[Found], list[str]]:
    return find_patterns()


def test_every_pattern_is_found(found: tuple[list[Found], list[str]]) -> None:
    patterns, unknown = found
    assert unknown == []
    assert len(patterns) > 400
    modules = {one.where.partition(":")[0] for one in patterns}
    assert {"rag/text/plaintext.py", "rag/papers/importers/bibtex.py", "rag/survey/terms.py"} <= modules


def test_no_pattern_grows_faster_than_its_text(found: tuple[list[Found], list[str]]) -> None:
    slow = {one.where: growth for one in found[0] if (growth := steep_pattern(one.pattern, whole=one.whole))}
    assert slow == {}, "run: python -m scripts.pump"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_grows_faster_than_its_text(name: str) -> None:
    assert list(steep_units_of(FUNCTIONS[name])) == [], f"run: python -m scripts.pump {name}"


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_long_texts_are_read_within_two_seconds(name: str) -> None:
    assert list(slow_at(FUNCTIONS[name], 100_000 if name in OF_ABSTRACTS else 20_000)) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_nests_deep_is_read(name: str) -> None:
    for opening, closing in PAIRS:
        FUNCTIONS[name](nested(opening, closing, 4_000))


# --- that a fault would be seen ---


@pytest.mark.parametrize(
    "pattern",
    [
        r"\s+$", r"\d+(?:\.\d+)?\s*%", r"<sup>\s*([^<>]*?)\s*</sup>", r"^\s*,?\s*\w+\s*=", r"(?:a|aa)+$", r"code.*free",
        r"\S+@\S+", r"[A-Z]\w*(?: [A-Z]\w*)* and", r"(?:please |you (?:please )?)*x", r"(?<=\n)\n*-",
    ],
)  # fmt: skip
def test_a_pattern_that_grows_is_seen(pattern: str) -> None:
    assert steep_pattern(re.compile(pattern), whole=False) is not None


@pytest.mark.parametrize(
    "pattern", [r"(?<!\s)\s++$", r"\d\s*%", r"\w+", r"(?m:^)(?>.*?\bcode\b).*\bfree\b", r"a{2,9}b"]
)
def test_a_pattern_that_does_not_grow_passes(pattern: str) -> None:
    assert steep_pattern(re.compile(pattern), whole=False) is None


def test_a_function_that_grows_is_seen() -> None:
    def read(text: str) -> int:
        return sum(text.count("b", at) for at in range(0, len(text), 2))

    assert steep(read, ("", "a")) is not None


def test_the_pumped_text_satisfies_what_stands_before_and_fails_behind() -> None:
    assert ("<sup>", " ") in units_of(re.compile(r"<sup>\s*</sup>"))
    assert ("", "code ") in units_of(re.compile(r"code .*x"))
    assert text_of("<a", "b=1 ", 12) == "<ab=1 b=1 \x01"


@pytest.mark.parametrize(
    "source",
    [
        "from re import compile",
        "import re as other",
        "import regex",
        "def f(name):\n    return re.search(name + 'x', '')",
    ],
)
def test_a_pattern_that_hides_is_seen(source: str) -> None:
    from scripts.pump import find

    unknown: list[str] = []
    list(find._of_module("rag/text/csv_cells.py", ast.parse(source), unknown))
    assert len(unknown) == 1


# --- what was changed so that it does not grow ---


def test_requests_of_many_words_are_read() -> None:
    assert kinds.without_request("can you please " * 40 + "explain pruning") == "pruning"


def test_faults_in_groups_within_groups_are_given_up() -> None:
    assert plain_text("Of $x$: " + "\\frac{" * 30 + "a") == "Of $x$: " + "\\frac{" * 30 + "a"


def test_a_footnote_of_any_number_of_digits_is_read() -> None:
    assert parse(f"Pumps work [{'1' * 5_000}]. They do [2].", split_sentences)[-1].numbers == (2,)


def test_template_tokens_nested_beyond_reason_are_taken_out() -> None:
    assert "<|" not in clean("<|" * 2_000 + "end" + "|>" * 2_000)


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("cats, dogs or birds", "or"),
        ("cats, dogs and birds", "and"),
        ("cats, dogs", "and"),
        ("cats, (dogs) or birds", "and"),
    ],
)
def test_a_comma_means_what_joins_the_last_two(topic: str, expected: str) -> None:
    tokens = list(Lexer(topic, None).tokens())
    assert next(token.kind for token in tokens if token.kind in ("and", "or")) == expected


@pytest.mark.parametrize(
    ("one", "other", "limit", "expected"),
    [("abcd", "abcd", 1, 0), ("abcd", "abdc", 1, 1), ("abcd", "abc", 1, 1), ("abcd", "xbyd", 1, 2),
     ("ab", "abcdef", 2, 3), ("", "ab", 2, 2), ("abcd", "badc", 2, 2), ("abcd", "wxyz", 3, 4)],
)  # fmt: skip
def test_edit_distance_up_to_a_limit(one: str, other: str, limit: int, expected: int) -> None:
    assert edit_distance(one, other, limit) == edit_distance(other, one, limit) == expected
