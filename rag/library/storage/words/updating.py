"""Keep the word index up to the database, and open it as the database says that it is.

Files are written first and listed last, in one transaction with what they hold; what is listed no more is deleted
then. A process that is killed leaves files that nobody lists, or papers that are still noted as changed.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rag.library.storage.words.building import AT_ONCE, build_segments
from rag.library.storage.words.index import BM25Index, LivingSegment
from rag.library.storage.words.merging import tidy
from rag.library.storage.words.segment import Segment, is_intact

if TYPE_CHECKING:
    from rag.library.storage.papers import PaperStore

logger = logging.getLogger(__name__)

FOLDER = "bm25"
_ATTEMPTS = 5  # to open files that a writer may just be replacing


def update_word_index(library: Path, store: PaperStore, least: int = 1) -> bool:
    """Bring the index up to the papers that changed, if there are ``least`` of them; whether it did anything.

    What cannot be read is made again. The caller holds the writer's lock. The time does not depend on how many papers
    did not change. Raises :class:`OSError`.
    """
    if store.words.changes() < least:
        return False
    folder = library / FOLDER
    folder.mkdir(exist_ok=True)
    parts: Sequence[LivingSegment] = []
    try:
        parts = _load(folder, store.words.segments())
    except (OSError, ValueError, IndexError) as error:
        logger.warning("The word index of %s cannot be read (%s); it is made again.", library, error)
        with store.transaction():
            store.words.forget()
    while changed := store.words.changed(AT_ONCE):
        parts = [one.without(changed) for one in parts]
        parts = [*parts, *map(LivingSegment, build_segments(store.texts_of(changed)))]
        parts = [_saved(folder, one) for one in tidy(parts)]
        with store.transaction():
            store.words.replace(parts, changed)
    _delete_others(folder, {one.segment.name for one in parts})
    return True


def discard_word_index(library: Path, store: PaperStore) -> None:
    """Delete the index, so that the next update makes all of it again. The caller holds the writer's lock.

    In this order: killed in between, the database lists no file that is not there. Raises :class:`OSError`.
    """
    with store.transaction():
        store.words.forget()
    with suppress(FileNotFoundError):
        _delete_others(library / FOLDER, set())


def open_word_index(library: Path, store: PaperStore) -> BM25Index:
    """The index over all papers as they are now; what it lacks on the disk is made in memory."""
    for _ in range(_ATTEMPTS if store.words.exists else 0):
        with store.database.snapshot():
            listed, changed = store.words.segments(), store.words.changed(AT_ONCE + 1)
            if len(changed) > AT_ONCE:
                break
            texts = list(store.texts_of(changed))
        try:
            parts = [one.without(changed) for one in _load(library / FOLDER, listed)]
            return BM25Index([*parts, *map(LivingSegment, build_segments(texts))])
        except (OSError, ValueError, IndexError) as error:
            if store.words.segments() == listed:  # no writer has just replaced the file
                logger.warning("The word index of %s cannot be read (%s); it is made again in memory.", library, error)
                break
    return BM25Index.build(store.texts())


def find_word_problems(library: Path, store: PaperStore) -> list[str]:
    """What is wrong with the index on the disk, one sentence each; reads all of it."""
    if not store.words.exists:
        return []
    try:
        listed = store.words.segments()
        damaged = [name for name, _ in listed if not is_intact(library / FOLDER, name)]
        if damaged:
            return [f"The word index is damaged ({', '.join(damaged)}); the next import makes it again."]
        covered = BM25Index(_load(library / FOLDER, listed)).ids
    except (OSError, ValueError, IndexError) as error:
        return [f"The word index cannot be read ({error}); the next import makes it again."]
    changed = set(store.words.changed(-1))
    if [one for one in covered if one not in changed] != [one for one, _ in store.hashes() if one not in changed]:
        return ["The word index covers other papers than the library holds."]
    return []


def _load(folder: Path, listed: Sequence[tuple[str, list[int]]]) -> list[LivingSegment]:
    return [LivingSegment(Segment.load(folder, name), dead) for name, dead in listed]


def _saved(folder: Path, part: LivingSegment) -> LivingSegment:
    """The same from a file, which need not stay in memory."""
    if part.segment.name:
        return part
    return LivingSegment(Segment.load(folder, part.segment.save(folder)), part.dead)


def _delete_others(folder: Path, names: set[str]) -> None:
    """Delete files that are not listed, and indexes of older programs. Who has one open keeps it until it is closed."""
    for file in folder.iterdir():
        if file.is_dir():
            shutil.rmtree(file, ignore_errors=True)
        elif file.name not in names:
            with suppress(OSError):  # where another process has it open and the system minds
                file.unlink()
