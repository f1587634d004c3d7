"""RIS: one record a paper, one line a value, as the format wants them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from rag.datatypes import Paper
from rag.papers import item_kinds
from rag.papers.carried import NAME, carried
from rag.papers.citation_keys import citation_keys, is_usable
from rag.papers.divided_names import inverted, whole_names
from rag.papers.exporters.bibtex import type_of
from rag.papers.exporters.kept_texts import month_of, names_of, texts_of
from rag.papers.identity import bare_doi
from rag.papers.kept_fields import unpack
from rag.papers.retractions import label
from rag.text.plaintext import plain_text
from rag.text.unseen import one_line

Lines = list[tuple[str, str]]  # tag and value

CARRIER = "U5"  # the last of the fields that the format leaves to its users
# CSL's name of a kept field, or BibTeX's where it is kept under that, and the tag.
_TAGS = {
    "volume": "VL", "issue": "IS", "number": "IS", "ISSN": "SN", "ISBN": "SN", "publisher": "PB", "institution": "PB",
    "school": "PB", "publisher-place": "CY", "location": "CY", "edition": "ET", "language": "LA", "title-short": "ST",
    "container-title-short": "J2", "number-of-volumes": "NV", "call-number": "CN", "collection-title": "T3",
    "genre": "M3", "section": "SE", "chapter-number": "SE", "chapter": "SE", "archive": "DB", "source": "DP",
    "PMID": "AN", "original-title": "OP", "editor": "A2", "translator": "A4", "collection-editor": "A3",
}  # fmt: skip
_NAMES = ("editor", "translator", "collection-editor")
_GUESSED = {"article": "JOUR", "inproceedings": "CONF", "misc": "GEN"}
# The nearest, of types that RIS has no name for.
_NEAREST = {"review": "JOUR", "review-book": "JOUR", "entry": "CHAP", "collection": "SER", "interview": "PCOMM",
            "broadcast": "VIDEO", "post": "ICOMM", "speech": "SLIDE", "article": "UNPB"}  # fmt: skip
_PLAIN_TAG = re.compile(r"[A-Z][A-Z0-9]")
_PLAIN_TYPE = re.compile(r"[A-Z]{2,8}")
_PAGES = re.compile(r"(?<![^\s–-])([^\s–-]++)\s?[–-]{1,2}\s?([^\s–-]++)")


def to_ris(papers: Iterable[Paper]) -> str:
    """RIS, which imported again gives the papers as they were. ``ID`` is the user's own key, else the paper's id."""
    papers = list(papers)
    records = [_record(paper, key) for paper, key in zip(papers, citation_keys(papers), strict=True)]
    return "\n".join(records)


def _record(paper: Paper, key: str) -> str:
    lines = [(tag, line) for tag, value in _lines(paper, key) if (line := one_line(value))]
    if more := carried(paper, _read_back(lines)):
        lines.append((CARRIER, f"{NAME}: {more}"))
    return "".join(f"{tag}  - {value}\n" for tag, value in [*lines, ("ER", "")])


def _lines(paper: Paper, key: str) -> Lines:
    kept, whole = unpack(paper), whole_names(paper)
    lines = [
        ("TY", _type_of(paper)),
        ("ID", key if is_usable(paper.key) else paper.id),
        ("TI", paper.title),
        *(("AU", inverted(name, name in whole)) for name in paper.authors if name.strip()),
        ("PY", "" if paper.year is None else str(paper.year)),
        ("DA", _date(kept.get("issued"), paper.year)),
        ("T2", paper.venue),
        ("DO", bare_doi(paper)),
        ("UR", paper.url),
        ("AB", paper.abstract),
        *(("KW", tag) for tag in paper.tags),
        *(("N1", note) for note in paper.notes),
        ("N1", label(paper) if paper.status else ""),
    ]
    lines = [(tag, value) for tag, value in lines if value]
    taken = {tag for tag, _ in lines} | {"TY", "ER", CARRIER}
    for name, value in kept.items():
        found = [(tag, text) for tag, text in _kept(name, value) if tag not in taken]
        taken |= {tag for tag, _ in found}
        lines += found
    return lines + [(CARRIER, text) for text in texts_of(kept.get(CARRIER))]


def _kept(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The lines for a value that a paper keeps; none where RIS has no tag for it."""
    if name == "page" and isinstance(value, str | int):
        first = _PAGES.fullmatch(str(value).strip())
        yield from [("SP", first[1]), ("EP", first[2])] if first else [("SP", str(value))]
    elif name in _NAMES:
        yield from ((_TAGS[name], inverted(one)) for one in names_of(value))
    elif _PLAIN_TAG.fullmatch(name):
        yield from ((name, text) for text in texts_of(value))
    elif name in _TAGS:
        text = "; ".join(texts_of(value))
        yield _TAGS[name], plain_text(text) if "\\" in text else text


def _type_of(paper: Paper) -> str:
    """The value of ``TY``: that of the paper's kind, else what its venue suggests."""
    own = unpack(paper).get(item_kinds.RIS_NAME)
    if isinstance(own, str) and item_kinds.KIND_OF_RIS.get(own.upper()) == paper.kind:
        return own
    if not paper.kind:
        return _GUESSED[type_of(paper)]
    found = item_kinds.RIS_OF.get(paper.kind) or _NEAREST.get(paper.kind)
    return found or (paper.kind if _PLAIN_TYPE.fullmatch(paper.kind) else "GEN")


def _date(issued: Any, year: int | None) -> str:
    """``2020/05/01/`` where more is known than the year."""
    month = month_of(issued)
    if not month or year is None:
        return ""
    parts = issued["date-parts"][0]
    day = parts[2] if len(parts) > 2 and isinstance(parts[2], int) else 0
    return f"{year}/{month:02}/{f'{day:02}' if day else ''}/"


def _read_back(lines: Lines) -> Paper:
    from rag.papers.importers.field_mapping import described
    from rag.papers.importers.ris_fields import record_of
    from rag.papers.importers.tagged import Field, Record

    fields = [Field(tag, [value]) for tag, value in lines]
    return described(record_of(Record(0, fields, True)) | {"carried": ""}, "ris:")
