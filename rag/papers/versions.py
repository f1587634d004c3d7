"""Versions of one work that are papers of their own: a preprint and its article, an article that appeared twice; pure.

They are linked, not merged: they differ in what they say, and in who vouches for it. A link comes from what the records
have in common (:func:`relation`), or from one that names the other (:func:`named_versions`): Crossref's ``relation``,
DataCite's ``relatedIdentifiers``, PubMed's ``UpdateIn`` and ``UpdateOf``, bioRxiv's ``published``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rag.datatypes import Paper, Version
from rag.papers import kept_fields
from rag.papers.identity import (
    alike,
    doi,
    is_generic_title,
    normalised_arxiv_id,
    normalised_doi,
    preprint_and_article,
    share_authors,
    speaks_of_another,
)
from rag.papers.preprints import without_version
from rag.text.unseen import one_line

PUBLISHED_AS, PREPRINT, VERSION = "published_as", "preprint", "version"
_WORDS = {PUBLISHED_AS: "published as", PREPRINT: "preprint:", VERSION: "also published as"}
_FIELDS = frozenset(
    ("relation", "relatedidentifiers", "related_identifiers", "comments_corrections", "published", "published_doi")
)
_OF_VERSIONS = re.compile(
    r"\A(?:is|has)?(?:preprint|versionof|version|previousversionof|newversionof|variantformof|originalformof|publishedin)"
    r"(?:of)?\Z|\Aupdate(?:in|of)\Z"
)


def relation(one: Paper, other: Paper, *, named: bool = False) -> str:
    """What ``other`` is to ``one``: :data:`PUBLISHED_AS`, :data:`PREPRINT`, :data:`VERSION`; empty for another work.

    The two must share a title, or with ``named`` one must name the other.
    """
    if speaks_of_another(one) or speaks_of_another(other):
        return ""
    kind = VERSION
    if preprint_and_article(one, other):
        kind = PUBLISHED_AS
    elif preprint_and_article(other, one):
        kind = PREPRINT
    if named:
        return kind
    if is_generic_title(one.title) or not share_authors(one, other):
        return ""
    authors_known = bool(one.authors and other.authors)
    if kind == VERSION:
        apart = doi(one) != doi(other) and authors_known
        return kind if apart and alike(one.abstract, other.abstract) else ""
    return kind if authors_known or alike(one.abstract, other.abstract) else ""


def version_of(paper: Paper, kind: str) -> Version:
    """``paper`` as a version of another one."""
    return Version(kind, paper.id, paper.title, paper.venue, paper.year, paper.doi)


def version_words(version: Version) -> str:
    """``published as Journal of Wool (2021), doi:10.5555/wool.1``; a title where there is no venue."""
    year = f" ({version.year})" if version.year is not None else ""
    where = f"{one_line(version.venue) or f'“{one_line(version.title)}”'}{year}"
    found = normalised_doi(version.doi)
    return f"{_WORDS.get(version.relation, _WORDS[VERSION])} {where}{f', doi:{found}' if found else ''}"


def versions_line(versions: Iterable[Version]) -> str:
    """Of all versions of a paper, as a sentence: ``Published as …; preprint: ….``; empty without any."""
    words = "; ".join(version_words(one) for one in versions)
    return f"{words[0].upper()}{words[1:]}." if words else ""


def named_versions(paper: Paper) -> tuple[str, ...]:
    """The identity keys of the records that ``paper`` names as versions of itself, each once."""
    if not any(name.lower() in _FIELDS for name, _ in paper.fields):
        return ()
    kept = {name.lower(): value for name, value in kept_fields.unpack(paper).items()}
    found: list[str] = []
    for name in ("published", "published_doi"):
        found += _keys(kept.get(name))
    relations = kept.get("relation")
    for kind, listed in relations.items() if isinstance(relations, Mapping) else ():
        if _is_of_versions(kind):
            found += (key for one in _objects(listed) for key in _keys(one.get("id")))
    for name in ("relatedidentifiers", "related_identifiers"):
        for one in _objects(kept.get(name)):
            if _is_of_versions(one.get("relationType")):
                found += _keys(one.get("relatedIdentifier"))
    for one in _objects(kept.get("comments_corrections")):
        pmid = str(one.get("pmid", one.get("PMID", "")))
        if _is_of_versions(one.get("type")) and re.fullmatch(r"[0-9]{1,9}", pmid):
            found.append(f"pmid:{int(pmid)}")
    return tuple(dict.fromkeys(found))


def _is_of_versions(kind: Any) -> bool:
    return _OF_VERSIONS.match(re.sub(r"[^a-z]", "", str(kind)[:100].lower())) is not None


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    listed = value if isinstance(value, list) else [value]
    return (one for one in listed if isinstance(one, Mapping))


def _keys(value: Any) -> list[str]:
    """The identity key of a DOI or arXiv id; none for any other value."""
    if not isinstance(value, str):
        return []
    if arxiv := normalised_arxiv_id(value):
        return [f"arxiv:{arxiv}"]
    found = normalised_doi(value)
    return [f"doi:{without_version(found)}"] if found else []
