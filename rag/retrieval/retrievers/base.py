"""The base class of the three retrievers: LangChain's ``BaseRetriever``, so that they work in other chains."""

from __future__ import annotations

from abc import abstractmethod

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, PositiveInt, SkipValidation

from rag.datatypes import Encoder, Hit, Paper
from rag.retrieval.index import PaperIndex


class LibraryRetriever(BaseRetriever):
    """A retriever over one library; satisfies :class:`rag.datatypes.PassageRetriever`.

    ``encoder`` must be the library's. ``k`` is how many papers ``invoke`` returns; :meth:`hits` takes its own.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    library: SkipValidation[PaperIndex]
    encoder: SkipValidation[Encoder]
    k: PositiveInt = 10

    @abstractmethod
    def hits(self, query: str, k: int) -> list[Hit]:
        """At most ``k`` hits, one per paper with its best passage, by (-score, paper id)."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        hits = self.hits(query, self.k)
        papers = self.library.get_papers(hit.passage.paper_id for hit in hits)
        return [_document(hit, papers[hit.passage.paper_id]) for hit in hits if hit.passage.paper_id in papers]


def _document(hit: Hit, paper: Paper) -> Document:
    passage = hit.passage
    return Document(
        id=passage.id,
        page_content=passage.text,
        metadata={
            "paper_id": paper.id,
            "title": paper.title,
            "passage_id": passage.id,
            "start": passage.start,
            "end": passage.end,
            "score": hit.score,
            "source": hit.source,
        },
    )
