"""Consistency of a library: database, vector index, BM25 index and manifest against each other."""

from __future__ import annotations

from pathlib import Path

from rag.library.storage.locking import IndexFailure
from rag.library.storage.manifest import Manifest
from rag.library.storage.papers import PaperStore
from rag.library.storage.stored_paper import content_hash
from rag.library.storage.vectors import VectorIndex
from rag.library.storage.words.updating import find_word_problems


def find_problems(
    folder: Path, manifest: Manifest, store: PaperStore, vectors: VectorIndex | None, fingerprint: str
) -> list[str]:
    """What is inconsistent, one sentence each; reads every paper once. ``vectors`` is None where it is not used."""
    found = [f"papers.sqlite is damaged: {one}" for one in store.find_damage()]
    if found:
        return found
    pending = store.pending()
    if pending or store.revision != manifest.revision:
        found.append("An import was interrupted; the next one puts it in order.")
    elif _counted(store, store.recount()) != _counted(store, (manifest.papers, manifest.passages, manifest.sentences)):
        found.append("The manifest and papers.sqlite count differently.")
    if manifest.revision == store.revision and fingerprint != manifest.fingerprint:
        found.append("The fingerprint of the papers is not the manifest's.")
    passages = set()
    for stored in store.scan():
        paper = stored.paper
        if stored.has_vectors and paper.id not in pending:
            passages |= {passage.id for passage in stored.passages}
        if store.hash_of(paper.id) != content_hash(paper):
            found.append(f"The paper {paper.id} was changed outside of this program.")
        if len(stored.vectors) != len(stored.passages) + len(stored.sentences):
            found.append(f"The paper {paper.id} lacks vectors.")
    if vectors is not None:
        found += _vector_index_problems(vectors, passages, pending)
    return [*found, *find_word_problems(folder, store)]


def _counted(store: PaperStore, counts: tuple[int, ...]) -> tuple[int, ...]:
    """What of these counts has to agree: while vectors are missing, passages and sentences are still to be made."""
    return counts[:1] if store.missing.any() else counts


def _vector_index_problems(vectors: VectorIndex, passages: set[str], pending: list[str]) -> list[str]:
    if not vectors.exists():
        return ["The vector index is missing; the next import makes it again."] if passages else []
    if not vectors.is_writable() or not vectors.has_room():
        return []  # cannot be opened, and is not used
    try:
        indexed = vectors.passage_ids()
    except IndexFailure as error:
        return [f"The vector index is damaged ({error})."]
    prefixes = tuple(f"{paper_id}#" for paper_id in pending)
    stale = {one for one in indexed - passages if not one.startswith(prefixes)}
    missing = passages - indexed
    return (
        [f"The vector index lacks {len(missing)} passages and holds {len(stale)} too many."] if missing or stale else []
    )
