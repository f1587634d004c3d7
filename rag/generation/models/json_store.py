"""Small JSON files that several processes change: one at a time, and each change is there whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.errors import ModelError


@contextmanager
def replacing(path: Path) -> Iterator[Callable[[dict[str, Any]], None]]:
    """The lock of ``path`` for the length of the block, and what puts a new content in its place.

    Read the file within the block. Raises :class:`ModelError` where its folder cannot be written to.
    """
    from filelock import FileLock

    def write(content: dict[str, Any]) -> None:
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        temporary.replace(path)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            yield write
    except OSError as error:
        raise ModelError(
            f"{path.parent} cannot be written to ({error.strerror}). Free some space, or set FOOTNOTE_HOME."
        ) from error
