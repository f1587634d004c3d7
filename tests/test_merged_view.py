"""The view of merged records on the library tab, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.config import Settings
from rag.datatypes import Paper
from rag.errors import LibraryError
from rag.factory import change_library, close_all, library_manager, paper_encoder
from rag.ui.library_actions import LibraryActions
from rag.ui.render_merges import PAGE, merges_html
from rag.ui.roles import Editor
from rag.ui.uploads import Uploads

ME = Editor("")
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[LibraryActions, str]]:
    """Two pages of merges, and the key of their library."""
    settings = Settings(home=tmp_path / "home", model="quote")
    info = library_manager(settings).create("Wool")
    firsts = [Paper(f"a{i:02d}", f"On the matter number {i} of wool", year=2000) for i in range(PAGE + 1)]
    twins = [replace(one, id=f"b{one.id[1:]}", venue=HOSTILE, year=None) for one in firsts]
    with change_library(replace(settings, library=info.path)) as library:
        library.add([*firsts, *twins], paper_encoder(settings.threads))
    yield LibraryActions(settings, Uploads(tmp_path)), info.key
    close_all()


def test_pages_of_merges(made: tuple[LibraryActions, str]) -> None:
    actions, key = made
    first, last = actions.merges(key, 0), actions.merges(key, 99)
    assert (len(first.merges), len(last.merges), last.page, last.total) == (PAGE, 1, 1, PAGE + 1)
    page = merges_html(first, may_undo=True)
    assert "Page 1 of 2" in page and page.count("data-undo=") == PAGE
    assert "Merged because of the same title" in page
    assert HOSTILE not in page and "&lt;img src=x" in page
    assert "data-undo" not in merges_html(first, may_undo=False)


def test_a_merge_is_undone_once_and_by_its_name(made: tuple[LibraryActions, str]) -> None:
    actions, key = made
    (merge,) = actions.merges(key, 1).merges
    assert actions.undo_merge(ME, key, merge.id) == ["b00"]
    assert actions.undo_merge(ME, key, merge.id) == []
    assert actions.paper(key, "a00").venue == ""
    shown = actions.merges(key, 1)
    assert (shown.page, shown.total) == (0, PAGE)
    with pytest.raises(LibraryError, match="neither a merge"):
        actions.undo_merge(ME, key, "m999")
    with pytest.raises(LibraryError, match="shipped"):
        actions.undo_merge(ME, "", "m1")
