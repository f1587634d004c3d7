"""Long work for a request: in a thread of its own, ended as soon as nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

from rag.api.limits import Admission
from rag.errors import GenerationCancelled

_POLL_S = 0.5  # how late it is noticed that nobody waits
BEAT_S = 10.0  # how often a stream that has nothing to say shows that it is alive

Made = TypeVar("Made")
Gone = Callable[[], Awaitable[bool]]


class Beat:
    """Nothing new yet: what streams send so that proxies and clients wait on."""


BEAT = Beat()


async def made(
    admission: Admission, work: Callable[[threading.Event], Iterator[Made]], gone: Gone | None = None
) -> AsyncIterator[Made | Beat]:
    """What ``work`` yields in a thread, and :data:`BEAT` while it yields nothing.

    ``work`` gets a stop signal, which is set when the iteration ends early or ``gone`` says that the client has left;
    its turn is given back once it has really ended. Raises what ``work`` raises, and :class:`rag.errors.TooBusy`.
    """
    async for beat in _entered(admission):
        yield beat
    loop, stop = asyncio.get_running_loop(), threading.Event()
    results: asyncio.Queue[Made | Exception | None] = asyncio.Queue()
    thread = threading.Thread(
        target=_run, args=(work, stop, loop, results, admission), name="footnote-api", daemon=True
    )
    thread.start()
    try:
        idle = 0.0
        while True:
            try:
                one = await asyncio.wait_for(results.get(), _POLL_S)
            except TimeoutError:
                idle += _POLL_S
                if gone is not None and await gone():
                    raise GenerationCancelled("The client has left.") from None
                if idle >= BEAT_S:
                    idle = 0.0
                    yield BEAT
                continue
            idle = 0.0
            if one is None:
                return
            if isinstance(one, Exception):
                raise one
            yield one
    finally:
        stop.set()


async def _entered(admission: Admission) -> AsyncIterator[Beat]:
    """Ends when the turn has come; :data:`BEAT` while it has not."""
    entering = asyncio.ensure_future(admission.enter())
    try:
        while not entering.done():
            await asyncio.wait([entering], timeout=BEAT_S)
            if not entering.done():
                yield BEAT
        entering.result()
    except BaseException:
        if not entering.cancel() and not entering.cancelled() and entering.exception() is None:
            admission.leave()  # its turn came, and nobody is there any more
        raise


def _run(
    work: Callable[[threading.Event], Iterator[Made]],
    stop: threading.Event,
    loop: asyncio.AbstractEventLoop,
    results: asyncio.Queue[Made | Exception | None],
    admission: Admission,
) -> None:
    def tell(one: Made | Exception | None) -> None:
        loop.call_soon_threadsafe(results.put_nowait, one)

    end: Exception | None = None
    try:
        for one in work(stop):
            tell(one)
    except Exception as error:  # the edge: whatever it is, the client gets a sentence
        end = error
    finally:
        try:
            tell(end)
            loop.call_soon_threadsafe(admission.leave)
        except RuntimeError:  # the server has ended meanwhile, and its loop with it
            pass
