"""Records of web services and reference managers to the field names that ``field_mapping.py`` knows.

Crossref (``api.crossref.org``, REST API 'works'), DataCite (JSON:API), OpenAlex ('works'), Semantic Scholar (Graph
API), Europe PMC, Zotero (API, version 3) and Better BibTeX JSON, CORD-19, OpenReview. What a record holds beyond is
handed over under the service's own names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rag.papers.csl_names import from_csl_extras
from rag.papers.identity import normalised_arxiv_id
from rag.papers.importers import arxiv
from rag.papers.importers.field_mapping import Rejected
from rag.papers.importers.json_stream import ENVELOPES
from rag.papers.importers.table_fields import words_of
from rag.papers.zotero.item_types import CSL_TYPES

_WITHIN = ("attributes", "message", "data", "citingPaper", "citedPaper", "metadata", "content", "_source", "paper")
_TEXT_KEYS = ("value", "text", "description", "display_name", "name", "title", "#text", "rendered", "content")
_MOST_LEVELS = 6
_KINDS = {  # Crossref's types
    "journal-article": "article-journal", "proceedings-article": "paper-conference", "book-chapter": "chapter",
    "posted-content": "article", "monograph": "book", "dissertation": "thesis",
}  # fmt: skip
# Names that are CSL's alone; a note or a keyword may be anybody's.
_CSL_MARKS = {"citation-key", "container-title", "title-short", "container-title-short"}
_NO_PAPERS = ("attachment", "note", "annotation")
_HEADING = re.compile(r"(?<!\s)\s*+<(?:jats:)?title>\s*+(?:abstract|summary)\s*+</(?:jats:)?title>", re.I)
_GLUED_START = re.compile(r"(?<=[a-z])(?=<(?:i|em|italic)>[A-Z])")  # Crossref loses the blanks around such markup
_GLUED_END = re.compile(r"(?<=[a-z])(</(?:i|em|italic)>)(?=[a-z]{2})")
_DOI = re.compile(r"10\.\d{4,9}/[^\s,;]+")


def papers_in(value: Any, level: int = 0) -> Iterator[dict[str, Any]]:
    """The records of one object: itself, or those in it where it is an envelope."""
    if not isinstance(value, dict):
        return
    if _has_title(value) or level > _MOST_LEVELS:
        yield value
        return
    for key, inside in value.items():
        if key.lower() in ENVELOPES:
            inside = inside if isinstance(inside, list) else [inside]
            found = [paper for one in inside for paper in papers_in(one, level + 1) if _has_title(paper)]
            if found:
                yield from found
                return
    for key in _WITHIN:
        inside = value.get(key)
        if isinstance(inside, dict) and _has_title(inside):
            yield {**{name: one for name, one in value.items() if name not in (key, "type")}, **inside}
            return
    by_id = [one for one in value.values() if isinstance(one, dict) and _has_title(one)]
    yield from by_id or [value]


def _has_title(record: dict[str, Any]) -> bool:
    return any(str(key).strip().lower() in ("title", "titles", "paper_title", "paper title") for key in record)


def standard(record: dict[str, Any]) -> dict[str, Any]:
    """``record`` under the usual names. Raises :class:`Rejected` for what is no paper, such as an attachment."""
    if record.get("itemType") in _NO_PAPERS:
        raise Rejected(f"it is an item of type {record['itemType']}, not a paper")
    adapted = dict(record)
    if "categories" in record and normalised_arxiv_id(str(record.get("id", ""))):
        adapted = arxiv.with_standard_fields(record)
    for shape in (_datacite, _openalex, _semantic_scholar, _europe_pmc, _crossref, _zotero):
        shape(adapted)
    for name in ("title", "abstract", "year", "venue", "doi", "DOI"):
        if name in adapted:
            adapted[name] = _flat(adapted[name])
    if isinstance(adapted.get("authors"), Mapping):
        adapted["authors"] = adapted["authors"].get("value") or adapted["authors"]
    if _CSL_MARKS & adapted.keys() or isinstance(adapted.get("custom"), dict):
        from_csl_extras(adapted)
    if "citation-key" in adapted:
        adapted["citation_key"] = adapted.pop("citation-key")
    _keywords(adapted)
    _status(adapted)
    return adapted


def _keywords(record: dict[str, Any]) -> None:
    """Key words as tags, where they are words: services with numbers beside each have fields of their own."""
    for name in ("keywords", "keyword", "author_keywords"):
        found = record.get(name)
        if isinstance(found, str) or (isinstance(found, list) and all(isinstance(one, str) for one in found)):
            del record[name]
            record["tags"] = [*_listed(record.get("tags")), *(words_of(found) if isinstance(found, str) else found)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _flat(value: Any) -> Any:
    """Text out of ``{"value": …}``, and out of lists of such; what is neither stays."""
    if isinstance(value, Mapping):
        return next((_flat(value[key]) for key in _TEXT_KEYS if isinstance(value.get(key), str | list)), value)
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        parts = [_flat(one) for one in value]
        return " ".join(parts) if all(isinstance(one, str) for one in parts) else value
    return value


def _text_at(record: Mapping[str, Any], *path: str) -> str:
    """The text that a path of names leads to, or ''."""
    value: Any = record
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _datacite(record: dict[str, Any]) -> None:
    if not isinstance(record.get("titles"), list):
        return
    titles = _objects(record.pop("titles"))
    main = [one for one in titles if not one.get("titleType")] or titles
    record["title"] = _text_at(main[0], "title") if main else ""
    described = _objects(record.pop("descriptions", None))
    kept = [one for one in described if one.get("descriptionType") == "Abstract"] or described[:1]
    record["abstract"] = " ".join(_text_at(one, "description") for one in kept)
    record["authors"] = [_creator(one) for one in _objects(record.pop("creators", None))]
    record["year"] = record.pop("publicationYear", None)
    publisher = record.get("publisher")
    record["venue"] = _text_at(record, "container", "title")
    if isinstance(publisher, Mapping):
        record["publisher"] = publisher.get("name")
    record["item_type"] = _text_at(record, "types", "citeproc")
    record["tags"] = [_text_at(one, "subject") for one in _objects(record.pop("subjects", None))]


def _creator(one: Mapping[str, Any]) -> Any:
    if isinstance(one.get("familyName"), str):
        return {"given": one.get("givenName"), "family": one["familyName"]}
    return one


def _openalex(record: dict[str, Any]) -> None:
    index = record.pop("abstract_inverted_index", None) or record.pop("IndexedAbstract", None)
    if index and not record.get("abstract"):
        record["abstract"] = _from_index(index)
    if isinstance(record.get("authorships"), list):
        people = _objects(record.pop("authorships"))
        record["authors"] = [
            _text_at(one, "author", "display_name") or _text_at(one, "raw_author_name") for one in people
        ]
    for place in ("primary_location", "host_venue"):
        where = record.get(place)
        if isinstance(where, Mapping):
            record.setdefault("venue", _text_at(where, "source", "display_name") or _text_at(where, "display_name"))
            record.setdefault("url", _text_at(where, "landing_page_url") or _text_at(where, "url"))
    if isinstance(printed := record.get("biblio"), Mapping):
        for name in ("volume", "issue"):
            record.setdefault(name, printed.get(name))
        pages = [one for one in (printed.get("first_page"), printed.get("last_page")) if isinstance(one, str)]
        record.setdefault("page", "-".join(dict.fromkeys(pages)))
        del record["biblio"]


def _from_index(index: Any) -> str:
    """The words of OpenAlex's inverted index in their order; sorted, so that a false position costs no memory."""
    if isinstance(index, str):
        try:
            index = json.loads(index)
        except (ValueError, RecursionError):
            return ""
    if isinstance(index, Mapping) and isinstance(index.get("InvertedIndex"), Mapping):
        index = index["InvertedIndex"]
    if not isinstance(index, Mapping):
        return ""
    placed = [
        (place, word)
        for word, places in index.items()
        if isinstance(places, list)
        for place in places
        if type(place) is int
    ]
    return " ".join(word for _, word in sorted(placed))


def _semantic_scholar(record: dict[str, Any]) -> None:
    if isinstance(ids := record.get("externalIds"), Mapping):
        found = _DOI.search(str(ids.get("DOI") or ""))
        record.setdefault("doi", found[0] if found else "")
        record.setdefault("PMID", ids.get("PubMed"))
        if isinstance(number := ids.get("ArXiv"), str):
            record.setdefault("url", f"https://arxiv.org/abs/{number}")
    if "paperId" in record:
        record.setdefault("id", record.pop("paperId"))
    if isinstance(journal := record.get("journal"), Mapping):
        del record["journal"]
        record["venue"] = _flat(record.get("venue")) or journal.get("name") or journal.get("title")
        record.setdefault("volume", journal.get("volume"))
        record.setdefault("page", journal.get("pages"))


def _europe_pmc(record: dict[str, Any]) -> None:
    for name, usual in (
        ("abstractText", "abstract"), ("pubYear", "year"), ("journalTitle", "venue"), ("pageInfo", "page"),
        ("fulljournalname", "venue"), ("pubdate", "year"), ("publish_time", "year"), ("journalVolume", "volume"),
    ):  # fmt: skip
        if name in record:
            record.setdefault(usual, record.pop(name))
    if isinstance(issue := record.get("journalInfo"), Mapping):
        record.setdefault("venue", _text_at(issue, "journal", "title"))
        record.setdefault("year", issue.get("yearOfPublication"))
        record.setdefault("volume", issue.get("volume"))
        record.setdefault("issue", issue.get("issue"))
    people = record.get("authorList")
    if isinstance(people, Mapping) and _objects(people.get("author")):
        record["authors"] = [_person(one) for one in _objects(people["author"])]
        record.pop("authorString", None)
    elif isinstance(record.get("authorString"), str):
        record["authors"] = [one.strip(" .") for one in record.pop("authorString").split(",")]


def _person(one: Mapping[str, Any]) -> Any:
    if isinstance(one.get("firstName"), str) and isinstance(one.get("lastName"), str):
        return {"given": one["firstName"], "family": one["lastName"]}
    return _text_at(one, "fullName") or _text_at(one, "collectiveName")


def _crossref(record: dict[str, Any]) -> None:
    title, subtitle = record.get("title"), record.get("subtitle")
    if isinstance(title, list) and title and all(isinstance(one, str) for one in title):
        whole = " ".join(title)
        under = subtitle[0] if isinstance(subtitle, list) and subtitle and isinstance(subtitle[0], str) else ""
        record["title"] = f"{whole}: {under}" if under and under.lower() not in whole.lower() else whole
    if isinstance(record.get("title"), str):
        record["title"] = _GLUED_END.sub(r"\1 ", _GLUED_START.sub(" ", record["title"]))
    if isinstance(record.get("abstract"), str):
        record["abstract"] = _HEADING.sub("", record["abstract"], count=1)
    if isinstance(venue := record.get("container-title"), list):
        record["container-title"] = next((one for one in venue if isinstance(one, str)), "")
    for name in ("published-print", "published-online"):
        if name in record and "issued" not in record:
            record.setdefault("published", record[name])
    if isinstance(record.get("type"), str) and "item_type" not in record:
        record["item_type"] = (_KINDS | CSL_TYPES).get(record["type"], record["type"])
        del record["type"]


def _zotero(record: dict[str, Any]) -> None:
    if isinstance(kind := record.get("itemType"), str):
        record["item_type"] = CSL_TYPES.get(kind, kind)
        del record["itemType"]
    if isinstance(record.get("tags"), list):
        record["tags"] = [_text_at(one, "tag") or _text_at(one, "name") if isinstance(one, Mapping) else one
                          for one in record["tags"]]  # fmt: skip
    if "citationKey" in record:
        record["citation_key"] = record.pop("citationKey")
    notes = record.get("notes")
    if isinstance(notes, str):
        record["notes"] = [notes]
    elif isinstance(notes, list):
        record["notes"] = [_text_at(one, "note") if isinstance(one, Mapping) else one for one in notes]


def _status(record: dict[str, Any]) -> None:
    """What the services say of a retraction: OpenAlex's mark, Crossref's ``updated-by``, Europe PMC's types."""
    said = {str(one.get("type", "")).lower() for one in _objects(record.get("updated-by"))}
    types = record.get("pubTypeList")
    if isinstance(types, Mapping) and isinstance(types.get("pubType"), list):
        said |= {str(one).lower() for one in types["pubType"]}
    if record.get("is_retracted") is True or said & {"retraction", "removal", "withdrawal", "retracted publication"}:
        record["status"] = "retracted"
    elif said & {"expression_of_concern", "expression of concern"}:
        record["status"] = "concern"
    elif said & {"correction", "corrigendum", "erratum"}:
        record["status"] = "corrected"
