"""Headings of structured abstracts that run into the sentence before them: 'insulin.AREAS COVERED: In this review'."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.datatypes import Sentence

# A full stop with the heading of the next section right behind it.
_RUN_IN_HEADING = re.compile(
    r"(?<=[a-z0-9)\]%])[.?!](?=(?:[A-Z]{3,20}(?:[ /&,-]{1,2}[A-Z]{2,20}){0,4}|"
    r"[A-Z][a-z]{3,20}(?: [a-z]{3,20}){0,2}):\s)"
)


def divided_at_headings(sentences: Sequence[Sentence]) -> list[tuple[int, Sentence]]:
    """``sentences`` with each one cut where the heading of another section runs into it, and the index of its whole.

    Apart from :func:`rag.library.chunking.split_sentences`, so that what a library has stored of its papers stays
    valid: whoever reads a
    sentence back cuts it, and both parts keep the vector of the whole.
    """
    found: list[tuple[int, Sentence]] = []
    for index, one in enumerate(sentences):
        starts = [0, *(stop.end() for stop in _RUN_IN_HEADING.finditer(one.text))]
        ends = [*starts[1:], len(one.text)]
        found += [
            (index, Sentence(one.text[a:b], one.start + a, one.start + b)) for a, b in zip(starts, ends, strict=True)
        ]
    return found
