"""What the parts of the page share: models, libraries, components by name. One object per built page.

What belongs to one browser tab (its conversation, its library, its scope) is in ``gr.State``s among
the parts; nothing of it is kept here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rag.config import SERVER
from rag.datatypes import Answer, Answerer, StopSignal
from rag.questions.scope import Scope
from rag.retrieval.related import Related
from rag.survey.tables import Column, Row
from rag.system.accounts import NOBODY, Accounts
from rag.system.offline import is_local
from rag.system.server_address import ServerAddress, read_address
from rag.ui.conversation import Choice, OpenAnswerer, Turn
from rag.ui.recent import Recent
from rag.ui.roles import Editor, may_edit, require_editor
from rag.ui.shelves import RecordShelf, Shelf

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.verification.claims import CheckedClaim

MOST_PAPERS = 20_000  # of all libraries together that may be kept in memory, beside those of the library used last

View = Callable[[Sequence[Turn], str], Sequence[Any]]


class LibraryService:
    """What the page asks of libraries beside answers. This one knows nothing; :mod:`rag.ui.server` has the real one."""

    def fingerprint(self, library: str) -> str:
        """Changes with the papers of the library."""
        return ""

    def vectors_at(self, library: str) -> ServerAddress | None:
        """The server that holds the vectors of the library, None where its folder does."""
        return None

    def related(self, library: str, paper_id: str) -> Sequence[Related]:
        """The papers nearest to one of the library."""
        return ()

    def follow_ups(self, library: str, answer: Answer, asked: Sequence[str]) -> Sequence[str]:
        """Questions that may come after ``answer`` and that the library can answer, none of ``asked``."""
        return ()

    def shelf(self, library: str) -> Shelf | None:
        """The papers of the library; None where only what answers knows them."""
        return None

    def choose(self, library: str, question: str, k: int, scope: Scope | None) -> Sequence[str]:
        """Ids of at most ``k`` papers of a scope: the best for ``question``, or without one by id."""
        return ()

    def rows(
        self, library: str, paper_ids: Sequence[str], columns: Sequence[Column], stop: StopSignal
    ) -> Iterator[Row]:
        """A table of these papers, row by row."""
        return iter(())

    def claims(self, library: str, sentences: Sequence[str], stop: StopSignal) -> Iterator[CheckedClaim]:
        """Sentences that anybody wrote with their verdicts, one after another."""
        return iter(())


class PageContext:
    """Shared by all tabs of the page. A library is named by its folder as text, "" is the one that was started with.

    ``open_answerer(model, mode, library)`` makes what answers; ``library_service`` what else is asked of libraries.
    """

    def __init__(
        self,
        open_answerer: OpenAnswerer,
        models: Sequence[Choice],
        settings: Settings | None = None,
        library_service: LibraryService | None = None,
        private: bool = True,
        accounts: Accounts = NOBODY,
    ) -> None:
        self.settings = settings
        self.models: Mapping[str, Choice] = {choice.name: choice for choice in models}
        self.private = private  # served to this computer only
        self.accounts = accounts  # who may sign in; false where nobody needs to
        self.parts: dict[str, Any] = {}
        self._open_answerer = open_answerer
        self.library_service = library_service or LibraryService()
        self._lock = threading.Lock()
        # By library, with its fingerprint.
        self._papers: Recent[tuple[str, Shelf]] = Recent(lambda kept: kept[1].held, MOST_PAPERS)
        self._asking: Callable[[Any, Any], None] | None = None
        self._view: tuple[Sequence[str], View] | None = None

    def offer_models(self, models: Sequence[Choice]) -> None:
        """Add models that have come since the page was built. None goes: another browser tab may have chosen it."""
        self.models = {**self.models, **{choice.name: choice for choice in models}}

    @property
    def takes_paths(self) -> bool:
        """Whether whoever uses the page may name files of this computer.

        Only its owner may. Where one has to sign in there are others, and they may come through a proxy on this
        computer.
        """
        return self.private and not self.accounts

    @property
    def read_only(self) -> bool:
        """Whether nobody changes libraries and models by way of this page, whoever signs in."""
        return self.settings is not None and self.settings.read_only

    def goes_to(self, model: str) -> str:
        """The host that questions go to when ``model`` answers, '' where they stay on this computer."""
        if self.settings is None or model != SERVER:
            return ""
        host = read_address(self.settings.llm_url, "llm_url").host
        return "" if is_local(host) else host

    @property
    def labels(self) -> Mapping[str, str]:
        """What to call each model, by name."""
        return {name: choice.label for name, choice in self.models.items()}

    def open(self, model: str, mode: str, library: str) -> Answerer:
        """What answers questions. Raises :class:`rag.errors.FootnoteError`."""
        return self._open_answerer(model, mode, library)

    def papers(self, library: str) -> Shelf:
        """The papers of a library by id, anew when it has changed. Raises :class:`rag.errors.FootnoteError`."""
        with self._lock:
            model = next(iter(self.models.values()))
            answerer = self.open(model.name, model.modes[0], library)
            fingerprint = self.library_service.fingerprint(library)
            kept = self._papers.get(library)
            if kept is None or kept[0] != fingerprint:
                shelf = self.library_service.shelf(library)
                kept = (fingerprint, RecordShelf(answerer.papers()) if shelf is None else shelf)
                self._papers.keep(library, kept)
            return kept[1]

    def known_papers(self, library: str) -> Shelf:
        """The papers of a library that was opened before, else none; does not wait.

        None either where so much was read of other libraries since that there is no room for them.
        """
        kept = self._papers.get(library)
        return kept[1] if kept else RecordShelf()

    def forget(self, library: str) -> None:
        """After a change of the library: its papers are read anew when they are next asked for."""
        self._papers.forget(library)

    def user(self, request: Any) -> str:
        """Name of the signed-in user, "" without a password."""
        return str(getattr(request, "username", None) or "")

    def require_editor(self, request: Any) -> Editor:
        """Asked by every handler that changes what all users share.

        Raises :class:`rag.errors.NotAllowed` or :class:`rag.errors.LibraryReadOnly`.
        """
        return require_editor(self.accounts, self.user(request), self.read_only)

    def may_edit(self, request: Any) -> bool:
        """Whether to show whoever sent the request what only editors may do."""
        return not self.read_only and may_edit(self.accounts, self.user(request))

    # --- what the ask tab offers to the others ---

    def ask_from(self, event: Any, question: Any) -> None:
        """Let ``event`` (as ``button.click``) show the Ask tab and ask the text of the component ``question``."""
        assert self._asking is not None, "ask_from belongs into wire()"
        self._asking(event, question)

    @property
    def view_parts(self) -> list[Any]:
        """The components that :meth:`view` gives values for, in its order; the first is ``turns``."""
        assert self._view is not None, "view_parts belongs into wire()"
        return [self.parts[name] for name in self._view[0]]

    def view(self, turns: Sequence[Turn], library: str) -> Sequence[Any]:
        """Values for :attr:`view_parts` that show a whole conversation, as after reopening it."""
        assert self._view is not None, "view belongs into a handler"
        return self._view[1](turns, library)

    def provide(self, asking: Callable[[Any, Any], None], names: Sequence[str], view: View) -> None:
        """Called once by the page, before the tabs are wired."""
        self._asking = asking
        self._view = (names, view)
