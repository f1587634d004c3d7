"""From the space of all languages to English: the nearest English words, and the vector that a question would have.

``models/bridge.npz`` holds the vectors of English words of science as multilingual-e5-small gives them, and a linear
map, fitted on English questions, from its space to that of the encoder of papers. Both are used on questions in other
languages, which lie near their English forms but for what is common to all texts of a language: the mean of that is
taken off first (``models/bridge.md`` has how it was made and measured).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rag.encoding.normalisation import unit_rows
from rag.encoding.onnx_encoder import model_file
from rag.errors import ModelError
from rag.system.hashing import sha256_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.datatypes import Matrix, Vector

NAME = "bridge.npz"
BRIDGE_SHA256 = "51819e4efb3d52edc87a8b67fd272b7f59ae637b306a4fa610bbe2803a7fb0f2"
_REMEDY = "Install Footnote again: the file comes with it."


@dataclass(frozen=True, slots=True)
class Bridge:
    """``words`` with their unit ``vectors``, ``(words, 384)``; ``word_means`` and ``question_means`` are what words and
    questions of a language have in common, by its code; ``weights`` is the map, ``(385, 384)``, its last row added."""

    words: tuple[str, ...]
    vectors: Matrix
    word_means: Mapping[str, Vector]
    question_means: Mapping[str, Vector]
    weights: npt.NDArray[np.float32]

    def nearest(self, vectors: Matrix, language: str, k: int) -> list[list[tuple[str, float]]]:
        """For each row, the vector of a word of ``language``, the ``k`` nearest English words with their cosines, best
        first, equal ones by the alphabet."""
        import numpy as np

        cosines = unit_rows(vectors - self.word_means[language]) @ self.vectors.T
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        return [
            [(self.words[at], float(row[at])) for at in places.tolist()]
            for row, places in zip(cosines, order, strict=True)
        ]

    def as_english(self, vector: Vector, language: str) -> Vector:
        """The unit vector in the space of papers of a question in ``language`` with this vector; ``(384,)``."""
        centred = vector - self.question_means[language]
        mapped: Vector = unit_rows((centred @ self.weights[:-1] + self.weights[-1])[None])[0]
        return mapped


@lru_cache(maxsize=1)
def bridge() -> Bridge:
    """The shipped one. Raises :class:`ModelError` where its file is missing or damaged."""
    import numpy as np

    path = model_file(NAME)
    try:
        if (found := sha256_of(path)) != BRIDGE_SHA256:
            raise ModelError(f"{path} has the SHA-256 {found[:12]}…, not {BRIDGE_SHA256[:12]}…: damaged. {_REMEDY}")
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            codes = bytes(kept["languages"]).decode("ascii").split()
            return Bridge(
                tuple(bytes(kept["words"]).decode("ascii").split()),
                unit_rows(kept["vectors"].astype(np.float32)),
                dict(zip(codes, kept["word_means"].astype(np.float32), strict=True)),
                dict(zip(codes, kept["question_means"].astype(np.float32), strict=True)),
                kept["weights"].astype(np.float32),
            )
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error}). {_REMEDY}") from error
