"""Whose turn it is to use a model, and how a caller is stopped: before its turn, or in the midst of a computation."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rag.datatypes import StopSignal
from rag.errors import GenerationCancelled

_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class AnySignal:
    """Set as soon as one of ``signals`` is."""

    signals: tuple[StopSignal, ...]

    def is_set(self) -> bool:
        """Whether one of them is set."""
        return any(signal.is_set() for signal in self.signals)


class Turns:
    """A lock that lets callers in in the order in which they came, and lets those who wait give up."""

    def __init__(self) -> None:
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def take(self, stop: StopSignal | None) -> Iterator[None]:
        """Hold the lock. Raises :class:`GenerationCancelled` where ``stop`` is set while this caller waits."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
        try:
            with self._changed:
                while self._queue[0] is not ticket:
                    if stop is not None and stop.is_set():
                        raise GenerationCancelled("Stopped while waiting for another question to finish.")
                    self._changed.wait(_POLL_S)
            yield
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()


class AbortFlag:
    """Ends a computation of llama.cpp when a signal is set.

    llama.cpp asks an abort callback before every node of its graph, some 600 times a batch. Were that callback Python,
    each call would wait for the interpreter lock while ggml's threads spin; so it is the C library's ``strlen`` on a
    flag of one byte, which a thread sets when the signal is.
    """

    def __init__(self) -> None:
        self._flag = ctypes.create_string_buffer(2)  # strlen of it is 0, or 1 once it is set

    @contextmanager
    def raised_by(self, signal: StopSignal, context: Any) -> Iterator[None]:
        """While the block runs, ``signal`` aborts what ``context`` (a ``llama_context_p``) computes."""
        import llama_cpp

        done = threading.Event()

        def watch() -> None:
            while not done.wait(_POLL_S):
                if signal.is_set():
                    self._flag[0] = b"\1"
                    return

        self._flag[0] = b"\0"
        llama_cpp.llama_set_abort_callback(context, _strlen(), ctypes.cast(self._flag, ctypes.c_void_p))
        watcher = threading.Thread(target=watch, name="footnote-stop", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            llama_cpp.llama_set_abort_callback(context, llama_cpp.ggml_abort_callback(), None)


def _strlen() -> Any:
    import llama_cpp

    libc = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    return ctypes.cast(libc.strlen, llama_cpp.ggml_abort_callback)
