"""All routes of the API in one application, and how their errors are written."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from rag import __version__
from rag.api import ask, chat_completions, check, exports, imports, libraries, papers, search
from rag.api.docs import add_docs
from rag.api.problems import Json, of_exception, refusal
from rag.api.service import Service
from rag.errors import FootnoteError

V1 = "/api/v1"
_DESCRIPTION = """Questions about a library of paper abstracts, answered with a footnote on every sentence.

Errors are problem JSON (RFC 9457). Where the page asks people to sign in, or other computers reach it, every request
brings a token ('Authorization: Bearer TOKEN'), which 'footnote tokens add NAME' makes. Keys may be added to what comes
back; none is renamed or taken away within v1.
"""
_INVALID = "The request does not fit: {first}."


def create_api(service: Service) -> FastAPI:
    """The API as an ASGI application; who may use it and how much is taken is up to what stands before it."""
    api = FastAPI(
        title="Footnote", version=__version__, description=_DESCRIPTION, docs_url=None, redoc_url=None,
        openapi_url=f"{V1}/openapi.json", default_response_class=Json, redirect_slashes=False,
    )  # fmt: skip
    v1 = APIRouter(prefix=V1)
    for group in (ask, search, check, imports, papers, exports, libraries):
        v1.include_router(group.routes(service))
    api.include_router(v1)
    api.include_router(chat_completions.routes(service))
    add_docs(api, f"{V1}/docs")
    api.add_exception_handler(FootnoteError, of_exception)
    api.add_exception_handler(Exception, of_exception)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http_error)
    return api


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: "There is nothing at this address. GET /api/v1/docs describes what there is.",
             405: "This address does not take this method. GET /api/v1/docs describes what there is."}  # fmt: skip
    known = str(error.detail)
    detail = words.get(error.status_code, known) if known in ("Not Found", "Method Not Allowed") else known
    return refusal(request.url.path, error.status_code, detail, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    """What does not fit, and where; nothing that was sent is repeated."""
    assert isinstance(error, RequestValidationError)
    errors: list[dict[str, Any]] = [
        {"where": [str(part)[:100] for part in one["loc"]], "message": str(one["msg"])} for one in error.errors()[:20]
    ]
    first = f"{'.'.join(errors[0]['where'])}: {errors[0]['message']}" if errors else "it cannot be read"
    field = errors[0]["where"][-1] if errors else None
    return refusal(request.url.path, 422, _INVALID.format(first=first), errors=errors, param=field)
