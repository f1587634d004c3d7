"""The sentences of a checked answer under their headings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rag.datatypes import AnswerSentence
from rag.verification.checked import Checked


def in_sections(checked: Checked, sections: Mapping[tuple[str, int], str]) -> Checked:
    """``checked`` with the heading of each sentence, in the order of the headings.

    ``sections`` has it by paper id and start of the sentence that is cited; where that start is not there, the first
    heading of the paper is meant.
    """
    if not sections:
        return checked
    of_paper: dict[str, str] = {}
    for (paper_id, _), heading in sections.items():
        of_paper.setdefault(paper_id, heading)
    first = {c.sentence: c for c in reversed(checked.citations)}  # the first citation of each sentence

    def under_heading(sentence: AnswerSentence, at: int) -> AnswerSentence:
        citation = first.get(at)
        if citation is None:
            return sentence
        heading = sections.get((citation.paper_id, citation.start), of_paper.get(citation.paper_id, ""))
        return replace(sentence, section=heading)

    order = {heading: place for place, heading in enumerate(dict.fromkeys(sections.values()))}
    return checked.told_by(under_heading).in_order(lambda sentence: order.get(sentence.section, len(order)))
