"""Is there room on the disk for what Chroma is going to write?

Chroma 1.5 does not survive a disk that fills while it writes its graph: the thread that does so ends, its files stay
half written, and whoever asks it next, for reading too, waits without end. So it is not asked where it could run out.
"""

from __future__ import annotations

import shutil
from pathlib import Path

_SPARE = 2**20  # bytes: its database grows in pages, and its journal lies beside it
_ROWS = 2_000  # bytes of a passage without its vector: id, metadata and their indexes, twice with the journal
_COPIES = 12  # bytes a component: in the log, in the journal of the log, and in the graph
_REWRITTEN = 10  # at each sync less than a tenth of the files is written anew


def has_room(folder: Path, passages: int = 0, dimension: int = 0) -> bool:
    """Whether ``passages`` more vectors surely fit on the disk of the index in ``folder``, which need not exist yet."""
    try:
        files = [file.stat() for file in folder.rglob("*")]
        free = shutil.disk_usage(folder if folder.is_dir() else folder.parent).free
    except OSError:  # just being deleted, or not readable: opening it says what is wrong
        return True
    size = sum(file.st_size for file in files)
    return free >= _SPARE + size // _REWRITTEN + passages * (_ROWS + _COPIES * dimension)
