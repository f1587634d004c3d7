"""``/api/v1/search``: the papers of a library, ranked for a text."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from rag.api.problems import Json
from rag.api.requests import LONGEST_TEXT, MOST_HITS, Library_, Searched, Year
from rag.api.service import Service
from rag.output.records import hits_json
from rag.questions.cleaning import clean
from rag.ui.recent import Recent

Kept = Recent[dict[str, Any]]
MOST_KEPT = 20_000  # hits of the last searches, half a kilobyte each
Several = Annotated[list[str], Query(max_length=1_000)]


def routes(service: Service) -> APIRouter:
    """The routes."""
    router, kept = APIRouter(tags=["search"]), Recent[dict[str, Any]](lambda hits: 1 + len(hits["hits"]), MOST_KEPT)

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
        tag: Several = [],  # noqa: B006
        collection: Several = [],  # noqa: B006
    ) -> Json:
        """One hit per paper, best first: the object that `footnote search --json` prints."""
        return await found(
            Searched(query=query, k=k, library=library, since=since, until=until, venues=venue, sources=source,
                     papers=paper, tags=tag, collections=collection)
        )  # fmt: skip

    @router.post("/search", summary="Rank papers for a long text", response_class=Json)
    async def search_for(searched: Searched) -> Json:
        """As with GET, for texts that are too long for an address."""
        return await found(searched)

    async def found(searched: Searched) -> Json:
        clean(searched.query)
        return Json(await service.in_thread(lambda: _hits(service, searched, kept)))

    return router


def _hits(service: Service, searched: Searched, kept: Kept) -> dict[str, Any]:
    pipeline = service.quoting(searched.library)
    scope = searched.scope_in(pipeline.library)
    # The same search of the same papers finds the same.
    state = pipeline.library.fingerprint, pipeline.library.without_vectors
    key = repr((state, pipeline.this_year, searched.query, searched.k, scope))
    if (hits := kept.get(key)) is None:
        hits = hits_json(searched.query, pipeline.find(searched.query, searched.k, scope))
        kept.keep(key, hits)
    return {**hits, "id": searched.id}
