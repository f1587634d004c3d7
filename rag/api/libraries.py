"""``GET /api/v1/libraries`` and ``/api/v1/health``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from rag import __version__
from rag.api.problems import Json
from rag.api.service import Named, Service


def routes(service: Service) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["libraries"])

    @router.get("/libraries", summary="List libraries", response_class=Json)
    async def libraries() -> Json:
        """The one that the program was started with first; `name` is what other requests call it by."""
        found = await service.in_thread(service.libraries)
        return Json({"libraries": [_record(one) for one in found]})

    @router.get("/health", summary="Whether the program is ready", response_class=Json)
    async def health() -> Json:
        """Needs no token, and says nothing of any library. Status 503 where the library cannot be used."""
        ready = not await service.in_thread(service.problem_of)
        return Json({"status": "ok" if ready else "failing", "version": __version__}, 200 if ready else 503)

    return router


def _record(one: Named) -> dict[str, Any]:
    info = one.info
    return {
        "name": one.name,
        "papers": info.papers,
        "default": info.is_started,
        "writable": info.is_writable,
        "usable": not info.problem,
    }
