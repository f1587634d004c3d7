"""Citations in running text, and texts that say that there is no answer. Standard library only: runners use it."""

from __future__ import annotations

import re

# As in 'I cannot answer.', 'The context does not mention …', 'The knowledge base doesn't contain relevant information'.
_NO_ANSWER = re.compile(
    r"\b(?:(?:do|does|did)(?: not|n't|n’t) (?:say|contain|mention|provide|answer|specify|include|have)|"
    r"(?:is|are|was|were) not (?:mentioned|stated|provided|specified|available|found|enough)|"
    r"(?:do not|don't|cannot|can't|could not|couldn't|unable to) "
    r"(?:know|answer|find|provide|determine|assist|help|be answered)|"
    r"(?:no|insufficient) (?:relevant )?(?:information|context|evidence|results?|documents?))\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\[(\d{1,3}(?:\s?[,;]\s?\d{1,3}){0,9})\]")
# 'Smith et al., 2020', 'Smith et al. (2020)', '(Smith, 2020)'.
_AUTHOR_YEAR = re.compile(r"[A-Z][\w'’-]{1,40} et al\.?,? \(?(?:19|20)\d\d\)?|\([A-Z][\w'’-]{1,40},? (?:19|20)\d\d\)")
# 'the paper "Deep Owls"', 'a study titled “Deep Owls”'.
_TITLED = re.compile(
    r"\b(?:paper|article|study|work|survey|publication),? (?:(?:titled|entitled|called|named),? )?"
    r"[\"“]([^\"“”\n]{8,200})[\"”]",
    re.IGNORECASE,
)


def says_no_answer(text: str) -> bool:
    """Whether a text says in words that there is no answer; a text with nothing in it says so too."""
    return not text.strip() or _NO_ANSWER.search(text) is not None


def numbers_in(text: str) -> tuple[int, ...]:
    """The different numbers in square brackets, ``[2]`` or ``[1, 3]``, in the order of the text."""
    found = (int(n) for group in _NUMBERED.findall(text) for n in re.findall(r"\d+", group))
    return tuple(dict.fromkeys(found))


def titles_in(text: str) -> tuple[str, ...]:
    """The different titles in quotation marks that the text calls a paper, an article, a study."""
    return tuple(dict.fromkeys(title.strip(" ,.") for title in _TITLED.findall(text)))


def authors_in(text: str) -> tuple[str, ...]:
    """The different citations by author and year: of a library that has no authors, none of them exists."""
    return tuple(dict.fromkeys(_AUTHOR_YEAR.findall(text)))
