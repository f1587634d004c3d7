"""The sentences of the evidence as an answer quotes them: in the third person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag.datatypes import Evidence
from rag.text.wording import third_person


def in_third_person(evidence: Sequence[Evidence]) -> Iterator[tuple[int, str]]:
    """The number and the text of every sentence, in order; a paper's authors are named once, then 'they'."""
    for item in evidence:
        introduced = False
        for sentence in item.sentences:
            text = third_person(sentence.text, introduced=introduced)
            introduced = introduced or "the authors" in text.lower()
            yield item.number, text
