"""What a paper keeps beyond what answers are made of: in the database, after merging, in older libraries."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.library.storage.papers import PaperStore
from rag.library.storage.stored_paper import content_hash
from rag.papers import kept_fields

PAPER = Paper(
    "p", "On tides", key="moon:1687", kind="book", status="retracted", tags=("moon", "sea"), collections=("A > B",),
    notes=("read twice",), fields=kept_fields.pack({"volume": "3", "editor": [{"family": "Hale"}], "empty": ""}),
)  # fmt: skip


def _store(folder: Path) -> PaperStore:
    return PaperStore(folder, 4, create=True)


def test_everything_comes_back_from_the_database(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.upsert_paper(PAPER, content_hash(PAPER), ())
    assert store.papers() == [PAPER]
    assert kept_fields.unpack(store.papers()[0]) == {"volume": "3", "editor": [{"family": "Hale"}]}


def test_a_record_without_kept_fields_has_the_hash_of_earlier_versions() -> None:
    bare = Paper("p", "On tides")
    assert content_hash(bare) == "70b80f56fd2bc5171232f6b0f72c623106822586e699e44b354f8dce3d32ee57"
    assert content_hash(bare) != content_hash(replace(bare, tags=("moon",)))


@pytest.mark.parametrize("writable", [True, False])
def test_a_library_of_an_earlier_version_is_read(
    tmp_path: Path, writable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _store(tmp_path)
    store.upsert_paper(Paper("p", "On tides"), "h", ())
    store.close()
    with closing(sqlite3.connect(tmp_path / "papers.sqlite")) as db:
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {trigger}")  # they came later than the column
        db.execute("DROP TABLE IF EXISTS paper_groups")
        db.execute("ALTER TABLE papers DROP COLUMN more")
    if not writable:
        monkeypatch.setattr("rag.library.storage.database._is_writable", lambda folder: False)
    old = PaperStore(tmp_path, 4)
    assert old.papers() == [Paper("p", "On tides")]
    assert old.count() == 1 and [one.id for one in old.papers()] == ["p"]
    if writable:
        old.upsert_paper(PAPER, content_hash(PAPER), ())
        assert old.papers() == [PAPER]


def test_merging_keeps_what_either_knows() -> None:
    other = Paper(
        "q", "On tides", status="corrected", tags=("sea", "tide"), fields=kept_fields.pack({"volume": "4", "page": "7"})
    )
    joined = replace(PAPER, **kept_fields.joined(PAPER, other))
    assert joined.tags == ("moon", "sea", "tide")
    assert joined.status == "retracted" and joined.key == "moon:1687"
    assert kept_fields.unpack(joined) == {"volume": "3", "page": "7", "editor": [{"family": "Hale"}]}
