"""What a paper is called in a line about it: the short name that its title begins with, else the title."""

from __future__ import annotations

import re

from rag.datatypes import Paper
from rag.papers.bibliography import one_line

LONGEST_NAME, LONGEST_TITLE = 32, 90  # characters

_NAME = re.compile(r"^(?P<name>[^:]{2,32}?)\s*:\s")


def short_name(paper: Paper) -> str:
    """'CvT' of 'CvT: Introducing Convolutions to Vision Transformers'; a long title is cut between words.

    What stands before a colon is a name where it is short and has a capital or a digit within, or is one word. A paper
    without a title goes by its first author and year, else by its id.
    """
    title = one_line(paper.title).strip().rstrip(".")
    if not title:
        author = one_line(paper.authors[0]) if paper.authors else ""
        return f"{author} {paper.year}".strip() if author and paper.year else author or paper.id
    match = _NAME.match(title)
    if match is not None and _is_name(match["name"]):
        return match["name"]
    if len(title) <= LONGEST_TITLE:
        return title
    head = title[: LONGEST_TITLE - 1]
    return head[: head.rfind(" ")].rstrip(" ,;:-") + "…"


def _is_name(text: str) -> bool:
    """Whether a few words are a name rather than a topic."""
    words = text.split()
    odd = any(any(c.isupper() or c.isdigit() for c in word[1:]) for word in words)
    return len(words) <= 3 and (odd or len(words) == 1)
