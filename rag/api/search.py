"""``/api/v1/search``: the papers of a library, ranked for a text."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from rag.api.problems import Json
from rag.api.requests import LONGEST_TEXT, MOST_HITS, Library_, Searched, Year
from rag.api.service import Service
from rag.output.records import hits_json
from rag.questions.cleaning import clean

Several = Annotated[list[str], Query(max_length=1_000)]


def routes(service: Service) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["search"])

    @router.get("/search", summary="Rank papers for a text", response_class=Json)
    async def search(
        query: Annotated[str, Query(max_length=LONGEST_TEXT)],
        k: Annotated[int, Query(ge=1, le=MOST_HITS)] = 10,
        library: Library_ = "",
        since: Year | None = None,
        until: Year | None = None,
        venue: Several = [],  # noqa: B006  FastAPI reads it and changes nothing
        source: Several = [],  # noqa: B006
        paper: Several = [],  # noqa: B006
    ) -> Json:
        """One hit per paper, best first: the object that `footnote search --json` prints."""
        return await found(
            Searched(query=query, k=k, library=library, since=since, until=until, venues=venue, sources=source,
                     papers=paper)
        )  # fmt: skip

    @router.post("/search", summary="Rank papers for a long text", response_class=Json)
    async def search_for(searched: Searched) -> Json:
        """As with GET, for texts that are too long for an address."""
        return await found(searched)

    async def found(searched: Searched) -> Json:
        clean(searched.query)
        return Json(await service.in_thread(lambda: _hits(service, searched)))

    return router


def _hits(service: Service, searched: Searched) -> dict[str, Any]:
    pipeline = service.quoting(searched.library)
    hits = pipeline.find(searched.query, searched.k, searched.scope_in(pipeline.library))
    return hits_json(searched.query, hits, searched.id)
