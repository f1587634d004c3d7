"""Names of people, divided into given and family name as bibliographies want them; those of bodies stay whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rag.text.unseen import one_line

if TYPE_CHECKING:
    from rag.datatypes import Paper

# The kept field with those authors that their file calls whole names and that could be taken for people's.
WHOLE_NAMES = "literal-authors"
_LONGEST = 1_000  # characters of a name that is divided into its parts
# What a name has that is no person's: words between others, and words that only bodies are called by.
_BODY = re.compile(
    r"(?<=\s)(?:of|for|the|and|on|für|pour|para|&)(?=\s)|\b(?:universit(?:y|[àäé]t?|ies|[ae]t)|institut\w{0,4}|"
    r"organi[sz]ations?|association|society|committee|consortium|collaboration|collaborators|investigators|network|"
    r"group|team|department|ministry|agency|council|foundation|federation|commission|cent(?:er|re)s?|laborator(?:y|ies)|"
    r"initiative|task force|alliance|academy|college|hospital|corporation|gmbh|inc|ltd|llc)\b",
    re.IGNORECASE,
)


def is_body(name: str) -> bool:
    """Whether a name is an organisation's or a group's by the words in it: 'World Health Organization'."""
    return _BODY.search(name) is not None


def whole_names(paper: Paper) -> frozenset[str]:
    """The authors that the paper's file called whole names; most bodies are known without, by :func:`is_body`."""
    try:
        listed = json.loads(dict(paper.fields).get(WHOLE_NAMES, "[]"))
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else frozenset()


def said_whole(author: Any) -> bool:
    """Whether a file's author is a whole name: CSL's ``literal``, or a ``family`` beside which there is nothing."""
    if not isinstance(author, Mapping):
        return False
    if isinstance(author.get("literal"), str):
        return True
    parts = {key for key, value in author.items() if value and isinstance(value, str)}
    return bool(parts) and parts <= {"family", "lastName"}


def is_mistakable(name: str) -> bool:
    """Whether a whole name would be divided if nobody said that it is one: 'Google DeepMind'."""
    return not is_body(name) and bool(divided(name)[0])


def divided(name: str) -> tuple[str, str]:
    """Given and family name, the particles with the family; a name that cannot be divided is all family."""
    from bibtexparser.middlewares.names import InvalidNameError, parse_single_name_into_parts

    text = one_line(name)
    if len(text) > _LONGEST:
        return "", text
    try:
        parts = parse_single_name_into_parts(text, strict=False)
    except InvalidNameError:
        return "", text
    family = " ".join([*parts.von, *parts.last, *parts.jr]).replace("{", "").replace("}", "")
    return (" ".join(parts.first), family) if family else ("", text)


def inverted(name: str, whole: bool = False) -> str:
    """``Doe, Jane``; a body's name, or one that is ``whole``, as it is."""
    given, family = ("", one_line(name)) if whole or is_body(name) else divided(name)
    return f"{family}, {given}" if given else family


def csl_name(name: str, whole: bool = False) -> dict[str, str]:
    """A name as CSL-JSON has it; ``literal`` where it is a body's, or ``whole``."""
    given, family = ("", one_line(name)) if whole or is_body(name) else divided(name)
    return {"family": family, "given": given} if given else {"literal": family}
