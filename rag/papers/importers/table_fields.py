"""The columns of tables that hold lists, types and notes, to the names that ``field_mapping.py`` knows.

The names are those of Scopus, Web of Science, Embase, IEEE Xplore, ACM, Zotero, EndNote, Citavi, Rayyan, Covidence and
ASReview, as :func:`rag.papers.importers.field_names.field_key` spells them. Any other column is kept under its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rag.papers import item_kinds
from rag.papers.importers import endnote_fields
from rag.papers.importers.field_mapping import spelt_list
from rag.papers.importers.field_names import says_nothing
from rag.papers.zotero.item_types import CSL_TYPES

_KEYWORDS = (
    "tags", "keywords", "keyword", "key_words", "author_keywords", "keywords_author", "index_keywords", "manual_tags",
    "automatic_tags", "keywords_plus", "ieee_terms", "mesh_terms", "mesh_headings", "emtree_headings", "mesh",
    "subjects", "subject", "subject_headings", "descriptors", "topics", "labels", "schlagwörter", "mots_clés",
    "mots_clefs", "palabras_clave", "palavras_chave", "parole_chiave", "słowa_kluczowe",
)  # fmt: skip
_COLLECTIONS = ("collections", "collection", "folders", "groups")
_NOTES = ("notes", "note", "annotation", "annotations", "research_notes", "user_notes", "reviewer_notes", "notizen")
_TYPES = ("item_type", "document_type", "publication_type", "reference_type", "entry_type", "entrytype", "ref_type")
_KEYS = ("citation_key", "citationkey", "citekey", "cite_key", "bibtex_key", "bibtexkey")
_DOCUMENTS = {  # Scopus, IEEE Xplore and Web of Science; in small letters
    "article": "article-journal", "review": "article-journal", "article in press": "article-journal",
    "letter": "article-journal", "editorial": "article-journal", "short survey": "article-journal",
    "data paper": "article-journal", "conference paper": "paper-conference", "proceedings paper": "paper-conference",
    "conference review": "paper-conference", "ieee conferences": "paper-conference", "ieee journals":
    "article-journal", "book chapter": "chapter", "book": "book", "preprint": "article", "j": "article-journal",
    "c": "paper-conference", "journal": "article-journal", "dissertation": "thesis", "phd thesis": "thesis",
}  # fmt: skip
_TYPES_OF_ZOTERO = {name.lower(): kind for name, kind in CSL_TYPES.items()}
_LONGEST_LIST = 100_000  # characters of a cell that is divided
_COMMA = re.compile(r",(?!\d{3}\b)")


def standard(cells: Mapping[str, Any]) -> dict[str, Any]:
    """``cells`` by name of the column, with tags, collections and notes as lists and the type as CSL has it."""
    record = dict(cells)
    tags = [word for name in _KEYWORDS if name in record for word in words_of(record.pop(name))]
    collections = [word for name in _COLLECTIONS if name in record for word in words_of(record.pop(name), commas=False)]
    notes = [cell for name in _NOTES if name in record and not says_nothing(cell := record.pop(name))]
    key = next((str(cell) for name in _KEYS if name in record and not says_nothing(cell := record.pop(name))), "")
    kind = _kind(record)
    found = {"tags": tags, "collections": collections, "notes": notes, "citation_key": key, "item_type": kind}
    return {**record, **{name: value for name, value in found.items() if value}}


def words_of(cell: Any, commas: bool = True) -> list[str]:
    """The words of a list: of one that is spelt (``['soil', 'clay']``), or divided by semicolons, bars or commas."""
    text = str(cell).strip()
    if says_nothing(text):
        return []
    if (spelt := spelt_list(text)) is not None:
        return [str(one).strip() for one in spelt if isinstance(one, str | int | float)]
    if len(text) > _LONGEST_LIST:
        return [text]
    sign = next((sign for sign in (";", "؛", "|", "\n") if sign in text), "")
    words = text.split(sign) if sign else _COMMA.split(text) if commas else [text]
    return [word for one in words if (word := one.strip(" ,"))]


def _kind(record: dict[str, Any]) -> str:
    """CSL's type of item; a word that no program is known to use stays in its column."""
    for name in _TYPES:
        word = str(record.get(name, "")).strip().lower()
        kind = _TYPES_OF_ZOTERO.get(word) or _DOCUMENTS.get(word) or item_kinds.KIND_OF_BIBTEX.get(word) or ""
        if not kind and (endnote := endnote_fields.kind(word)) != word:
            kind = endnote
        if kind:
            return kind
    return ""
