"""What a ZIP may hold: the limits of packed files (``compression.py``), for archives of members."""

from __future__ import annotations

import zipfile
from pathlib import Path

from rag.errors import ImportFileError
from rag.papers.importers.compression import ALWAYS_UNPACKED, MOST_TIMES, MOST_UNPACKED

MOST_MEMBERS = 2_000


def check_sizes(path: Path, packed: zipfile.ZipFile) -> None:
    """Raise :class:`ImportFileError` where the members are too many or too large.

    The sizes are those that the archive states; Python's reader never unpacks more of a member than is stated.
    """
    members = packed.infolist()
    if len(members) > MOST_MEMBERS:
        raise ImportFileError(f"{path} holds {len(members):,} files; at most {MOST_MEMBERS:,} are taken. Unpack it.")
    limit = min(MOST_UNPACKED, max(ALWAYS_UNPACKED, MOST_TIMES * path.stat().st_size))
    if sum(member.file_size for member in members) > limit:
        raise ImportFileError(
            f"{path} holds more than {limit / 2**20:,.0f} MiB once it is unpacked, which no list of papers does. If "
            "you know where it comes from, unpack it and import what comes out."
        )
