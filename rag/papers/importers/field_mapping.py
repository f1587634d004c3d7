"""The fields of a record to a :class:`~rag.datatypes.Paper`: field names, types, cleaning.

All importers use this mapping, so a field means the same in every format.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from rag.datatypes import Paper
from rag.papers.carried import restored
from rag.papers.csl_names import CSL_NAMES
from rag.papers.divided_names import WHOLE_NAMES, is_mistakable, said_whole
from rag.papers.identity import id_from_title, normalised_arxiv_id, normalised_doi
from rag.papers.importers import abstract_text
from rag.papers.importers.field_names import ALIASES, field_key, says_nothing
from rag.papers.kept_fields import RESERVED, STATUSES, pack
from rag.text.plaintext import clean_line, plain_text

# Formats of databases and reference managers that write no TeX; tables and JSON often hold what was BibTeX once.
_WITHOUT_TEX = frozenset(
    {"ris", "nbib", "pubmed-xml", "pubmed-text", "mods", "wos", "wos-tab", "enw", "endnote-xml", "zotero-rdf", "zotero"}
)
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d|21\d\d)(?!\d)")
_AND = re.compile(r"(?<!\s)\s++(?:and|&)\s++")  # from the first blank of a run only: linear on many blanks

_INITIALS = re.compile(r"(?:[^\W\d_]\.[ -]?)++|[^\W\d_a-z]{1,3}")
_LONGEST_LIST = 200_000  # characters of a list that a cell spells

# Characters. What is longer is no such field, and would be shown, compared and stored as if it were one.
LONGEST = {"id": 1000, "title": 5000, "abstract": 1_000_000, "venue": 5000, "url": 5000, "doi": 1000}
MOST_AUTHORS = 20_000  # papers of large experiments have over 5,000
_LONGEST_NAME = 1000


class Rejected(ValueError):
    """Raised for a record that cannot become a paper; the message is the reason, without a full stop."""


def paper_from(record: Mapping[str, Any], source: str) -> Paper:
    """The paper that ``record`` describes. Raises :class:`Rejected` without a title or with fields of wrong type.

    ``record`` may hold :data:`rag.papers.kept_fields.RESERVED` names: the user's citation key, CSL's type of item, the
    status, lists of tags, collections and notes, and what :mod:`rag.papers.carried` wrote.
    """
    paper = described(record, source)
    if "carried" in record:
        paper = restored(paper, record["carried"])
    if not paper.title:
        raise Rejected("it has no title")
    return within_limits(paper)


def described(record: Mapping[str, Any], source: str) -> Paper:
    """The paper that the fields of ``record`` describe, whatever it carries; where it does, the title may be empty.

    Raises :class:`Rejected` as :func:`paper_from` does.
    """
    tex = source.partition(":")[0] not in _WITHOUT_TEX
    values = {field_key(str(key)): value for key, value in record.items()}
    chosen = {field: _first(values, names) for field, names in ALIASES.items()}
    title = plain_text(_text(chosen["title"], "title"), tex=tex)
    written = _text(chosen["abstract"], "abstract")
    abstract, rights = abstract_text.bare(written, plain_text(written, tex=tex), title)
    if not title and "carried" not in record:
        title = _missing_title(values, abstract)
    doi = normalised_doi(_text(chosen["doi"], "doi"))
    return Paper(
        id=_id(chosen["id"]) or normalised_arxiv_id(doi) or doi or id_from_title(title),
        title=title,
        abstract=abstract,
        authors=authors(chosen["authors"]),
        year=year(chosen["year"]),
        venue=plain_text(_text(chosen["venue"], "venue"), tex=tex),
        url=_url(chosen["url"]),
        doi=doi,
        source=source,
        **_kept({"rights": rights, **record} if rights else record, _whole_names(chosen["authors"])),
    )


def _kept(record: Mapping[str, Any], whole_names: list[str]) -> dict[str, Any]:
    """The fields of a paper that are kept without being used for answers."""
    said = {WHOLE_NAMES: whole_names} if whole_names else {}
    one_line = {name: clean_line(str(record.get(name) or "")) for name in ("citation_key", "item_type", "status")}
    lists = {name: _texts(record.get(name)) for name in ("tags", "collections")}
    return {
        "key": one_line["citation_key"],
        "kind": one_line["item_type"],
        "status": one_line["status"] if one_line["status"] in STATUSES else "",
        **lists,
        "notes": tuple(str(note).strip() for note in _listed(record.get("notes")) if str(note).strip()),
        "fields": pack(_leftover(record) | said),
    }


def _leftover(record: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of ``record`` that no other field of its paper holds, under CSL's name where one means the same."""
    names = {field_key(str(name)): str(name) for name in record}
    values = {key: record[name] for key, name in names.items() if name in record}
    used = {
        key: field
        for field, aliases in ALIASES.items()
        if (key := next((alias for alias in aliases if not says_nothing(values.get(alias))), "")) != ""
    }
    kept: dict[str, Any] = {}
    for raw, value in record.items():
        key, name = field_key(str(raw)), clean_line(str(raw))
        reserved = raw in RESERVED and (raw != "status" or value in STATUSES)  # another status is the file's own
        if reserved or not name or says_nothing(value):
            continue
        if key in used and not (used[key] == "year" and _more_than_year(value)):
            continue
        csl = CSL_NAMES.get(key, name)
        kept[csl if csl not in kept else name] = value
    return kept


def _more_than_year(value: Any) -> bool:
    """Whether a date says more than its year, which is all that a paper's ``year`` holds of it."""
    if isinstance(value, Mapping):
        return value != {"date-parts": [[year(value)]]}
    return str(value).strip() not in {str(year(value)), f"{year(value)}.0"}


def _listed(values: Any) -> list[Any]:
    """``values`` as a list; the text of a cell is one value."""
    return values if isinstance(values, list) else list(values) if isinstance(values, tuple) else [values or ""]


def _texts(values: Any) -> tuple[str, ...]:
    found = (clean_line(one) for one in _listed(values) if isinstance(one, str))
    return tuple(dict.fromkeys(one for one in found if one))


def within_limits(paper: Paper) -> Paper:
    """``paper`` itself. Raises :class:`Rejected` where a field is longer than :data:`LONGEST` allows."""
    for field, longest in LONGEST.items():
        if (length := len(getattr(paper, field))) > longest:
            raise Rejected(f"its {field} has {length:,} characters; at most {longest:,} are taken")
    if len(paper.authors) > MOST_AUTHORS:
        raise Rejected(f"it has {len(paper.authors):,} authors; at most {MOST_AUTHORS:,} are taken")
    if any(len(name) > _LONGEST_NAME for name in paper.authors):
        raise Rejected(f"a name of its authors has more than {_LONGEST_NAME:,} characters")
    return paper


def _first(values: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((value for name in names if not says_nothing(value := values.get(name))), None)


def _missing_title(values: Mapping[str, Any], abstract: str) -> str:
    """The first twelve words of a BEIR passage with ``"title": ""``. Raises :class:`Rejected` for any other record."""
    if values.get("title") == "" and abstract and "text" in values:
        words = abstract.split()
        return " ".join(words[:12]) + (" …" if len(words) > 12 else "")
    raise Rejected("it has no title")


def _text(value: Any, field: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return " ".join(value)  # sentences of an abstract, or a title as Crossref writes it
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise Rejected(f"its {field} is {_kind(value)}, not text")


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list of other things", bool: "true or false"}.get(
        type(value), type(value).__name__
    )


def _id(value: Any) -> str:
    """The record's own id, exactly, but without control characters."""
    text = _text(value, "id")
    return text if text == clean_line(text) else clean_line(text)


def _url(value: Any) -> str:
    """The first http or https address; '' where there is none, for other schemes (``javascript:``) may do harm."""
    candidates = value if isinstance(value, list) else [value]
    for candidate in candidates:
        text = clean_line(candidate) if isinstance(candidate, str) else ""
        if re.match(r"https?://[^\s<>\"']+$", text, re.I):
            return text
        if re.match(r"www\.[^\s<>\"']+$", text, re.I):
            return f"https://{text}"
    return ""


def year(value: Any) -> int | None:
    """The year in a number, a date in any notation, or CSL's ``{"date-parts": [[2020, 1]]}``; else None."""
    if isinstance(value, Mapping):
        value = value.get("date-parts") or value.get("raw")
    while isinstance(value, list) and value:
        value = value[0]
    found = _YEAR.search(str(value)) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    return int(found[1]) if found else None


def authors(value: Any) -> tuple[str, ...]:
    """Names from a string (``A and B``, ``A; B``, ``Jane Doe, John Roe``) or a list of strings or objects."""
    if isinstance(value, str):
        value = spelt_list(value.strip()) or value
    names: list[Any]
    if isinstance(value, str):
        names = split_names(value)
    elif isinstance(value, Mapping):
        names = [value]
    elif isinstance(value, list):
        names = value
    else:
        names = []
    return tuple(name for raw in names if (name := _readable(raw)))


def _whole_names(value: Any) -> list[str]:
    """Of the authors in ``value`` the names that are whole and would be divided if nobody said so, each once."""
    listed = value if isinstance(value, list) else [value]
    names = dict.fromkeys(_readable(one) for one in listed if said_whole(one))
    return [name for name in names if name and is_mistakable(name)]


def _readable(raw: Any) -> str:
    """The name as one reads it; an organisation's is one name, whatever commas are in it."""
    if isinstance(raw, Mapping) and isinstance(raw.get("literal"), str):
        return plain_text(raw["literal"])
    return first_name_first(plain_text(_name(raw)))


def split_names(text: str) -> list[str]:
    """One string per name. A comma separates names only where every part has a first name of its own."""
    if ";" in text or "؛" in text:
        return re.split("[;؛]", text)
    if (pairs := _surnames_with_initials(text)) is not None:
        return pairs
    names: list[str] = []
    for part in _AND.split(text):
        pieces = [piece.strip() for piece in part.split(",") if piece.strip()]
        several = len(pieces) > 1 and all(len(piece.split()) > 1 for piece in pieces)
        names += pieces if several else [part.strip().rstrip(",")]
    return names


def spelt_list(text: str) -> list[Any] | None:
    """The list that ``text`` spells, as data frames write them: ``['Jane Doe', 'John Roe']``; None for other texts."""
    if not (text.startswith("[") and text.endswith("]")) or len(text) > _LONGEST_LIST:
        return None
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def _surnames_with_initials(text: str) -> list[str] | None:
    """``Alder, B.C., Birch, D.E.`` as ``Alder, B.C.`` and ``Birch, D.E.``; None where the text is not of that form."""
    pieces = [piece.strip() for piece in text.split(",")]
    if len(pieces) < 4 or len(pieces) % 2 or not all(_INITIALS.fullmatch(piece) for piece in pieces[1::2]):
        return None
    return [f"{last}, {initials}" for last, initials in zip(pieces[::2], pieces[1::2], strict=True)]


def first_name_first(name: str) -> str:
    """``Doe, Jane`` as ``Jane Doe``; other notations stay."""
    last, comma, first = name.replace("،", ",").partition(",")
    return f"{first.strip()} {last.strip()}" if comma and first.strip() and "," not in first else name.strip(" ,")


def _name(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    if isinstance(entry, Mapping):
        named = entry.get("name") or entry.get("literal")
        if isinstance(named, str):
            return named
        keys = (("given", "firstName", "first", "first_name"), ("middle",), ("family", "lastName", "last", "last_name"))
        parts = (next((entry[key] for key in group if isinstance(entry.get(key), str)), "") for group in keys)
        return " ".join(part for part in parts if part)
    if isinstance(entry, list) and all(isinstance(part, str) for part in entry):  # ["Doe", "Jane", "Jr"]
        last, *rest = [*entry, ""]
        return " ".join(part for part in (*rest[:1], last, *rest[1:]) if part)
    return ""
