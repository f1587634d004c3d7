"""Kept conversations on the page: stored, opened again, rated and exported. Knows nothing of Gradio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rag.errors import FootnoteError
from rag.history.feedback import evaluation_set
from rag.history.models import KeptTurn, LibraryMark, Opened
from rag.history.stale import StaleCitation, stale_citations
from rag.history.store import ConversationStore
from rag.output.exports import IN_STYLE, Files, export, only
from rag.papers.styles.finding import DEFAULT, chosen_style
from rag.ui.conversation import Turn
from rag.ui.page_context import PageContext


@dataclass(frozen=True, slots=True)
class Reopened:
    """A conversation as a browser tab shows it again. ``problem`` says what of it could not be checked."""

    turns: tuple[Turn, ...]
    library: str
    opened: Opened
    problem: str = ""


class ConversationRecorder:
    """Keeps the conversations of all users of one page."""

    def __init__(self, context: PageContext, store: ConversationStore) -> None:
        self.store = store
        self._context = context

    def keep(self, user: str, opened: Opened, turns: Sequence[Turn], library: str) -> Opened:
        """Keep what the tab shows, in the conversation that it shows. Raises :class:`rag.errors.HistoryError`."""
        done = [to_kept(turn) for turn in turns if turn.finished]
        return self.store.save(user, opened, done, self._mark(turns, library))

    def current(self, opened: Opened, turns: Sequence[Turn]) -> Opened:
        """What of ``opened`` the tab still shows: nothing after 'New conversation'."""
        return opened if turns and turns[0].id in opened.turns else Opened()

    def reopen(self, user: str, id: str) -> Reopened:
        """The conversation, each footnote that the library no longer bears out marked. Raises :class:`HistoryError`."""
        kept = self.store.conversation(user, id)
        library = self._folder(kept.info.library.path)
        turns, problem = [], ""
        for one in kept.turns:
            turn = replace(to_turn(one), library=self._folder(one.library))
            try:
                turn = replace(turn, stale=self._stale(turn))
            except FootnoteError as error:
                problem = f"{error} The footnotes show the sentences as they were kept."
            turns.append(turn)
        return Reopened(tuple(turns), library, Opened(id, tuple(turn.id for turn in turns)), problem)

    def rate(
        self, user: str, opened: Opened, turns: Sequence[Turn], library: str, turn: str, rating: int, note: str | None
    ) -> tuple[list[Turn], Opened]:
        """The turns and what is opened after one answer was rated. Raises :class:`rag.errors.HistoryError`."""
        opened = self.keep(user, opened, turns, library)  # the answer may have come this very moment
        self.store.rate(user, opened.id, turn, rating, note)
        values = {"rating": rating} if note is None else {"rating": rating, "note": note.strip()}
        return [replace(t, **values) if t.id == turn else t for t in turns], opened

    def export(self, user: str, id: str, format: str, turn: str, library: str, style: str = "") -> Files:
        """A conversation, or with ``turn`` one answer of it, as files; ``style`` names a citation style.

        Raises :class:`rag.errors.FootnoteError`.
        """
        kept = self.store.conversation(user, id)
        shown = only(kept, turn) if turn else kept
        return export(shown, format, self._context.known_papers(library), self._style(format, style))

    def _style(self, format: str, name: str) -> bytes | None:
        """The file of the style; None for records, and for Pandoc where none is named: it has one of its own."""
        if format not in IN_STYLE or (format == "pandoc" and not name.strip()):
            return None
        settings = self._context.settings
        return chosen_style(name, settings.citation_style if settings is not None else DEFAULT)

    def evaluation(self, user: str) -> Files:
        """All answers marked good as questions for ``footnote eval answers``. Raises :class:`FootnoteError`."""
        return {"rated-answers.jsonl": evaluation_set(self.store.rated(user)).text}

    def _stale(self, turn: Turn) -> tuple[StaleCitation, ...]:
        if turn.answer is None or not turn.answer.citations:
            return ()
        now = self._context.library_service.fingerprint(turn.library)
        if now and now == turn.answer.trace.library:
            return ()
        return stale_citations(turn.answer, self._context.papers(turn.library))

    def _mark(self, turns: Sequence[Turn], library: str) -> LibraryMark:
        fingerprints = [turn.answer.trace.library for turn in turns if turn.answer is not None]
        path, settings = self._path(library), self._context.settings
        shipped = settings is not None and settings.is_shipped_library and not library
        name = "Shipped abstracts" if shipped else Path(path).name
        return LibraryMark(path, name, fingerprints[-1] if fingerprints else "")

    def _path(self, library: str) -> str:
        """The folder of a library as the page names it."""
        if library or self._context.settings is None:
            return library
        return str(self._context.settings.library_path.expanduser().absolute())

    def _folder(self, path: str) -> str:
        """How the page names the library in that folder: "" for the one that it was started with."""
        return "" if path == self._path("") else path


def to_kept(turn: Turn) -> KeptTurn:
    """A finished turn for the store."""
    return KeptTurn(
        turn.question,
        turn.model,
        turn.mode,
        turn.answer,
        turn.error,
        turn.stopped,
        turn.draft if turn.stopped else "",
        turn.seconds,
        turn.library,
        turn.scope,
        rating=turn.rating,
        note=turn.note,
        id=turn.id,
    )


def to_turn(kept: KeptTurn) -> Turn:
    """A turn of the store for the page."""
    return Turn(
        kept.question,
        kept.model,
        kept.mode,
        kept.answer,
        kept.error,
        kept.stopped,
        draft=kept.draft,
        seconds=kept.seconds,
        library=kept.library,
        scope=kept.scope,
        rating=kept.rating,
        note=kept.note,
        id=kept.id,
    )
