"""Answers that were rated, as questions that ``footnote eval answers`` reads.

Of an answer marked good the cited papers are the right ones, the cited sentences the evidence, and the figures and
names that the answer took from them its key facts. A refusal marked good is an unanswerable question. What was marked
bad says only what is wrong, never what would be right: it is counted and left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rag.datatypes import Answer
from rag.errors import FootnoteError
from rag.history.models import Conversation, KeptTurn
from rag.text.facts import normalised
from rag.text.tokenization import WHOLE_NAME

_NUMBER_OR_PERCENTAGE = re.compile(r"(?<![\w.,-])\d+(?:,\d{3})*(?:\.\d+)?(?:\s?%)?(?![\w-])")


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """``questions`` as records for JSON lines; ``bad`` counts the answers marked bad, which are left out."""

    questions: tuple[dict[str, Any], ...]
    bad: int

    @property
    def text(self) -> str:
        """One JSON object a line."""
        return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in self.questions)


def evaluation_set(rated: Iterable[tuple[Conversation, KeptTurn]]) -> EvaluationSet:
    """The set of all answers marked good, each with the conversation up to it. The same question comes once, as last
    rated. Raises :class:`FootnoteError` where no answer is marked good."""
    questions: dict[str, dict[str, Any]] = {}
    bad = 0
    for before, turn in rated:
        if turn.rating < 0:
            bad += 1
        elif turn.rating > 0 and turn.answer is not None and turn.question.strip():
            history = _history(before.turns)
            questions[json.dumps([turn.question, history])] = _record(turn.id, turn.question, turn.answer, history)
    if not questions:
        raise FootnoteError(
            "No answer is marked good, so there is nothing to evaluate with. Mark some with the thumb under an answer."
        )
    return EvaluationSet(tuple(questions.values()), bad)


def _record(id: str, question: str, answer: Answer, history: list[dict[str, str]]) -> dict[str, Any]:
    titles = {item.paper.id: item.paper.title for item in answer.evidence}
    evidence = list(
        dict.fromkeys((titles[c.paper_id], c.quote) for c in answer.citations if c.paper_id in titles and c.quote)
    )
    gold = [] if answer.refusal is not None else list(dict.fromkeys(title for title, _ in evidence))
    kind = "followup" if history else "unanswerable" if not gold else "multi" if len(gold) > 1 else "fact"
    return {
        "id": id,
        "type": kind,
        "question": question,
        "history": history,
        "gold": gold,
        "keyfacts": key_facts(answer) if gold else [],
        "evidence": [{"title": title, "sentence": sentence} for title, sentence in evidence] if gold else [],
    }


def key_facts(answer: Answer) -> list[str]:
    """Figures and names of the cited sentences that the answer has too, each in the ways in which it may be written."""
    said = normalised(" ".join(sentence.text for sentence in answer.sentences))
    quotes = [normalised(citation.quote) for citation in answer.citations]
    found: dict[str, None] = {}
    for quote in dict.fromkeys(quotes):
        for match in (*_NUMBER_OR_PERCENTAGE.finditer(quote), *WHOLE_NAME.finditer(quote)):
            if _stands_in(match.group(), said):
                found.setdefault(_spellings(match.group()), None)
    return list(found)


def _stands_in(fact: str, text: str) -> bool:
    """Whether ``text`` has the fact as a whole word, in any of its spellings."""
    spellings = "|".join(re.escape(spelling) for spelling in _spellings(fact).split("|"))
    return re.search(rf"(?<![\w.])(?:{spellings})(?![\w-])", text) is not None


def _spellings(fact: str) -> str:
    """``31%`` as ``31%|31 %|31\\%|31 percent``, ``21,866`` also without its comma; what has one spelling as it is."""
    if fact.endswith("%"):
        number = fact.rstrip("% ")
        return "|".join((f"{number}%", f"{number} %", f"{number}\\%", f"{number} percent"))
    bare = fact.replace(",", "")
    return f"{fact}|{bare}" if bare != fact and bare.replace(".", "").isdigit() else fact


def _history(turns: Sequence[KeptTurn]) -> list[dict[str, str]]:
    """The answered turns before, as ``history`` of a question."""
    return [
        {"role": role, "content": content}
        for turn in turns
        if turn.answer is not None
        for role, content in (("user", turn.question), ("assistant", turn.answer.text))
    ]
