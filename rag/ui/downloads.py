"""Files that the page hands to the browser."""

from __future__ import annotations

import base64
import io
import time
import zipfile
from html import escape
from pathlib import Path

from rag.output.exports import Files


def download_html(files: Files) -> str:
    """A hidden element that history.js saves as a file; several files as one ZIP archive."""
    if not files:
        return ""
    if len(files) == 1:
        name, data = next((name, text.encode("utf-8", "replace")) for name, text in files.items())
    else:
        name, data = f"{Path(next(iter(files))).stem}.zip", zipped(files)
    # The time makes two downloads of the same file two values.
    coded = base64.b64encode(data).decode("ascii")
    return f'<span hidden data-name="{escape(name)}" data-at="{time.time_ns()}" data-file="{coded}"></span>'


def zipped(files: Files) -> bytes:
    """A ZIP archive of texts."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text.encode("utf-8", "replace"))
    return memory.getvalue()
