"""A question as typed, made fit for reading: control characters gone, slips in the words that ask put right."""

from __future__ import annotations

import re
import unicodedata

from rag.errors import QuestionError

MAX_CHARACTERS = 4_000


def clean(question: str) -> str:
    """The question without control characters, white space collapsed."""
    text = _visible(question)
    if not any(c.isalnum() for c in text):
        raise QuestionError("The question is empty. Type a question about the papers of the library.")
    if len(text) > MAX_CHARACTERS:
        raise QuestionError(
            f"The question has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read. Ask it in fewer words."
        )
    return text


def clean_or_empty(text: str) -> str:
    """Like :func:`clean`, but for a turn of the history, which may well be empty or long."""
    return _visible(text)[:2_000]


def _visible(text: str) -> str:
    """Control characters and half surrogates separate words; soft hyphens and direction marks stand within them."""
    kinds = {"Cc": " ", "Cs": " ", "Co": " ", "Cf": ""}
    plain = _TERMINAL.sub("", text)
    return " ".join("".join(kinds.get(unicodedata.category(c), c) for c in plain).split())


# Slips in the words that ask, which say what kind of answer is wanted; those of a topic are put right from the words of
# the library (``rag.text.spelling``).
_SLIPS = {
    "wich": "which", "whcih": "which", "wihch": "which", "whihc": "which", "whch": "which",
    "wat": "what", "waht": "what", "whta": "what", "wht": "what", "whats": "what is", "wats": "what is",
    "hwo": "how", "wehn": "when", "wher": "where", "teh": "the", "hte": "the", "adn": "and", "deos": "does",
    "thier": "their", "paprs": "papers", "papres": "papers", "pappers": "papers", "papes": "papers",
    "pls": "please", "plz": "please", "abt": "about", "abuot": "about", "aobut": "about",
    "mnay": "many", "meny": "many", "muhc": "much",
}  # fmt: skip


# 'What dose it do?', where 'What dose did they give?' asks for one.
_DOSE = re.compile(
    r"(?<=\bwhat )dose(?! (?:of|is|was|were|did|does|in|for|and|or|should|could|can)\b)"
    r"(?= .{0,200}\b(?:do|mean|propose|use|say|need|change|reach|get|give|improve|work)\b)|(?<=\b(?:how|why) )dose\b",
    re.IGNORECASE,
)


def without_slips(text: str) -> str:
    """``text`` with the commonest slips in question words put right; acronyms stay, and so does a capital."""

    def meant(match: re.Match[str]) -> str:
        word = match.group()
        right = word if word.isupper() else _SLIPS.get(word.lower(), word)
        return right[:1].upper() + right[1:] if word[:1].isupper() else right

    return _DOSE.sub("does", re.sub(r"(?<![\w'’-])[a-zA-Z]+(?![\w'’-])", meant, text))


_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # colours and movements of a terminal, as pasted from one
