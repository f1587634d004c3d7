"""Papers as bibliographies: references for readers here, files for programs in ``exporters/``.

All functions are pure, keep the order of the papers that they are given, and treat every field as
data: characters that mean something in the target format are escaped. :data:`FORMATS` maps the
names of the formats to the functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote

from rag.datatypes import Paper
from rag.papers.citation_keys import citation_keys as citation_keys
from rag.papers.exporters.bibtex import to_bibtex as to_bibtex
from rag.papers.exporters.csl_json import to_csl_json as to_csl_json
from rag.papers.exporters.ris import to_ris as to_ris
from rag.papers.identity import arxiv_id, bare_doi
from rag.papers.retractions import label
from rag.papers.zotero.place import select_address as zotero_address
from rag.text.unseen import clean as clean
from rag.text.unseen import one_line as one_line


def byline(paper: Paper, most: int = 6) -> str:
    """Authors as one reads them: at most ``most`` names, then how many more there are."""
    names = [one_line(name) for name in paper.authors if name.strip()]
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def web_address(paper: Paper) -> str:
    """Where the paper is on the web: its address, else its DOI's, else nothing. Only http and https count."""
    url = one_line(paper.url)
    if re.fullmatch(r"https?://[^\s<>\"\\^`{|}]+", url, re.IGNORECASE):
        return url
    doi = bare_doi(paper)
    return f"https://doi.org/{quote(doi, safe='/():;.-_')}" if doi else ""


def addresses(paper: Paper) -> list[tuple[str, str]]:
    """Where the paper is, as (label, address): arXiv, DOI, its own address where that is neither, its Zotero item."""
    found = []
    arxiv, doi, url = arxiv_id(paper), bare_doi(paper), web_address(paper)
    if arxiv:
        found.append((f"arXiv:{arxiv}", f"https://arxiv.org/abs/{quote(arxiv, safe='/.-')}"))
    if doi and not re.match(r"10\.48550/arxiv\.", doi, re.IGNORECASE):
        found.append((f"doi:{doi}", f"https://doi.org/{quote(doi, safe='/():;.-_')}"))
    host = re.sub(r"^https?://(www\.|dx\.)?", "", url, flags=re.IGNORECASE).partition("/")[0].lower()
    if url and not (arxiv and host == "arxiv.org") and not (doi and host == "doi.org"):
        found.append((url, url))
    if item := zotero_address(paper):
        found.append(("Zotero", item))
    return found


def reference(paper: Paper) -> str:
    """One line of plain text: authors, year, title, venue, address."""
    return f"{_without_address(paper)} {web_address(paper)}".strip()


def markdown_reference(paper: Paper) -> str:
    """:func:`reference` in Markdown, the address as a link."""
    address = web_address(paper)
    return f"{markdown(_without_address(paper))} {f'<{address}>' if address else ''}".strip()


def _without_address(paper: Paper) -> str:
    lead = byline(paper)
    year = f"({paper.year})" if paper.year is not None else ""
    head = " ".join(part for part in (lead, year) if part)
    mark = f"[{label(paper)}]" if paper.status else ""
    parts = [head, one_line(paper.title), one_line(paper.venue), mark]
    return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part)


def to_markdown_list(papers: Iterable[Paper]) -> str:
    """A Markdown list, one paper a line."""
    return "".join(f"- {markdown_reference(paper)}\n" for paper in papers)


FORMATS: dict[str, Callable[[Iterable[Paper]], str]] = {
    "bibtex": to_bibtex,
    "ris": to_ris,
    "csl-json": to_csl_json,
    "markdown": to_markdown_list,
}


def markdown(text: str) -> str:
    """The text such that Markdown shows it as it stands: no markup, no HTML, no link, no formula."""
    # A backslash before ASCII punctuation is always literal (CommonMark 2.4); entities cover raw HTML.
    escaped = re.sub(r"([\\`*_\[\]{}#|~$!])", r"\\\1", one_line(text))
    escaped = re.sub(r"&(?=#?\w+;)", "&amp;", escaped).replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"^(\d+)([.)])(?=\s)|^([-+=])", lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", escaped)
