"""Errors as a program reads them: problem JSON (RFC 9457), and under ``/v1`` the form that clients of OpenAI know."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from rag.errors import (
    ConfigError,
    FootnoteError,
    GenerationCancelled,
    ImportFileError,
    LibraryDamaged,
    LibraryError,
    LibraryMismatch,
    LibraryNotFound,
    LibraryReadOnly,
    ModelError,
    ModelNotFound,
    NotAllowed,
    QuestionError,
    ScopeError,
    StyleError,
    TooBusy,
    VectorServerError,
)
from rag.ui.uploads import UploadsFull

_log = logging.getLogger(__name__)
PROBLEM = "application/problem+json"
OPENAI = "/v1"
_INSIDE = "Something went wrong inside Footnote ({kind}). Try again; the details stand in the terminal that it runs in."
# The first that an error is an instance of decides.
_STATUS: tuple[tuple[type[FootnoteError], int], ...] = (
    (NotAllowed, 403),
    (LibraryReadOnly, 403),
    (ModelNotFound, 404),
    (LibraryNotFound, 404),
    (TooBusy, 429),
    (UploadsFull, 503),
    (QuestionError, 422),
    (ScopeError, 422),
    (StyleError, 422),
    (ImportFileError, 422),
    (ConfigError, 422),
    (LibraryDamaged, 503),
    (LibraryMismatch, 503),
    (VectorServerError, 503),
    (LibraryError, 409),  # being written to, or not to be changed
    (ModelError, 503),
    (GenerationCancelled, 503),
)


class Json(Response):
    """JSON in ASCII alone: no character drives a terminal, breaks a line or is half of a pair."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return to_json(content).encode("ascii")


def to_json(content: Any) -> str:
    """One line of JSON in ASCII."""
    return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def status_of(error: Exception) -> int:
    """The HTTP status that says what kind of error it is."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def words_of(error: Exception) -> str:
    """What is said of an error: its sentence, and of what nobody expected the kind alone."""
    if isinstance(error, FootnoteError):
        return str(error)
    _log.error("A request failed", exc_info=error)
    return _INSIDE.format(kind=type(error).__name__)


def headers_of_error(error: Exception) -> dict[str, str]:
    """``Retry-After`` where trying again later may help."""
    return {"retry-after": str(error.retry_s)} if isinstance(error, TooBusy) else {}


def problem(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """A problem as RFC 9457 writes it; the status says what kind it is, so ``type`` is ``about:blank``."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}


def openai_error(status: int, message: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """An error as OpenAI's API writes it."""
    kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def refusal(path: str, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """The response to a request of ``path`` that is refused."""
    if path == OPENAI or path.startswith(f"{OPENAI}/"):
        codes = {404: "model_not_found" if more.get("model") else "not_found", 401: "invalid_api_key"}
        body = openai_error(status, detail, codes.get(status), more.get("param"))
        return Json(body, status, {"cache-control": "no-store", **(headers or {})})
    more = {name: value for name, value in more.items() if name == "errors"}
    response = Json(problem(status, detail, **more), status, {"cache-control": "no-store", **(headers or {})})
    response.headers["content-type"] = PROBLEM
    return response


def of_exception(request: Request, error: Exception) -> Response:
    """The response for whatever was raised while a request was answered."""
    status = status_of(error)
    return refusal(
        request.url.path, status, words_of(error), headers_of_error(error), model=isinstance(error, ModelNotFound)
    )
