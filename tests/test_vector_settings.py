"""``FOOTNOTE_CHROMA_URL`` and its kin: as settings, on the command line, in the library manager and on the page."""

from __future__ import annotations

import json
import logging
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest

from rag import factory
from rag.api.problems import status_of
from rag.config import Settings, load_settings
from rag.errors import ConfigError, VectorServerError
from rag.library.library import Library
from rag.library.storage.chroma_server import ChromaServer
from rag.output.leaving import what_leaves
from rag.system.offline import Attempt, enforce_offline
from rag.system.server_address import read_address
from rag.ui.render import status_html
from rag.ui.server import Libraries
from tests.chroma_servers import ChromaProcess, chroma_run
from tests.cli_parts import MOTHS, SNOW, footnote, write_lines
from tests.library_parts import REAL, WordEncoder, made_papers
from tests.test_vector_server import collections

PAGE = (Path(__file__).parent.parent / "docs" / "scaling.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaProcess]:
    with chroma_run(tmp_path_factory.mktemp("chroma")) as process:
        yield process


def test_settings_come_from_file_and_environment(tmp_path: Path) -> None:
    file = tmp_path / "footnote.toml"
    file.write_text(
        'chroma_url = "https://10.0.0.5"\nchroma_token = "sesame"\nchroma_database = "rocks"\n', encoding="utf-8"
    )
    settings = load_settings(
        {"FOOTNOTE_CONFIG": str(file), "FOOTNOTE_CHROMA_TENANT": "geology"}, library=tmp_path / "library"
    )
    server = factory.vector_server(settings)
    assert server == ChromaServer(read_address("https://10.0.0.5:443", "chroma_url"), "sesame", "geology", "rocks")
    assert "sesame" not in repr(settings) + repr(server)
    assert factory.vector_server(replace(settings, library=None)) is None, "the shipped library stays in its folder"
    assert factory.vector_server(replace(settings, chroma_url="")) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "10.0.0.5:8000"), ("url", "http://me:sesame@10.0.0.5"), ("token", "a b"), ("token", "sesame\n"),
        ("tenant", "a/../b"), ("tenant", ".."), ("tenant", "x"), ("database", "a?b"), ("database", "größe"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"chroma_{name}") as caught:
        load_settings({f"FOOTNOTE_CHROMA_{name.upper()}": value})
    assert "sesame" not in str(caught.value)


def test_the_command_line_from_import_to_repair(
    tmp_path: Path, chroma: ChromaProcess, outbound: list[Attempt], shared_home: Path
) -> None:
    """With the real encoders. A library goes to the server, answers from there, and comes back."""
    file, library = write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW), tmp_path / "library"
    here = {"FOOTNOTE_HOME": str(shared_home)}
    named = {"FOOTNOTE_CHROMA_URL": chroma.url, "FOOTNOTE_CHROMA_TENANT": "insects", **here}
    footnote("import", file, "--library", library, **named)
    assert not (library / "chroma").exists()
    found = json.loads(footnote("search", "moths at night", "--library", library, "--json", **named).stdout)
    assert found["hits"][0]["paper_id"] == "moth"
    said = footnote("doctor", "--library", library, code=(0, 1), **named).stdout
    assert "vectors: chroma at 127.0.0.1, yours" in said and "its vectors lie in chroma at 127.0.0.1" in said
    assert "problem: library" not in said
    refused = footnote("search", "moths", "--library", library, code=1, **here).stderr
    assert "FOOTNOTE_CHROMA_URL" in refused and f"doctor --repair --library {library}" in refused
    said = footnote("doctor", "--repair", "--library", library, code=(0, 1), **here).stdout
    assert "the vectors in its folder" in said and "is left" in said and "its vectors lie in the folder" in said
    assert json.loads(footnote("search", "moths at night", "--library", library, "--json", **here).stdout) == found
    said = footnote("doctor", "--repair", "--library", library, code=(0, 1), **named).stdout
    assert f"in the Chroma server at 127.0.0.1:{chroma.port}" in said and "problem: library" not in said
    outbound.clear()  # what the self-test of the guard tried


def test_the_commands_of_the_page_about_scaling(
    tmp_path: Path, chroma: ChromaProcess, shared_home: Path, outbound: list[Attempt]
) -> None:
    section = PAGE[PAGE.index("## Vectors in a Chroma server") :]
    commands = r"^\$ (FOOTNOTE_CHROMA_URL=\S++ )?footnote ((?:import|search|doctor) .*+)$"
    lines = re.findall(commands, section, re.MULTILINE)
    assert len(lines) == 5
    write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW)
    for url, words in lines:
        named = {"FOOTNOTE_CHROMA_URL": chroma.url} if url else {}
        places = {"papers.jsonl": tmp_path / "papers.jsonl", "group": tmp_path / "group"}
        arguments = [places.get(word, word) for word in shlex.split(words)]
        said = footnote(*arguments, code=(0, 1), FOOTNOTE_HOME=str(shared_home), **named)
        assert "problem: library" not in said.stdout and "footnote: " not in said.stderr
    outbound.clear()  # what the self-test of the guard tried


def test_every_setting_is_on_the_page() -> None:
    names = [field.name for field in fields(Settings) if field.name.startswith("chroma_")]
    assert len(names) == 4
    for name in names:
        assert f"| `{name}` | `FOOTNOTE_{name.upper()}` |" in PAGE


def test_a_server_that_is_away_is_one_line_on_the_command_line(
    tmp_path: Path, chroma: ChromaProcess, monkeypatch: pytest.MonkeyPatch, outbound: list[Attempt], shared_home: Path
) -> None:
    monkeypatch.setattr("rag.library.storage.chroma_server._PAUSES_S", (0.01,))
    here = {"FOOTNOTE_HOME": str(shared_home)}
    away = {"FOOTNOTE_CHROMA_URL": "http://127.0.0.1:9", **here}
    file, library = write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW), tmp_path / "library"
    said = footnote("import", file, "--library", library, code=1, **away).stderr
    assert "The Chroma server at 127.0.0.1:9 does not answer" in said
    named = {"FOOTNOTE_CHROMA_URL": chroma.url, **here}
    said = footnote("search", "moths", "--library", library, code=1, **away).stderr
    assert "The Chroma server at 127.0.0.1:9" in said
    assert "problem: The Chroma server" in footnote("doctor", "--library", library, code=1, **away).stdout
    footnote("import", file, "--library", library, **named)
    footnote("search", "moths", "--library", library, **named)
    outbound.clear()  # what the self-test of the guard tried


def test_libraries_of_the_page(footnote_home: Path, chroma: ChromaProcess, caplog: pytest.LogCaptureFixture) -> None:
    """Made, copied and deleted as the page does it: each has a collection of its own, and takes it along."""
    started = footnote_home / "libraries" / "started"
    settings = Settings(
        home=footnote_home, library=started, model="quote", chroma_url=chroma.url, chroma_tenant="page-test"
    )
    manager = factory.library_manager(settings)
    server = factory.vector_server(settings)
    assert server is not None
    info = manager.create("Rocks")
    with factory.change_library(replace(settings, library=info.path)) as library:
        library.add(made_papers(3), _Real())
    first = collections(server)
    copy = manager.copy(info, "Rocks too")
    assert len(collections(server)) == 2
    with Library.open(copy.path, embedder=REAL, server=server) as library:
        assert library.count == 3 and library.verify() == []
    manager.rename(copy, "Stones")
    assert Libraries(lambda key: replace(settings, library=Path(key))).vectors_at(str(info.path)) == server.address
    manager.delete(manager.find(str(footnote_home / "libraries" / "Stones")))
    assert collections(server) == first
    away = factory.library_manager(replace(settings, chroma_url=""))
    with caplog.at_level(logging.WARNING):
        away.delete(info)
    assert not info.path.exists() and next(iter(first)) in caplog.text


class _Real(WordEncoder):
    """Vectors of words under the name of the real encoder."""

    name, weights_sha256, dimension = REAL.name, REAL.weights_sha256, REAL.dimension

    def encode(self, texts):  # type: ignore[no-untyped-def]
        import numpy as np

        narrow = WordEncoder().encode(texts)
        return np.pad(narrow, ((0, 0), (0, self.dimension - narrow.shape[1])))


def test_the_page_names_the_server() -> None:
    choice = factory.available_models(Settings(model="quote"))[-1]
    far, near = read_address("http://10.0.0.5:8000", ""), read_address("http://127.0.0.1:8000", "")
    said = status_html(choice, "quote", {}, "", True, "", far)
    assert "vectors: chroma at 10.0.0.5, yours" in said and "Nothing leaves this computer" not in said
    assert "The vectors of papers and questions go to 10.0.0.5, which you named; nothing else leaves" in said
    said = status_html(choice, "quote", {}, "", True, "", near)
    assert "vectors: chroma at 127.0.0.1, yours" in said and "Nothing leaves this computer" in said
    said = status_html(choice, "cite", {}, "", False, "10.0.0.6", far)
    assert "go to 10.0.0.6 and the vectors of papers and questions go to 10.0.0.5, which you named" in said


def test_programs_are_told_that_it_may_be_back() -> None:
    assert status_of(VectorServerError("away")) == 503


def test_what_stays_on_this_computer_is_not_said_to_leave_it() -> None:
    for host in ("", "localhost", "127.0.0.1", "[::1]", "::1"):
        assert what_leaves(host, read_address("http://[::1]:8000", "")) == ""
    assert what_leaves("10.0.0.6") == "Questions and evidence go to 10.0.0.6, which you named"


def test_the_guard_lets_through_that_address_alone(tmp_path: Path) -> None:
    from rag.system import offline

    enforce_offline()
    factory.vector_server(Settings(library=tmp_path / "library", chroma_url="http://192.0.2.77:8000"))
    assert offline._state.servers.may_reach("192.0.2.77", 8000)
    assert not offline._state.servers.may_reach("192.0.2.77", 8001)
    assert not offline._state.servers.may_reach("192.0.2.78", 8000)
