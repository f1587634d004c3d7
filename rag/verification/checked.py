"""What is left of a draft after the check, and how two such remainders become one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from rag.datatypes import AnswerSentence, Citation
from rag.text.citation_format import with_numbers


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of a draft: sentences, their footnotes, and the text of those that were dropped.

    ``repaired`` is the text of those that another sentence of the same paper stands for.
    """

    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    dropped: tuple[str, ...]
    repaired: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The answer as it is shown: every sentence with its numbers before the full stop."""
        return " ".join(with_numbers(s.text, s.citations) for s in self.sentences)

    @property
    def cited(self) -> frozenset[int]:
        """The numbers that stand behind some sentence."""
        return frozenset(number for sentence in self.sentences for number in sentence.citations)

    def with_more(self, other: Checked) -> Checked:
        """Both, the sentences of ``other`` last."""
        first = len(self.sentences)
        moved = tuple(replace(c, sentence=c.sentence + first) for c in other.citations)
        return Checked(
            self.sentences + other.sentences, self.citations + moved, self.dropped + other.dropped,
            self.repaired + other.repaired,
        )  # fmt: skip

    def without(self, gone: Collection[int]) -> Checked:
        """The rest, where the sentences at these places and their footnotes go."""
        kept = [at for at in range(len(self.sentences)) if at not in gone]
        place = {at: new for new, at in enumerate(kept)}
        moved = tuple(replace(c, sentence=place[c.sentence]) for c in self.citations if c.sentence in place)
        return replace(self, sentences=tuple(self.sentences[at] for at in kept), citations=moved)

    def in_order(self, key: Callable[[AnswerSentence], int]) -> Checked:
        """The sentences by ``key``; those with the same one stay in their order."""
        order = sorted(range(len(self.sentences)), key=lambda at: (key(self.sentences[at]), at))
        place = {at: new for new, at in enumerate(order)}
        moved = sorted((replace(c, sentence=place[c.sentence]) for c in self.citations), key=lambda c: c.sentence)
        return replace(self, sentences=tuple(self.sentences[at] for at in order), citations=tuple(moved))

    def told_by(self, tell: Callable[[AnswerSentence, int], AnswerSentence]) -> Checked:
        """Each sentence as ``tell`` gives it back, which is handed its index."""
        return replace(self, sentences=tuple(tell(s, at) for at, s in enumerate(self.sentences)))
