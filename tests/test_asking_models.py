"""How a language model is asked: which prompt, how much evidence, and what stands for a sentence that fails."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from ggufs import write_llama

from rag import factory
from rag.cli.shared import answered
from rag.config import load_settings
from rag.datatypes import (
    AnswerSentence,
    Citation,
    Event,
    Evidence,
    GenerationRequest,
    Paper,
    Preview,
    Sentence,
    Stage,
    StopSignal,
    Verdict,
)
from rag.errors import GenerationCancelled
from rag.evaluation import report
from rag.evaluation.datasets import EvalQuestion, sampled
from rag.evaluation.kept_texts import KeptTexts
from rag.evidence.budget import estimated_tokens, within_budget
from rag.generation.models import (
    PROMPTS,
    PromptVerdict,
    Speed,
    add_model,
    in_words,
    keep_speed,
    note_prompt,
    prompt_of,
    readable_tokens,
)
from rag.generation.prompting import load_prompt
from rag.verification.citations import Checked
from rag.verification.completing import completed
from rag.verification.repairing import rewriting
from tests.browser.fakes import make_answer

HASHES = {name: load_prompt(name).sha256 for name in PROMPTS}
VERDICT = PromptVerdict("answer", HASHES, 0.61, 0.85, 40, "library", "2026-11-30")
NEVER = threading.Event()


def evidence(number: int, *scored: tuple[str, float]) -> Evidence:
    sentences, at = [], 0
    for text, _ in scored:
        sentences.append(Sentence(text, at, at + len(text)))
        at += len(text) + 1
    scores = tuple(score for _, score in scored)
    paper = Paper(f"p{number}", f"Title {number}", " ".join(text for text, _ in scored))
    return Evidence(number, paper, tuple(sentences), max(scores), scores)


LAKES = evidence(1, ("Ice forms 9 days later.", 5.0), ("We followed 20 lakes.", 1.0), ("It thaws early.", 4.0))
ALPS = evidence(2, ("Alpine ice lasts 17 days less.", 3.0), ("We thank everybody.", 0.5))


# --- how much is shown ---


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [
        (0, {1: [0]}),  # one sentence at least
        (11, {1: [0]}),
        (23, {1: [0], 2: [0]}),  # each paper's best before a second of any
        (26, {1: [0, 2], 2: [0]}),
        (1000, {1: [0, 1, 2], 2: [0, 1]}),
    ],
)
def test_the_best_sentences_are_shown_first(tokens: int, shown: dict[int, list[int]]) -> None:
    given = (LAKES, ALPS)
    kept, left = within_budget(given, tokens, words)
    assert {item.number: [LAKES, ALPS][item.number - 1].sentences.index(item.sentences[0]) for item in kept} == {
        number: places[0] for number, places in shown.items()
    }
    assert {item.number: len(item.sentences) for item in kept} == {n: len(places) for n, places in shown.items()}
    assert all(len(item.scores) == len(item.sentences) for item in (*kept, *left))
    together = sorted((item.number, s.start) for item in (*kept, *left) for s in item.sentences)
    assert together == [(item.number, s.start) for item in given for s in item.sentences]


def test_what_is_read_follows_from_speed_time_and_context() -> None:
    speed = Speed(60.0, 8.0, 384, 60, 2, "Abacus", 2, 0.0, "2026-11-30")
    assert readable_tokens(speed, 15, 1500) == 860
    assert readable_tokens(speed, 5, 1500) == 260
    assert readable_tokens(replace(speed, reading=900.0), 15, 1500) == 1460
    assert readable_tokens(replace(speed, reading=0.1), 15, 1500) > 100
    assert 50 < estimated_tokens("The quick brown fox jumps over the lazy dog. " * 6) < 80


# --- which prompt ---


def test_a_prompt_follows_from_the_size_of_a_model_until_it_was_measured(footnote_home: Path, tmp_path: Path) -> None:
    small = add_model(footnote_home, write_llama(tmp_path / "tiny.gguf"), "tiny")
    large = replace(small, info=replace(small.info, parameters=494_000_000))
    assert prompt_of(small, None, HASHES).prompt == "answer"
    assert prompt_of(large, None, HASHES).prompt == "compose"
    assert prompt_of(large, VERDICT, HASHES).prompt == "answer"
    assert prompt_of(large, VERDICT, {**HASHES, "compose": "changed"}).prompt == "compose"
    assert prompt_of(large, VERDICT, HASHES, "compose").prompt == "compose"
    assert prompt_of(replace(large, prompt="write"), VERDICT, HASHES, "compose").prompt == "write"
    assert in_words(prompt_of(large, None, HASHES)) == (
        "answers from several papers in its own words (494 million parameters, not measured)"
    )
    assert "no more key facts than the built-in writer (0.61 against 0.85)" in in_words(
        prompt_of(large, VERDICT, HASHES)
    )


def test_what_was_measured_of_a_model_decides_how_it_is_asked(footnote_home: Path, tmp_path: Path) -> None:
    model = add_model(footnote_home, write_llama(tmp_path / "tiny.gguf"), "tiny")
    settings = load_settings(home=footnote_home, model="tiny", mode="cite")
    part = factory._written(settings, "cite")
    assert part.writer.budget is None and part.writer.reads == 0 and part.writer.own_words and not part.notes
    note_prompt(footnote_home, model.sha256, replace(VERDICT, prompt="compose"))
    keep_speed(footnote_home, model.sha256, Speed(50.0, 8.0, 384, 60, 2, "Abacus", 2, 0.0, "2026-11-30"))
    part = factory._written(replace(settings, patience=10), "cite")
    assert part.writer.reads == 460 and part.writer.sentences == 6
    assert part.writer.prompt_sha256 == HASHES["compose"]
    assert "no more key facts than the built-in writer" in part.notes[0]
    assert factory._written(replace(settings, prompt="answer"), "cite").writer.reads == 0
    factory.close_all()


def test_a_sentence_is_written_again_behind_the_beginning_that_the_model_has_read_already() -> None:
    compose, repair = load_prompt("compose"), load_prompt("repair")
    assert compose.templates[:-1] == repair.templates[:-1]
    assert repair.templates[-1].content.startswith(compose.templates[-1].content)


# --- what stands for a sentence that fails ---


def citation(number: int, quote: Sentence, verdict: Verdict = Verdict.UNSUPPORTED, sentence: int = 0) -> Citation:
    return Citation(number, f"p{number}", sentence, quote.text, quote.start, quote.end, verdict)


def test_another_number_is_tried_first_then_the_model_then_the_quotes() -> None:
    asked: list[int] = []

    def rewrite(item: Evidence) -> str:
        asked.append(item.number)
        return f"Alpine ice lasts 17 days less now [{item.number}]."

    repair = rewriting((LAKES, ALPS), rewrite, most=1)
    failed = [citation(2, ALPS.sentences[1])]
    given = list(repair("It lasts.", failed))
    assert given == [
        ("It lasts.", 1),
        ("Alpine ice lasts 17 days less now.", 2),
        ("The authors thank everybody.", 2),
        ("Alpine ice lasts 17 days less.", 2),
    ]
    assert asked == [2]
    assert [number for _, number in repair("Again.", [citation(1, LAKES.sentences[0])])] == [2, 1, 1], "asked once"
    assert len(list(rewriting((LAKES, ALPS), None, most=3)("It lasts.", failed))) == 3


def test_what_the_quotes_say_beyond_an_answer_stands_behind_it() -> None:
    def checked(*said: tuple[int, Sentence, str]) -> Checked:
        sentences = tuple(AnswerSentence(text, (number,), Verdict.SUPPORTED) for number, _, text in said)
        found = (citation(n, quote, Verdict.SUPPORTED, at) for at, (n, quote, _) in enumerate(said))
        return Checked(sentences, tuple(found), ("dropped",))

    own = checked((1, LAKES.sentences[0], "Ice comes later."))
    quotes = checked((1, LAKES.sentences[0], "Ice forms 9 days later."), (2, ALPS.sentences[0], "Alpine ice …"))
    whole = completed(own, quotes)
    assert [s.text for s in whole.sentences] == ["Ice comes later.", "Alpine ice …"]
    assert [(c.sentence, c.number) for c in whole.citations] == [(0, 1), (1, 2)]
    assert whole.dropped == ("dropped",)
    assert completed(quotes, own) == quotes


# --- measuring ---


class Counted:
    """A generator that counts how often it was asked."""

    name, model, model_sha256 = "llama", "counted", "0" * 64
    asked = 0

    def stream(self, request: GenerationRequest, stop: StopSignal) -> Iterator[str]:
        self.asked += 1
        yield from ("Ice forms ", f"later [{request.evidence[0].number}].")


def test_a_killed_run_asks_only_for_what_it_has_not(tmp_path: Path) -> None:
    path, inner = tmp_path / "texts.jsonl", Counted()
    requests = [GenerationRequest("When?", (item,), mode="cite") for item in (LAKES, ALPS)]
    first = ["".join(KeptTexts(inner, path).stream(request, NEVER)) for request in requests]
    with path.open("a", encoding="utf-8") as out:
        out.write('{"key": "half of a li')
    again = KeptTexts(inner, path)
    assert ["".join(again.stream(request, NEVER)) for request in requests] == first
    assert inner.asked == 2 and again.saved_ms[1] > again.saved_ms[0] > 0
    assert "".join(again.stream(replace(requests[0], seed=1), NEVER)) == first[0] and inner.asked == 3


def test_a_sample_has_every_type_and_is_drawn_by_its_seed() -> None:
    questions = [EvalQuestion(f"{kind}{n}", kind, "?") for kind, many in (("a", 9), ("b", 2)) for n in range(many)]

    def kinds(drawn: Sequence[EvalQuestion]) -> str:
        return "".join(one.type for one in drawn)

    assert kinds(sampled(questions, 6, 0)) == "ababaa"
    assert sampled(questions, 6, 0) == sampled(questions, 6, 0) != sampled(questions, 6, 1)
    assert len(sampled(questions, 99, 0)) == 11


def test_the_table_of_models_is_that_of_the_cards() -> None:
    root = Path(__file__).parent.parent
    text = (root / "docs" / "models.md").read_text(encoding="utf-8")
    assert report.marked_block(text) == report.cards_block(root / "benchmarks" / "results")


def test_a_card_is_one_line_of_the_table(tmp_path: Path) -> None:
    figures = {"key_facts": {"mean": 0.5}, "words": {"mean": 41.6}}
    row = {"estimates": figures, "times": {"first_word_ms": [300.0, 400.0], "total_ms": [2300.0, 4000.0]}}
    mode = {"mode": "cite", "prompt": "compose", "rows": [row]}
    card = {
        "model": "m",
        "size": 5,
        "questions": 40,
        "memory_mb": 1234.5,
        "modes": [{}, mode],
        "finished": "2026-01-02",
    }
    (tmp_path / "models").mkdir()
    for name, finished, share in (("new", "2026-01-03", 0.75), ("old", "2026-01-02", 0.5)):
        figures["key_facts"]["mean"] = share
        path = tmp_path / "models" / f"{name}.json"
        path.write_text(json.dumps(card | {"finished": finished}), encoding="utf-8")
    lines = report.cards_block(tmp_path).splitlines()
    assert lines[2:] == ["| m | compose.md | 40 | 0.750 |  |  |  |  | 42 | 0.3 s | 2.3 s | 1,234 MB |"]
    page = tmp_path / "models.md"
    page.write_text(f"before\n{report.BEGIN}\n{report.END}\nafter\n", encoding="utf-8")
    report.renew(page, tmp_path, report.cards_block)
    assert report.marked_block(page.read_text(encoding="utf-8")) == "\n".join(lines)


# --- quotes until the model has answered, in a terminal ---


def test_who_stops_the_model_in_a_terminal_keeps_the_quotes() -> None:
    quotes, seen = make_answer("Q?"), []

    class Interrupted:
        """A pipeline whose model is stopped by Ctrl+C; ``first`` comes before."""

        def __init__(self, *first: Event) -> None:
            self.first = first

        def stream(
            self, question: str, history: object, stop: threading.Event, scope: object, wanted: object
        ) -> Iterator[Event]:
            yield from self.first
            signal.raise_signal(signal.SIGINT)
            assert stop.is_set()
            raise GenerationCancelled("Stopped.")

    stopped: Any = Interrupted(Stage("retrieve"), Preview(quotes))
    assert answered(stopped, "Q?", preview=seen.append) == quotes == seen[0]
    with pytest.raises(GenerationCancelled):
        answered(cast("Any", Interrupted(Stage("retrieve"))), "Q?")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
