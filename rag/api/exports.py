"""``GET /api/v1/export``: papers as BibTeX, RIS, CSL-JSON or a list of references in a citation style."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from rag.api.papers import Several
from rag.api.requests import LONGEST_TEXT, Library_, Year
from rag.api.service import Service
from rag.errors import ScopeError
from rag.library.storage.browsing import PaperFilter
from rag.output.exports.papers import PAPER_FORMATS, export_papers
from rag.papers.styles.finding import chosen_style
from rag.text.unseen import one_line

MOST_IN_STYLE = 2_000  # references of one request: some milliseconds each
Format = Literal["bibtex", "ris", "csl-json", "markdown", "text", "html"]
assert {*Format.__args__} == {*PAPER_FORMATS}  # type: ignore[attr-defined]
_TYPES = {"csl-json": "application/vnd.citationstyles.csl+json", "markdown": "text/markdown", "html": "text/html"}
_STYLE = "Of lists of references: the name of a citation style, as apa, vancouver or ieee; empty: that of the settings"


def routes(service: Service) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["papers"])

    @router.get("/export", summary="Export papers", response_class=Response)
    async def export(
        library: Library_ = "",
        format: Format = "bibtex",
        style: Annotated[str, Query(max_length=200, description=_STYLE)] = "",
        paper: Annotated[list[str], Query(max_length=1_000, description="Ids of papers, as an answer cites them")] = [],  # noqa: B006
        text: Annotated[str, Query(max_length=LONGEST_TEXT, description="Words that a paper must have")] = "",
        since: Year | None = None,
        until: Year | None = None,
        venue: Several = [],  # noqa: B006
        source: Several = [],  # noqa: B006
        abstract: Annotated[bool | None, Query(description="Only papers with one, or only those without")] = None,
    ) -> Response:
        """All papers of a library, those that a filter leaves, or chosen ones (`paper`, which may be repeated).

        `markdown`, `text` and `html` are lists of references in a citation style, of at most 2,000 papers.
        """
        chosen = PaperFilter(text, since, until, tuple(venue), tuple(source), abstract)
        written = await service.in_thread(lambda: _written(service, library, chosen, paper, format, style))
        name = f"papers{PAPER_FORMATS[format].ending}"
        kept = {"content-disposition": f'attachment; filename="{name}"', "x-content-type-options": "nosniff"}
        return Response(written, 200, kept, f"{_TYPES.get(format, 'text/plain')}; charset=utf-8")

    return router


def _written(
    service: Service, library: str, filtered: PaperFilter, wanted: list[str], format: Format, style: str
) -> bytes:
    """The file. Raises :class:`ScopeError` for papers that are not there, or too many for a style."""
    opened = service.library(library)
    ids = opened.ids(filtered)
    if wanted:
        missing = sorted({*wanted} - {*opened.get_papers(wanted)})
        if missing:
            raise ScopeError(f"There is no paper '{one_line(missing[0])[:200]}' in this library. Take its id out.")
        admitted = set(ids)
        ids = [id for id in dict.fromkeys(wanted) if id in admitted]
    in_style = PAPER_FORMATS[format].in_style
    if in_style and len(ids) > MOST_IN_STYLE:
        raise ScopeError(
            f"These are {len(ids):,} papers, and a list of references takes at most {MOST_IN_STYLE:,}. Narrow "
            "them down, export records, or use 'footnote export'."
        )
    papers = list(opened.get_papers(ids).values())
    chosen = chosen_style(style, service.settings.citation_style) if in_style else None
    return export_papers(papers, format, chosen).encode("utf-8", "replace")
