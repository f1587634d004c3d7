"""The sentences of the evidence as an answer quotes them: in the third person, each able to stand where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag.datatypes import Evidence
from rag.text.self_contained import without_opener
from rag.text.wording import third_person

_GAP = 2  # characters between a sentence and the next one of its abstract


def in_third_person(evidence: Sequence[Evidence], apart: bool = False) -> Iterator[tuple[int, str]]:
    """The number and the text of every sentence, in order; a paper's authors are named once, then 'they'.

    'However' and its kin stay only behind the sentence that they answer. With ``apart`` sentences that do not follow
    each other in their abstract will stand apart: there the authors are named again.
    """
    for item in evidence:
        introduced, end = False, -1_000
        for sentence in item.sentences:
            follows = 0 <= sentence.start - end <= _GAP
            introduced = introduced and (follows or not apart)
            text = third_person(sentence.text if follows else without_opener(sentence.text), introduced=introduced)
            introduced = introduced or "the authors" in text.lower()
            end = sentence.end
            yield item.number, text
