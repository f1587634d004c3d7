"""A kept conversation, or one answer of it, as files for other programs.

Papers are numbered once for the whole conversation, in the order in which they are first cited. Pure: every function
gives the texts of files by their names. What comes from papers, models and users is escaped for the format written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rag.datatypes import Paper
from rag.errors import ConversationNotFound, FootnoteError
from rag.history.models import Conversation, KeptTurn
from rag.history.serialisation import to_record
from rag.output.exports.page import to_html
from rag.output.exports.parts import Files, Source, file_stem, some_sources, sources
from rag.output.exports.text import to_markdown, to_pandoc
from rag.output.presentation import Papers, to_json
from rag.papers.bibliography import one_line, to_bibtex, to_csl_json, to_ris
from rag.text.unseen import escaped_json

__all__ = ["FORMATS", "IN_STYLE", "Files", "Format", "Source", "export", "file_stem", "only", "sources"]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: what to call it, and the function that writes it."""

    label: str
    write: Callable[[Conversation, Papers, bytes | None], Files]


def export(conversation: Conversation, format: str, papers: Papers | None = None, style: bytes | None = None) -> Files:
    """The files of a conversation by name. ``papers`` (by id) names those that a refusal points to; ``style`` is the
    file of a citation style for formats with a list of references (None: APA's).

    Raises :class:`FootnoteError` for a format that is none, and where nothing is cited that could be listed.
    """
    if format not in FORMATS:
        raise FootnoteError(f"'{format}' is not a format. Use one of {', '.join(FORMATS)}.")
    return FORMATS[format].write(conversation, papers or {}, style)


def only(conversation: Conversation, turn: str) -> Conversation:
    """The conversation cut to one turn, with its question for a title. Raises :class:`ConversationNotFound`."""
    chosen = next((one for one in conversation.turns if one.id == turn), None)
    if chosen is None:
        raise ConversationNotFound("This answer is not in the conversation any more. Export the conversation.")
    title = one_line(chosen.question) or "Answer"
    return Conversation(replace(conversation.info, title=title, turns=1), (chosen,))


def to_references_file(conversation: Conversation, papers: Papers, style: bytes | None = None) -> Files:
    """The cited papers as plain text in a citation style, in its order and with its numbers."""
    from rag.papers.styles.finding import DEFAULT, find_style
    from rag.papers.styles.references import reference_list

    chosen = find_style(DEFAULT) if style is None else style
    return _bibliography(conversation, "a list of references", ".txt", lambda listed: reference_list(listed, chosen))


def to_ris_file(conversation: Conversation, papers: Papers, style: bytes | None = None) -> Files:
    """The cited papers as RIS."""
    return _bibliography(conversation, "RIS", ".ris", to_ris)


def to_csl_file(conversation: Conversation, papers: Papers, style: bytes | None = None) -> Files:
    """The cited papers as CSL-JSON."""
    return _bibliography(conversation, "CSL-JSON", ".csl.json", to_csl_json)


def to_bibtex_file(conversation: Conversation, papers: Papers, style: bytes | None = None) -> Files:
    """The cited papers as BibTeX."""
    return _bibliography(conversation, "BibTeX", ".bib", to_bibtex)


def _bibliography(conversation: Conversation, name: str, ending: str, write: Callable[[list[Paper]], str]) -> Files:
    listed = [source.paper for source in some_sources(conversation, name)]
    return {f"{file_stem(conversation.info.title)}{ending}": write(listed)}


def to_json_file(conversation: Conversation, papers: Papers, style: bytes | None = None) -> Files:
    """Everything that is kept, the traces whole; answers have the keys of ``footnote ask --json``."""
    info = conversation.info
    record = {
        "title": info.title,
        "library": to_record(info.library),
        "created": _utc(info.created),
        "changed": _utc(info.changed),
        "turns": [_turn_record(turn) for turn in conversation.turns],
    }
    text = escaped_json(json.dumps(record, ensure_ascii=False, indent=2))
    return {f"{file_stem(info.title)}.json": f"{text}\n"}


def _turn_record(turn: KeptTurn) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": turn.id,
        "question": turn.question,
        "asked": _utc(turn.asked),
        "seconds": turn.seconds,
        "model": turn.model,
        "mode": turn.mode,
        "scope": {} if turn.scope is None else turn.scope.as_record(),
        "error": turn.error,
        "stopped": turn.stopped,
        "rating": turn.rating,
        "note": turn.note,
        "answer": None,
    }
    if turn.answer is not None:
        record["answer"] = to_json(turn.answer, turn.id) | {"trace": to_record(turn.answer.trace)}
    return record


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


FORMATS: dict[str, Format] = {
    "markdown": Format("Markdown", to_markdown),
    "pandoc": Format("Pandoc Markdown with .bib", to_pandoc),
    "html": Format("Web page", to_html),
    "references": Format("References as text", to_references_file),
    "bibtex": Format("BibTeX of the cited papers", to_bibtex_file),
    "ris": Format("RIS of the cited papers", to_ris_file),
    "csl-json": Format("CSL-JSON of the cited papers", to_csl_file),
    "json": Format("JSON with the trace", to_json_file),
}
IN_STYLE = ("markdown", "pandoc", "html", "references")  # those with a list of references in a citation style
