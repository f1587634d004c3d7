"""The SHA-256 of a file or a text, by which models, weights and inputs are known."""

from __future__ import annotations

from hashlib import file_digest, sha256
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Of the file's bytes, in hexadecimal; read piece by piece, whatever the size. Raises :class:`OSError`."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def sha256_of_text(text: str) -> str:
    """Of the text in UTF-8, in hexadecimal."""
    return sha256(text.encode()).hexdigest()
