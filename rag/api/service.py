"""What the routes share: libraries by name, what answers over them, the queues. One object a server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from rag.api.limits import Admission
from rag.config import Settings
from rag.errors import FootnoteError, LibraryNotFound
from rag.factory import QUOTE, library_manager, modes_of, open_answerer, open_library
from rag.ui.library_actions import LibraryActions
from rag.ui.named import NamedByRequest
from rag.ui.uploads import Uploads

if TYPE_CHECKING:
    from rag.library.library import Library
    from rag.library.manager import LibraryInfo
    from rag.pipeline import Pipeline

ASKING, ASKS_WAITING = 2, 30  # one language model writes one answer at a time; quotes need none
SEARCHING, SEARCHES_WAITING = 2, 200  # more threads than cores only get into each other's way

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Named:
    """A library and the name that requests call it by."""

    name: str
    info: LibraryInfo


class Service:
    """The libraries and models of ``settings`` for requests. Names that a request sends are compared with lists of
    this program and never looked up on the disk."""

    def __init__(self, settings: Settings, uploads: Uploads) -> None:
        self.settings, self.uploads = settings, uploads
        self.actions = LibraryActions(settings, uploads)
        self.asks = Admission(ASKING, ASKS_WAITING, retry_s=10)
        self.searches = Admission(SEARCHING, SEARCHES_WAITING, retry_s=2)
        self._named = NamedByRequest(settings)
        self._manager = library_manager(settings)
        self._opening = threading.Lock()  # the shipped library is built at its first use: once, whoever waits for it
        self._threads = ThreadPoolExecutor(SEARCHING, "footnote-api-search")

    # --- libraries ---

    def libraries(self) -> list[Named]:
        """All libraries, the one that the program was started with first. Each name is there once."""
        found: dict[str, Named] = {}
        for info in self._manager.list_all():
            name, count = info.path.name or "library", 1
            while (unique := name if count == 1 else f"{name} {count}") in found:
                count += 1
            found[unique] = Named(unique, info)
        return list(found.values())

    def key_of(self, name: str) -> str:
        """What the page calls the library of that name; "" is the one that the program was started with.

        Raises :class:`LibraryNotFound`.
        """
        if not name:
            return ""
        found = next((one for one in self.libraries() if one.name == name), None)
        if found is None:
            raise LibraryNotFound("There is no library of this name. GET /api/v1/libraries lists their names.")
        return found.info.key

    def library(self, name: str) -> Library:
        """The library, opened once per process. Raises :class:`rag.errors.LibraryError`."""
        settings = self._named.library(self.key_of(name))
        with self._opening:
            return open_library(settings)

    # --- what answers ---

    def pipeline(self, library: str, model: str = "", mode: str = "") -> Pipeline:
        """What answers over a library; the model and mode of the settings where none are named.

        Raises :class:`rag.errors.FootnoteError`.
        """
        own = self.settings.model
        if not mode:
            may = (QUOTE,) if (model or own) == QUOTE else modes_of(model or own)
            mode = self.settings.mode if self.settings.mode in may and not model else may[0]
        settings = self._named.answering(model or own, mode, self.key_of(library))
        with self._opening:
            open_library(settings)
        return open_answerer(settings)

    def quoting(self, library: str) -> Pipeline:
        """What searches and checks: no language model is needed."""
        return self.pipeline(library, QUOTE, QUOTE)

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        """What ``work`` gives, in one of a few threads, when its turn has come.

        Raises what it raises, and :class:`rag.errors.TooBusy`.
        """
        await self.searches.enter()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self.searches.leave()

    def close(self) -> None:
        """End the threads once what they do is done."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def problem_of(self) -> str:
        """Why the library that the program was started with cannot be used; "" where it can."""
        try:
            return self._manager.find("").problem
        except FootnoteError as error:
            return str(error)
