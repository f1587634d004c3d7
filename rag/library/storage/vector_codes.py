"""Unit vectors as bytes: one signed byte a component, half of what half precision takes.

A vector is scaled so that its largest component becomes 127, and rounded. Its length is not stored: it is 1. A cosine
moves by 0.0004 on average and by 0.002 at most in all the pairs of the shipped library that were tried, which is less
than an encoder that computes in bfloat16 moves it by the company a text is embedded in. Libraries of format 1 have two
bytes a component (float16), and are read as they are: how many vectors there should be tells the two apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.datatypes import Matrix

_LARGEST = 127


def to_bytes(vectors: Matrix) -> bytes:
    """The rows of ``vectors``, float32 of length 1, one after the other, ``rows * dimension`` bytes."""
    import numpy as np

    largest = np.abs(vectors).max(axis=1, initial=0.0, keepdims=True)
    content: bytes = np.rint(vectors * (_LARGEST / np.maximum(largest, 1e-12))).astype(np.int8).tobytes()
    return content


def from_bytes(content: bytes, rows: int, dimension: int) -> Matrix:
    """The vectors, float32 of length 1, ``(rows, dimension)``; fewer or more rows where the content is damaged."""
    import numpy as np

    if len(content) != rows * dimension:
        return np.frombuffer(content, dtype=np.float16).reshape(-1, dimension).astype(np.float32)
    codes = np.frombuffer(content, dtype=np.int8).reshape(rows, dimension).astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", codes, codes))
    found: Matrix = codes / np.maximum(lengths, 1.0)[:, None]
    return found
