"""The manifest of a library that has lost it, or whose manifest is damaged, from what the database knows."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

from rag.errors import LibraryDamaged, LibraryError, LibraryNotFound
from rag.library.storage import database
from rag.library.storage.locking import storage_errors
from rag.library.storage.manifest import NAME, Manifest, read_manifest
from rag.library.storage.papers import PaperStore

logger = logging.getLogger(__name__)

_NO_REVISION = -1  # of no database: counts, fingerprint and indexes are taken from the database, not from the manifest


def load_manifest(folder: Path) -> Manifest:
    """The manifest; where it is missing or damaged, one from the database. Writes nothing.

    Raises as :func:`read_manifest` does, and :class:`LibraryError` where the database does not know enough.
    """
    try:
        return read_manifest(folder)
    except (LibraryNotFound, LibraryDamaged) as error:
        if database.is_blank(folder):
            raise
        lack = "missing" if isinstance(error, LibraryNotFound) else "damaged"
        derived = _derive(folder, lack)
        logger.warning("%s is %s; what %s knows stands in its place.", folder / NAME, lack, database.NAME)
        return derived


def made_with(folder: Path, store: PaperStore, manifest: Manifest) -> Manifest:
    """What the database says about what made it; where it says nothing, ``manifest``, which may come from elsewhere.

    Raises :class:`LibraryDamaged` for a database without the tables of papers.
    """
    if not store.database.has_table("papers"):
        raise LibraryDamaged(
            f"The library {folder} is damaged (its {database.NAME} is empty). Put that file back from a backup, or "
            "import the papers into a new folder: footnote import FILE --library NEWDIR"
        )
    known = store.made_with()
    return manifest if known is None else Manifest(*known)


def _derive(folder: Path, lack: str) -> Manifest:
    with storage_errors(folder), closing(PaperStore(folder, 1)) as store:
        if not store.database.has_table("papers"):
            raise LibraryError(
                f"The {database.NAME} in {folder} was not made by this program. Choose another folder with --library."
            )
        known = store.made_with()
        if known is None:
            raise LibraryError(
                f"{folder / NAME} is {lack}, and {database.NAME} beside it, with {store.count()} papers of an older "
                "version, does not say which encoder made its vectors. Nothing was changed: put the manifest back from "
                "a backup, or import the papers into a new folder: footnote import FILE --library NEWDIR"
            )
        papers, passages, sentences = store.counts()
        return Manifest(*known, papers, passages, sentences, revision=_NO_REVISION)
