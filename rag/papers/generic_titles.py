"""Titles that stand in every issue of a journal or every volume of proceedings; pure.

In English, German, French, Spanish, Portuguese and Italian.
"""

from __future__ import annotations

import re

_TITLES = re.compile(
    r"(?:(?:guest|invited) )?editorial(?:s|es)?(?: (?:note|board|comments?|introduction|announcement))?|"
    r"editors? (?:note|comments?|page|choice)|"
    r"introduction(?: to (?:the|this) (?:special )?(?:issue|section|volume))?|"
    r"preface|foreword|prologue|epilogue|afterword|erratum|errata|corrigendum|corrections?|"
    r"retraction(?: notice)?|addendum|letters?(?: to the editors?)?|correspondence|from the (?:guest )?editors?|"
    r"(?:message|letter) from the .{0,40}|(?:in|about) this (?:issue|volume|number)|(?:issue|volume) information|"
    r"masthead|cover (?:image|picture|story)|books? received|new books|book notes?|"
    r"(?:book |literature |media |software )?reviews?(?: section)?|"
    r"keynote(?: (?:address|lecture|speech))?|invited (?:talk|paper|lecture)|plenary (?:talk|lecture)|"
    r"panel discussion|discussion|(?:invited )?comment(?:s|ary|aries)?|news(?: and (?:views|notes|comment))?|"
    r"obituar(?:y|ies)|in memoriam|announcements?|calendar(?: of events)?|call for papers|advertisements?|"
    r"table of contents|(?:front|back) matter|(?:(?:author|subject|keyword) )?ind(?:ex|ices)|contents|abstracts?|"
    r"posters?|(?:final )?program(?:me)?|proceedings|welcome(?: (?:message|address))?|acknowledge?ments?|"
    r"list of (?:reviewers|contributors|authors)|contributors|"
    r"(?:in )?(?:authors? )?(?:response|reply)(?: to .{0,40})?|(?:the )?authors? (?:reply|respond)|rejoinder|"
    r"conclusions?(?: and future work)?|summary|appendi(?:x|ces)|supplementary (?:material|information)|"
    r"untitled|title|no title|title pending.{0,20}|"
    r"vorwort|einleitung|einfuhrung|leitartikel|buchbesprechung(?:en)?|rezension(?:en)?|literatur|nachruf|"
    r"avant propos|editoriaux|compte rendu|comptes rendus|introduccion|introducao|introduzione|prologo|prefacio|"
    r"prefazione|presentacion|apresentacao|resenas?|resenhas?|recensioni|nota (?:editorial|del editor)"
)


def stands_in_every_issue(words: str) -> bool:
    """Whether the words of a normalised title (:func:`rag.papers.identity.normalised_title`) are such a title."""
    return _TITLES.fullmatch(words.replace(" s ", "s ")) is not None  # "author's reply"
