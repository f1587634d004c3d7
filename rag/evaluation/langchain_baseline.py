"""The stock baseline: the retriever that a LangChain tutorial builds, with Footnote's embedding model.

``RecursiveCharacterTextSplitter`` 500/50, ``HuggingFaceEmbeddings``, ``Chroma``; every other setting is the default.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.evaluation.datasets import Document
from rag.evaluation.index_cache import Made, Progress, locked, read_made, write_made

CHUNK, OVERLAP = 500, 50
_BATCH = 128  # documents added at once


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document, as the splitter cut it."""

    document: str
    text: str


class StockRetriever:
    """A Chroma collection of chunks in ``folder``. Use :func:`open_stock`."""

    def __init__(self, folder: Path, threads: int) -> None:
        import torch
        from langchain_chroma import Chroma
        from langchain_huggingface import HuggingFaceEmbeddings
        from transformers.utils import logging as transformers_logging

        from rag.encoding.packaged_weights import verified_weights
        from rag.system.threads import free_cores

        torch.set_num_threads(free_cores(threads))
        transformers_logging.disable_progress_bar()
        model = HuggingFaceEmbeddings(model_name=str(verified_weights()))
        self._store: Any = Chroma(persist_directory=str(folder), embedding_function=model)
        self.count = 0

    def add(self, documents: Sequence[Document], progress: Progress, label: str) -> None:
        """Split, embed and store ``documents``, each with its title before the abstract."""
        from langchain_core.documents import Document as LangChainDocument
        from langchain_text_splitters import RecursiveCharacterTextSplitter

        splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK, chunk_overlap=OVERLAP)
        advance = progress(label, len(documents))
        for start in range(0, len(documents), _BATCH):
            batch = documents[start : start + _BATCH]
            whole = [
                LangChainDocument(page_content=f"{d.title}\n\n{d.text}".strip(), metadata={"id": d.id}) for d in batch
            ]
            chunks = splitter.split_documents([d for d in whole if d.page_content])
            if chunks:
                self._store.add_documents(chunks)
                self.count += len(chunks)
            advance(len(batch))

    def chunks(self, query: str, k: int) -> list[Chunk]:
        """The ``k`` nearest chunks (fewer where there are fewer), nearest first."""
        found = self._store.similarity_search(query, k=min(k, self.count))
        return [Chunk(d.metadata["id"], d.page_content) for d in found]

    def documents(self, query: str, k: int) -> list[str]:
        """Ids of the ``k`` documents with the nearest chunks, each at the place of its best chunk."""
        depth = 4 * k
        while True:
            best = list(dict.fromkeys(c.document for c in self.chunks(query, depth)))
            if len(best) >= k or depth >= self.count:
                return best[:k]
            depth *= 2


def open_stock(
    folder: Path, documents: Sequence[Document], key: str, threads: int, progress: Progress, label: str
) -> tuple[StockRetriever, Made]:
    """The stock retriever over ``documents`` and how its index was built, in ``folder/stock`` if it was missing.

    An incomplete index is deleted and built again: a plain Chroma collection does not say what it lacks.
    """
    path, note = folder / "stock", folder / "stock.json"
    with locked(folder):
        made = read_made(note, key)
        if made is None or not path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
            retriever = StockRetriever(path, threads)
            start = time.perf_counter()
            retriever.add(documents, progress, label)
            made = Made(key, retriever.count, round(time.perf_counter() - start, 2))
            write_made(note, made)
            return retriever, made
    retriever = StockRetriever(path, threads)
    retriever.count = made.items
    return retriever, made
