"""Which stored paper an imported record describes. What the user parted is not brought together again."""

from __future__ import annotations

from dataclasses import dataclass

from rag.datatypes import Paper
from rag.library.storage.merges import REASONS
from rag.library.storage.papers import PaperStore
from rag.papers.identity import identity_keys, likeness, same_paper, share_authors, speaks_of_another
from rag.papers.retractions import with_status


@dataclass(frozen=True, slots=True)
class Match:
    """The stored paper ``owner`` and the kind of key that a record shares with it, one of :data:`REASONS`."""

    owner: str
    kind: str

    @property
    def reason(self) -> str:
        """In words: ``the same DOI as smith2001``."""
        if self.kind == "id":
            return "the same id twice"
        return f"{REASONS[self.kind]} as {self.owner}"


def find_match(store: PaperStore, paper: Paper) -> Match | None:
    """The paper of the library that ``paper`` describes; None for a new one."""
    if store.hash_of(paper.id) is not None:
        return Match(paper.id, "id")
    for key in identity_keys(paper):
        kind = key.partition(":")[0]
        for other in store.get_papers(store.find_by_keys([key])).values():
            known = with_status(other)  # earlier programs stored none
            surely = kind not in ("title", "doi") and speaks_of_another(known) == speaks_of_another(paper)
            if (surely or same_paper(known, paper)) and (owner := _settled(store, other, paper)):
                return Match(owner, kind)
    return None


def detailed(kind: str, record: Paper, paper: Paper) -> str:
    """``kind``; of a title with what else the two have in common."""
    if kind != "title":
        return kind
    year = record.year is not None and record.year == paper.year
    authors = bool(record.authors and paper.authors) and share_authors(record, paper)
    return " ".join(filter(None, ["title", "year" if year else "", "authors" if authors else ""]))


def shared_kind(store: PaperStore, paper: Paper, owner: str) -> str:
    """The kind of the strongest key that a record shares with the paper it was merged into; empty without one."""
    keys = (key for key in identity_keys(paper) if not key.startswith("id:"))
    return next((key.partition(":")[0] for key in keys if owner in store.find_by_keys([key])), "")


def _settled(store: PaperStore, match: Paper, paper: Paper) -> str:
    """Of a paper that matches a record and those that were parted from it, the id of the one that is most like the
    record; empty where that one was deleted, and where it is the record itself."""
    best, owner = likeness(match, paper), match.id
    for merge in store.merges.parted_from(match.id):
        other_id, other = merge.undone, merge.record
        if merge.undone == match.id:
            other_id = merge.paper_id
            other = store.get_papers([other_id]).get(other_id, match)
        if other_id == paper.id:
            return ""
        if other is not match and (like := likeness(other, paper)) > best:
            best, owner = like, other_id
    return owner if store.hash_of(owner) is not None else ""
