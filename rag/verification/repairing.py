"""What stands in the place of a sentence of a language model that failed the check, so that no paper is lost by it.

It may be true of another paper that was shown, whose number then stands behind it. Else it is written once more with
its source alone; where that fails too, a sentence of the abstract stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rag.datatypes import Citation, Evidence
from rag.library.chunking import split_sentences
from rag.text.wording import third_person
from rag.verification.citations import Repair, parse

# Writes one sentence from one paper alone, with its number; '' where it cannot.
Rewrite = Callable[[Evidence], str]


def rewriting(evidence: Sequence[Evidence], rewrite: Rewrite | None, most: int) -> Repair:
    """A :data:`~rag.verification.citations.Repair` for one answer: another number, written again, else quoted.

    ``rewrite`` is asked at most ``most`` times, once for each paper, because it takes seconds. The quote is the
    sentence of the abstract that comes nearest to what was said, else the best of those in ``evidence``.
    """
    by_number = {item.number: item for item in evidence}
    asked: set[int] = set()

    def repair(text: str, failed: Sequence[Citation]) -> Iterator[tuple[str, int]]:
        yield from ((text, number) for number in by_number if number not in {one.number for one in failed})
        for number in dict.fromkeys(one.number for one in failed):
            if rewrite is not None and number not in asked and len(asked) < most:
                asked.add(number)
                for draft in parse(rewrite(by_number[number]), split_sentences)[:1]:
                    yield draft.text, number
        for one in failed:
            yield third_person(one.quote), one.number
        for number in dict.fromkeys(one.number for one in failed):
            for sentence in by_number[number].sentences[:1]:
                yield third_person(sentence.text), number

    return repair
