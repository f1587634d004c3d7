"""The names under which files hold the fields that the program uses, and what they write for an empty field."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

# Names under which files hold these fields, as ``field_key`` writes them; the first that is not empty is used.
ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("id", "_id", "paper_id", "doc_id", "docid", "key", "item_key", "arxiv_id", "pmid", "corpusid"),
    "title": (
        "title", "paper_title", "article_title", "document_title", "primary_title",
        "titel", "titre", "título", "titulo", "titolo", "tytuł",
    ),
    "abstract": (
        "abstract", "text", "summary", "abstract_note", "abstractnote", "notes_abstract",
        "zusammenfassung", "résumé", "resumen", "resumo", "riassunto", "streszczenie",
    ),
    "authors": (
        "authors", "author", "author_full_names", "author_names", "creators", "creator", "first_authors",
        "autor,_herausgeber_oder_institution",
        "autor", "autoren", "author,_editor_or_organization", "author,_editor_or_organisation", "auteur", "auteurs",
        "autore", "autori", "autores", "autorzy",
    ),
    "year": (
        "year", "publication_year", "pub_year", "date", "published", "publication_date", "issued", "created",
        "update_date", "published_year", "publish_time", "publish_year", "year_derived", "jahr_ermittelt", "jahr",
        "erscheinungsjahr", "année", "año", "ano", "anno", "rok",
    ),
    "venue": (
        "venue", "journal", "journal_name", "journal/book", "booktitle", "journaltitle", "publication_title",
        "source_title", "container_title", "secondary_title", "journal_ref", "conference",
        "zeitschrift/zeitung", "zeitschrift", "periodical", "periodical/newspaper", "revue", "revista", "rivista",
        "czasopismo",
    ),
    "url": ("url", "link", "urls", "links"),
    "doi": ("doi", "doi_name"),
}  # fmt: skip
FIELD_NAMES = {alias: field for field, names in ALIASES.items() for alias in names}
_LONG_NAME = 100  # characters: such names come once, and are not kept
_EMPTY = re.compile(r"\s*+(?:nan|none|null|n/?a|<na>|#n/a|nat|n\.\s?d\.|-{1,3})?\s*+", re.I)


def field_key(name: str) -> str:
    """A column or key as the aliases spell it: ``Abstract Note`` is ``abstract_note``."""
    return _usual_key(name) if len(name) < _LONG_NAME else _key(name)


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().strip("\ufeff").lower())


_usual_key = lru_cache(maxsize=1_024)(_key)  # every record of a file has the same names


def says_nothing(value: Any) -> bool:
    """Whether a value is empty or what programs write for an empty one: ``nan``, ``None``, ``N/A``, ``n.d.``."""
    if isinstance(value, str):
        return _EMPTY.fullmatch(value) is not None
    return value in (None, [], {}) or value != value  # the number NaN is not equal to itself
