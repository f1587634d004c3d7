"""What of Zotero is in a library: so that a later import takes only what changed, and knows what was deleted.

The state stands in the folder of the library: for each of Zotero's items a hash of all that its paper holds. It tells
what changed better than Zotero's versions, which stay when a collection is renamed or a note is edited.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rag.datatypes import Paper
from rag.errors import ImportFileError, RecordError
from rag.library.storage.folder import ZOTERO
from rag.library.storage.locking import storage_errors
from rag.papers.zotero.items import ZoteroLibrary, papers_of
from rag.system.whole_files import write_whole

_log = logging.getLogger(__name__)
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Changes:
    """New and changed papers, ids of the papers that are no longer in Zotero, and how many are as they were."""

    changed: tuple[Paper, ...]
    removed: tuple[str, ...]
    unchanged: int
    marks: Mapping[str, str]  # of what is in Zotero now
    is_other: bool  # nothing that was imported before is there: most likely the data of another Zotero
    with_abstract: int
    last_read: datetime | None  # when the library last took what there was; None: never, or an older program did

    @property
    def papers(self) -> int:
        """Items that are papers."""
        return len(self.marks)


@dataclass(frozen=True, slots=True)
class _State:
    """What stands in the file: the marks of the last import by paper id, and when it was."""

    marks: Mapping[str, str]
    at: datetime | None = None


def changes(library: Path, read: Sequence[ZoteroLibrary], on_error: Callable[[RecordError], None]) -> Changes:
    """What of Zotero differs from the last import into the library; nothing of a group that was not read counts as
    removed. ``on_error`` is told of items that cannot be used.

    Raises :class:`ImportFileError` where no item can.
    """
    by_id = {paper.id: paper for one in read for paper in papers_of(one, on_error)}
    if not by_id:
        raise ImportFileError("Zotero holds no paper that can be used. Add items to it, or name another folder.")
    state = _read_state(library)
    marks = {one: _mark(paper) for one, paper in by_id.items()}
    places = tuple(f"zotero:{one.place}/" for one in read)
    # What is in Zotero counts even if no paper could be made of it this time.
    there = {f"zotero:{one.place}/items/{item.get('key')}" for one in read for item in one.items} | set(by_id)
    before = {one for one in state.marks if one.startswith(places)}
    changed = tuple(paper for one, paper in by_id.items() if state.marks.get(one) != marks[one])
    is_other = bool(before) and not before & set(by_id)
    removed = () if is_other else tuple(sorted(before - there))
    with_abstract = sum(1 for paper in by_id.values() if paper.abstract)
    return Changes(changed, removed, len(by_id) - len(changed), marks, is_other, with_abstract, state.at)


def remember(library: Path, found: Changes, *, forget: bool) -> None:
    """Store the marks of what was imported; with ``forget`` removed papers go. Raises :class:`LibraryError`."""
    marks = {**_read_state(library).marks, **found.marks}
    for one in found.removed if forget else ():
        marks.pop(one, None)
    content = {"format": _FORMAT, "at": datetime.now(UTC).isoformat(), "items": dict(sorted(marks.items()))}
    with storage_errors(library):
        write_whole(library / ZOTERO, json.dumps(content))


def _read_state(library: Path) -> _State:
    """The state of the last import; an empty one where there is none that can be understood."""
    try:
        content = json.loads((library / ZOTERO).read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']}")
        marks = {str(one): str(mark) for one, mark in content["items"].items()}
        return _State(marks, _moment(content.get("at")))
    except FileNotFoundError:
        return _State({})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        _log.warning("%s cannot be used (%s): all of Zotero is imported again.", ZOTERO, error)
        return _State({})


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _mark(paper: Paper) -> str:
    return hashlib.sha256(repr(paper).encode("utf-8", "surrogatepass")).hexdigest()[:16]
