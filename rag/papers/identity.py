"""When two records are the same paper.

A record is known by its id, its DOI, its arXiv id, its PubMed id and its normalised title; two records that share one
of these keys are duplicates, with these rules:

- the versions of an arXiv paper (``2101.00001v1``, ``v3``) are one paper, and its DOI
  ``10.48550/arXiv.2101.00001`` is the same key as its arXiv id;
- DOIs are compared without resolver, prefix and case (the DOI Handbook defines them as case-insensitive);
- titles are compared by letters and digits alone. A title that says little ("Introduction", "Editorial",
  "Reply to the authors") is no key of its own: it counts only together with the beginning of the
  abstract, so that two editorials stay two papers;
- a title never merges two records whose DOIs differ, nor two whose arXiv ids differ: see
  :func:`same_paper`. Ids that a file gave to its own records (``smith2001``, ``17``) are no such proof;
- a mark of retraction in a title ("RETRACTED: …") is no part of it; a notice about a paper is never that paper.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import unquote

from rag.datatypes import Paper
from rag.papers import kept_fields
from rag.papers.title_marks import unmarked
from rag.text.plaintext import clean_line
from rag.text.tokenization import tokens

# With fewer letters and digits than this, or fewer words, a title is not distinctive.
_ALIKE = 0.4  # share of words that two versions of one abstract have in common at least
_SHARED_TITLE = 0.5  # of the words of the shorter of two titles, from which on they may be versions of one
_MIN_TITLE_LENGTH = 12
_MIN_TITLE_WORDS = 2
_LONGEST_WORD = 100  # characters, of those that make an id; a title may be thousands of letters in a row
_GENERIC = re.compile(
    r"(?:guest )?editorial(?: (?:note|board|introduction))?|"
    r"introduction(?: to (?:the|this) (?:special )?(?:issue|section|volume))?|"
    r"preface|foreword|erratum|errata|corrigendum|correction|retraction(?: notice)?|addendum|"
    r"letter to the editors?|from the editors?|message from the .{0,40}|in this issue|"
    r"(?:book |literature )?reviews?|keynote(?: address)?|invited (?:talk|paper)|discussion|comments?|"
    r"table of contents|front matter|back matter|index|contents|abstracts?|welcome|acknowledge?ments?|"
    r"(?:authors? )?(?:response|reply)(?: to .{0,40})?|conclusions?(?: and future work)?|untitled|title|no title"
)

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
    decomposed = unicodedata.normalize("NFKD", title.casefold())
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(re.findall(r"[^\W_]+", letters))


def normalised_doi(text: str) -> str:
    """The DOI in ``text`` in lower case without resolver, or ``''`` where it is none."""
    # What was percent-encoded may be a control character, and JSON may hold half a surrogate pair.
    found = _DOI.match(_DOI_PREFIX.sub("", clean_line(unquote(text))))
    return found.group().rstrip(".,;").lower() if found else ""


def normalised_arxiv_id(text: str) -> str:
    """The arXiv id in ``text`` (an id, ``arXiv:`` id, address or DOI) without version, or ``''``."""
    text = text.strip()
    found = _ARXIV_DOI.fullmatch(_DOI_PREFIX.sub("", text)) or _ARXIV.fullmatch(text)
    return found[1].lower() if found else ""


def doi(paper: Paper) -> str:
    """The paper's DOI, normalised, from ``doi``, ``url`` or ``id``; ``''`` without one or for arXiv's own DOIs."""
    for text in (paper.doi, paper.url, paper.id):
        found = normalised_doi(text)
        if found:
            return "" if _ARXIV_DOI.fullmatch(found) else found
    return ""


def arxiv_id(paper: Paper) -> str:
    """The paper's arXiv id without version, from ``doi``, ``url`` or ``id``; ``''`` without one."""
    return next((found for text in (paper.doi, paper.url, paper.id) if (found := normalised_arxiv_id(text))), "")


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
        or _GENERIC.fullmatch(words) is not None
    )


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

    A notice and a paper are not, whatever they share. A DOI or arXiv id that differs contradicts, and so do abstracts
    with few words in common: parts of a series and technical reports often share a title. In a collection of such
    reports (Cranfield) records of one title share either over two thirds of their words or under one fifth.
    """
    if (one.status == kept_fields.NOTICE) != (other.status == kept_fields.NOTICE):
        return False
    shared = set(identity_keys(one)) & set(identity_keys(other))
    if shared and all(key.startswith("doi:") for key in shared) and parts_of_one_work(one, other):
        return False
    if any(not key.startswith("title:") for key in shared):
        return True
    contradicts = any(a and b and a != b for a, b in ((doi(one), doi(other)), (arxiv_id(one), arxiv_id(other))))
    return bool(shared) and not contradicts and _alike(one.abstract, other.abstract)


def parts_of_one_work(one: Paper, other: Paper) -> bool:
    """Whether two records under one DOI are two papers: chapters of a book, the abstracts of a supplement.

    Their titles have little in common, and no abstracts say that it is one text all the same.
    """
    a, b = (set(normalised_title(paper.title).split()) for paper in (one, other))
    if not a or not b or len(a & b) >= _SHARED_TITLE * min(len(a), len(b)):
        return False
    return not (one.abstract and other.abstract and _alike(one.abstract, other.abstract))


def _alike(one: str, other: str) -> bool:
    """Whether two abstracts may be versions of one; an empty one may be of any."""
    a, b = set(tokens(one)), set(tokens(other))
    return not a or not b or len(a & b) >= _ALIKE * len(a | b)


def id_from_title(title: str) -> str:
    """A short, stable, readable id for a record that brings none: six words of the title and a hash of all."""
    words = normalised_title(title)
    ascii_words = [word[:_LONGEST_WORD] for word in words.split() if word.isascii()][:6]
    return "-".join([*ascii_words, _short_hash(words or title)])


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
