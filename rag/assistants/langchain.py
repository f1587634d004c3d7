"""The library for LangChain: a retriever for anybody's chain, and a tool for anybody's agent.

    from rag.assistants.langchain import FootnoteRetriever, footnote_tool

Both take the folder of a library (None: what the settings say) and open it when they are first used.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import Field, PositiveInt

from rag.datatypes import Answer, Answerer, Paper, Sentence

if TYPE_CHECKING:
    from rag.pipeline import Pipeline

TOOL_NAME = "ask_library"
TOOL_DESCRIPTION = (
    "Answer a question from a library of paper abstracts. Every sentence of the answer carries a numbered footnote and "
    "was checked against the paper that it cites; it refuses where the library does not hold the answer."
)


class FootnoteRetriever(BaseRetriever):
    """The papers of a library, ranked for a text by meaning and by words; the years that it names are heeded.

    A document is one paper: ``page_content`` its abstract (its title where it has none), ``id`` its id, ``metadata``
    its title, authors, year, venue, doi and url, a whole ``reference``, and its best ``sentence`` with ``start`` and
    ``end``, its place in ``page_content``, and the ``score``, which compares within one question only. ``since`` and
    ``until`` bound the years; with ``with_tags`` or ``in_collections`` only papers are ranked that have one of them, a
    collection by its path ('Thesis/Chapter 2') with those below it.

    Raises :class:`rag.errors.FootnoteError` for an empty question, a folder without a library, or a tag or a
    collection that no paper has.
    """

    library: Path | None = Field(default=None, description="Folder of the library; None: as the settings say.")
    k: PositiveInt = 10
    since: int | None = None
    until: int | None = None
    with_tags: Sequence[str] = ()  # BaseRetriever has ``tags`` of its own: labels for tracing
    in_collections: Sequence[str] = ()

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        from rag.assistants.library_tools import scope_of, spelt_as_in

        pipeline = _pipeline(self.library, model="quote")
        scope = scope_of(self.since, self.until, (), self.with_tags, self.in_collections)
        found = pipeline.find(query, self.k, spelt_as_in(pipeline.library.group_names, scope))
        return [_document(hit.paper, sentence, hit.score) for hit, sentence in found]


def footnote_tool(
    answerer: Answerer | None = None,
    *,
    library: Path | str | None = None,
    name: str = TOOL_NAME,
    description: str = TOOL_DESCRIPTION,
    with_tags: Sequence[str] = (),
    in_collections: Sequence[str] = (),
    **settings: Any,
) -> BaseTool:
    """A tool that asks the library: the model reads the footnoted text, the checked :class:`rag.datatypes.Answer` stays
    with the message as its ``artifact``.

    ``answerer`` is a pipeline that is open already; without one it is opened at the first call, over ``library`` and
    ``settings`` (``model``, ``mode``, …, as in :class:`rag.config.Settings`). With ``with_tags`` or ``in_collections``
    it answers from papers alone that have one of them, as :class:`FootnoteRetriever` does. What cannot be asked is told
    to the model as the tool's result, in a sentence that says what to do.
    """
    opened = _Opened(answerer, None if library is None else Path(library), settings, with_tags, in_collections)

    def ask_library(question: str) -> tuple[str, Answer | None]:
        from rag.errors import FootnoteError
        from rag.output.presentation import to_plain

        try:
            answer = opened.answer(question)
        except FootnoteError as error:
            return str(error), None
        return to_plain(answer), answer

    return StructuredTool.from_function(
        ask_library, name=name, description=description, response_format="content_and_artifact"
    )


class _Opened:
    """The pipeline of a tool, opened when it is first needed and whenever the library has changed."""

    def __init__(
        self, given: Answerer | None, library: Path | None, settings: dict[str, Any], tags: Sequence[str],
        collections: Sequence[str],
    ) -> None:  # fmt: skip
        self._given, self._library, self._settings = given, library, settings
        self._tags, self._collections = tags, collections

    def answer(self, question: str) -> Answer:
        """The checked answer of the papers that the tool may use. Raises :class:`rag.errors.FootnoteError`."""
        from rag.assistants.library_tools import scope_of, spelt_as_in

        scope = scope_of(tags=self._tags, collections=self._collections)
        if (given := self._given) is not None:
            names = partial(_names, given)
            return given.answer(question, scope=spelt_as_in(names, scope))
        pipeline = _pipeline(self._library, **self._settings)
        return pipeline.answer(question, scope=spelt_as_in(pipeline.library.group_names, scope))


def _names(answerer: Answerer, kind: Literal["tags", "collections"]) -> set[str]:
    return {name for paper in answerer.papers() for name in getattr(paper, kind)}


def _pipeline(library: Path | None, **settings: Any) -> Pipeline:
    """Libraries and models are opened once per process, so this costs nothing the second time."""
    from rag.config import load_settings
    from rag.factory import open_answerer

    return open_answerer(load_settings(library=library, **settings))


def _document(paper: Paper, sentence: Sentence, score: float) -> Document:
    from rag.papers.bibliography import byline, reference, web_address

    content = paper.abstract or paper.title
    metadata = {
        "paper_id": paper.id,
        "title": paper.title,
        "authors": byline(paper, most=len(paper.authors)),
        "year": paper.year,
        "venue": paper.venue,
        "doi": paper.doi,
        "url": web_address(paper),
        "reference": reference(paper),
        "sentence": sentence.text,
        "start": sentence.start,
        "end": sentence.end if paper.abstract else len(content),
        "score": score,
    }
    return Document(id=paper.id, page_content=content, metadata=metadata)
