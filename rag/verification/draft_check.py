"""What a writer wrote, checked, and what stands in its place where it fails, so that no paper is lost by it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import partial

from rag.datatypes import Evidence, Reading, StopSignal
from rag.generation.writing import Writer, rewrite, write
from rag.verification.checked import Checked
from rag.verification.citations import Repair, Sources, check, source_sentence
from rag.verification.completing import completed
from rag.verification.repairing import rewriting

REPLACED = "Nothing of the model's answer passed the check, so these are quotes from the papers."
QUOTED_INSTEAD = "These are quotes from the papers."
REPAIRED = "Sentences of the model that failed the check: {count}. Others of the same evidence stand in their place."
MOST_REWRITTEN = 3  # sentences of one answer that a model writes again: each takes it seconds


@dataclass(frozen=True, slots=True)
class DraftCheck:
    """Checks what ``writer`` wrote against ``sources``; ``quotes`` writes where nothing of it is left.

    ``unsupported`` is 'drop' or 'mark': what happens to a sentence that no abstract bears out. ``trouble`` says why the
    writer wrote no more, '' where it came to its end.
    """

    writer: Writer
    quotes: Writer
    sources: Sources
    unsupported: str = "drop"
    trouble: str = ""

    def check(
        self,
        reading: Reading,
        evidence: tuple[Evidence, ...],
        text: str,
        quotable: tuple[Evidence, ...],
        stop: StopSignal,
    ) -> tuple[Checked, tuple[str, ...]]:
        """The sentences that pass, and what is to be said of the others; ``quotable`` is what is quoted at need.

        Raises :class:`rag.errors.GenerationCancelled` soon after ``stop`` is set.
        """
        checked = check(
            text, evidence, self.sources, unsupported=self.unsupported, repair=self._repair(reading, evidence, stop)
        )
        notes: tuple[str, ...] = (self.trouble,) if self.trouble else ()
        if self.writer.own_words and checked.repaired:
            notes += (REPAIRED.format(count=len(checked.repaired)),)
            checked = replace(checked, dropped=(*checked.dropped, *checked.repaired))
        if evidence and not checked.sentences and self.writer.generator is not self.quotes.generator:
            checked = replace(self.quoted(reading, quotable), dropped=checked.dropped)
            notes += (REPLACED if not self.trouble or text else QUOTED_INSTEAD,)
        elif self.writer.budget is not None:
            checked = completed(checked, self.quoted(reading, quotable))
        if reading.over_several:
            checked = self._with_every_paper(reading, evidence, checked)
        return checked, notes

    def quoted(self, reading: Reading, evidence: tuple[Evidence, ...]) -> Checked:
        """The quotes of ``evidence``, checked."""
        text = "".join(write(self.quotes, reading, evidence, threading.Event()))
        return check(text, evidence, self.sources)

    def _repair(self, reading: Reading, evidence: tuple[Evidence, ...], stop: StopSignal) -> Repair | None:
        if self.writer.own_words and self.unsupported == "drop":
            again = None if self.trouble else partial(rewrite, self.writer, reading, stop=stop)
            return rewriting(evidence, again, MOST_REWRITTEN)
        return source_sentence if self.writer.mode == "shorten" else None

    def _with_every_paper(self, reading: Reading, evidence: tuple[Evidence, ...], checked: Checked) -> Checked:
        """A paper of which no sentence passed the check is quoted; the papers in the order of their numbers."""
        lost = tuple(item for item in evidence if item.number not in checked.cited)
        if lost:
            checked = checked.with_more(self.quoted(reading, lost))
        return checked.in_order(lambda sentence: min(sentence.citations, default=0))
