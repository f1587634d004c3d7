"""The hash of a file, and what a process makes once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from rag.system.hashing import sha256_of
from rag.system.once import once
from rag.system.whole_files import write_whole


@pytest.mark.parametrize("content", [b"", b"a\r\nb", bytes(range(256)) * 5000])
def test_the_hash_is_that_of_the_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert sha256_of(path) == sha256(content).hexdigest()


def test_a_file_that_is_missing_has_no_hash(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "none")


def test_threads_that_ask_together_get_one_object() -> None:
    made: list[object] = []
    together = threading.Barrier(8)

    @once
    def thing() -> object:
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    def ask(_: int) -> object:
        together.wait()
        return thing()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {made[0]}
    assert len(made) == 1


def test_after_an_error_the_next_caller_tries_again() -> None:
    results: list[int | Exception] = [OSError("not yet"), 7]

    @once
    def thing() -> int:
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    with pytest.raises(OSError):
        thing()
    assert thing() == thing() == 7


# --- files that are whole or as before ---


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "out.bib"
    write_whole(file, "first")
    file.chmod(0o640)
    (tmp_path / "link.bib").symlink_to(file)
    write_whole(tmp_path / "link.bib", "second")
    assert file.read_text() == "second" and (tmp_path / "link.bib").is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "third \ud800")
    assert file.read_text() == "second"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.bib", "out.bib"]
    write_whole(Path("/dev/null"), "nothing")
