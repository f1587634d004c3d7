"""The language models that a process has in memory: which are in use, and when one is freed.

Whoever uses a model holds it for as long as an answer takes, so it is freed under nobody. **Nobody's model stays but
the one that was asked for last**, and that one goes before another is loaded: switching through five models takes the
memory of one. While an answer is being written with one model, a second may be loaded beside it; who needs a third
waits, in the order of asking, because the memory of this computer is not ours alone.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rag.datatypes import StopSignal
from rag.errors import GenerationCancelled
from rag.generation.generators.stopping import AbortFlag, Turns
from rag.system.memory import return_free_memory

if TYPE_CHECKING:
    from rag.generation.generators.loaded_model import LoadedModel
    from rag.generation.generators.loader import ModelFiles

MOST_IN_USE = 2
_POLL_S = 0.02  # how late a stop may be noticed
_PATIENCE_S = 10.0  # for texts that are being written, at the end


class SharedModel:
    """A model with what its users share: whose turn it is, the lock of its tokenizer, the flag that aborts it.

    Once ``closing`` is set, what is being written ends.
    """

    def __init__(self, files: ModelFiles, context: int) -> None:
        self.files, self.context = files, context
        self.turns = Turns()
        self.tokenizing = threading.RLock()
        self.abort = AbortFlag()
        self.closing = threading.Event()
        self.users = 0  # counted by the owner, under its lock
        self._loading = threading.Lock()
        self._loaded: LoadedModel | None = None

    @property
    def model(self) -> LoadedModel:
        """What llama.cpp has loaded, for those who hold it."""
        assert self._loaded is not None, "a model is used by those who hold it"
        return self._loaded

    @property
    def is_loaded(self) -> bool:
        """Whether it takes memory."""
        return self._loaded is not None

    def load(self, threads: Callable[[], int]) -> None:
        """Load it unless it is there; who comes meanwhile waits. Raises :class:`rag.errors.ModelError`."""
        from rag.generation.generators.loader import load

        with self._loading:
            if self._loaded is None:
                self._loaded = load(self.files, self.context, threads())

    def free(self) -> None:
        """Free its memory. Nobody may hold it."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None


class LoadedModels:
    """Owns the models that are in memory. Safe to call from several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._models: list[SharedModel] = []
        self._last: SharedModel | None = None  # asked for last: it stays when nobody uses it
        self._waiting: deque[object] = deque()  # for a model that nobody uses yet

    @contextmanager
    def hold(
        self, files: ModelFiles, context: int, threads: Callable[[], int], stop: StopSignal | None = None
    ) -> Iterator[SharedModel]:
        """The model of ``files``, loaded and kept in memory until the block ends. May be nested.

        ``threads`` says on how many cores to load it. Waits while ``MOST_IN_USE`` others are in use: raises
        :class:`GenerationCancelled` where ``stop`` is set meanwhile, :class:`rag.errors.ModelError` where the model
        cannot be loaded.
        """
        shared = self._enter(files, context, stop)
        try:
            shared.load(threads)
            yield shared
        finally:
            self._leave(shared)

    @property
    def loaded(self) -> list[ModelFiles]:
        """The files of the models that are in memory now."""
        with self._changed:
            return [shared.files for shared in self._models if shared.is_loaded]

    def close(self) -> None:
        """End what is being written, then free every model. The next who asks for one has it loaded again.

        What does not end within some seconds is freed when it does.
        """
        until = time.monotonic() + _PATIENCE_S
        with self._changed:
            for shared in self._models:
                shared.closing.set()
            self._last = None
            self._free_unused()
            self._changed.wait_for(lambda: not any(m.closing.is_set() for m in self._models), until - time.monotonic())

    def _enter(self, files: ModelFiles, context: int, stop: StopSignal | None) -> SharedModel:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while (shared := self._admit(files, context, ticket)) is None:
                    if stop is not None and stop.is_set():
                        raise GenerationCancelled("Stopped while waiting for another model to finish.")
                    self._changed.wait(_POLL_S)
                shared.users += 1
                self._last = shared
                return shared
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _admit(self, files: ModelFiles, context: int, ticket: object) -> SharedModel | None:
        """The model for the holder of ``ticket``, where there is room for it now."""
        found = next((m for m in self._models if (m.files, m.context) == (files, context)), None)
        if found is not None and found.closing.is_set():
            raise GenerationCancelled("Stopped, because the models are being closed.")
        if found is not None and found.users:
            return found
        if self._waiting[0] is not ticket or sum(m.users > 0 for m in self._models) >= MOST_IN_USE:
            return None
        if found is None:
            self._last = None
            self._free_unused()  # before the next is loaded: the memory of one is enough for both
            found = SharedModel(files, context)
            self._models.append(found)
        return found

    def _leave(self, shared: SharedModel) -> None:
        with self._changed:
            shared.users -= 1
            self._free_unused()
            self._changed.notify_all()

    def _free_unused(self) -> None:
        """Free what nobody uses, but for the model that was asked for last, where it could be loaded."""
        stay = [m for m in self._models if m.users or (m is self._last and m.is_loaded and not m.closing.is_set())]
        gone = [m for m in self._models if m not in stay]
        self._models = stay
        if any(m.is_loaded for m in gone):
            for shared in gone:
                shared.free()
            return_free_memory()
