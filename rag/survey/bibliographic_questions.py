"""'Who wrote X?', 'when was X published?': what the record of one paper says besides its abstract.

The answer is read off the record, cited like any other; where the record does not say, that is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from rag.datatypes import (
    AnswerSentence,
    Citation,
    Evidence,
    Paper,
    PaperHit,
    Reading,
    Refusal,
    RefusalGrade,
    Sentence,
    Verdict,
)
from rag.survey.aggregate import SurveyAnswer
from rag.survey.comparing import Shelf, titled
from rag.text.tokenization import stems

_WHEN = re.compile(r"\b(?:when|year|date)\b", re.IGNORECASE)
_WHERE = re.compile(r"\b(?:where|venue|journal|conference)\b", re.IGNORECASE)
_DOI = re.compile(r"\bdoi\b", re.IGNORECASE)
# 'the paper', 'the paper called X'
_LEAD = re.compile(r"^(?:(?:the|this|that|paper|article|study|work|on|about|called|titled|named)\b\s*)+", re.IGNORECASE)
_TRAIL = re.compile(r"\s+(?:paper|article|study)$", re.IGNORECASE)


def read_off(
    query: Reading, shelf: Shelf, search: Callable[[], Sequence[PaperHit]], within: Collection[str] | None = None
) -> SurveyAnswer:
    """The answer to a RECORD question.

    The paper is the one that the question names; where it names none by itself ('who wrote it?'), the first that
    ``search`` finds. ``within`` are the ids of the papers that may be used (None: all).
    """
    name = _TRAIL.sub("", _LEAD.sub("", query.topic)).strip(" ?.!\"'“”‘’")
    paper = titled(name, shelf, within)
    near = [] if paper else [hit.paper for hit in search()]
    if paper is None and query.is_follow_up:
        paper = next(iter(near), None)
    if paper is None:
        wanted = set(stems(name))
        named = [p for p in near if wanted and wanted <= set(stems(p.title))]
        paper = named[0] if len(named) == 1 else None
    if paper is None:
        message = f"No paper of this library is told from the others by “{name}” in its title."
        return SurveyAnswer((), (), (), Refusal(RefusalGrade.NOTHING, message, tuple(p.id for p in near[:3])))
    said, missing = _said(query.text, paper)
    if not said:
        message = f"The record of “{paper.title}” does not say {missing}."
        return SurveyAnswer((), (), (), Refusal(RefusalGrade.NOT_IN_ABSTRACT, message, (paper.id,)))
    title = Sentence(paper.title, 0, 0)
    sentence = AnswerSentence(f"“{paper.title}” {said}.", (1,), Verdict.SUPPORTED)
    citation = Citation(1, paper.id, 0, title.text, title.start, title.end, Verdict.SUPPORTED, 1.0)
    return SurveyAnswer((sentence,), (citation,), (Evidence(1, paper, (title,), 1.0, (1.0,)),), None)


def _said(question: str, paper: Paper) -> tuple[str, str]:
    """What the record says of the thing that is asked for, and how that thing is called."""
    if _DOI.search(question):
        return (f"has the DOI {paper.doi}" if paper.doi else ""), "its DOI"
    if _WHEN.search(question):
        return (f"is of {paper.year}" if paper.year else ""), "when it appeared"
    if _WHERE.search(question):
        return (f"appeared in {paper.venue}" if paper.venue else ""), "where it appeared"
    if not paper.authors:
        return "", "who wrote it"
    *first, last = paper.authors
    return f"was written by {', '.join(first)}{' and ' if first else ''}{last}", "who wrote it"
