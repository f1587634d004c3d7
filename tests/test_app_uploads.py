"""Where uploads lie: linked for an import, removed after it, swept when old or left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import ImportFileError
from rag.ui import uploads
from rag.ui.uploads import Uploads, UploadsFull


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Uploads]:
    made = Uploads(tmp_path)
    yield made
    made.close()


def put(folder: Uploads, name: str, content: bytes = b"x", content_hash: str = "abc") -> Path:
    """A file as Gradio stores what is sent."""
    path = folder.cache / content_hash / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def test_nobody_else_can_read_what_is_uploaded(folder: Uploads) -> None:
    assert folder.cache.parent.stat().st_mode & 0o077 == 0


def test_files_of_one_name_are_two_files_and_go_after_the_import(folder: Uploads) -> None:
    sent = [put(folder, "papers.bib", b"one", "1"), put(folder, "papers.bib", b"two", "2")]
    taken = folder.take([str(path) for path in sent])
    assert [(path.name, path.read_bytes()) for path in taken] == [("papers.bib", b"one"), ("papers.bib", b"two")]
    folder.drop([*taken, *sent])
    assert folder.size == 0 and not list(folder.cache.iterdir())
    assert not [path for path in folder.cache.parent.rglob("*") if path.is_file() and path.name != ".lock"]


def test_the_same_file_sent_by_two_is_there_for_both(folder: Uploads) -> None:
    sent = put(folder, "papers.bib")
    first, second = folder.take([str(sent)]), folder.take([str(sent)])
    folder.drop([*first, sent])
    assert not first[0].exists() and second[0].read_bytes() == b"x"


@pytest.mark.parametrize("name", ["no.bib", "../outside.bib", "abc", "link.bib", "/etc/passwd", "\0"])
def test_only_uploaded_files_are_taken_or_dropped(folder: Uploads, name: str) -> None:
    outside = put(folder, "papers.bib").parent.parent.parent / "outside.bib"
    outside.write_text("keep")
    (folder.cache / "link.bib").symlink_to(outside)
    path = str(folder.cache / name)
    assert not folder.hold(path)
    with pytest.raises(ImportFileError, match="Choose it once more"):
        folder.take([path])
    folder.drop([folder.cache / name] if name != "../outside.bib" else [Path("/etc/passwd")])
    assert outside.read_text() == "keep" and Path("/etc/passwd").exists()


def test_uploads_that_come_in_at_once_do_not_outgrow_the_bound(
    folder: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_WAITING", 100)
    put(folder, "waits.bib", b"x" * 40)
    with folder.room_for(40), pytest.raises(UploadsFull, match="footnote import"), folder.room_for(40):
        pass
    with folder.room_for(60):
        pass
    with pytest.raises(UploadsFull), folder.room_for(61):
        pass


def test_what_nobody_imports_goes_after_an_hour(folder: Uploads) -> None:
    old, broken_off, fresh = put(folder, "old.bib"), folder.cache / "tmpabc", put(folder, "new.bib", content_hash="new")
    broken_off.write_bytes(b"half")
    for path in (old, broken_off):
        os.utime(path, (time.time() - uploads.MAX_AGE_S - 5,) * 2)
    with folder.room_for(0):
        assert sorted(path for path in folder.cache.rglob("*") if path.is_file()) == [fresh]
    assert not old.parent.exists()


def test_the_folder_of_a_killed_process_is_swept_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    code = "import sys, pathlib; from rag.ui.uploads import Uploads; kept = Uploads(pathlib.Path(sys.argv[1]));"
    code += "print(kept.cache.parent, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        os.utime(left, (0, 0))
        uploads.sweep_left(tmp_path)
        assert left.is_dir()
        other.kill()
    os.utime(left, (0, 0))
    uploads.sweep_left(tmp_path)
    assert not left.exists()
