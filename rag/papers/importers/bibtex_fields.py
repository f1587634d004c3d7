"""The fields of a BibTeX entry to the names that ``field_mapping.py`` knows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rag.papers import item_kinds
from rag.papers.carried import NAME
from rag.papers.csl_names import CSL_NAMES
from rag.papers.identity import normalised_arxiv_id
from rag.papers.importers.bibtex_values import divided, typeset
from rag.papers.importers.field_names import says_nothing
from rag.papers.importers.journal_macros import journal_of_macro
from rag.text.latex import has_latex
from rag.text.plaintext import plain_text

Fields = dict[str, str]

_BRACED = re.compile(r"\{((?:[^{}]|\{[^{}]*\})*+)\}")
_BARE_ACCENT = re.compile(r"(\\[\"'`^~=.][A-Za-z])")
_ESCAPED = re.compile(r"\\([_%&#~{}])|[{}]|\\url")
_HOMONYM = re.compile(r"(?<=[^\W\d_]) \d{4}\Z")
_NUMBER = re.compile(r"-\d{1,4}\Z")
_LONGEST_NAME = 1000  # characters; bibtexparser's reader of names is quadratic in unmatched braces
# In BibTeX these are private notes, no ids or abstracts: they are kept under names that mean nothing else.
_PRIVATE = ("id", "_id", "key", "text", "summary")
PRIVATE = "bibtex-"
_PERIODICALS = ("article-journal", "article-magazine", "article-newspaper")
_ISSUES = {"number": "issue"}
_CSL_NAMES = {"address": "publisher-place", "series": "collection-title", "pagetotal": "number-of-pages",
              "volumes": "number-of-volumes", "shortjournal": "container-title-short",
              "eventtitle": "event-title"}  # fmt: skip
_RANGE = re.compile(r"(?<=\w)[ ]?(?:---?|[–—])[ ]?(?=\w)")
_TEXTS = ("title", "abstract", "journal", "journaltitle", "booktitle")
# What programs call these; where an entry has several, all are taken.
_KEYWORDS = ("keywords", "keyword", "author_keywords", "author-keywords", "keywords-plus", "mendeley-tags", "tags")
_COLLECTIONS = ("groups", "mendeley-groups", "collections")  # of JabRef, Mendeley and this program
_NOTES = ("annote", "annotation", "annotations", "comment", "comments")


def first_of_each(fields: Iterable[tuple[str, str]]) -> Fields:
    """Fields by their name in small letters. Of one that is repeated the first that says something is used.

    Others that differ are kept as ``name-2`` and so on.
    """
    values: dict[str, list[str]] = {}
    for name, value in fields:
        seen = values.setdefault(name.lower(), [])
        if value not in seen:
            seen.append(value)
    found: Fields = {}
    for name, all_values in values.items():
        telling = [value for value in all_values if not says_nothing(value)] or all_values[:1]
        found[name] = telling[0]
        for number, value in enumerate(telling[1:], 2):
            found.setdefault(f"{name}-{number}", value)
    return found


def record_of(key: str, entry_type: str, fields: Fields) -> dict[str, Any]:
    """The record of an entry, ``fields`` with those that it inherits."""
    kind, own_type = item_kinds.of_bibtex(entry_type)
    record: dict[str, Any] = {PRIVATE + name if name in _PRIVATE else name: value for name, value in fields.items()}
    if "author" in record:
        record["author"] = _names(record["author"])
    for name in _TEXTS:
        if name in record:
            record[name] = typeset(journal_of_macro(record[name]))
    arxiv = normalised_arxiv_id(fields.get("eprint", ""))
    if arxiv and not fields.get("url"):
        record["url"] = f"https://arxiv.org/abs/{arxiv}"
    for name in ("url", "doi"):  # \_ and \% in them are the escapes of LaTeX
        if name in record:
            record[name] = _ESCAPED.sub(lambda m: m[1] or "", record[name])
    tags = [plain_text(word) for value in _taken(record, _KEYWORDS) for word in divided(value)]
    collections = [plain_text(word) for value in _taken(record, _COLLECTIONS) for word in divided(value)]
    notes = [note for value in _taken(record, _NOTES) if (note := plain_text(value))]
    _under_names_of_csl(record, kind)
    if NAME in record:
        record["carried"] = record.pop(NAME)
    return {
        "id": key, "citation_key": key, "item_type": "article" if arxiv and kind == "document" else kind,
        item_kinds.BIBTEX_NAME: own_type or ("misc" if arxiv and kind == "document" else ""),
        **record, "tags": tags, "collections": collections, "notes": notes,
    }  # fmt: skip


def _under_names_of_csl(record: dict[str, Any], kind: str) -> None:
    """Give fields the names and the notation that they have in every format, where the entry's kind says what they are.

    ``pages = {1--9}`` is ``1-9``, the ``number`` of an article its issue, and what TeX would print is text.
    """
    for name in list(record):
        csl = _ISSUES.get(name) if kind in _PERIODICALS else None
        csl = csl or _CSL_NAMES.get(name) or CSL_NAMES.get(name)
        if csl is None or csl in record or isinstance(record[name], list):
            continue
        text = record.pop(name)
        if csl == "page":
            text = _RANGE.sub("-", text)
        record[csl] = plain_text(text) if has_latex(text) else text


def _taken(record: dict[str, Any], names: tuple[str, ...]) -> list[str]:
    """The values, taken out of ``record``, of the fields that are called one of ``names``, or so with a number."""
    return [record.pop(name) for name in list(record) if _NUMBER.sub("", name) in names]


def _names(value: str) -> list[Any]:
    from bibtexparser.middlewares.names import (
        InvalidNameError,
        parse_single_name_into_parts,
        split_multiple_persons_names,
    )

    names: list[Any] = []
    # Braces keep an accent with its letter: the parser would drop \\"O at the beginning of a name.
    value = _BARE_ACCENT.sub(r"{\1}", value)
    for name in split_multiple_persons_names(value):
        if len(name) > _LONGEST_NAME:
            names.append(name)
            continue
        if (whole := _BRACED.fullmatch(name.strip())) is not None:
            names.append({"literal": whole[1]})  # an organisation, or a name that is not to be divided
            continue
        try:
            names.append(str(parse_single_name_into_parts(name, strict=False).merge_first_name_first))
        except InvalidNameError:
            names.append(name)
    return [_unnumbered(name) for name in names if name not in ("others", "Others")]


def _unnumbered(name: Any) -> Any:
    """``Bo Roe 0002`` without the number by which DBLP tells people of one name apart."""
    return _HOMONYM.sub("", name) if isinstance(name, str) else name
