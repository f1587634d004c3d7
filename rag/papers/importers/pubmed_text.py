"""PubMed's 'Abstract (text)': numbered records of paragraphs, as its page saves and sends them.

A record is ``1. Journal. Date;volume(issue):pages. doi: …``, the title, the authors, notes under headings of their own
('Author information:', 'Comment in'), the abstract, and identifiers ('DOI:', 'PMID:'); lines are wrapped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from rag.datatypes import Paper
from rag.papers.importers import medline
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import MAX_RECORD_CHARS, Report, SourceFile

_START = re.compile(r"(\d{1,7})\. (?=\S)")
_CITATION = re.compile(r"^\ufeff?\d{1,7}\. \S[^\n]{0,300}?\b(?:1[89]|20)\d\d\b", re.M)
_IDENTIFIER = re.compile(r"^(PMID|DOI|PMCID): ?(\S+)", re.M)
_NUMBER_OF_PUBMED = re.compile(r"^PMID: ?\d+", re.M)
_JOURNAL = re.compile(r"(?P<journal>.{1,300}?)\. (?P<issued>(?:1[89]|20)\d\d[^;.:]{0,40})")
_PLACE = re.compile(r"(?:;(?P<volume>[^(:;.]{0,40}))?(?:\((?P<issue>[^)]{0,60})\))?(?::(?P<page>[^.;]{1,60}))?\.")
_DOI = re.compile(r"\bdoi: ?(10\.\d{4,9}/\S+)", re.I)
_NOTE = re.compile(
    r"(?:(?:Comment|Erratum|Retraction|Expression of concern|Update|Summary for patients|Original report|"
    r"Corrected and republished|Republished) (?:in|of|on|from)|Republished|Conflict of interest|Collaborators|"
    r"Author information|Dataset|Associated data|Trial registration)\b[^\n]{0,80}(?:\n|:|$)",
    re.I,
)
_LANGUAGE = re.compile(r"\[(?:Article|Book|Chapter) in [^\]]{1,80}\]")
_NAMES = re.compile(
    r"(?:[^\W\d_][\w'’ -]{0,60}? [A-Z]{1,4}(?: (?:Jr|Sr|2nd|3rd|4th))?(?:\([\d,a-z]{1,30}\))*(?:, |; |\.|$))"
)
_MARKS = re.compile(r"\([\d,a-z]{1,30}\)")


class _Record(NamedTuple):
    """The number of its first line, and the lines of its paragraphs, the first without the record's number."""

    line: int
    paragraphs: list[list[str]]


def matches(sample: str) -> bool:
    """Whether the text has a numbered citation and a line ``PMID: 32109013``."""
    return _CITATION.search(sample) is not None and _NUMBER_OF_PUBMED.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a record without a title is reported and skipped."""
    for record in _records(source, report):
        try:
            yield paper_from(_fields(["\n".join(lines) for lines in record.paragraphs]), f"pubmed-text:{source.name}")
        except Rejected as reason:
            report(record.line, f"{reason}.")


def _records(source: SourceFile, report: Report) -> Iterator[_Record]:
    """A record begins with the number behind that of the one before, after an empty line."""
    number, start, length, blank = 0, 0, 0, True
    paragraphs: list[list[str]] = []
    for line, text in source.lines(report):
        found = _START.match(text) if blank and (not paragraphs or _ended(paragraphs)) else None
        if found and (number == 0 or int(found[1]) in (1, number + 1)):
            if paragraphs:
                yield _Record(start, paragraphs)
            number, start, length, paragraphs = int(found[1]), line, 0, [[text[found.end() :].strip()]]
        elif number and text.strip():
            if blank or not paragraphs:
                paragraphs.append([])
            paragraphs[-1].append(text.rstrip())
        blank = not text.strip()
        length += len(text) + 1
        if paragraphs and length > MAX_RECORD_CHARS:
            report(start, f"this record is longer than {MAX_RECORD_CHARS >> 20} MiB and was passed over.")
            paragraphs, length = [], 0
    if paragraphs:
        yield _Record(start, paragraphs)


def _ended(paragraphs: list[list[str]]) -> bool:
    """Whether the identifiers have come, which stand behind the abstract."""
    return any(_IDENTIFIER.match(lines[0]) for lines in paragraphs[-3:])


def _fields(paragraphs: list[str]) -> dict[str, Any]:
    citation, *rest = (one for one in paragraphs if one.strip())
    citation = " ".join(citation.split())
    fields: dict[str, Any] = {"citation": citation, **_place(citation)}
    title = " ".join(rest.pop(0).split()) if rest else ""
    if rest and _LANGUAGE.fullmatch(rest[0].strip()):
        fields["language"] = rest.pop(0).strip(" []").rpartition(" in ")[2]
    if rest and _are_names(names := " ".join(rest[0].split())):
        fields["author"] = _authors(names)
        rest.pop(0)
    abstract, notes, identifiers = _sorted(rest)
    in_citation = _DOI.search(citation)
    links = [re.sub(r"\W", "", one.partition("\n")[0].partition(":")[0]) for one in notes]
    return {
        **fields,
        "title": title,
        "abstract": "\n".join(abstract),
        "DOI": identifiers.get("DOI", "") or (in_citation[1].rstrip(".") if in_citation else ""),
        "PMID": identifiers.get("PMID", ""),
        "PMCID": identifiers.get("PMCID", ""),
        "item_type": "article-journal",
        "status": medline.status(links),
        "record_notes": notes,
    }


def _sorted(paragraphs: list[str]) -> tuple[list[str], list[str], dict[str, str]]:
    """The paragraphs of the abstract, those of notes, and the identifiers by their name."""
    abstract: list[str] = []
    notes: list[str] = []
    identifiers: dict[str, str] = {}
    for one in paragraphs:
        if _IDENTIFIER.match(one):
            identifiers |= dict(_IDENTIFIER.findall(one))
        elif _NOTE.match(one) or identifiers:  # behind these stand conflicts of interest and the like
            notes.append(one)
        else:
            abstract.append(" ".join(one.split()))
    return abstract, notes, identifiers


def _place(citation: str) -> dict[str, str]:
    """Journal, date, volume, issue and pages of ``N Engl J Med. 2020 Apr 30;382(18):1708-1720. doi: …``."""
    journal = _JOURNAL.match(citation)
    if journal is None:
        return {}
    place = _PLACE.match(citation, journal.end())
    found = {"container-title": journal["journal"], "issued": journal["issued"].strip()}
    return found | {name: text.strip() for name, text in (place.groupdict() if place else {}).items() if text}


def _are_names(text: str) -> bool:
    """Whether a paragraph is a list such as ``Guan WJ(1), Ni ZY(2).``: most of its parts are a name and initials."""
    parts = [part for part in re.split(r"[,;] ", _MARKS.sub("", text).rstrip(".")) if part]
    names = sum(_NAMES.fullmatch(part) is not None for part in parts)
    return bool(parts) and names >= max(1, 0.5 * len(parts))


def _authors(text: str) -> list[Any]:
    found: list[Any] = []
    for part in re.split(r"[,;] ", _MARKS.sub("", text).rstrip(".")):
        if _NAMES.fullmatch(part):
            found.append(medline.full_name(part.strip()))
        elif part.strip() and part.strip().lower() not in ("et al", "author"):
            found.append({"literal": part.strip()})
    return found
