"""The fields of a RIS record to the names that ``field_mapping.py`` knows; what no other name fits keeps its tag.

The tags are those of RefMan's specification of 2001 and of its revision of 2011, and what databases make of them
(github.com/zotero/translators, RIS.js).
"""

from __future__ import annotations

import re
from typing import Any

from rag.papers import item_kinds
from rag.papers.carried import NAME
from rag.papers.importers import endnote_fields
from rag.papers.importers.field_mapping import year
from rag.papers.importers.tagged import Record, joined

CARRIED = f"{NAME}: "  # how a value begins that an export carried along
# CSL's variables and the tags that mean the same.
_ONE = {
    "volume": ("VL",), "issue": ("IS",), "publisher": ("PB",), "publisher-place": ("CY",), "language": ("LA",),
    "edition": ("ET",), "title-short": ("ST",), "container-title-short": ("J2", "JA"), "call-number": ("CN",),
    "number-of-volumes": ("NV",), "collection-title": ("T3",), "accession_number": ("AN",), "database": ("DB",),
}  # fmt: skip
_TITLE = ("TI", "T1", "CT", "BT", "TT", "ST")
_VENUE = ("JO", "JF", "T2", "JA", "J2", "BT", "SO")
_DATES = ("PY", "Y1", "DA")
_USED = frozenset(("TY", "ID", "AU", "A1", "A2", "ED", "KW", "N1", "SP", "EP", "SN", "AB"))
_A_LINE_EACH = ("UR", "LK", "L1", "L2", "L3", "L4")
_DOI = re.compile(r"(?:doi:?\s?)?(?:https?://(?:dx\.)?doi\.org/)?10\.\d{4,9}/\S+", re.I)
_DOI_ADDRESS = re.compile(r"https?://(?:dx\.)?doi\.org/10\.\d{4,9}/\S+", re.I)
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"']+", re.I)


def record_of(record: Record) -> dict[str, Any]:
    """The fields of a record, all of them."""
    kind, own_type = item_kinds.of_ris(record.value("TY"))
    rest = _Rest(record)
    abstract = " ".join(dict.fromkeys(record.values("AB"))) or rest.take("N2")
    fields: dict[str, Any] = {
        "id": record.value("ID"),
        "citation_key": record.value("ID"),
        "item_type": kind,
        item_kinds.RIS_NAME: own_type,
        "title": rest.take(*_TITLE),
        "abstract": abstract,
        # Some databases call the first author A1 and the others AU; others write every author under both.
        "authors": _each_line(record, "A1", "AU"),
        "editor": _each_line(record, "ED", "A2"),
        "venue": rest.take(*_VENUE),
        "year": _year(record, rest),
        "doi": _doi(record, rest),
        "url": rest.take_address(),
        "page": "-".join(filter(None, (record.value("SP"), record.value("EP")))),
        "tags": _keywords(record),
        "notes": ["\n".join(field.lines).strip() for field in record.fields if field.tag == "N1"],
    }
    for name, tags in _ONE.items():
        fields[name] = rest.take(*tags)
    for number in record.values("SN"):
        name = endnote_fields.identifier_name(number)
        fields[name] = [*fields.get(name, []), number]
    for said in (fields["title"], fields["venue"], abstract):
        rest.drop(said)
    if carried := rest.take_carried():
        fields["carried"] = carried
    return {**rest.left(), **{name: value[0] if _is_single(value, name) else value for name, value in fields.items()}}


def _is_single(value: Any, name: str) -> bool:
    return name in ("ISSN", "ISBN") and len(value) == 1


class _Rest:
    """The values by tag that nothing has taken yet."""

    def __init__(self, record: Record) -> None:
        found: dict[str, dict[str, None]] = {}
        for field in record.fields:
            values = field.lines if field.tag in _A_LINE_EACH else [joined(field)]
            if field.tag not in _USED:
                found.setdefault(field.tag, {}).update(dict.fromkeys(value for value in values if value))
        self._values = {tag: list(values) for tag, values in found.items()}

    def take(self, *tags: str) -> str:
        """The first value of the first of ``tags`` that has one, taken out."""
        return next((values.pop(0) for tag in tags if (values := self._values.get(tag))), "")

    def take_address(self) -> str:
        """The first web address, or ''."""
        for tag in ("UR", "LK", "L2", "L3"):
            for value in self._values.get(tag, []):
                if _ADDRESS.fullmatch(value):
                    self._values[tag].remove(value)
                    return value
        return ""

    def take_carried(self) -> str:
        """What an export of this program carried along, or ''."""
        for values in self._values.values():
            for value in values:
                if value.startswith(CARRIED):
                    values.remove(value)
                    return value.removeprefix(CARRIED)
        return ""

    def drop(self, said: str) -> None:
        """Forget values that say no more than ``said``: a journal under three tags, an abstract under two."""
        for tag in (*_TITLE, *_VENUE, "N2"):
            self._values[tag] = [value for value in self._values.get(tag, []) if value != said]

    def drop_year(self, year: str) -> None:
        """Forget dates of publication that are no more than ``year`` (``2020///``)."""
        for tag in _DATES:
            self._values[tag] = [value for value in self._values.get(tag, []) if value.strip("/ ") != year]

    def left(self) -> dict[str, Any]:
        """What nothing took, by tag: a text, or a list where the tag is repeated."""
        return {tag: values[0] if len(values) == 1 else values for tag, values in self._values.items() if values}


def _year(record: Record, rest: _Rest) -> int | None:
    """The year of the first date that has one. A date that says more is kept under its own tag."""
    found = next((number for tag in _DATES for value in record.values(tag) if (number := year(value))), None)
    rest.drop_year(str(found))
    return found


def _doi(record: Record, rest: _Rest) -> str:
    """The DOI, also where a publisher writes it into a note, the type of work or an address."""
    if doi := rest.take("DO"):
        return doi
    for tag, pattern in (("M3", _DOI), ("N1", _DOI), ("L3", _DOI), ("UR", _DOI_ADDRESS)):
        if found := next((value for value in record.values(tag) if pattern.fullmatch(value)), ""):
            return found
    return ""


def _each_line(record: Record, *tags: str) -> list[str]:
    """The lines of all fields with one of ``tags``, a name each."""
    found = [line for tag in tags for field in record.fields if field.tag == tag for line in field.lines if line]
    return list(dict.fromkeys(found))


def _keywords(record: Record) -> list[str]:
    """One a line; a single line may hold several behind semicolons."""
    lines = _each_line(record, "KW")
    return [word for word in lines[0].split(";") if word.strip()] if len(lines) == 1 else lines
