"""Measuring how fast a model reads and writes, and keeping it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from ggufs import write_llama

from rag.config import Settings
from rag.datatypes import Message
from rag.errors import ModelError
from rag.factory import close_all, measure_model
from rag.generation.models import Speed, add_model, keep_speed, measure, speeds

HERE = {"processor": "Abacus", "cores": 2, "load": 0.5, "today": "2026-11-21"}
SPEED = Speed(
    reading=400.0, writing=95.5, prompt_tokens=380, written_tokens=62, threads=2, processor="Abacus", cores=2, load=0.5,
    measured="2026-11-21",
)  # fmt: skip


@dataclass(frozen=True)
class FakeUsage:
    prompt_tokens: int
    reused_tokens: int
    written_tokens: int
    prompt_ms: float
    first_piece_ms: float
    total_ms: float
    threads: int = 2


@dataclass
class FakeEngine:
    """Counts a token a word; writes as many pieces as it is told, one list entry a try."""

    writes: list[int]
    context: int = 2048
    usage: FakeUsage | None = None
    prompts: list[Sequence[Message]] = field(default_factory=list)
    warmed: int = 0

    def warm(self) -> None:
        self.warmed += 1

    def count(self, messages: Sequence[Message]) -> int:
        return sum(len(m.content.split()) for m in messages)

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int, temperature: float = 0.0, seed: int = 0
    ) -> Iterator[str]:
        self.prompts.append(messages)
        pieces = self.writes.pop(0)
        yield from ["word "] * pieces
        read = self.count(messages)
        self.usage = FakeUsage(read, 10, pieces, 2.0 * (read - 10), 800.0, 800.0 + 10.0 * (pieces - 2))


def test_rates_are_tokens_a_second_of_what_was_really_computed() -> None:
    engine = FakeEngine([65])
    said: list[str] = []
    speed = measure(engine, **HERE, say=said.append)
    assert speed.reading == 500.0  # 2 ms each; the ten that were kept from before do not count
    assert speed.writing == 100.0
    assert speed.written_tokens == 63
    assert (speed.processor, speed.cores, speed.load, speed.measured) == ("Abacus", 2, 0.5, "2026-11-21")
    assert 300 < speed.prompt_tokens <= 384
    assert len(said) == 2


@pytest.mark.parametrize("context", [128, 256, 2048])
def test_the_prompt_fits_the_context(context: int) -> None:
    engine = FakeEngine([65], context=context)
    measure(engine, **HERE)
    assert engine.count(engine.prompts[0]) + 64 < context


def test_a_text_that_is_too_short_is_written_again() -> None:
    engine = FakeEngine([3, 5, 40])
    assert measure(engine, **HERE).written_tokens == 38
    assert len(engine.prompts) == 3


def test_a_model_that_writes_nothing_cannot_be_measured() -> None:
    with pytest.raises(ModelError, match="too few to measure"):
        measure(FakeEngine([2, 2, 2]), **HERE)


def test_speeds_are_kept_by_the_hash_of_the_file(tmp_path: Path) -> None:
    keep_speed(tmp_path, "aa", SPEED)
    keep_speed(tmp_path, "bb", replace(SPEED, reading=1.0))
    keep_speed(tmp_path, "aa", replace(SPEED, reading=2.0))
    assert {name: s.reading for name, s in speeds(tmp_path).items()} == {"aa": 2.0, "bb": 1.0}


@pytest.mark.parametrize(
    "damage", ["", "[]", "{}", '{"format": 9, "speeds": {}}', '{"format": 1, "speeds": {"a": {}}}']
)
def test_a_damaged_list_counts_as_none(tmp_path: Path, damage: str) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "speeds.json").write_text(damage, encoding="utf-8")
    assert speeds(tmp_path) == {}
    keep_speed(tmp_path, "aa", SPEED)
    assert speeds(tmp_path) == {"aa": SPEED}


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file", encoding="utf-8")
    with pytest.raises(ModelError, match="FOOTNOTE_HOME"):
        keep_speed(tmp_path, "aa", SPEED)


def test_a_real_model_is_measured_and_its_speed_kept(tmp_path: Path) -> None:
    model = add_model(tmp_path, write_llama(tmp_path / "tiny.gguf"), "tiny")
    try:
        speed = measure_model(Settings(home=tmp_path, model="tiny", threads=1))
    finally:
        close_all()
    assert speed.reading > 10
    assert speed.writing > 1
    assert speed.threads == 1
    assert speeds(tmp_path) == {model.sha256: speed}
    json.loads((tmp_path / "models" / "speeds.json").read_text(encoding="utf-8"))
