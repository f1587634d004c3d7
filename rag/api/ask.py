"""``POST /api/v1/ask``: the object that ``footnote ask --json`` prints, or the way to it as server-sent events."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from rag.api.problems import Json, problem, status_of, to_json, words_of
from rag.api.requests import Asked
from rag.api.service import Service
from rag.api.work import Beat, made
from rag.datatypes import Answer, Draft, Event, Preview, Stage, Wanted
from rag.errors import FootnoteError, TooBusy
from rag.output import presentation
from rag.questions.cleaning import clean

EVENTS = "text/event-stream"
STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
BEAT_LINE = ": waiting\n\n"  # a comment, which every reader of events passes over

_WHAT = """A footnoted answer, or a refusal: the object that `footnote ask --json` prints.

With `stream`, or `Accept: text/event-stream`, these events come, each with JSON as its data: `stage` (`retrieve`,
`write`, `check`), `preview` (an answer of quotes, already checked, where a language model writes), `draft` (a piece of
its text, **not yet checked**), and last `answer`, or `error` with a problem. Who closes the connection ends the work.
"""


def routes(service: Service) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["ask"])

    @router.post("/ask", summary="Ask a question", description=_WHAT, response_class=Json)
    async def ask(asked: Asked, request: Request) -> Response:
        clean(asked.question)  # what cannot be asked is refused before it waits for its turn
        work = answering(service, asked)
        if asked.stream or wants_events(request):
            return StreamingResponse(_events(service, asked, work), 200, STREAM_HEADERS, EVENTS)
        answer = await answered(service, work, request)
        return Json(presentation.to_json(answer, asked.id))

    return router


def wants_events(request: Request) -> bool:
    """Whether the client takes server-sent events and nothing else before them."""
    return request.headers.get("accept", "").split(",")[0].split(";")[0].strip().lower() == EVENTS


def answering(service: Service, asked: Asked) -> Callable[[threading.Event], Iterator[Event]]:
    """What is to be done in a thread for a question."""

    def work(stop: threading.Event) -> Iterator[Event]:
        pipeline = service.pipeline(asked.library, asked.model, asked.mode)
        history = [turn.turn() for turn in asked.history]
        scope = asked.scope.scope_in(pipeline.library)
        yield from pipeline.stream(asked.question, history, stop, scope, Wanted(asked.kind))

    return work


async def answered(service: Service, work: Callable[[threading.Event], Iterator[Event]], request: Request) -> Answer:
    """The answer, once it is there. Raises :class:`FootnoteError`; ends the work where the client has left."""
    async for event in made(service.asks, work, request.is_disconnected):
        if isinstance(event, Answer):
            return event
    raise FootnoteError("The question ended without an answer. Ask it again.")


async def _events(
    service: Service, asked: Asked, work: Callable[[threading.Event], Iterator[Event]]
) -> AsyncIterator[str]:
    try:
        async for event in made(service.asks, work):
            yield BEAT_LINE if isinstance(event, Beat) else _line(event, asked.id)
    except Exception as error:  # the head of the response is sent: what went wrong is the last event
        retry = {"retry_after": error.retry_s} if isinstance(error, TooBusy) else {}
        yield named_event("error", problem(status_of(error), words_of(error), **retry))


def _line(event: Event, id: str | None) -> str:
    match event:
        case Stage(name):
            return named_event("stage", {"stage": name})
        case Draft(text):
            return named_event("draft", {"text": text})
        case Preview(answer):
            return named_event("preview", presentation.to_json(answer, id))
        case Answer():
            return named_event("answer", presentation.to_json(event, id))


def named_event(name: str, data: Any) -> str:
    """One server-sent event. JSON in ASCII has no line break, whatever its text holds."""
    return f"event: {name}\ndata: {to_json(data)}\n\n"
