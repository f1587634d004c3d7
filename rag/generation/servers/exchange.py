"""One HTTP request in a thread of its own, so that whoever waits for it can leave at any moment.

A read of a socket cannot be interrupted by an event of Python. Here the caller looks at a queue, and when it leaves,
the connection is shut down: the reading thread ends, and the server notices that nobody listens any more.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, Any

from rag.datatypes import StopSignal
from rag.errors import GenerationCancelled

if TYPE_CHECKING:
    import httpx

_POLL_S = 0.02
_AHEAD = 64  # chunks that are read before somebody takes them


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of an answer; names of headers in small letters."""

    status: int
    headers: Mapping[str, str]


class Silence(Exception):
    """Nothing that counts has come for as long as was allowed."""


class Patience:
    """How long it may go on without a sign of life: ``seconds`` from the start, and from every :meth:`renew`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Something came that counts."""
        self._until = time.monotonic() + self._seconds

    def at_most(self, seconds: float) -> None:
        """From now on wait no longer than that."""
        self._seconds = min(self._seconds, seconds)
        self.renew()

    @property
    def is_over(self) -> bool:
        """Whether it has been silent for too long."""
        return time.monotonic() > self._until


class Exchange:
    """What comes back for one request: first :meth:`head`, then :meth:`chunks`.

    Both raise :class:`GenerationCancelled` soon after ``stop`` is set, :class:`Silence` once ``patience`` is over, and
    ``httpx.HTTPError`` where the connection fails.
    """

    def __init__(self, client: httpx.Client, request: httpx.Request, stop: StopSignal, patience: Patience) -> None:
        self._client, self._request, self._stop, self._patience = client, request, stop, patience
        self._queue: Queue[Head | bytes | Exception | None] = Queue(_AHEAD)
        self._left = threading.Event()
        self._socket: socket.socket | None = None
        request.extensions["trace"] = self._note

    def head(self) -> Head:
        """Status and headers; waits for them."""
        found = self._next()
        assert isinstance(found, Head)
        return found

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes, undecoded."""
        while (chunk := self._next()) is not None:
            assert isinstance(chunk, bytes)
            yield chunk

    def body(self, most: int) -> bytes:
        """The beginning of the body, ``most`` bytes and a little more at the most."""
        found = b""
        for chunk in self.chunks():
            found += chunk
            if len(found) > most:
                break
        return found

    def begin(self) -> None:
        """Send the request."""
        threading.Thread(target=self._run, name="footnote-server", daemon=True).start()

    def leave(self) -> None:
        """Take nothing more; the connection is shut down. Safe to repeat."""
        self._left.set()
        if self._socket is not None:
            with suppress(OSError):  # the plain shutdown: that of a TLS socket would take its state from the reader
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _next(self) -> Head | bytes | None:
        while True:
            if self._stop.is_set():
                raise GenerationCancelled("Stopped.")
            try:
                found = self._queue.get(timeout=_POLL_S)
            except Empty:
                if self._patience.is_over:
                    raise Silence from None
                continue
            if isinstance(found, Exception):
                raise found
            return found

    def _run(self) -> None:
        import httpx

        try:
            response = self._client.send(self._request, stream=True)
            try:
                self._give(Head(response.status_code, {k.lower(): v for k, v in response.headers.items()}))
                for chunk in response.iter_raw():
                    self._give(chunk)
            finally:
                response.close()
            self._give(None)
        except _Left:
            pass
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            with suppress(_Left):
                self._give(error)
        except Exception as error:  # the edge of a thread: whoever waits must hear of it
            with suppress(_Left):
                self._give(error)

    def _give(self, item: Head | bytes | Exception | None) -> None:
        while not self._left.is_set():
            with suppress(Full):
                self._queue.put(item, timeout=_POLL_S)
                return
        raise _Left

    def _note(self, event: str, details: Mapping[str, Any]) -> None:
        """Called by httpx at every step; keeps the socket once there is one."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = details["return_value"].get_extra_info("socket")
            if self._left.is_set():
                raise _Left


class _Left(Exception):
    """Nobody waits any more."""


@contextmanager
def exchange(client: httpx.Client, request: httpx.Request, stop: StopSignal, patience: Patience) -> Iterator[Exchange]:
    """The exchange of one request, which is left at the end of the block."""
    made = Exchange(client, request, stop, patience)
    made.begin()
    try:
        yield made
    finally:
        made.leave()
