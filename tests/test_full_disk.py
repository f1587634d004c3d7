"""A disk that is full when the vector index is written: Chroma is not asked, since it would never answer again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from rag.errors import LibraryError
from rag.library.library import Library
from rag.library.storage import room, vectors
from tests.library_parts import WordEncoder, made_papers

ID = WordEncoder().id
Usage = namedtuple("Usage", "total used free")

SMALL = """
import hashlib, subprocess, sys
from pathlib import Path
import numpy as np
from rag.errors import LibraryError
from rag.library.library import Library
from tests import library_parts
from tests.library_parts import WordEncoder, made_papers
def of_words(text):
    seed = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
    return np.random.default_rng(seed).standard_normal(384).astype(np.float32)
library_parts._of_words, WordEncoder.dimension = of_words, 384
disk, encoder = Path(sys.argv[1]), WordEncoder()
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={sys.argv[2]}", "tmpfs", str(disk)], check=True)
print("mounted", flush=True)
path = disk / "library"
def imported():
    exists = Library.exists(path)
    with Library.open(path, embedder=encoder.id, read_only=False) if exists else Library.create(
        path, embedder=encoder.id
    ) as library:
        library.add(made_papers(200), encoder)
        return library.verify()
def searched():
    with Library.open(path, embedder=encoder.id) as library:
        return library.count > 0, len(library.dense(encoder.encode(["topic5"])[0], 3))
for _ in range(2):
    try:
        imported()
    except LibraryError as error:
        print(error)
    print(*searched(), flush=True)
subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
print(imported(), *searched())
"""


@pytest.mark.parametrize("size", ["1500k", "1900k"])
def test_every_command_ends_on_a_full_disk(tmp_path: Path, size: str) -> None:
    prefix = ("unshare", "--map-root-user", "--mount")
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode:
        pytest.skip("may not mount a small disk")
    done = subprocess.run(
        [*prefix, sys.executable, "-c", SMALL, str(tmp_path), size],
        capture_output=True, text=True, check=False, timeout=240,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    if "mounted" not in done.stdout:
        pytest.skip("may not mount a small disk")
    _, first, found, again, found_again, after = done.stdout.splitlines()
    assert "no space left" in first and first == again and "repeat the import" in first, done.stderr
    assert found == found_again == "True 3"
    assert after == "[] True 3"


def test_the_index_waits_until_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [2**20]
    monkeypatch.setattr(room.shutil, "disk_usage", lambda folder: Usage(2**30, 2**30 - free[0], free[0]))
    with Library.create(tmp_path / "library", embedder=ID) as library:
        with pytest.raises(LibraryError, match="no space left"):
            library.add(made_papers(50), WordEncoder())
        assert library.count == 50 and len(library.dense(WordEncoder().encode(["topic1"])[0], 5)) == 5
        assert not (tmp_path / "library" / "chroma").exists()
        free[0] = 2**29
        library.add(made_papers(51), WordEncoder())
        assert library.verify() == []
    free[0] = 1000
    with Library.open(tmp_path / "library", embedder=ID) as library:
        assert len(library.dense(WordEncoder().encode(["topic1"])[0], 5)) == 5
        assert library._vectors._client is None, "Chroma was not asked"


def test_more_passages_than_chroma_takes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_AT_ONCE", 7)
    with Library.create(tmp_path / "library", embedder=ID) as library:
        library.add(made_papers(50), WordEncoder())
        library.rebuild()
        assert library.verify() == []
