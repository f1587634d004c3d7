"""What the tools give, described for programs: MCP calls it the output schema of a tool.

The records come from :mod:`rag.assistants.library_tools`; keys may be added to them, so these describe what is always
there and let the rest pass.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
    """An object that may have more keys."""

    model_config = ConfigDict(extra="allow")


class Quote(Record):
    """What a paper says: ``abstract[start:end] == quote``."""

    paper_id: str
    title: str
    quote: str = Field(description="The very words of the abstract.")
    start: int = Field(description="Where the quote begins in the abstract, in characters.")
    end: int
    verdict: str = Field(description="supported, weak or contradicted: what the quote does to the sentence.")


class Footnote(Quote):
    """A quote with the number that sentences cite it by."""

    number: int


class AnswerSentence(Record):
    """One sentence of an answer."""

    text: str
    citations: list[int] = Field(description="Numbers of the papers that support it.")
    verdict: str = Field(description="supported, weak, unsupported, contradicted or unknown.")


class Refusal(Record):
    """Why there is no answer."""

    grade: str
    message: str


class AnswerRecord(Record):
    """An answer whose every sentence was checked against the paper that it cites, or a refusal."""

    question: str
    answer: str = Field(description="The text with its footnote marks; empty where it was refused.")
    refusal: Refusal | None = Field(description="None where there is an answer.")
    sentences: list[AnswerSentence]
    citations: list[Footnote]
    evidence: list[dict[str, Any]] = Field(description="The papers by number, with the sentences that were looked at.")


class HitRecord(Record):
    """One paper with its best sentence."""

    paper_id: str
    title: str
    score: float
    sentence: str
    authors: list[str]
    year: int | None
    venue: str


class SearchRecord(Record):
    """Papers, best first."""

    query: str
    hits: list[HitRecord]


class CheckedSentence(Record):
    """One sentence of the text, with what the papers say of it."""

    text: str
    verdict: str = Field(description="supported, weak, unsupported, contradicted, or nothing: no paper speaks of it.")
    score: float
    citations: list[Quote]


class CheckRecord(Record):
    """The sentences of the text in order, and how many have which verdict."""

    sentences: list[CheckedSentence]
    verdicts: dict[str, int]


class AbstractSentence(Record):
    """One sentence of the abstract: ``abstract[start:end] == text``."""

    text: str
    start: int
    end: int


class PaperRecord(Record):
    """One paper of the library."""

    id: str
    title: str
    abstract: str
    authors: list[str]
    year: int | None
    venue: str
    url: str
    doi: str
    sentences: list[AbstractSentence]


class Reference(Record):
    """One paper as one reads a reference."""

    paper_id: str
    reference: str


class CitationRecord(Record):
    """References, as one text in the format asked for and one by one as they are read."""

    format: str
    text: str
    references: list[Reference]
