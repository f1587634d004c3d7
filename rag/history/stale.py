"""What of a kept answer the library no longer says. Pure.

An answer keeps the papers that it cites, abstracts and all, so its footnotes always open the sentence that they
opened on the first day. Whether the library still has that sentence is what is found out here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rag.datatypes import Answer, Citation, Paper


class Change(StrEnum):
    """What became of a cited sentence."""

    GONE = "gone"  # the paper is no longer in the library
    CHANGED = "changed"  # its abstract no longer has the sentence
    MOVED = "moved"  # its abstract has the sentence, in another place


@dataclass(frozen=True, slots=True)
class StaleCitation:
    """A footnote whose sentence is not where it was. ``sentence`` is the kept one, ``paper`` the kept record."""

    number: int
    paper: Paper
    sentence: str
    change: Change


def stale_citations(answer: Answer, papers: Mapping[str, Paper], fingerprint: str = "") -> tuple[StaleCitation, ...]:
    """The footnotes of ``answer`` that ``papers`` (by id) no longer bear out, each sentence once, by number.

    ``fingerprint`` is the library's now: where it is the one that the answer was made with, nothing is compared.
    """
    if fingerprint and fingerprint == answer.trace.library:
        return ()
    kept = {item.paper.id: item.paper for item in answer.evidence}
    found: dict[tuple[int, str], StaleCitation] = {}
    for citation in sorted(answer.citations, key=lambda c: (c.number, c.start)):
        change = _change(citation, papers.get(citation.paper_id))
        if change is not None:
            paper = kept.get(citation.paper_id) or Paper(citation.paper_id, citation.paper_id)
            key = (citation.number, citation.quote)
            found.setdefault(key, StaleCitation(citation.number, paper, citation.quote, change))
    return tuple(found.values())


def _change(citation: Citation, paper: Paper | None) -> Change | None:
    if paper is None:
        return Change.GONE
    if paper.abstract[citation.start : citation.end] == citation.quote:
        return None
    if citation.start == citation.end:  # it points to the paper, not to a sentence of it
        return None
    return Change.MOVED if citation.quote and citation.quote in paper.abstract else Change.CHANGED
