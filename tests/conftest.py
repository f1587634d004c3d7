"""What every test has: no way out of this computer, and a home folder of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from rag.system.offline import Attempt, block_outbound, enforce_offline
from tests.api_parts import OPEN, Served, served

if TYPE_CHECKING:
    from rag.encoding.query_encoder import QueryEncoder

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")


def _move_home(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Neither the user's library nor the user's settings reach a test, nor the programs that it starts."""
    for name in list(os.environ):
        if name.startswith("FOOTNOTE_"):
            patch.delenv(name)
    settings = folder / "footnote.toml"
    settings.write_text('model = "quote"\n', encoding="utf-8")  # the quickest; tests of another name it
    patch.setenv("FOOTNOTE_CONFIG", str(settings))
    patch.setenv("FOOTNOTE_HOME", str(folder))


@pytest.fixture(scope="session", autouse=True)
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home folder while session fixtures are made: for what is slow to prepare and only read afterwards."""
    enforce_offline()
    folder = tmp_path_factory.mktemp("shared-home")
    with pytest.MonkeyPatch.context() as patch:
        _move_home(patch, folder)
        yield folder


@pytest.fixture(scope="session")
def shipped_home(shared_home: Path) -> Path:
    """The shared home with the library of the shipped abstracts in it, built once: tests only read it."""
    from rag.config import load_settings
    from rag.factory import prepare_library

    prepare_library(load_settings(home=shared_home))
    return shared_home


@pytest.fixture(scope="module")
def encoder(shared_home: Path) -> Iterator[QueryEncoder]:
    """The real encoder of questions, for one file of tests."""
    from rag.encoding.query_encoder import QueryEncoder

    encoder = QueryEncoder(shared_home / "models")
    yield encoder
    encoder.close()


@pytest.fixture(scope="session")
def private_program(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Page and API as their owner has them: on loopback, nobody signs in. Its library ``second`` may be changed."""
    with served(tmp_path_factory.mktemp("private"), shared_home) as one:
        yield one


@pytest.fixture(scope="session")
def open_program(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """As others reach it, so that requests bring a token; it refuses what its papers do not hold."""
    folder = tmp_path_factory.mktemp("open")
    with served(folder, shared_home, *OPEN, FOOTNOTE_REFUSE="yes") as one:
        yield one


@pytest.fixture(autouse=True)
def footnote_home(shared_home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder for one test."""
    folder = tmp_path_factory.mktemp("home")
    _move_home(monkeypatch, folder)
    return folder


@pytest.fixture(autouse=True)
def outbound(request: pytest.FixtureRequest) -> Iterator[list[Attempt]]:
    """Refuses every connection beyond loopback, and fails the test that tried one.

    A test that tries on purpose empties the list that this fixture gives it.
    """
    with block_outbound() as refused:
        yield refused
    assert not refused, f"{request.node.name} tried to leave this computer: {refused}"
