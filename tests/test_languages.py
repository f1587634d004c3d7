"""Questions in other languages: told from English, rendered, answered with English sentences in frames of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag import factory
from rag.config import load_settings
from rag.encoding.bridge import bridge
from rag.encoding.e5_weights import is_installed
from rag.pipeline import Pipeline
from rag.questions.languages import language_of
from rag.text import messages
from rag.text.messages import how_many_fit, said

ROOT = Path(__file__).parents[1]
needs_weights = pytest.mark.skipif(not is_installed(), reason="the weights come for Linux on x86-64 alone")


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


QUESTIONS = records(ROOT / "benchmarks" / "languages" / "questions.jsonl")


# Told from English


def test_every_question_is_told_to_be_of_its_language() -> None:
    wrong = [one["question"] for one in QUESTIONS if language_of(one["question"]) != one["language"]]
    assert len(wrong) <= 0.02 * len(QUESTIONS), wrong


def test_english_questions_are_english() -> None:
    names = ("other_questions", "answerable_questions", "refusal_questions", "several_questions")
    asked = [one["question"] for name in names for one in records(ROOT / "training" / f"{name}.jsonl")]
    asked += [one["english"] for one in QUESTIONS if one["english"]]
    plain = [text for text in asked if text.isascii()]
    assert len(plain) > 1000 and [text for text in plain if language_of(text) != "en"] == []


@pytest.mark.parametrize(
    "text",
    ["", "?!", "SpineNet", "El Niño and La Niña", "de novo protein design in vitro", "Landolt C and snellen E acuity",
     "la mode", "日本語の質問です", "Was ResNet better than VGG?", "IL-6 in vivo"],
)  # fmt: skip
def test_names_and_terms_make_no_other_language(text: str) -> None:
    assert language_of(text) == "en"


# What the program itself says


def test_every_catalogue_has_every_sentence_with_its_places() -> None:
    keys = [value for name, value in vars(messages).items() if name.isupper() and isinstance(value, str)]
    assert len(keys) == 10
    for language in messages.LANGUAGES:
        for key in keys:
            found = said(key, language)
            assert found != key and set(re.findall(r"{\w+}", found)) == set(re.findall(r"{\w+}", key)), (language, key)
    assert said(messages.NOTHING, "en") == said(messages.NOTHING, "xx") == messages.NOTHING


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("de", "Sechs der 1.459 Arbeiten passen; eine wird zitiert."),
        ("fr", "Six des 1\u202f459 articles conviennent ; un est cité."),
        ("es", "Seis de los 1.459 artículos encajan; uno se cita."),
        ("zh", "1,459 篇论文中有 6 篇符合；引用了 1 篇。"),
    ],
)
def test_how_many_fit_in_other_languages(language: str, line: str) -> None:
    assert how_many_fit(6, 1, 1459, language) == line


# From question to answer


def test_the_bridge_is_whole() -> None:
    shipped = bridge()
    assert shipped.vectors.shape == (len(shipped.words), 384) and len(set(shipped.words)) == len(shipped.words)
    assert set(shipped.word_means) == set(shipped.question_means) == set(messages.LANGUAGES)
    assert np.allclose(np.linalg.norm(shipped.vectors, axis=1), 1, atol=1e-4)


@pytest.fixture(scope="module")
def quoting(shipped_home: Path) -> Iterator[Pipeline]:
    yield factory.open_answerer(load_settings(home=shipped_home, model="quote"))
    factory.close_all()


@needs_weights
@pytest.mark.parametrize("language", ["de", "fr", "es", "pt", "it", "zh"])
def test_an_english_sentence_with_its_footnote_answers(quoting: Pipeline, language: str) -> None:
    """Of each language a question of the open half that names nothing of its paper's title."""
    record = next(
        one for one in QUESTIONS if one["id"] in ("de-07", "fr-05", "es-03", "pt-03", "it-09", "zh-01")
        and one["language"] == language
    )  # fmt: skip
    answer = quoting.answer(record["question"])
    assert answer.question == record["question"] and answer.refusal is None
    assert answer.evidence[0].paper.title in record["gold"]
    assert answer.citations[0].quote in answer.evidence[0].paper.abstract
    assert answer.trace.reading["language"] == language


@needs_weights
def test_what_is_off_the_topic_is_refused_in_the_language(quoting: Pipeline) -> None:
    answer = quoting.answer("Wann wurde der Kölner Dom fertiggestellt?")
    assert answer.refusal is not None and answer.text == said(messages.NOTHING, "de")


@needs_weights
def test_a_question_in_english_is_not_rendered(quoting: Pipeline) -> None:
    reading = quoting.read("What is SpineNet?")
    assert reading.rendering is None and reading.language == "en"
