"""Papers as one file: records for other programs, or a list of references for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.datatypes import Paper
from rag.errors import FootnoteError
from rag.papers.bibliography import FORMATS as RECORDS


@dataclass(frozen=True, slots=True)
class PaperFormat:
    """A kind of file: what it is called, how its name ends, and whether it is written in a citation style."""

    label: str
    ending: str
    in_style: bool = False


PAPER_FORMATS: dict[str, PaperFormat] = {
    "bibtex": PaperFormat("BibTeX", ".bib"),
    "ris": PaperFormat("RIS", ".ris"),
    "csl-json": PaperFormat("CSL-JSON", ".csl.json"),
    "markdown": PaperFormat("References in Markdown", ".md", True),
    "text": PaperFormat("References as text", ".txt", True),
    "html": PaperFormat("References as a web page", ".html", True),
}


def export_papers(papers: Sequence[Paper], format: str, style: bytes | None = None) -> str:
    """``papers`` as the text of one file in one of :data:`PAPER_FORMATS`.

    ``style`` is the file of a citation style (None: APA's); a list of references stands in its order, records in the
    order given. Raises :class:`FootnoteError` for a format that is none, :class:`rag.errors.StyleError` for a style
    that cannot be used.
    """
    if format not in PAPER_FORMATS:
        raise FootnoteError(f"'{format}' is not a format. Use one of {', '.join(PAPER_FORMATS)}.")
    if not PAPER_FORMATS[format].in_style:
        return RECORDS[format](papers)
    from rag.papers.styles.finding import DEFAULT, find_style
    from rag.papers.styles.references import reference_list

    return reference_list(papers, find_style(DEFAULT) if style is None else style, format)
