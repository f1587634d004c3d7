"""The passages of a library as LangChain's Chroma vector store.

The collection holds vectors and no texts (with texts it would take six times the space and three times the time to
fill); the text of each document that a chain receives, and where it stands in the abstract, is read from the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rag.datatypes import Encoder, Passage

FindPassages = Callable[[Sequence[str]], dict[str, Passage]]


def vectorstore(collection: Any, passages: FindPassages, encoder: Encoder) -> Any:
    """A ``langchain_chroma.Chroma`` over ``collection``, for searching."""
    from langchain_chroma import Chroma
    from langchain_core.embeddings import Embeddings

    class EncoderEmbeddings(Embeddings):
        """An :class:`rag.datatypes.Encoder` as LangChain's ``Embeddings``."""

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            rows: list[list[float]] = encoder.encode(texts).tolist()
            return rows

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    return Chroma(
        collection_name=collection.name,
        embedding_function=EncoderEmbeddings(),
        client=_Client(_CollectionWithTexts(collection, passages)),
        create_collection_if_not_exists=False,
    )


class _Client:
    """The part of a Chroma client that the vector store uses: it returns the one collection."""

    def __init__(self, collection: _CollectionWithTexts) -> None:
        self._collection = collection

    def get_collection(self, name: str, **_: Any) -> _CollectionWithTexts:
        return self._collection


class _CollectionWithTexts:
    """The collection with the texts of passages filled into its results, and ``start`` and ``end`` into their metadata.

    All other attributes are the collection's.
    """

    def __init__(self, collection: Any, passages: FindPassages) -> None:
        self._collection = collection
        self._passages = passages

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    def query(self, **arguments: Any) -> Any:
        found = self._collection.query(**arguments)
        by_id = self._passages([one for ids in found["ids"] for one in ids])
        if found.get("documents") is not None:
            found["documents"] = [_texts(ids, by_id) for ids in found["ids"]]
        if found.get("metadatas") is not None:
            found["metadatas"] = [
                _metadata(ids, metadata, by_id)
                for ids, metadata in zip(found["ids"], found["metadatas"], strict=True)
            ]  # fmt: skip
        return found

    def get(self, *positional: Any, **arguments: Any) -> Any:
        found = self._collection.get(*positional, **arguments)
        by_id = self._passages(found["ids"])
        if found.get("documents") is not None:
            found["documents"] = _texts(found["ids"], by_id)
        if found.get("metadatas") is not None:
            found["metadatas"] = _metadata(found["ids"], found["metadatas"], by_id)
        return found


def _texts(ids: Sequence[str], by_id: Mapping[str, Passage]) -> list[str | None]:
    return [by_id[one].text if one in by_id else None for one in ids]


def _metadata(ids: Sequence[str], found: Sequence[Any], by_id: Mapping[str, Passage]) -> list[Any]:
    places = ({"start": by_id[one].start, "end": by_id[one].end} if one in by_id else {} for one in ids)
    return [{**(metadata or {}), **place} for metadata, place in zip(found, places, strict=True)]
