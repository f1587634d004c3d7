"""The rhetorical role of a sentence in an abstract (problem, approach, result), by cue words and position.

The roles are those of CSAbstruct (Cohan et al., 2019, 'Pretrained Language Models for Sequential Sentence
Classification') with 'background' as problem and 'objective' counted as approach. The cues were written by
hand; `benchmarks/LOG.md` has their agreement with the CSAbstruct labels.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache


class Role(StrEnum):
    """What a sentence does in its abstract."""

    PROBLEM = "problem"
    APPROACH = "approach"
    RESULT = "result"


# Headings of structured abstracts by role; 'objective' counts as approach here too.
_HEADING_WORDS = {
    Role.PROBLEM: "background introduction motivation context rationale importance",
    Role.APPROACH: "objective objectives aim aims purpose method methods methodology approach design",
    Role.RESULT: "result results finding findings conclusion conclusions discussion interpretation significance",
}
_ROLE_OF_HEADING = {word: role for role, words in _HEADING_WORDS.items() for word in words.split()}
# Other words of such headings: 'PATIENTS AND METHODS', 'MAIN OUTCOME MEASURES'.
_OTHER_HEADING_WORDS = (
    "abstract analysis collection criteria data experimental exposure exposures extraction intervention interventions "
    "main materials measure measurement measurements measures outcome outcomes participants patients population "
    "principal recent relevance research selection setting settings source sources study subjects "
    "summary synthesis unlabelled"
)
_WORD = "|".join(sorted(_ROLE_OF_HEADING, key=len, reverse=True))
_CAPITALS = "|".join(
    sorted([w.upper() for w in (*_ROLE_OF_HEADING, *_OTHER_HEADING_WORDS.split())], key=len, reverse=True)
)
# The heading of a section before its first sentence: 'Methods: We …', 'PATIENTS AND METHODS We …', 'Results In …'.
SECTION_HEADING = re.compile(
    rf"^(?i:(?:(?:materials|patients|discussion) and )?(?:{_WORD})(?: and (?:{_WORD}))?)\s*:\s+(?=\S)|"
    rf"^(?:{_CAPITALS})(?:(?:(?:,? AND|,? OF| &|,)? |/)(?:{_CAPITALS}))*[.:]?\s+(?=[A-Z\d(\"“])|"
    r"^[A-Z]{2,20}(?:(?: |/|, ?| ?& ?)[A-Z]{2,20}){1,5}:\s+(?=[A-Z])|"
    r"^(?:Background|Objectives?|Methods?|Results|Conclusions?) (?=(?:We|The|In|This|Our|An?|These|There|Of|To|For|"
    r"From|At|Between|Using|Among|Compared|It|Here) )"
)

_HEADING_SCORE = 3.0  # added for the role that a heading names: as much as three cue words
_CUES = {
    Role.PROBLEM: re.compile(
        r"\b(however|although|despite|yet|challeng\w+|problem|difficult\w*|limit(?:ed|ation|ations|s)|lack\w*|suffer\w*|"
        r"remain\w*|expensive|costly|bottleneck|ignor\w+|overlook\w*|neglect\w*|unclear|poorly|fail\w*|hinder\w*|"
        r"existing|previous|prior|traditional\w*|typically|often|recent(?:ly)?|widely|important|essential|crucial|"
        r"has (?:been|become)|have (?:been|become|shown|achieved))\b",
        re.IGNORECASE,
    ),
    Role.APPROACH: re.compile(
        r"\b((?:we|this (?:paper|work|article|study)|authors) (?:\w+ly |then |also |first |further )?"
        r"(?:propos|introduc|present|develop|describ|design|stud|investigat|explor|formulat|address|consider|aim|tackl|us|adopt|employ|build|argu|examin|analy[sz]|"
        r"extend|combin|train|leverag)\w*|in this (?:paper|work|article|study)|"
        r"our (?:method|approach|model|framework|key|main|idea|goal)|to (?:this|that) end|"
        r"to (?:address|tackle|overcome|solve)|"
        r"specifically|in particular|consists? of|is based on|novel|called|dubbed|termed)\b",
        re.IGNORECASE,
    ),
    Role.RESULT: re.compile(
        r"\b(experiment\w*|result\w*|outperform\w*|achiev\w+|demonstrat\w+|show(?:s|n|ed)?|improv\w+|state-of-the-art|sota|"
        r"evaluat\w+|benchmark\w*|accuracy|surpass\w*|compared (?:to|with)|superior\w*|effective(?:ness)?|"
        r"faster|speed-?up|reduc\w+|significant\w*|competitive|find(?:s|ings)? that|found that|observe\w*|reach\w*)\b",
        re.IGNORECASE,
    ),
}
_PROPOSAL = re.compile(
    r"\b(?:we|this (?:paper|work|article|study)|authors) (?:\w+ly |then |also |first |further )?"
    r"(?:propos|introduc|present|develop|design)\w*|\bis proposed\b",
    re.IGNORECASE,
)
# A percentage, a multiple, a score or a decimal: what a measurement comes to, from its last digit or its point on. For
# searching without regard to case.
MEASURED_VALUE = r"\d\s*(?:%|x\b|×|times|points?|ap\b|map\b|miou\b|fps\b|db\b)|\d\.\d"


def _released(things: str) -> str:
    """What matches a line that says of one of the things that it is available: after the first one, as a later one
    reaches no further."""
    return rf"(?m:^)(?>.*?\b(?:{things})\b).*\b(?:available|released?)\b"


# 'Code is available at …': an address, or what was released. For searching without regard to case.
RELEASE = rf"https?://|{_released('code|models?|dataset')}"
_MEASURED_VALUE = re.compile(MEASURED_VALUE, re.IGNORECASE)
_RELEASE_OR_PAGE = re.compile(rf"https?://|{_released('code|models?|dataset|project page')}", re.IGNORECASE)


def role_scores(sentence: str, position: float) -> dict[Role, float]:
    """How much a sentence reads like each role; ``position`` in the abstract runs from 0 (first) to 1 (last).

    The scores are comparable with each other; -2 for each role where the sentence only says where code or data are.
    """
    return dict(_role_scores(sentence, position))


@lru_cache(maxsize=8_192)  # the sentences of the same papers are read for one question after another
def _role_scores(sentence: str, position: float) -> dict[Role, float]:
    if _RELEASE_OR_PAGE.search(sentence):
        return dict.fromkeys(Role, -2.0)
    heading = SECTION_HEADING.match(sentence)
    headed = {_ROLE_OF_HEADING.get(w) for w in re.findall(r"[a-z]+", heading.group().lower())} if heading else set()
    said = sentence[heading.end() :] if heading else sentence  # 'RESULTS' counts once
    counts = {role: min(len(cue.findall(said)), 3) for role, cue in _CUES.items()}
    scores = {
        Role.PROBLEM: counts[Role.PROBLEM] - 1.2 * counts[Role.APPROACH] + 2.0 * (0.45 - position),
        Role.APPROACH: 1.6 * counts[Role.APPROACH]
        + 2.5 * bool(_PROPOSAL.search(sentence))
        - 0.3 * counts[Role.RESULT]
        + 1.0
        - 2.5 * abs(position - 0.4),
        Role.RESULT: counts[Role.RESULT]
        + 0.8 * bool(_MEASURED_VALUE.search(sentence))
        - 0.8 * counts[Role.APPROACH]
        + 2.0 * (position - 0.5),
    }
    return {role: score + _HEADING_SCORE * (role in headed) for role, score in scores.items()}


def role_of(sentence: str, position: float) -> Role:
    """The most likely role; ties go to the earlier one in an abstract."""
    scores = role_scores(sentence, position)
    return max(Role, key=lambda role: scores[role])
