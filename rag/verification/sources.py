"""Where the check finds the abstracts of a library, and what judges them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.datatypes import Encoder
from rag.verification import support
from rag.verification.citations import Sources

if TYPE_CHECKING:
    from rag.library.library import Library


def sources_of(library: Library, encoder: Encoder) -> Sources:
    """What the check asks about the abstracts of ``library``."""
    fit = support.weights()
    return Sources(
        library.sentences,
        library.sentence_vectors,
        lambda text: encoder.encode([text])[0],
        support.probability,
        fit.supported,
        fit.weak,
    )
