"""Answers as turns of a conversation, as the next question is read with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag.datatypes import Answer, Turn


def turns_of(question: str, answer: Answer) -> tuple[Turn, Turn]:
    """The question, and the answer with the papers that it cites: number and id, in the order of its sentences."""
    papers = {item.number: item.paper.id for item in answer.evidence}
    numbers = dict.fromkeys(number for sentence in answer.sentences for number in sentence.citations)
    cited = tuple((number, papers[number]) for number in numbers if number in papers)
    return Turn("user", question), Turn("assistant", answer.text, cited)


def cited_in(turn: Mapping[str, Any]) -> tuple[tuple[int, str], ...]:
    """``(number, paper id)`` of an earlier answer, from the ``citations`` that its own JSON has; () where it has
    none."""
    citations = turn.get("citations")
    found = (
        (c.get("number"), c.get("paper_id"))
        for c in (citations if isinstance(citations, list) else ())
        if isinstance(c, dict)
    )
    return tuple(dict.fromkeys((n, one) for n, one in found if isinstance(n, int) and isinstance(one, str)))
