"""What may be sent to the page, as ASGI middleware: how much, and which files a call may name."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.responses import PlainTextResponse

from rag.ui.uploads import MAX_UPLOAD, Uploads, UploadsFull

API = "/gradio_api"
MAX_BODY = 10**6  # bytes of any request but an upload; a text to check has 50,000 characters of up to 12 bytes in JSON

_UPLOAD = f"{API}/upload"
_CALLS = re.compile(rf"{API}/(queue/join|(run|api)/[^/]+)/?")
_TOO_LARGE = "Refused: more was sent than Footnote takes at once. At most {megabytes:,.0f} MB are allowed{remedy}."
_COMMAND = "; 'footnote import' on the computer that Footnote runs on reads files of any size"
_NO_UPLOAD = "Refused: this names a file that was not uploaded here. Choose the file once more."
_NO_FILE = "Refused: an upload holds files and nothing else."

App = Any  # an ASGI application: its types are those of the dictionaries that servers pass
Receive = Callable[[], Awaitable[Any]]


class LimitedBody:
    """Refuses bodies that are too large, by what they say of themselves and by what comes."""

    def __init__(self, app: App, uploads: Uploads) -> None:
        self._app, self._uploads = app, uploads

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "POST" and scope["path"].rstrip("/") == _UPLOAD:
            await self._upload(scope, receive, send)
            return
        words = _TOO_LARGE.format(megabytes=MAX_BODY / 1e6, remedy="")
        if (_said_length(scope) or 0) > MAX_BODY:
            await refuse(scope, receive, send, 413, words)
            return
        too_much = HTTPException(413, words)  # the error that what stands behind here answers as it is
        try:
            await self._app(scope, counted_body(receive, MAX_BODY, too_much), send)
        except HTTPException as error:
            if error is not too_much:
                raise
            await refuse(scope, receive, send, 413, words)

    async def _upload(self, scope: Any, receive: Any, send: Any) -> None:
        words, said = _TOO_LARGE.format(megabytes=MAX_UPLOAD / 1e6, remedy=_COMMAND), _said_length(scope)
        if said is not None and said > MAX_UPLOAD:
            await refuse(scope, receive, send, 413, words)
            return
        # Gradio's reader of uploads removes what it has written for this error and no other, and answers with 413
        # because of these words.
        too_much = MultiPartException(f"{words} (maximum allowed size)")
        pieces = _files_only(counted_body(receive, MAX_UPLOAD, too_much), scope)
        try:
            with self._uploads.room_for(MAX_UPLOAD if said is None else said):
                await self._app(scope, pieces, send)
        except UploadsFull as error:
            await refuse(scope, receive, send, 503, str(error))


class UploadedFilesOnly:
    """Refuses calls of handlers that name a file which is no upload.

    Gradio fetches a file that is named by an address on the web, from anywhere, and says of a path whether it may be
    read. Neither reaches it.
    """

    def __init__(self, app: App, uploads: Uploads) -> None:
        self._app, self._uploads = app, uploads

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not _CALLS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        body, receive_again = await read_whole(receive)
        if not all(map(self._uploads.hold, _named_files(body))):
            await refuse(scope, receive, send, 403, _NO_UPLOAD)
            return
        await self._app(scope, receive_again, send)


async def refuse(scope: Any, receive: Any, send: Any, status: int, words: str) -> None:
    """Answer with a sentence."""
    await PlainTextResponse(words, status)(scope, receive, send)


async def read_whole(receive: Receive) -> tuple[bytes, Receive]:
    """A whole body, or what came until it broke off, and ``receive`` for whoever reads it next.

    How long it may be is up to :class:`LimitedBody`, which stands before all that read.
    """
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    rest = iter(messages)

    async def receive_again() -> Any:
        return next(rest, None) or await receive()

    return b"".join(message.get("body", b"") for message in messages), receive_again


def headers_of(scope: Any) -> Headers:
    """The headers of a request."""
    return Headers(scope=scope)


def _said_length(scope: Any) -> int | None:
    """What the request says of its length; None where it says nothing, as a stream does."""
    said = headers_of(scope).get("content-length", "")
    return int(said) if re.fullmatch("[0-9]{1,18}", said) else None


def counted_body(receive: Receive, limit: int, too_much: Exception) -> Receive:
    """``receive`` that raises ``too_much`` once more than ``limit`` bytes have come."""
    came = 0

    async def counted() -> Any:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > limit:
            raise too_much
        return message

    return counted


def _files_only(receive: Receive, scope: Any) -> Receive:
    """``receive`` for an upload that fails at a text field: Gradio keeps those in memory, whatever their size."""
    kind, options = parse_options_header(headers_of(scope).get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        return receive  # Gradio refuses it
    parts = _Parts(options[b"boundary"])

    async def files_only() -> Any:
        message = await receive()
        with suppress(MultipartParseError):  # Gradio, which reads the same, refuses it
            parts.read(message.get("body", b""))
        return message

    return files_only


class _Parts:
    """Reads along with an upload. Raises ``MultiPartException`` at a part that is no file."""

    def __init__(self, boundary: bytes) -> None:
        self._name, self._value, self._disposition = b"", b"", b""
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin, "on_header_field": self._read_name, "on_header_value": self._read_value,
                "on_header_end": self._end_header, "on_headers_finished": self._check,
            },
        )  # fmt: skip

    def read(self, data: bytes) -> None:
        """Go on with the next bytes."""
        self._parser.write(data)

    def _begin(self) -> None:
        self._disposition = b""

    def _read_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _read_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name, self._value = b"", b""

    def _check(self) -> None:
        if b"filename" not in parse_options_header(self._disposition)[1]:
            raise MultiPartException(_NO_FILE)


def _named_files(body: bytes) -> list[str]:
    """The paths of all files that a call names; what cannot be read as JSON names none, and Gradio refuses it."""
    try:
        waiting = [json.loads(body)]
    except (ValueError, RecursionError):
        return []
    paths = []
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "meta" in value and isinstance(value.get("path"), str):  # as gradio_client.utils.is_file_obj_with_meta
                paths.append(value["path"])
            value = list(value.values())
        if isinstance(value, list):
            waiting += value
    return paths
