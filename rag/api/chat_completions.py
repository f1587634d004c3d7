"""``/v1/models`` and ``/v1/chat/completions`` as OpenAI's API has them, so that chat programs can choose Footnote.

The text of an answer comes in a stream only after it was checked: what a client has shown cannot be taken back. While
it is written, comments keep the connection alive.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from rag.api.ask import BEAT_LINE, EVENTS, STREAM_HEADERS
from rag.api.chat_text import Remembered, conversation, shown
from rag.api.problems import Json, openai_error, status_of, to_json, words_of
from rag.api.requests import LONGEST_TEXT
from rag.api.service import Service
from rag.api.work import Beat, made
from rag.datatypes import Answer, Event, Turn
from rag.errors import FootnoteError, LibraryNotFound, ModelNotFound
from rag.output import presentation
from rag.questions.cleaning import clean

MODEL = "footnote"
_NO_MODEL = (
    "There is no model of this name. GET /v1/models lists them: 'footnote', and 'footnote/LIBRARY' for each library."
)
Text = Annotated[str, Field(max_length=10 * LONGEST_TEXT)]


class Lenient(BaseModel):
    """Clients send what they know of other models: it is passed over."""

    model_config = ConfigDict(extra="ignore")


class Part(Lenient):
    """A part of a message; of those that are no text nothing is read."""

    type: str = ""
    text: Text | None = None


class Message(Lenient):
    """One message of a conversation."""

    role: str
    content: Text | list[Part] | None = None

    @property
    def words(self) -> str:
        """Its text."""
        if isinstance(self.content, list):
            return "\n".join(part.text or "" for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptions(Lenient):
    """What else a stream holds."""

    include_usage: bool = False


class Completion(Lenient):
    """A conversation whose last message is the question."""

    model: str = Field(MODEL, max_length=1_000)
    messages: list[Message] = Field(min_length=1, max_length=10_000)
    stream: bool | None = False
    stream_options: StreamOptions | None = None


def routes(service: Service) -> APIRouter:
    """The routes."""
    router, remembered = APIRouter(prefix="/v1", tags=["in the form of OpenAI"]), Remembered()

    @router.get("/models", summary="List what can be chosen as a model", response_class=Json)
    async def models() -> Json:
        """`footnote`, and `footnote/LIBRARY` for each library."""
        return Json({"object": "list", "data": [_model(name) for name in await service.in_thread(names)]})

    @router.get("/models/{name:path}", summary="One of them", response_class=Json)
    async def model(name: str) -> Json:
        """As in the list."""
        if name not in await service.in_thread(names):
            raise ModelNotFound(_NO_MODEL)
        return Json(_model(name))

    @router.post("/chat/completions", summary="Ask within a conversation", response_class=Json)
    async def complete(completion: Completion, request: Request) -> Response:
        """The last message is the question. The answer is Markdown with its reference list; a refusal is text."""
        chat = Chat(service, completion, remembered)
        if completion.stream:
            return StreamingResponse(chat.chunks(), 200, STREAM_HEADERS, EVENTS)
        return Json(await chat.whole(request))

    def names() -> list[str]:
        usable = [one.name for one in service.libraries() if not one.info.problem]
        return [MODEL, *(f"{MODEL}/{name}" for name in usable)]

    return router


class Chat:
    """One request for a completion. Raises :class:`FootnoteError` for what cannot be asked."""

    def __init__(self, service: Service, completion: Completion, remembered: Remembered) -> None:
        self._service, self._completion, self._remembered = service, completion, remembered
        self._library = _library_of(completion.model)
        try:
            service.key_of(self._library)
        except LibraryNotFound as error:
            raise ModelNotFound(_NO_MODEL) from error
        messages = [(one.role, one.words) for one in completion.messages]
        self._question, self._history = conversation(messages, remembered)
        clean(self._question)
        self._head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": completion.model}

    async def whole(self, request: Request) -> dict[str, Any]:
        """The completion, with the answer's own JSON beside it under ``footnote``."""
        async for one in made(self._service.asks, self._work, request.is_disconnected):
            if isinstance(one, tuple):
                text, answer = one
                message = {"role": "assistant", "content": text, "refusal": None}
                choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
                return {
                    **self._head, "object": "chat.completion", "choices": [choice], "usage": self._usage(text),
                    "footnote": presentation.to_json(answer),
                }  # fmt: skip
        raise FootnoteError("The question ended without an answer. Ask it again.")

    async def chunks(self) -> AsyncIterator[str]:
        """The lines of a stream: the checked text piece by piece."""
        yield self._chunk({"role": "assistant", "content": ""})
        try:
            async for one in made(self._service.asks, self._work):
                if isinstance(one, Beat):
                    yield BEAT_LINE
                elif isinstance(one, tuple):
                    text = one[0]
                    for piece in text.splitlines(keepends=True):
                        yield self._chunk({"content": piece})
                    yield self._chunk({}, "stop")
                    if self._completion.stream_options and self._completion.stream_options.include_usage:
                        yield self._line({"choices": [], "usage": self._usage(text)})
        except Exception as error:  # the head of the response is sent: what went wrong is the last event
            yield f"data: {to_json(openai_error(status_of(error), words_of(error)))}\n\n"
            return
        yield "data: [DONE]\n\n"

    def _work(self, stop: threading.Event) -> Iterator[Event | tuple[str, Answer]]:
        """The events of the question, and the answer as text."""
        pipeline = self._service.pipeline(self._library)
        for event in pipeline.stream(self._question, self._history, stop):
            if not isinstance(event, Answer):
                yield event
                continue
            nearest = event.refusal.nearest if event.refusal is not None else ()
            text = shown(event, pipeline.library.get_papers(nearest))
            self._remembered.keep(text, event)
            yield text, event

    def _chunk(self, delta: dict[str, str], finish: str | None = None) -> str:
        return self._line({"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]})

    def _line(self, content: dict[str, Any]) -> str:
        return f"data: {to_json({**self._head, 'object': 'chat.completion.chunk', **content})}\n\n"

    def _usage(self, text: str) -> dict[str, int]:
        """Word pieces of what was read of the conversation and of the answer."""
        read = [Turn("user", self._question), *self._history]
        prompt, completion = sum(_pieces(turn.content) for turn in read), _pieces(text)
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _pieces(text: str) -> int:
    from rag.encoding.packaged_weights import tokenizer

    return len(tokenizer().encode(text, add_special_tokens=False).ids)


def _library_of(model: str) -> str:
    """The name of the library that a model stands for, "" for the one that the program was started with."""
    if model == MODEL:
        return ""
    kind, slash, library = model.partition("/")
    if kind != MODEL or not slash or not library:
        raise ModelNotFound(_NO_MODEL)
    return library


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": MODEL}
