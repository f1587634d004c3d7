"""A library on disk that the real program opens, made in no time: three subjects and a paper with hostile text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.datatypes import Paper
from rag.encoding.packaged_weights import DIMENSION, MODEL_NAME, WEIGHTS_SHA256
from rag.library.library import Library
from tests.browser.fakes import HOSTILE
from tests.library_parts import WordEncoder

if TYPE_CHECKING:
    from rag.datatypes import Matrix

TEXTS = {
    "crab": "Hermit crabs choose shells. A hermit crab leaves its shell for a larger shell in tidal pools.",
    "star": "Neutron stars spin. Pulses of a neutron star reach radio telescopes from distant galaxies.",
    "bread": "Sourdough bread rises. A sourdough culture ferments flour and leavens bread overnight.",
}
PAPERS = [
    *(
        Paper(f"{subject}{i:02d}", f"On {subject}s, part {i}", text, ("Ada Strand",), 2001 + i, "Shore Studies",
              doi=f"10.1234/{subject}{i}")
        for subject, text in TEXTS.items() for i in range(12)
    ),
    Paper("hostile", f"A title {HOSTILE}", f"Hermit crabs and shells {HOSTILE} in tidal pools.", (HOSTILE,), None),
]  # fmt: skip


class Named(WordEncoder):
    """Embeds words quickly and calls itself the encoder that every library here comes from."""

    name, weights_sha256, dimension = MODEL_NAME, WEIGHTS_SHA256, DIMENSION

    def encode(self, texts: Sequence[str]) -> Matrix:
        rows = np.zeros((len(texts), DIMENSION), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"[a-z]+", text.lower()):
                row[int.from_bytes(word.encode()[:6], "big") % DIMENSION] += 1.0
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def make_library(folder: Path) -> Path:
    """The library in ``folder``, which is returned."""
    encoder = Named()
    with Library.create(folder, embedder=encoder.id) as made:
        made.add(PAPERS, encoder)
    return folder
