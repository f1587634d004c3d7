"""Files that are there whole or as they were before, whenever the process is killed."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, text: str, errors: str = "strict") -> None:
    """Write ``text`` to ``path`` as UTF-8, in one step for whoever reads it. Raises :class:`OSError`.

    What is no ordinary file, such as a pipe, is written to as it is. A link stays one: the file that it names changes.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        target.write_text(text, encoding="utf-8", errors=errors)
        return
    # One name for all: what a killed process leaves is overwritten by the next.
    partial = target.with_name(f".{target.name[:200]}.partial")
    try:
        with partial.open("w", encoding="utf-8", errors=errors) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            partial.chmod(target.stat().st_mode & 0o7777)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
