"""'Who wrote X?', 'when was X published?': questions that a bibliographic record answers, and no abstract.

The answer is read from the record and cites its paper; where the field is empty, it says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from rag.datatypes import Evidence, Paper, PaperHit, Reading, RefusalGrade, Sentence
from rag.survey.comparing import PaperSource, titled
from rag.survey.survey_answer import SurveyAnswer, refuse, state
from rag.text.tokenization import stems

_WHEN = re.compile(r"\b(?:when|year|date)\b", re.IGNORECASE)
_WHERE = re.compile(r"\b(?:where|venue|journal|conference)\b", re.IGNORECASE)
_DOI = re.compile(r"\bdoi\b", re.IGNORECASE)
# 'the paper', 'the paper called X'
_LEAD = re.compile(r"^(?:(?:the|this|that|paper|article|study|work|on|about|called|titled|named)\b\s*)+", re.IGNORECASE)
_TRAIL = re.compile(r"(?<!\s)\s++(?:paper|article|study)$", re.IGNORECASE)


def read_off(
    reading: Reading,
    source: PaperSource,
    search: Callable[[], Sequence[PaperHit]],
    within: Collection[str] | None = None,
) -> SurveyAnswer:
    """The answer to a RECORD question.

    The paper is the one that the question names; a follow-up that names none ('who wrote it?') means the first that
    ``search`` finds. ``within`` are the ids of the papers that may be used (None: all).
    """
    name = _TRAIL.sub("", _LEAD.sub("", reading.topic)).strip(" ?.!\"'“”‘’")
    paper = titled(name, source, within)
    near = [] if paper else [hit.paper for hit in search()]
    if paper is None and reading.is_follow_up:
        paper = next(iter(near), None)
    if paper is None:
        wanted = set(stems(name))
        named = [p for p in near if wanted and wanted <= set(stems(p.title))]
        paper = named[0] if len(named) == 1 else None
    if paper is None:
        return refuse(f"No single title matches “{name}”.", nearest=tuple(p.id for p in near[:3]))
    statement, missing = _stated(reading.text, paper)
    if not statement:
        message = f"The record of “{paper.title}” does not say {missing}."
        return refuse(message, RefusalGrade.NOT_IN_ABSTRACT, (paper.id,))
    title = Sentence(paper.title, 0, 0)
    return state([(f"“{paper.title}” {statement}.", (1,))], (Evidence(1, paper, (title,), 1.0, (1.0,)),))


def _stated(question: str, paper: Paper) -> tuple[str, str]:
    """The end of the sentence that answers the question, empty where the record lacks it, and what was asked for."""
    if _DOI.search(question):
        return (f"has the DOI {paper.doi}" if paper.doi else ""), "its DOI"
    if _WHEN.search(question):
        return (f"was published in {paper.year}" if paper.year else ""), "when it appeared"
    if _WHERE.search(question):
        return (f"appeared in {paper.venue}" if paper.venue else ""), "where it appeared"
    if not paper.authors:
        return "", "who wrote it"
    *first, last = paper.authors
    return f"was written by {', '.join(first)}{' and ' if first else ''}{last}", "who wrote it"
