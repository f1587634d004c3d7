"""Papers as bibliographies: BibTeX, RIS, CSL-JSON and Markdown.

All functions are pure, keep the order of the papers that they are given, and treat every field as
data: characters that mean something in the target format are escaped. :data:`FORMATS` maps the
names of the formats to the functions.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

from rag.datatypes import Paper
from rag.papers.csl_names import csl_extras
from rag.papers.identity import arxiv_id
from rag.papers.retractions import label
from rag.papers.zotero.place import select_address as zotero_address
from rag.text.unseen import clean as clean
from rag.text.unseen import escaped_json
from rag.text.unseen import one_line as one_line

_KINDS = {  # BibTeX's entry type, RIS's, CSL's
    "article": ("article", "JOUR", "article-journal"),
    "conference": ("inproceedings", "CONF", "paper-conference"),
    "preprint": ("misc", "GEN", "article"),
}
_OWN_KEY = re.compile(r"\w(?:[\w:.+/-]{0,200}\w)?")  # Pandoc ends a key at other characters, and at a last dot
_PIECE = 1_000  # characters that are encoded for LaTeX at a time
_LONGEST_NAME = 1_000  # characters of a name that is divided into its parts
_STOPWORDS = frozenset(
    "a an and at by can do does for from how in is of on or the to towards via what when with".split()
)


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


def bare_doi(paper: Paper) -> str:
    """The DOI without its resolver, empty where the field does not hold one."""
    doi = re.sub(r"^(https?://(dx\.)?doi\.org/|doi:\s*)", "", one_line(paper.doi), flags=re.IGNORECASE)
    return doi if re.fullmatch(r"10\.\d{4,9}/\S+", doi) else ""


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


def to_bibtex(papers: Iterable[Paper], *, abstracts: bool = True) -> str:
    """BibTeX, one entry a paper, keys unique within the result. LaTeX's own characters are escaped."""
    from bibtexparser import Library, write_string
    from bibtexparser.model import Entry, Field

    papers = list(papers)
    entries = []
    for paper, key in zip(papers, citation_keys(papers), strict=True):
        kind = _kind(paper)
        venue = {"conference": "booktitle", "article": "journal"}.get(kind, "howpublished")
        fields = {
            # A second pair of braces keeps the capitals of names and acronyms.
            "title": f"{{{_latex(paper.title)}}}",
            "author": " and ".join(_latex_name(name) for name in paper.authors if name.strip()),
            "year": "" if paper.year is None else str(paper.year),
            venue: _latex(paper.venue),
            "doi": _address_for_bibtex(bare_doi(paper)),
            "url": _address_for_bibtex(one_line(paper.url)),
            "abstract": _latex(paper.abstract) if abstracts else "",
            "note": label(paper),
        }
        kept = [Field(name, f"{{{value}}}") for name, value in fields.items() if value and value != "{}"]
        entries.append(Entry(_KINDS[kind][0], key, kept))
    # An empty stack: the values are enclosed and escaped above.
    return str(write_string(Library(entries), unparse_stack=[]))


def to_ris(papers: Iterable[Paper]) -> str:
    """RIS, one record a paper. Values are single lines, as the format wants them."""
    import rispy

    records = []
    for paper in papers:
        record: dict[str, Any] = {
            "type_of_reference": _KINDS[_kind(paper)][1],
            "id": one_line(paper.id),
            "title": one_line(paper.title),
            "authors": [_inverted(name) for name in paper.authors if name.strip()],
            "year": "" if paper.year is None else str(paper.year),
            "secondary_title": one_line(paper.venue),
            "doi": bare_doi(paper),
            "urls": [one_line(paper.url)] if paper.url.strip() else [],
            "abstract": one_line(paper.abstract),
            "notes": [label(paper)] if paper.status else [],
        }
        records.append({name: value for name, value in record.items() if value})
    return str(rispy.dumps(records)) if records else ""


def to_csl_json(papers: Iterable[Paper]) -> str:
    """CSL-JSON (citationstyles.org, schema 1.0): what Zotero, Pandoc and citeproc read."""
    items = []
    for paper in papers:
        item: dict[str, Any] = {
            "id": one_line(paper.id),
            "citation-key": one_line(paper.key),
            "type": one_line(paper.kind) or _KINDS[_kind(paper)][2],
            "title": one_line(paper.title),
            "author": [_csl_name(name) for name in paper.authors if name.strip()],
            "container-title": one_line(paper.venue),
            "DOI": bare_doi(paper),
            "URL": one_line(paper.url),
            "abstract": clean(paper.abstract).strip(),
            "status": paper.status,
        }
        if paper.year is not None:
            item["issued"] = {"date-parts": [[paper.year]]}
        item |= csl_extras(paper)
        items.append({name: value for name, value in item.items() if value})
    return escaped_json(json.dumps(items, ensure_ascii=False, indent=2)) + "\n"


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


def citation_keys(papers: Sequence[Paper]) -> list[str]:
    """A key for each paper, all different: the user's own, else from author, year and first telling word of the title.

    A key that BibTeX and Pandoc could not read as one is not used.
    """
    keys: list[str] = []
    taken: set[str] = set()
    for paper in papers:
        family = _ascii(_name_parts(paper.authors[0])[1]) if paper.authors else ""
        words = [word for word in re.findall(r"[a-z0-9]+", _ascii(paper.title, " ")) if word not in _STOPWORDS]
        year = "" if paper.year is None else str(paper.year)
        made = f"{family}{year}{words[0] if words else ''}" or "paper"
        stem = key = paper.key if _OWN_KEY.fullmatch(paper.key) else made
        count = 1
        while key in taken:
            count += 1
            key = f"{stem}-{count}"
        taken.add(key)
        keys.append(key)
    return keys


def _ascii(text: str, gap: str = "") -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", gap, plain)


def _kind(paper: Paper) -> str:
    venue = paper.venue.strip().lower()
    if not venue or "arxiv" in venue or "preprint" in venue:
        return "preprint"
    return "conference" if re.search(r"\b(proc|proceedings|conference|workshop|symposium)\b", venue) else "article"


@cache
def _latex_encoder() -> Callable[[str], str]:
    from pylatexenc.latexencode import RULE_DICT, UnicodeToLatexConversionRule, UnicodeToLatexEncoder

    # BibTeX counts braces even behind a backslash, so a lone one would swallow the rest of the file.
    braces = {ord("{"): r"\ensuremath{\lbrace}", ord("}"): r"\ensuremath{\rbrace}"}
    encoder = UnicodeToLatexEncoder(
        conversion_rules=[UnicodeToLatexConversionRule(RULE_DICT, braces), "defaults"],
        replacement_latex_protection="braces-all",
        unknown_char_policy="keep",
        unknown_char_warning=False,
    )
    return encoder.unicode_to_latex  # type: ignore[no-any-return]


def _latex(text: str) -> str:
    # In pieces: the encoder looks at one character at a time, and at all that it has written for each.
    encode, line = _latex_encoder(), one_line(text)
    return "".join(encode(line[at : at + _PIECE]) for at in range(0, len(line), _PIECE))


def _latex_name(name: str) -> str:
    text = _latex(name)
    # 'and' separates authors and a comma the parts of a name; within braces they are letters.
    return f"{{{text}}}" if re.search(r"\band\b", name) or name.count(",") > 2 else text


def _address_for_bibtex(address: str) -> str:
    return re.sub(r"[{}\\\s]", lambda match: quote(match[0]), address)


def _name_parts(name: str) -> tuple[str, str]:
    """Given and family name, the particles with the family."""
    from bibtexparser.middlewares.names import InvalidNameError, parse_single_name_into_parts

    text = one_line(name)
    if len(text) > _LONGEST_NAME:
        return "", text
    try:
        parts = parse_single_name_into_parts(text, strict=False)
    except InvalidNameError:
        return "", text
    family = " ".join([*parts.von, *parts.last, *parts.jr]).replace("{", "").replace("}", "")
    return (" ".join(parts.first), family) if family else ("", text)


def _inverted(name: str) -> str:
    given, family = _name_parts(name)
    return f"{family}, {given}" if given else family


def _csl_name(name: str) -> dict[str, str]:
    given, family = _name_parts(name)
    return {"family": family, "given": given} if given else {"literal": family}
