"""The built-in answerer: evidence sentences in the third person, each with its number; no language model.

Nothing can come out of it that is not in an abstract. Its sentences are those of the evidence, in the order of the
evidence, as :mod:`rag.text.wording` puts them.
"""

from __future__ import annotations

from collections.abc import Iterator

from rag.datatypes import GenerationRequest, StopSignal
from rag.errors import GenerationCancelled
from rag.evidence.third_person import in_third_person
from rag.text.citation_format import with_numbers


class QuoteGenerator:
    """Satisfies :class:`rag.datatypes.Generator`. ``model`` and ``sha256`` are of what chose the sentences, if any.

    ``apart`` says that sentences of one paper will not stand beside each other.
    """

    name = "quote"

    def __init__(self, model: str = "", sha256: str = "", apart: bool = False) -> None:
        self.model = model
        self.model_sha256 = sha256
        self._apart = apart

    def stream(self, request: GenerationRequest, stop: StopSignal) -> Iterator[str]:
        """One piece per sentence. Raises :class:`GenerationCancelled` when ``stop`` is set."""
        first = True
        for number, text in in_third_person(request.evidence, self._apart):
            if stop.is_set():
                raise GenerationCancelled("Stopped.")
            yield ("" if first else " ") + with_numbers(text, (number,))
            first = False
