"""What requests hold, as FastAPI reads, checks and describes it. Offsets count Unicode code points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from rag.datatypes import KINDS, Scope, Turn
from rag.library.library import Library
from rag.output.spoken import cited_in
from rag.questions.named_scope import named_scope

MOST_TURNS = 100  # of a conversation that are sent; the last ones count
MOST_HITS = 200
LONGEST_TEXT = 50_000  # characters of a text that is checked, and of anything else that is sent
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Name = Annotated[str, Field(max_length=1_000)]
Names = Annotated[list[Name], Field(max_length=1_000)]
Year = Annotated[int, Field(ge=1000, le=2999)]
LIBRARY = "Name of a library, as GET /api/v1/libraries lists it; empty: the one that the program was started with"
Kind = Literal["", "answer", "papers", "compare", "review", "summary", "library", "record", "talk"]
assert {*Kind.__args__} == {"", *KINDS.values()}  # type: ignore[attr-defined]


class Strict(BaseModel):
    """A body: what it does not know is an error, so that a slip in a name is told."""

    model_config = ConfigDict(extra="forbid")


class PapersWanted(Strict):
    """Which papers may be used; all of them where nothing is set."""

    since: Year | None = Field(default=None, description="The first year")
    until: Year | None = Field(default=None, description="The last year")
    venues: Names = Field(default=[], description="Venues, as records or people spell them")
    sources: Names = Field(default=[], description="Files that papers were imported from, as 'refs.bib'")
    papers: Names = Field(default=[], description="Ids of papers")
    tags: Names = Field(default=[], description="Tags; a paper fits that has one of them")
    collections: Names = Field(
        default=[], description="Collections by path, as 'Thesis/Chapter 2', each with those below it"
    )

    def scope_in(self, library: Library) -> Scope | None:
        """The scope; None for all papers. Raises :class:`rag.errors.FootnoteError` for names that are not there."""
        return scope_in(
            library, self.since, self.until, self.venues, self.sources, self.papers, self.tags, self.collections
        )


def scope_in(
    library: Library,
    since: int | None,
    until: int | None,
    venues: Sequence[str] = (),
    sources: Sequence[str] = (),
    papers: Sequence[str] = (),
    tags: Sequence[str] = (),
    collections: Sequence[str] = (),
) -> Scope | None:
    """The scope among the papers of a library, which are read only where something is named."""
    named = [since, until, *venues, *sources, *papers, *tags, *collections]
    if all(one is None for one in named):
        return None
    return named_scope(library, since, until, venues, sources, papers, tags, collections)


class TurnSent(BaseModel):
    """One turn before the question. ``citations`` may be those of the answer's own JSON: they say what 'it' is."""

    role: Literal["user", "assistant"]
    content: Text
    citations: list[dict[str, Any]] = Field(default=[], max_length=1_000)

    def turn(self) -> Turn:
        """The turn as questions are read with it."""
        return Turn(self.role, self.content, cited_in({"citations": self.citations}))


class Asked(Strict):
    """A question."""

    question: Text = Field(examples=["By what factor does an auto-tuner shorten the search?"])
    id: str | None = Field(default=None, max_length=1_000, description="Comes back with the answer")
    history: list[TurnSent] = Field(default=[], max_length=MOST_TURNS)
    library: Name = Field(default="", description=LIBRARY)
    scope: PapersWanted = PapersWanted()
    kind: Kind = Field(default="", description="Answer as this kind, however the question is read")
    model: Name = Field(
        default="", description="writer, quote, smollm2 or a registered name; empty: that of the settings"
    )
    mode: Literal["", "quote", "shorten", "cite", "free"] = ""
    stream: bool = Field(default=False, description="Server-sent events, as with 'Accept: text/event-stream'")


class Searched(PapersWanted):
    """A search."""

    query: Text = Field(examples=["vision transformers on small datasets"])
    k: int = Field(10, ge=1, le=MOST_HITS, description="Papers at most")
    library: Name = Field(default="", description=LIBRARY)
    id: str | None = Field(default=None, max_length=1_000, description="Comes back with the hits")


class Checked(Strict):
    """A text whose sentences are held against a library, or against one abstract."""

    text: Text = Field(examples=["SpineNet outperforms ResNet-FPN by 3% AP."])
    library: Name = Field(default="", description=LIBRARY)
    abstract: Text = Field(default="", description="Hold the text against this abstract alone")
    title: Name = ""
    paper_id: Name = ""


Library_ = Annotated[str, Query(alias="library", max_length=1_000, description=LIBRARY)]
