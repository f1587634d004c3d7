"""When two records are the same paper.

A record is known by its id, its DOI, its arXiv id, its PubMed id and its normalised title; two records that share one
of these keys are duplicates, with these rules:

- the versions of an arXiv paper (``2101.00001v1``, ``v3``) are one paper, and its DOI
  ``10.48550/arXiv.2101.00001`` is the same key as its arXiv id;
- DOIs are compared without resolver, prefix and case (the DOI Handbook defines them as case-insensitive);
- titles are compared by letters and digits alone. A title that says little ("Introduction", "Editorial",
  "Reply to the authors") is no key of its own: it counts only together with the beginning of the
  abstract, so that two editorials stay two papers;
- a title never merges two records whose DOIs, arXiv ids or PubMed ids differ, nor a preprint with its article, nor
  two that differ in year and authors: see :func:`same_paper`. Ids that a file gave to its own records (``smith2001``,
  ``17``) are no such proof;
- the versions of a preprint elsewhere (``…v2``, ``…/v1``) are one paper as well;
- a mark of retraction in a title ("RETRACTED: …") is no part of it; a notice about a paper is never that paper, and
  neither is a comment on it or a reply.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

from rag.datatypes import Paper
from rag.papers import kept_fields
from rag.papers.generic_titles import stands_in_every_issue
from rag.papers.names import name_parts
from rag.papers.preprints import arxiv_id_in_venue, doi_in_address, is_preprint_doi, is_server, without_version
from rag.papers.title_marks import commentary_in, unmarked
from rag.text.plaintext import clean_line
from rag.text.tokenization import tokens

# With fewer letters and digits than this, or fewer words, a title is not distinctive.
_ALIKE = 0.4  # share of words that two versions of one abstract have in common at least
_SHARED_TITLE = 0.5  # of the words of the shorter of two titles, from which on they may be versions of one
_MIN_TITLE_LENGTH = 12
_MIN_TITLE_WORDS = 2
_LONGEST_WORD = 100  # characters, of those that make an id; a title may be thousands of letters in a row
_ARXIV_NEW = r"\d{4}\.\d{4,5}"
_ARXIV_OLD = r"[a-z][a-z-]*(?:\.[A-Za-z]{2})?/\d{7}"
_ARXIV = re.compile(
    rf"\A(?:arxiv[:\s.]*|(?:https?://)?(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html)/)?({_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?(?:\.pdf)?",
    re.I,
)
_ARXIV_DOI = re.compile(rf"10\.48550/arxiv\.({_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?", re.I)
_DOI = re.compile(r"10\.\d{4,9}/\S+")
# Some databases write two of them.
_DOI_PREFIX = re.compile(r"^(?:\s*+(?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|doi[:\s]++))++\s*+", re.I)


def normalised_title(title: str) -> str:
    """Letters and digits of ``title``, lower case, without accents, words separated by single blanks.

    Empty where the title has neither letters nor digits.
    """
    letters = title.casefold()
    if not letters.isascii():
        decomposed = unicodedata.normalize("NFKD", letters)
        letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(re.findall(r"[^\W_]+", letters))


def normalised_doi(text: str) -> str:
    """The DOI in ``text`` in lower case without resolver, or ``''`` where it is none."""
    # What was percent-encoded may be a control character, and JSON may hold half a surrogate pair.
    found = _DOI.match(_DOI_PREFIX.sub("", clean_line(unquote(text))))
    return found.group().rstrip(".,;").lower() if found else ""


def bare_doi(paper: Paper) -> str:
    """The DOI without its resolver, empty where the field does not hold one."""
    doi = re.sub(r"^(https?://(dx\.)?doi\.org/|doi:\s*)", "", clean_line(paper.doi), flags=re.IGNORECASE)
    return doi if re.fullmatch(r"10\.\d{4,9}/\S+", doi) else ""


def normalised_arxiv_id(text: str) -> str:
    """The arXiv id in ``text`` (an id, ``arXiv:`` id, address or DOI) without version, or ``''``."""
    text = text.strip()
    found = _ARXIV_DOI.fullmatch(_DOI_PREFIX.sub("", text)) or _ARXIV.fullmatch(text)
    return found[1].lower() if found else ""


def doi(paper: Paper) -> str:
    """The paper's DOI, normalised, from ``doi``, ``url`` or ``id``; ``''`` without one or for arXiv's own DOIs.

    That of a preprint is without version; addresses at bioRxiv, medRxiv and SSRN hold one.
    """
    for text in (paper.doi, paper.url, paper.id):
        found = normalised_doi(text) or doi_in_address(text)
        if found:
            return "" if _ARXIV_DOI.fullmatch(found) else without_version(found)
    return ""


def arxiv_id(paper: Paper) -> str:
    """The paper's arXiv id without version, from ``doi``, ``url``, ``id`` or ``venue``; ``''`` without one."""
    texts = (paper.doi, paper.url, paper.id)
    return next((found for text in texts if (found := normalised_arxiv_id(text))), arxiv_id_in_venue(paper.venue))


def pubmed_id(paper: Paper) -> str:
    """The paper's PubMed id, from the kept field ``PMID``; ``''`` without one."""
    value = next((value for name, value in paper.fields if name.lower() in ("pmid", "pubmed_id")), "").strip('" ')
    return str(int(value)) if re.fullmatch(r"[0-9]{1,9}", value) else ""


def is_generic_title(title: str) -> bool:
    """Whether a title says too little to identify a paper ("Editorial", "Introduction", "AlexNet")."""
    words = normalised_title(title)
    return (
        len(words.replace(" ", "")) < _MIN_TITLE_LENGTH
        or len(words.split()) < _MIN_TITLE_WORDS
        or stands_in_every_issue(words)
    )


def is_preprint(paper: Paper) -> bool:
    """Whether a record is of a preprint: it has the id of a server or its name for a venue, and no journal's DOI."""
    if own := doi(paper):
        return is_preprint_doi(own)
    return bool(arxiv_id(paper)) or is_server(paper.venue)


def preprint_and_article(one: Paper, other: Paper) -> bool:
    """Whether ``one`` is a preprint and ``other`` what a journal, conference or publisher made of such a one."""
    if not is_preprint(one) or is_preprint(other):
        return False
    return bool(doi(other)) or bool(other.venue.strip() and (not one.venue.strip() or is_server(one.venue)))


@lru_cache(maxsize=1024)  # an import asks several times for each record
def identity_keys(paper: Paper) -> tuple[str, ...]:
    """The keys under which a library knows ``paper``, strongest first: id, DOI, arXiv id, PubMed id, title.

    Each begins with its kind (``id:``, ``doi:``, ``arxiv:``, ``pmid:``, ``title:``), so keys of two kinds never meet.
    A generic title is joined with a hash of the abstract's beginning, or left out where there is none.
    Sharing a key is necessary for two records to be the same paper; where the shared key is a title,
    ask :func:`same_paper` as well.
    """
    title = normalised_title(unmarked(paper.title))
    if title and is_generic_title(unmarked(paper.title)):
        start = normalised_title(paper.abstract)[:200]
        title = f"{title}|{_short_hash(start)}" if start else ""
    keys = {"id": paper.id, "doi": doi(paper), "arxiv": arxiv_id(paper), "pmid": pubmed_id(paper), "title": title}
    return tuple(f"{kind}:{value}" for kind, value in keys.items() if value)


def same_paper(one: Paper, other: Paper) -> bool:
    """Whether two records are the same paper: a shared key, and for a title nothing that contradicts it.

    A notice and a paper are not, whatever they share, nor a comment and what it is about. What contradicts a title:
    another DOI, arXiv id or PubMed id; that one is a preprint and the other its article; another year and other
    authors; abstracts with few words in common: parts of a series and technical reports often share a title. In a
    collection of such reports (Cranfield) records of one title share either over two thirds of their words or under
    one fifth.
    """
    if speaks_of_another(one) != speaks_of_another(other):
        return False
    shared = set(identity_keys(one)) & set(identity_keys(other))
    if shared and all(key.startswith("doi:") for key in shared) and parts_of_one_work(one, other):
        return False
    if any(not key.startswith("title:") for key in shared):
        return True
    return bool(shared) and not _contradict(one, other) and alike(one.abstract, other.abstract)


def speaks_of_another(paper: Paper) -> str:
    """``notice``, ``comment`` or ``reply`` where a record is about another paper; empty for a paper of its own."""
    return kept_fields.NOTICE if paper.status == kept_fields.NOTICE else commentary_in(paper.title)


def _contradict(one: Paper, other: Paper) -> bool:
    """Whether two records of one title differ in what one paper has only one of."""
    if any(a and b and a != b for a, b in ((of(one), of(other)) for of in (doi, arxiv_id, pubmed_id))):
        return True
    if preprint_and_article(one, other) or preprint_and_article(other, one):
        return True
    return None not in (one.year, other.year) and one.year != other.year and not share_authors(one, other)


def share_authors(one: Paper, other: Paper) -> bool:
    """Whether two records may be by the same people: a name in common, or one says nothing of its authors."""
    a, b = ({part for name in paper.authors for part in name_parts(name) if len(part) > 1} for paper in (one, other))
    return not a or not b or bool(a & b)


def parts_of_one_work(one: Paper, other: Paper) -> bool:
    """Whether two records under one DOI are two papers: chapters of a book, the abstracts of a supplement.

    Their titles have little in common, and no abstracts say that it is one text all the same.
    """
    a, b = (set(normalised_title(paper.title).split()) for paper in (one, other))
    if not a or not b or len(a & b) >= _SHARED_TITLE * min(len(a), len(b)):
        return False
    return not (one.abstract and other.abstract and alike(one.abstract, other.abstract))


def alike(one: str, other: str) -> bool:
    """Whether two abstracts may be versions of one; an empty one may be of any."""
    a, b = set(tokens(one)), set(tokens(other))
    return not a or not b or len(a & b) >= _ALIKE * len(a | b)


def likeness(one: Paper, other: Paper) -> float:
    """How much two records have in common, to choose between papers that are all but the same: 0 to about 6."""
    points = float(doi(one) == doi(other) != "") + float(normalised_title(one.title) == normalised_title(other.title))
    points += float(one.year == other.year) + float(bool(one.authors) and share_authors(one, other))
    for a, b in ((one.abstract, other.abstract), (one.venue, other.venue)):
        words, others = set(tokens(a)), set(tokens(b))
        points += len(words & others) / max(1, len(words | others))
    return points


def id_from_title(title: str) -> str:
    """A short, stable, readable id for a record that brings none: six words of the title and a hash of all."""
    words = normalised_title(title)
    ascii_words = [word[:_LONGEST_WORD] for word in words.split() if word.isascii()][:6]
    return "-".join([*ascii_words, _short_hash(words or title)])


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
