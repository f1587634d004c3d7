"""What of Zotero is in a library: so that a later import takes only what changed, and knows what was deleted.

The state stands in the folder of the library: for each of Zotero's items a hash of all that its paper holds. It tells
what changed better than Zotero's versions, which stay when a collection is renamed or a note is edited.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.datatypes import Paper
from rag.library.storage.folder import ZOTERO
from rag.library.storage.locking import storage_errors
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


def changes(library: Path, papers: Iterable[Paper], places: Iterable[str], there: Iterable[str] = ()) -> Changes:
    """What differs from the last import. ``places`` were read: nothing of another group counts as removed.

    ``there`` are ids of items that are in Zotero even if no paper could be made of them this time.
    """
    known = read_marks(library)
    by_id = {paper.id: paper for paper in papers}
    marks = {one: _mark(paper) for one, paper in by_id.items()}
    read = tuple(f"zotero:{place}/" for place in places)
    before = {one for one in known if one.startswith(read)}
    changed = tuple(paper for one, paper in by_id.items() if known.get(one) != marks[one])
    is_other = bool(before) and not before & set(by_id)
    removed = () if is_other else tuple(sorted(before - set(by_id) - set(there)))
    return Changes(changed, removed, len(by_id) - len(changed), marks, is_other)


def read_marks(library: Path) -> dict[str, str]:
    """The marks of the last import by paper id; none where there are none that can be understood."""
    try:
        content = json.loads((library / ZOTERO).read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']}")
        return {str(one): str(mark) for one, mark in content["items"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        _log.warning("%s cannot be used (%s): all of Zotero is imported again.", ZOTERO, error)
        return {}


def remember(library: Path, found: Changes, *, forget: bool) -> None:
    """Store the marks of what was imported; with ``forget`` removed papers go. Raises :class:`LibraryError`."""
    marks = {**read_marks(library), **found.marks}
    for one in found.removed if forget else ():
        marks.pop(one, None)
    with storage_errors(library):
        write_whole(library / ZOTERO, json.dumps({"format": _FORMAT, "items": dict(sorted(marks.items()))}))


def _mark(paper: Paper) -> str:
    return hashlib.sha256(repr(paper).encode("utf-8", "surrogatepass")).hexdigest()[:16]
