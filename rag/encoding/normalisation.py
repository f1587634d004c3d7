"""What the encoders do before and after the network: text that UTF-8 can encode, vectors of unit length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.text.plaintext import encodable

if TYPE_CHECKING:
    from rag.datatypes import Matrix


def without_nul(text: str) -> str:
    """:func:`encodable` text with NUL, which would end a C string, replaced by a blank."""
    return encodable(text).replace("\0", " ")


def unit_rows(vectors: Matrix) -> Matrix:
    """Each row divided by its Euclidean length, float32; rows of zeros stay."""
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)
