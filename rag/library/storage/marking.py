"""Papers brought up to what is known of their retraction or correction. Writing belongs inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.datatypes import Paper
from rag.library.storage.papers import PaperStore
from rag.library.storage.stored_paper import content_hash
from rag.papers.identity import id_from_title, identity_keys, parts_of_one_work
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
    """``paper`` under an id of its own where that is the id of its notice, a notice with that of its paper, or a
    chapter with that of another.

    Files that name no id get the DOI for one, and some publishers give both the same.
    """
    stored = store.get_papers([paper.id]).get(paper.id)
    if stored is not None and paper.id == paper.doi and parts_of_one_work(paper, stored):
        return replace(paper, id=id_from_title(paper.title))
    if stored is None or is_notice(stored) == is_notice(paper):
        return paper
    return replace(paper, id=f"{paper.id}#{'notice' if is_notice(paper) else 'paper'}")


def is_notice(paper: Paper) -> bool:
    """Whether it is the notice of another paper's retraction or correction; earlier programs stored no status."""
    return with_status(paper).status == NOTICE
