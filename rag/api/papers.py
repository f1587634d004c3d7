"""``/api/v1/papers``: list, read and delete the papers of a library."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response

from rag.api.access import require_editor
from rag.api.problems import Json
from rag.api.requests import LONGEST_TEXT, Library_, Year
from rag.api.service import Service
from rag.library.storage.browsing import PaperFilter
from rag.output.presentation import versions_json
from rag.output.records import paper_json
from rag.questions.named_scope import collections_named, tags_named

_NO_PAPER = "There is no paper with this id in the library."
MOST_LISTED = 500
Several = Annotated[list[str], Query(max_length=1_000)]


def routes(service: Service) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["papers"])
    _add_listing(router, service)
    _add_single(router, service)
    return router


def _add_listing(router: APIRouter, service: Service) -> None:
    @router.get("/papers", summary="List papers", response_class=Json)
    async def papers(
        library: Library_ = "",
        text: Annotated[str, Query(max_length=LONGEST_TEXT, description="Words that a paper must have")] = "",
        since: Year | None = None,
        until: Year | None = None,
        venue: Several = [],  # noqa: B006  FastAPI reads it and changes nothing
        source: Several = [],  # noqa: B006
        tag: Several = [],  # noqa: B006
        collection: Several = [],  # noqa: B006
        abstract: Annotated[bool | None, Query(description="Only papers with one, or only those without")] = None,
        sort: Literal["id", "title", "authors", "year", "venue", "source"] = "id",
        descending: bool = False,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
    ) -> Json:
        """A page of the papers that fit, and how many fit in all. Names may be repeated; a collection is a path
        and holds those below it."""

        def listed() -> dict[str, Any]:
            opened = service.library(library)
            tags = tags_named(tag, opened.group_names("tags")) if any(tag) else tuple(tag)
            paths = opened.group_names("collections") if any(collection) else ()
            collections = collections_named(collection, paths) if any(collection) else tuple(collection)
            chosen = PaperFilter(text, since, until, tuple(venue), tuple(source), abstract, tags, collections)
            page = opened.page(chosen, sort, descending, offset, limit)
            return {"total": page.total, "offset": offset, "papers": [paper_json(one) for one in page.papers]}

        return Json(await service.in_thread(listed))


def _add_single(router: APIRouter, service: Service) -> None:
    @router.get("/papers/{paper_id:path}", summary="Read a paper", response_class=Json)
    async def paper(paper_id: str, library: Library_ = "") -> Json:
        """All fields of a paper, and the sentences of its abstract with their offsets."""
        return Json(await service.in_thread(lambda: _read(service, library, paper_id)))

    @router.delete("/papers/{paper_id:path}", summary="Delete a paper", status_code=204)
    async def delete(paper_id: str, request: Request, library: Library_ = "") -> Response:
        """For editors. Importing its file again brings the paper back."""
        editor = require_editor(request)

        def removed() -> int:
            return service.actions.remove(editor, service.key_of(library), [paper_id])

        if not await service.in_thread(removed):
            raise HTTPException(404, _NO_PAPER)
        return Response(status_code=204)


def _read(service: Service, library: str, paper_id: str) -> dict[str, Any]:
    opened = service.library(library)
    found = opened.get_papers([paper_id])
    if paper_id not in found:
        raise HTTPException(404, _NO_PAPER)
    sentences = [{"text": s.text, "start": s.start, "end": s.end} for s in opened.sentences(paper_id)]
    versions = versions_json(opened.versions([paper_id]).get(paper_id, ()))
    return {**paper_json(found[paper_id]), "sentences": sentences, **({"versions": versions} if versions else {})}
