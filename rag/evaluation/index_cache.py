"""The indexes of a collection, kept under ``<home>/eval`` so that the next run need not build them.

The folder is named by the hash of the corpus, so a changed corpus is indexed anew. Beside each index lies a small JSON
file, the note, that is written once the index is complete; it holds how long building it took.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.config import Settings
from rag.errors import LibraryMismatch, RecordError
from rag.evaluation.datasets import Collection

if TYPE_CHECKING:
    from rag.datatypes import Matrix
    from rag.encoding.paper_encoder import PaperEncoder

# ``progress(label, total)`` opens a progress bar and returns the function that advances it by a number of items.
Progress = Callable[[str, int], Callable[[int], None]]
_BATCH = 512  # texts embedded at once: enough for the encoder to sort them by length


def no_progress(label: str, total: int) -> Callable[[int], None]:
    """Show nothing: for tests and scripts."""
    return lambda done: None


@dataclass(frozen=True, slots=True)
class Made:
    """How an index was built. ``seconds`` is None where an interrupted run had built a part of it before."""

    key: str
    items: int
    seconds: float | None
    merged: tuple[str, ...] = ()  # ids of records that the library took for papers that it had
    skipped: tuple[str, ...] = ()  # messages about records that it could not take


def cache_folder(home: Path, name: str, sha256: str) -> Path:
    """The folder of the indexes over one corpus; made where it is missing."""
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:40]
    folder = home / "eval" / f"{safe}-{sha256[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of ``folder``: of two runs at once one builds the index, the other waits and reads it."""
    from filelock import FileLock

    with FileLock(folder / ".lock"):
        yield


def read_made(note: Path, key: str) -> Made | None:
    """The content of ``note``, or None where the index is not complete or its key is not ``key``."""
    try:
        raw = json.loads(note.read_text(encoding="utf-8"))
        made = Made(
            raw["key"], int(raw["items"]), raw["seconds"], tuple(raw.get("merged", ())), tuple(raw.get("skipped", ()))
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return made if made.key == key else None


def write_made(note: Path, made: Made) -> None:
    """Mark an index as complete; to be called after everything else of it is written."""
    partial = note.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(made)) + "\n", encoding="utf-8")
    partial.replace(note)


def library_of(collection: Collection, settings: Settings, progress: Progress) -> tuple[Settings, Made]:
    """Settings whose library holds the corpus, imported as a user would import it, and how that was built."""
    from rag.factory import embedder_id
    from rag.library.library import Library
    from rag.library.storage.writing import chunker_version

    folder = cache_folder(settings.home, collection.name, collection.sha256)
    key = f"{embedder_id().weights_sha256[:12]} {chunker_version()}"
    path, note = folder / "library", folder / "library.json"
    with locked(folder):
        made = read_made(note, key)
        if made is None or not Library.exists(path):
            made = _import(collection, path, key, settings, progress)
            write_made(note, made)
    return replace(settings, library=path), made


def _import(collection: Collection, path: Path, key: str, settings: Settings, progress: Progress) -> Made:
    from rag.encoding.paper_encoder import PaperEncoder
    from rag.papers.importers import read_papers

    advance = progress(f"{collection.name}: importing", len(collection.documents))
    skipped: list[RecordError] = []
    library, fresh = _writable(path)
    seen = 0

    def moved(now: int) -> None:
        nonlocal seen
        advance(now - seen)
        seen = now

    start = time.perf_counter()
    with library:
        papers = read_papers(collection.corpus, "jsonl", on_error=skipped.append)
        report = library.add(papers, PaperEncoder(settings.threads), on_progress=lambda p: moved(p.read))
        count = library.count
    seconds = time.perf_counter() - start
    moved(len(collection.documents))
    merged = tuple(paper_id for paper_id, _ in report.merged)
    return Made(key, count, round(seconds, 2) if fresh else None, merged, tuple(map(str, skipped)))


def _writable(path: Path) -> tuple[Any, bool]:
    """The library in ``path`` for writing, and whether it is new. One of another version is deleted and made again."""
    from rag.factory import embedder_id
    from rag.library.library import Library

    if Library.exists(path):
        try:
            return Library.open(path, embedder=embedder_id(), read_only=False), False
        except LibraryMismatch:
            shutil.rmtree(path)
    return Library.create(path, embedder=embedder_id()), True


def abstract_vectors(
    collection: Collection, folder: Path, encoder: PaperEncoder, progress: Progress
) -> tuple[Matrix, Made]:
    """Unit vectors of whole abstracts (what lies beyond 256 word pieces is cut), one row per document, float32."""
    import numpy as np

    file, note = folder / "minilm.npy", folder / "minilm.json"
    with locked(folder):
        made = read_made(note, encoder.weights_sha256)
        if made is not None and file.is_file():
            return np.load(file), made
        advance = progress(f"{collection.name}: vectors of whole abstracts", len(collection.documents))
        encoder.encode(["load the model"])
        start = time.perf_counter()
        rows = []
        for batch in batched([d.whole for d in collection.documents], _BATCH):
            rows.append(encoder.encode(batch))
            advance(len(batch))
        vectors: Matrix = np.concatenate(rows)
        partial = file.with_suffix(".partial")
        with partial.open("wb") as out:
            np.save(out, vectors)
        partial.replace(file)
        made = Made(encoder.weights_sha256, len(vectors), round(time.perf_counter() - start, 2))
        write_made(note, made)
    return vectors, made


def batched(items: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    """Consecutive slices of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
