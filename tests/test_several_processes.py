"""One process writes and is killed again and again, two others read: nothing breaks, and Chroma's files stay small."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rag.library.library import Library
from tests.library_parts import WordEncoder

ROOT = Path(__file__).parent.parent
ID = WordEncoder().id
PAPERS, KILLS = 1_500, 4

WRITER = """
import sys
from pathlib import Path
from rag.library.library import Library
from tests.library_parts import WordEncoder, made_papers
path, papers = Path(sys.argv[1]), int(sys.argv[2])
encoder = WordEncoder()
with Library.open(path, embedder=encoder.id, read_only=False) as library:
    library.add(made_papers(papers), encoder)
    library.remove([f"made{at:05}" for at in range(0, 200, 2)])
    library.add(made_papers(200), encoder)
"""

READER = """
import json, sys, time
from pathlib import Path
from rag.library.open_libraries import OpenLibraries
from tests.library_parts import WordEncoder
path, untouched, end = Path(sys.argv[1]), sys.argv[2] == "untouched", Path(sys.argv[3])
encoder, opened, counts, late = WordEncoder(), OpenLibraries(), [], []
at = 0
while not end.exists():
    library = opened.get(path, encoder.id, untouched=untouched)
    topic = f"topic{at % 40} matter"
    assert library.lexical(topic, 5), topic
    found = library.dense(encoder.encode([topic])[0], 5)
    assert len(found) == 5 and found == sorted(found, key=lambda one: (-one[1], one[0].id))
    counts.append(library.count)
    at += 1
print(json.dumps({"rounds": at, "first": counts[0], "last": counts[-1], "versions": len(set(counts))}))
"""


def start(source: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", source, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def stored(path: Path) -> int:
    with Library.open(path, embedder=ID) as library:
        return library._store.count()


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_writer_that_is_killed_and_two_readers(tmp_path: Path) -> None:
    from tests.library_parts import made_papers

    path, end = tmp_path / "library", tmp_path / "end"
    with Library.create(path, embedder=ID) as library:
        library.add(made_papers(100), WordEncoder())
    readers = [start(READER, path, kind, end) for kind in ("as usual", "untouched")]
    try:
        for kill in range(KILLS):
            writer, before = start(WRITER, path, PAPERS), stored(path)
            until = time.monotonic() + 300
            while writer.poll() is None and stored(path) <= before + 100 * kill and time.monotonic() < until:
                time.sleep(0.05)
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
        writer = start(WRITER, path, PAPERS)
        _, errors = writer.communicate(timeout=900)
        assert writer.returncode == 0, errors
        time.sleep(6)  # a version is seen after some seconds at the latest
    finally:
        end.touch()
        told = [reader.communicate(timeout=120) for reader in readers]
    for reader, (said, errors) in zip(readers, told, strict=True):
        assert reader.returncode == 0, errors[-2000:]
        seen = json.loads(said)
        assert seen["last"] == PAPERS and seen["versions"] > 2 and seen["rounds"] > 10, seen
    with Library.open(path, embedder=ID) as library:
        assert library.verify() == []
        passages = sum(len(one.passages) for one in library.entries([p.id for p in library.papers()]).values())
    size = sum(file.stat().st_size for file in (path / "chroma").rglob("*") if file.is_file())
    assert size < passages * 3_000 + 2_000_000, (size, passages)
