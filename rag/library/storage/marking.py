"""Papers brought up to what is known of their retraction or correction. Writing belongs inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.datatypes import Paper
from rag.library.storage.papers import PaperStore
from rag.library.storage.stored_paper import content_hash
from rag.papers.identity import id_from_title, identity_keys, likeness, parts_of_one_work, speaks_of_another
from rag.papers.kept_fields import NOTICE, strongest
from rag.papers.retractions import REINSTATED, with_status


def mark(store: PaperStore, paper_ids: Sequence[str]) -> tuple[str, ...]:
    """Bring the status of these papers up to the kept events; the ids of those that changed."""
    changed = []
    for paper in store.get_papers(paper_ids).values():
        new = marked(store, paper)
        if new != paper:
            store.upsert_paper(new, content_hash(new), ())
            changed.append(paper.id)
    return tuple(changed)


def marked(store: PaperStore, paper: Paper) -> Paper:
    """``paper`` with the status that the kept events give it besides its own. A notice is what it is."""
    # Not by its id, which the file of one user gave.
    keys = [key for key in identity_keys(paper) if not key.startswith("id:")]
    if paper.status == NOTICE or not (found := store.notices.status_of(keys)):
        return paper
    if found == REINSTATED:  # later than the retraction that the paper came with
        return with_status(replace(paper, status=""))
    return replace(paper, status=strongest(paper.status, found))


def apart(store: PaperStore, paper: Paper) -> Paper:
    """``paper`` under an id of its own where that is the id of its notice or comment, one of those with that of its
    paper, a chapter with that of another, or a record that the user parted from the paper of its id.

    Files that name no id get the DOI for one, and some publishers give both the same.
    """
    stored = store.get_papers([paper.id]).get(paper.id)
    if stored is None:
        return paper
    if paper.id == paper.doi and parts_of_one_work(paper, stored):
        return replace(paper, id=id_from_title(paper.title))
    about, of_stored = (
        speaks_of_another(paper),
        speaks_of_another(with_status(stored)),
    )  # earlier programs stored no status
    if about != of_stored:
        return replace(paper, id=f"{paper.id}#{about or 'paper'}")
    return replace(paper, id=_parted_id(store, paper, stored))


def _parted_id(store: PaperStore, paper: Paper, stored: Paper) -> str:
    """The id of the paper that a record became when it was parted from ``stored``, which has its id; else its own."""
    moved = store.merges.moved(paper.id)
    record_hash = content_hash(paper) if moved else ""
    if exact := next((merge.undone for merge, known in moved if known == record_hash), ""):
        return exact
    if not moved or record_hash in (known for known, _ in store.imported.of(paper.id)):
        return paper.id
    like = {merge.undone: likeness(merge.record, paper) for merge, _ in moved}
    nearest = max(like, key=lambda one: (like[one], one))
    return nearest if like[nearest] > likeness(stored, paper) else paper.id
