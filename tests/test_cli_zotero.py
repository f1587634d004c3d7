"""``footnote zotero``: what is imported, what a second run takes, and what was deleted in Zotero; real imports."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import factory
from rag.factory import embedder_id
from rag.library.library import Library
from rag.papers.zotero.local_api import DEFAULT
from tests.cli_parts import WILLING, footnote
from tests.test_zotero_api import answer, server
from tests.zotero_parts import MOTHS, OWLS, ZoteroData


@pytest.fixture(autouse=True, scope="module")
def closed() -> Iterator[None]:
    yield
    factory.close_all()


def zotero(data: ZoteroData, library: Path, *more: str, code: int = 0) -> str:
    result = footnote("zotero", "--data-dir", data.folder, "--library", library, *more, code=code)
    return f"{result.stdout}{result.stderr}"


def ids(library: Path) -> list[str]:
    with Library.open(library, embedder=embedder_id()) as opened:
        return [paper.id for paper in opened.papers()]


def test_a_second_run_takes_only_what_changed(tmp_path: Path) -> None:
    data, library = ZoteroData(tmp_path / "Zotero"), tmp_path / "library"
    moths, owls = data.add("MOTHS234", MOTHS, tags=["light"]), data.add("OWLSOWLS", OWLS)
    assert "2 new or changed, 0 unchanged" in zotero(data, library, "--dry-run")
    assert not library.exists()
    assert "2 added, 0 updated, 0 unchanged" in zotero(data, library)
    assert "0 added, 0 updated, 2 unchanged" in zotero(data, library)
    data.collect(["Thesis"], moths)  # which changes no version of the item
    assert "0 added, 1 updated, 1 unchanged" in zotero(data, library)
    with Library.open(library, embedder=embedder_id()) as opened:
        assert opened.paper("zotero:library/items/MOTHS234").collections == ("Thesis",)

    data.run("DELETE FROM itemTags WHERE itemID = ?", moths)
    data.run("DELETE FROM collectionItems WHERE itemID = ?", moths)
    assert "0 added, 1 updated, 1 unchanged" in zotero(data, library)
    with Library.open(library, embedder=embedder_id()) as opened:
        paper = opened.paper("zotero:library/items/MOTHS234")
        assert (paper.tags, paper.collections) == ((), ())

    data.run("INSERT INTO deletedItems (itemID) VALUES (?)", owls)
    said = zotero(data, library)
    assert "deleted in Zotero: zotero:library/items/OWLSOWLS" in said and "--delete-removed" in said
    assert len(ids(library)) == 2
    assert "1 deleted" in zotero(data, library, "--delete-removed")
    assert ids(library) == ["zotero:library/items/MOTHS234"]
    assert "deleted in Zotero" not in zotero(data, library)


def test_another_zotero_deletes_nothing(tmp_path: Path) -> None:
    one, other, library = ZoteroData(tmp_path / "a"), ZoteroData(tmp_path / "b"), tmp_path / "library"
    one.add("MOTHS234", MOTHS)
    other.add("OWLSOWLS", OWLS)
    zotero(one, library)
    assert "nothing counts as deleted" in zotero(other, library, "--delete-removed")
    assert len(ids(library)) == 2


def test_no_data_no_library(tmp_path: Path) -> None:
    (tmp_path / "Zotero").mkdir()
    library = tmp_path / "library"
    said = footnote("zotero", "--data-dir", tmp_path / "Zotero", "--library", library, code=1).stderr
    assert "There is no zotero.sqlite" in said and not library.exists()


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parent.parent / "docs" / "zotero.md").read_text(encoding="utf-8")
    data = ZoteroData(tmp_path / "Zotero")
    data.collect(["Thesis", "Chapter 2"], data.add("MOTHS234", MOTHS, tags=["Light"]))
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    commands = [shlex.split(line) for line in re.findall(r"^\$ footnote (.+)$", page, re.M)]
    with server(lambda path: (200, b"[]") if "groups/4711/items" in path else answer(path)) as address:
        said = [
            footnote(*(address if word == DEFAULT else word for word in words), **WILLING).stdout for words in commands
        ]
    assert [line.partition(",")[0] for line in said[:3]] == ["1 new or changed", "Zotero: 1 added", "Zotero: 0 added"]
    assert "Moths at street lamps" in said[3] and "40% of moths" in said[4]
    assert said[5].startswith("Zotero: 1 added") and len(said) == 6
    known = {
        option for command in ("zotero", "search", "ask")
        for option in re.findall(r"--[a-z-]+", footnote(command, "--help").stdout)
    }  # fmt: skip
    assert set(re.findall(r"(?<![\w-])--[a-z-]+", page)) <= known
