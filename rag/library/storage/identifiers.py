"""A DOI or an arXiv id names one paper of a library."""

from __future__ import annotations

from rag.datatypes import Paper
from rag.errors import LibraryError
from rag.library.storage.papers import PaperStore
from rag.papers.identity import identity_keys


def check_identifiers_free(store: PaperStore, paper: Paper, stored: Paper) -> None:
    """Raise :class:`LibraryError` where the DOI or arXiv id of ``paper`` is another paper's in ``store``.

    What ``stored`` had already may stay: chapters have one DOI, and so may papers that the user parted.
    """
    for key in set(identity_keys(paper)) - set(identity_keys(stored)):
        kind, _, value = key.partition(":")
        others = [one for one in store.find_by_keys([key]) if one != paper.id]
        if kind in ("doi", "arxiv") and others:
            title = next(iter(store.get_papers(others[:1]).values())).title
            raise LibraryError(
                f"{value} belongs to another paper of this library already: {title} ({others[0]}). "
                "Correct it, or delete one of the two."
            )
