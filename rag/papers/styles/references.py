"""Papers as a list of references in a citation style, as plain text, Markdown or HTML. No paper is ever left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from rag.datatypes import Paper
from rag.papers.bibliography import markdown, markdown_reference, one_line, reference, web_address
from rag.papers.identity import bare_doi
from rag.papers.retractions import label as status_label
from rag.papers.styles.marks import to_html, to_markdown, to_plain, without_marks

TEXT, MARKDOWN, HTML = "text", "markdown", "html"
_SAFE_DOI = re.compile(r"10\.\d{4,9}/[\w/():;.-]+")


@dataclass(frozen=True, slots=True)
class Styled:
    """References in a style: ``texts`` are those of the papers in the order given, each in ``format``.

    ``order`` is the order that the style lists them in, as indices; ``label`` what stands around a number where the
    style numbers them, else None.
    """

    texts: tuple[str, ...]
    order: tuple[int, ...]
    label: tuple[str, str] | None


def styled(papers: Sequence[Paper], style: bytes, format: str = TEXT) -> Styled:
    """The references of ``papers`` in the style whose file is ``style`` (:mod:`rag.papers.styles.finding`).

    One that the style makes nothing of stands as :func:`rag.papers.bibliography.reference` has it; that a paper was
    retracted or corrected stands behind it in every style. Raises :class:`rag.errors.StyleError`.
    """
    from rag.papers.styles.items import to_reference
    from rag.papers.styles.processor import Style

    ready = Style(style)
    order, made = ready.rendered([to_reference(paper, str(place)) for place, paper in enumerate(papers)])
    texts = tuple(_text(paper, text, format) for paper, text in zip(papers, made, strict=True))
    return Styled(texts, tuple(order), ready.label)


def reference_list(papers: Sequence[Paper], style: bytes, format: str = TEXT) -> str:
    """All references in the style's order, numbered where the style numbers them: a file of ``format``.

    Raises :class:`rag.errors.StyleError`.
    """
    made = styled(papers, style, format)
    texts = [made.texts[place] for place in made.order]
    if format == HTML:
        return html_list(texts, made.label is not None)
    if made.label is None:
        return "".join(f"- {text}\n" for text in texts) if format == MARKDOWN else "".join(f"{t}\n" for t in texts)
    before, behind = made.label
    numbers = (f"{before}{number}{behind}" for number in range(1, len(texts) + 1))
    between, plain = ("\n\n", markdown) if format == MARKDOWN else ("\n", str)
    return "".join(f"{plain(number)} {text}{between}" for number, text in zip(numbers, texts, strict=True)).rstrip() + (
        "\n" if texts else ""
    )


def html_list(texts: Sequence[str], numbered: bool) -> str:
    """References in HTML as one page that needs nothing else."""
    tag = "ol" if numbered else "ul"
    rows = "".join(f'<li dir="auto">{text}</li>\n' for text in texts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'\">\n"
        '<meta name="referrer" content="no-referrer">\n<title>References</title>\n'
        "<style>body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.5; } "
        "ul { list-style: none; padding: 0; } ul li { padding-left: 2em; text-indent: -2em; } "
        "li { margin-bottom: 0.6rem; overflow-wrap: anywhere; }</style>\n</head>\n<body>\n<h1>References</h1>\n"
        f"<{tag}>\n{rows}</{tag}>\n</body>\n</html>\n"
    )


def _text(paper: Paper, made: str, format: str) -> str:
    mark = f" [{status_label(paper)}]" if paper.status else ""
    if not _says(paper, made):
        return _unstyled(paper, format)
    if format == TEXT:
        return to_plain(made) + mark
    text = f"{made}{mark}"
    # Only the paper's own address is made a link, not one that its title may hold.
    address = next((one for one in _addresses(paper) if one in text), "")
    before, _, behind = text.partition(address) if address else (text, "", "")
    if format == HTML:
        shown = escape(address)
        link = f'<a href="{shown}" rel="noopener noreferrer nofollow">{shown}</a>' if address else ""
        return f"{to_html(before)}{link}{to_html(behind)}"
    return "".join([_markdown(before), f"<{address}>" if address else "", _markdown(behind)])


def _addresses(paper: Paper) -> list[str]:
    doi = bare_doi(paper)
    return [one for one in (f"https://doi.org/{doi}" if _SAFE_DOI.fullmatch(doi) else "", web_address(paper)) if one]


def _markdown(text: str) -> str:
    return to_markdown(text, _escaped)


def _escaped(text: str) -> str:
    """Escaped for Markdown; the spaces at both ends stay, since the text goes on there."""
    inner = text.strip()
    if not inner:
        return text
    start = text.index(inner)
    return f"{text[:start]}{markdown(inner)}{text[start + len(inner) :]}"


def _says(paper: Paper, made: str) -> bool:
    """Whether a reference tells which paper is meant: some styles leave titles out, none title and authors."""
    said = _letters(without_marks(made))
    title = _letters(one_line(paper.title))
    authors = [_letters(one_line(name).rpartition(" ")[2]) for name in paper.authors if name.strip()]
    return bool(said) and bool((title and title in said) or any(name and name in said for name in authors))


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _unstyled(paper: Paper, format: str) -> str:
    if format == MARKDOWN:
        return markdown_reference(paper) or markdown(paper.id)
    plain = reference(paper) or one_line(paper.id)
    return escape(plain) if format == HTML else plain
