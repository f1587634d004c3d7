"""Whether the parts of a library agree with one another."""

from __future__ import annotations

from pathlib import Path

from rag.library.storage.bm25_index import FOLDER, BM25Index
from rag.library.storage.locking import IndexFailure
from rag.library.storage.manifest import Manifest
from rag.library.storage.papers import PaperStore, content_hash
from rag.library.storage.vectors import VectorIndex


def problems(folder: Path, manifest: Manifest, store: PaperStore, vectors: VectorIndex, fingerprint: str) -> list[str]:
    """What is wrong, one sentence each."""
    found = [f"papers.sqlite is damaged: {one}" for one in store.is_intact()]
    if found:
        return found
    pending = store.pending()
    if pending or store.revision != manifest.revision:
        found.append("An import was interrupted; the next one puts it in order.")
    elif store.counts() != (manifest.papers, manifest.passages, manifest.sentences):
        found.append("The manifest and papers.sqlite count differently.")
    if manifest.revision == store.revision and fingerprint != manifest.fingerprint:
        found.append("The fingerprint of the papers is not the manifest's.")
    passages = set()
    for stored in store.scan():
        paper = stored.paper
        passages |= {passage.id for passage in stored.passages if paper.id not in pending}
        if store.hash_of(paper.id) != content_hash(paper):
            found.append(f"The paper {paper.id} was changed outside of this program.")
        if len(stored.vectors) != len(stored.passages) + len(stored.sentences):
            found.append(f"The paper {paper.id} lacks vectors.")
    return [*found, *_index_problems(vectors, passages, pending), *_lexicon_problems(folder, manifest, store)]


def _index_problems(vectors: VectorIndex, passages: set[str], pending: list[str]) -> list[str]:
    if not vectors.is_there():
        return ["The vector index is missing; the next import makes it again."] if passages else []
    if not vectors.is_writable():
        return []  # cannot be looked into, and is not used
    try:
        indexed = vectors.passage_ids()
    except IndexFailure as error:
        return [f"The vector index is damaged ({error})."]
    waiting = tuple(f"{paper_id}#" for paper_id in pending)
    stale = {one for one in indexed - passages if not one.startswith(waiting)}
    lacking = passages - indexed
    return (
        [f"The vector index lacks {len(lacking)} passages and holds {len(stale)} too many."] if lacking or stale else []
    )


def _lexicon_problems(folder: Path, manifest: Manifest, store: PaperStore) -> list[str]:
    if manifest.revision != store.revision or not manifest.lexicon:
        return []
    try:
        lexicon = BM25Index.load(folder / FOLDER / manifest.lexicon)
    except (OSError, ValueError, KeyError) as error:
        return [f"The word index cannot be read ({error}); it is made again in memory at each start."]
    if lexicon.ids != [paper_id for paper_id, _ in store.hashes()]:
        return ["The word index covers other papers than the library holds."]
    return []
