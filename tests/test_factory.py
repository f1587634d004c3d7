"""What the settings are made into: shared parts, the shipped library built once and whole, models by name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ggufs import write_llama

from rag import factory
from rag.config import Settings, load_settings
from rag.errors import ConfigError, LibraryError, LibraryNotFound, ModelNotFound
from rag.generation.generators.quote import QuoteGenerator
from rag.generation.models import add_model
from rag.library import shipped
from rag.library.library import Library
from tests.library_parts import DATA, REAL


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    factory.close_all()


def few(path: Path, count: int = 3) -> Path:
    """The first of the shipped papers."""
    lines = DATA.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:count]), encoding="utf-8")
    return path


def test_parts_are_opened_once_and_shared(shipped_home: Path) -> None:
    settings = load_settings(home=shipped_home)
    first, second = factory.open_answerer(settings), factory.open_answerer(load_settings(home=shipped_home, papers=2))
    assert first.library is second.library and first.encoder is second.encoder
    assert second.settings.papers == 2
    assert isinstance(first.writer.generator, QuoteGenerator) and first.writer is first.quotes
    factory.close_all()
    assert factory.open_answerer(settings).library is not first.library


@pytest.mark.parametrize(
    ("model", "mode", "effective"),
    [
        ("quote", None, "quote"),
        ("quote", "quote", "quote"),
        ("smollm2", None, "cite"),
        ("smollm2", "free", "free"),
        ("writer", None, "shorten"),
        ("writer", "quote", "quote"),
    ],
)
def test_the_mode_follows_from_the_model(model: str, mode: str | None, effective: str) -> None:
    assert factory.effective_mode(Settings(home=Path("/x"), model=model, mode=mode)) == effective


def test_a_mode_that_needs_a_model_says_so() -> None:
    with pytest.raises(ConfigError, match="needs a language model"):
        factory.effective_mode(Settings(home=Path("/x"), model="quote", mode="cite"))


def test_no_library_but_the_shipped_one_is_made_by_asking(tmp_path: Path) -> None:
    with pytest.raises(LibraryNotFound, match="footnote import FILE --library"):
        factory.open_answerer(load_settings(library=tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()


def test_models_that_can_be_used_are_offered(
    footnote_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.generation.models.writer.adapter_file", lambda: tmp_path / "none.gguf")
    names = [choice.name for choice in factory.available_models(load_settings())]
    assert names == ["quote", "smollm2"]
    add_model(footnote_home, write_llama(tmp_path / "tiny.gguf"), "tiny")
    add_model(footnote_home, write_llama(tmp_path / "gone.gguf", seed=1), "gone")
    (tmp_path / "gone.gguf").unlink()
    offered = factory.available_models(load_settings())
    assert [choice.name for choice in offered] == ["quote", "smollm2", "tiny"]
    assert offered[2].modes == ("cite", "free", "quote") and offered[2].label.startswith("Tiny, ")
    with pytest.raises(ModelNotFound, match="Known are: gone, quote, smollm2, tiny"):
        factory.registered_model(load_settings(model="nothing"))


# --- the shipped library is whole or not there ---


def test_the_shipped_library_is_built_beside_its_place(
    tmp_path: Path, footnote_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "shipped_papers", lambda: few(tmp_path / "few.jsonl"))
    settings = load_settings()
    seen: list[bool] = []
    assert factory.prepare_library(settings, lambda progress: seen.append(Library.exists(settings.library_path)))
    assert seen and not any(seen), "nobody may take it for a library before it is whole"
    assert not factory.prepare_library(settings), "what is there is left alone"
    with Library.open(settings.library_path, embedder=REAL) as library:
        assert library.count == 3 and library.verify() == []
    assert [path.name for path in settings.library_path.parent.iterdir() if not path.name.startswith(".")] == [
        "shipped"
    ]


def test_several_who_ask_at_once_build_it_once(
    tmp_path: Path, footnote_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "shipped_papers", lambda: few(tmp_path / "few.jsonl"))
    built: list[bool] = []
    threads = [
        threading.Thread(target=lambda: built.append(factory.prepare_library(load_settings()))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(built) == [False, False, True]


BUILD = """
import sys, time
from pathlib import Path
from rag import factory
from rag.config import load_settings
from rag.library import shipped
from rag.library.storage import writing
writing.BATCH = 2
shipped.shipped_papers = lambda: Path(sys.argv[1])
def show(progress):
    print(progress.read, flush=True)
    time.sleep(60)
factory.prepare_library(load_settings(), show)
"""


def test_a_killed_building_is_no_library_and_the_next_one_goes_on(
    tmp_path: Path, footnote_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers = few(tmp_path / "few.jsonl", 6)
    child = subprocess.Popen([sys.executable, "-c", BUILD, str(papers)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "2\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    settings = load_settings()
    assert not Library.exists(settings.library_path)
    building = settings.library_path.with_name("shipped.building")
    with Library.open(building, embedder=REAL) as library:
        assert library.count == 2
    modified = (building / "papers.sqlite").stat().st_ino
    monkeypatch.setattr(shipped, "shipped_papers", lambda: papers)
    assert factory.prepare_library(settings)
    with Library.open(settings.library_path, embedder=REAL) as library:
        assert library.count == 6 and library.verify() == []
    assert (settings.library_path / "papers.sqlite").stat().st_ino == modified, "it went on with what was there"


def test_what_is_left_of_another_version_is_built_anew(
    tmp_path: Path, footnote_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "shipped_papers", lambda: few(tmp_path / "few.jsonl"))
    settings = load_settings()
    building = settings.library_path.with_name("shipped.building")
    building.mkdir(parents=True)
    (building / "manifest.json").write_text('{"format": 0}', encoding="utf-8")
    (building / "papers.sqlite").write_bytes(b"nothing of use")
    assert factory.prepare_library(settings)
    with Library.open(settings.library_path, embedder=REAL) as library:
        assert library.count == 3


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    begin = time.perf_counter()
    with pytest.raises(LibraryError, match="file"):
        factory.prepare_library(load_settings(home=tmp_path / "file" / "home"))
    assert time.perf_counter() - begin < 5
