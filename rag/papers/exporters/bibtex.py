"""BibTeX, which BibLaTeX reads as well: UTF-8, the user's own keys, every field that a paper keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from rag.datatypes import Paper
from rag.papers import item_kinds
from rag.papers.carried import NAME, carried
from rag.papers.citation_keys import citation_keys
from rag.papers.csl_names import CSL_VARIABLES
from rag.papers.divided_names import WHOLE_NAMES, is_body, whole_names
from rag.papers.exporters.kept_texts import family_first, month_name, month_of, names_of, texts_of
from rag.papers.exporters.tex import as_it_came, escaped
from rag.papers.identity import bare_doi
from rag.papers.kept_fields import LEFT_OUT, unpack
from rag.papers.retractions import label
from rag.text.unseen import one_line

# CSL's name of a kept field, and BibTeX's; others have the same in both, in small letters.
_NAMES = {
    "page": "pages", "issue": "number", "publisher-place": "address", "collection-title": "series",
    "title-short": "shorttitle", "container-title-short": "shortjournal", "number-of-pages": "pagetotal",
    "number-of-volumes": "volumes", "event-title": "eventtitle", "genre": "type", "chapter-number": "chapter",
}  # fmt: skip
# The nearest types that the classic styles have, for types of CSL that have none or BibLaTeX's alone.
_CLASSIC = {"thesis": "phdthesis", "report": "techreport", "article": "misc", "entry-dictionary": "incollection",
            "article-magazine": "article", "article-newspaper": "article", "entry": "incollection",
            "review": "article", "review-book": "article"}  # fmt: skip
_IN_BOOKS = ("inproceedings", "conference", "incollection", "inbook", "inreference", "bookinbook")
_VENUES = {"article": "journal", "periodical": "journal", **dict.fromkeys(_IN_BOOKS, "booktitle")}
_PRINTED = frozenset(
    "address archiveprefix booktitle chapter date edition editor eprint eprintclass eprinttype eventtitle howpublished "
    "institution isbn issn journal language location month note number organization pages pagetotal primaryclass "
    "publisher school series shortjournal shorttitle translator type version volume volumes".split()
)
_PLAIN_TYPE = re.compile(r"[a-z]{1,30}")
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_.:+-]{0,60}")
_RANGE = re.compile(r"(?<=\w)[-–](?=\w)")
_MONTH = re.compile(r"January|February|March|April|May|June|July|August|September|October|November|December")
_WORDS_OF_PROCEEDINGS = re.compile(r"\b(proc|proceedings|conference|workshop|symposium)\b")


def to_bibtex(papers: Iterable[Paper], *, whole: bool = True) -> str:
    """BibTeX, one entry a paper, keys unique within the result.

    ``whole`` entries, imported again, are the papers as they were; others are for a manuscript: without abstracts,
    notes, and what BibTeX has no field for.
    """
    from bibtexparser import Library, write_string
    from bibtexparser.model import Entry, Field

    papers = list(papers)
    entries = []
    for paper, key in zip(papers, citation_keys(papers), strict=True):
        entry_type = type_of(paper)
        fields = _fields(paper, entry_type, whole)
        if whole and (more := carried(paper, _read_back(entry_type, key, fields))):
            # No brace within: whoever counts them would count wrong.
            fields[NAME] = more.replace("{", r"\u007b").replace("}", r"\u007d")
        entries.append(Entry(entry_type, key, [Field(name, _enclosed(name, value)) for name, value in fields.items()]))
    # An empty stack: the values are enclosed and escaped above.
    return str(write_string(Library(entries), unparse_stack=[]))


def type_of(paper: Paper) -> str:
    """The type of entry: that of its kind, else what its venue suggests."""
    own = unpack(paper).get(item_kinds.BIBTEX_NAME)
    if isinstance(own, str) and item_kinds.KIND_OF_BIBTEX.get(own) == paper.kind:
        return own
    if paper.kind:
        found = _CLASSIC.get(paper.kind) or item_kinds.BIBTEX_OF.get(paper.kind)
        return found or (paper.kind if _PLAIN_TYPE.fullmatch(paper.kind) else "misc")
    venue = paper.venue.strip().lower()
    if not venue or "arxiv" in venue or "preprint" in venue:
        return "misc"
    return "inproceedings" if _WORDS_OF_PROCEEDINGS.search(venue) else "article"


def _fields(paper: Paper, entry_type: str, whole: bool) -> dict[str, str]:
    """The fields by name, the values as they stand between braces."""
    whole_authors = whole_names(paper)
    fields = {
        # A second pair of braces keeps the capitals of names and acronyms.
        "title": f"{{{escaped(paper.title)}}}",
        "author": " and ".join(_name(name, name in whole_authors) for name in paper.authors if name.strip()),
        "year": _year(paper),
        _VENUES.get(entry_type, "howpublished"): escaped(paper.venue),
        "doi": _address(bare_doi(paper)),
        "url": _address(one_line(paper.url)),
        "abstract": escaped(paper.abstract) if whole else "",
    }
    fields = {name: value for name, value in fields.items() if value}
    for name, value in unpack(paper).items():
        found = _kept(name, value)
        if found is not None and (whole or found[0] in _PRINTED):
            fields.setdefault(*found)
    if paper.status:
        fields["note"] = ". ".join(filter(None, [label(paper), fields.get("note", "")]))
    lists = {"keywords": paper.tags, "groups": paper.collections}
    for name, words in lists.items():
        if words and whole:
            fields.setdefault(name, ", ".join(map(_word, words)))
    for number, note in enumerate(paper.notes if whole else (), 1):
        fields.setdefault("annote" if number == 1 else f"annote-{number}", escaped(note))
    return fields


def _kept(name: str, value: Any) -> tuple[str, str] | None:
    """The field for a value that a paper keeps; None where BibTeX has none for it."""
    if name == "issued" and (month := month_of(value)):
        return "month", month_name(month)
    if name in (item_kinds.BIBTEX_NAME, item_kinds.RIS_NAME, LEFT_OUT, NAME, WHOLE_NAMES):
        return None
    known = name in CSL_VARIABLES
    tex_name = _NAMES.get(name, name.lower() if known else name.removeprefix("bibtex-"))
    if _PLAIN_NAME.fullmatch(tex_name) is None:
        return None
    if isinstance(value, list) and name in CSL_VARIABLES and (names := names_of(value)):
        return tex_name, " and ".join(_name(family_first(one)) for one in names)
    text = "; ".join(texts_of(value))
    if not text:
        return None
    if tex_name == "pages":
        text = _RANGE.sub("--", text)
        return tex_name, text if as_it_came(text) else escaped(text)
    return tex_name, escaped(text) if known or not as_it_came(text) else text


def _year(paper: Paper) -> str:
    """The year as the file had it (``2020a``, ``in press``), else as it is."""
    own = unpack(paper).get("year")
    return own if isinstance(own, str) and as_it_came(own) else "" if paper.year is None else str(paper.year)


def _read_back(entry_type: str, key: str, fields: dict[str, str]) -> Paper:
    from rag.papers.importers.bibtex_fields import first_of_each, record_of
    from rag.papers.importers.field_mapping import described

    return described(record_of(key, entry_type, first_of_each(fields.items())) | {"carried": ""}, "")


def _enclosed(name: str, value: str) -> str:
    return value[:3].lower() if name == "month" and _MONTH.fullmatch(value) else f"{{{value}}}"


def _name(name: str, whole: bool = False) -> str:
    text = escaped(name)
    # 'and' separates authors and a comma the parts of a name; within braces they are letters. A body's has no parts.
    enclosed = whole or re.search(r"\band\b", name) or name.count(",") > 2 or (" " in name.strip() and is_body(name))
    return f"{{{text}}}" if enclosed else text


def _word(word: str) -> str:
    """One word of a list; within braces its commas divide nothing."""
    return f"{{{escaped(word)}}}" if re.search("[,;]", word) else escaped(word)


def _address(address: str) -> str:
    return re.sub(r"[{}\\\s]", lambda match: quote(match[0]), address)
