"""PubMed's XML: a ``PubmedArticleSet`` as its website, E-utilities and yearly files hold it.

https://dtd.nlm.nih.gov/ncbi/pubmed/doc/out/250101/ describes the elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from rag.datatypes import Paper
from rag.papers.importers import medline
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import Report, SourceFile
from rag.papers.importers.xml_records import elements, text_of, texts_of

_NAMES = "PubmedArticle|PubmedBookArticle"
_START = re.compile(r"<(?:PubmedArticleSet|PubmedArticle|PubmedBookArticle)[\s>]")

# CSL's variables and where their values are in the article's citation, or in the document of a book.
_ONE = {
    "container-title-short": ("Article/Journal/ISOAbbreviation", "MedlineJournalInfo/MedlineTA"),
    "volume": ("Article/Journal/JournalIssue/Volume", "Book/Volume"),
    "issue": ("Article/Journal/JournalIssue/Issue",),
    "page": ("Article/Pagination/MedlinePgn", "Pagination/MedlinePgn"),
    "original-title": ("Article/VernacularTitle", "VernacularTitle"),
    "publisher": ("Book/Publisher/PublisherName",),
    "publisher-place": ("Book/Publisher/PublisherLocation",),
    "collection-title": ("Book/CollectionTitle",),
    "edition": ("Book/Edition",),
    "nlm_id": ("MedlineJournalInfo/NlmUniqueID",),
    "country": ("MedlineJournalInfo/Country",),
    "rights": ("Article/Abstract/CopyrightInformation", "Abstract/CopyrightInformation"),
    "conflict_of_interest": ("CoiStatement",),
}
_LISTS = {
    "ISSN": "Article/Journal/ISSN", "language": "Article/Language", "ISBN": "Book/Isbn",
    "chemicals": "ChemicalList/Chemical/NameOfSubstance", "grants": "Article/GrantList/Grant/GrantID",
    "publication_types": "Article/PublicationTypeList/PublicationType",
}  # fmt: skip


def matches(sample: str) -> bool:
    """Whether the text is XML with such a set or an article of one."""
    return sample.lstrip().startswith("<") and _START.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; an article without a title or that is not XML is reported and skipped."""
    for line, element in elements(source, _NAMES, report):
        try:
            yield paper_from(_fields(element), f"pubmed-xml:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


def _fields(element: Element) -> dict[str, Any]:
    citation = next(
        (one for name in ("MedlineCitation", "BookDocument") if (one := element.find(name)) is not None), None
    )
    if citation is None:
        raise Rejected("it has no citation")
    article = citation.find("Article")
    body = citation if article is None else article
    fields: dict[str, Any] = {
        name: next((text for path in paths if (text := text_of(citation.find(path)))), "")
        for name, paths in _ONE.items()
    }
    fields |= {name: texts_of(citation.findall(path)) for name, path in _LISTS.items()}
    types = [*fields["publication_types"], *texts_of(citation.findall("PublicationType"))]
    links = citation.findall("CommentsCorrectionsList/CommentsCorrections")
    title, book = text_of(body.find("ArticleTitle")), text_of(citation.find("Book/BookTitle"))
    return {
        **fields,
        **_identifiers(element, body),
        "pmid": text_of(citation.find("PMID")),
        "title": title or book or fields["original-title"],
        "container-title": text_of(body.find("Journal/Title"))
        or fields["container-title-short"]
        or (book if title else ""),
        "abstract": _abstract(body.find("Abstract")) or _abstract(citation.find("OtherAbstract")),
        "author": _authors(body),
        "issued": _date(citation),
        "item_type": medline.kind(types) if article is not None else "chapter" if title else "book",
        "status": medline.status([*types, *(link.get("RefType", "") for link in links)]),
        "tags": [*texts_of(citation.findall("KeywordList/Keyword")), *_headings(citation)],
        "comments_corrections": [_link(link) for link in links],
    }


def _abstract(element: Element | None) -> str:
    """The paragraphs of an abstract, each after its label: ``METHODS: Twenty keepers wore warm socks.``"""
    parts = []
    for one in element.findall("AbstractText") if element is not None else ():
        label, text = one.get("Label", "").strip(), text_of(one)
        if text:
            parts.append(f"{label}: {text}" if label and label.upper() != "UNLABELLED" else text)
    return "\n".join(parts)


def _authors(body: Element) -> list[Any]:
    found: list[Any] = []
    for author in body.findall("AuthorList/Author"):
        if group := text_of(author.find("CollectiveName")):
            found.append({"literal": group})
        elif last := text_of(author.find("LastName")):
            first = text_of(author.find("ForeName")) or text_of(author.find("Initials"))
            suffix = text_of(author.find("Suffix"))
            found.append({"given": first, "family": f"{last} {suffix}".strip()})
    return found


def _date(citation: Element) -> str:
    """The date of the issue, or else of the article online: ``2021-03-04``, or as it stands (``2020 Dec-2021 Jan``)."""
    for path in ("Article/Journal/JournalIssue/PubDate", "Book/PubDate", "Article/ArticleDate", "ContributionDate"):
        date = citation.find(path)
        if date is None:
            continue
        parts = [text_of(date.find(name)) for name in ("Year", "Month", "Day")]
        if parts[0]:
            return "-".join(part for part in parts if part)
        if text := text_of(date.find("MedlineDate")):
            return text
    return ""


def _identifiers(element: Element, body: Element) -> dict[str, Any]:
    """The article's own DOI, number in PubMed Central and publisher's number; not those of what it cites."""
    data = ("PubmedData", "PubmedBookData")
    listed = [one for name in data for one in element.findall(f"{name}/ArticleIdList/ArticleId")]
    listed += body.findall("ArticleIdList/ArticleId")
    found = {one.get("IdType", ""): text_of(one) for one in reversed(listed)}
    electronic = {one.get("EIdType", ""): text_of(one) for one in body.findall("ELocationID")}
    return {
        "DOI": found.get("doi") or electronic.get("doi", ""),
        "PMCID": found.get("pmc", ""),
        "pii": found.get("pii") or electronic.get("pii", ""),
    }


def _headings(citation: Element) -> list[str]:
    """``Foot/blood supply`` for a heading and its qualifier."""
    return [
        "/".join(texts_of([one for one in heading if one.tag in ("DescriptorName", "QualifierName")]))
        for heading in citation.findall("MeshHeadingList/MeshHeading")
    ]


def _link(link: Element) -> str:
    """``RetractionIn: Lighthouse Med. 2022;2:1 (PMID 700009)``."""
    number = text_of(link.find("PMID"))
    return f"{link.get('RefType', '')}: {text_of(link.find('RefSource'))}{f' (PMID {number})' if number else ''}"
