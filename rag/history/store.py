"""``conversations.sqlite``: the conversations of all users of this computer, each seen by its own user only.

Every write is one short transaction, so a killed program loses nothing that was shown as kept, and several programs
and threads may write at once. What is deleted is overwritten. The words of questions and answers are indexed by
FTS5 as :func:`rag.text.tokenization.tokens` cuts them, so that scripts without spaces are found as well.
"""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from rag.errors import ConversationNotFound, HistoryError
from rag.history.database import Database
from rag.history.models import Conversation, ConversationInfo, KeptTurn, LibraryMark, Opened
from rag.history.serialisation import answer_from_record, answer_to_record, mode_today
from rag.papers.bibliography import one_line
from rag.questions.scope import Scope
from rag.text.plaintext import encodable
from rag.text.tokenization import tokens

NAME = "conversations.sqlite"
LONGEST_TITLE = 120  # characters
LONGEST_NOTE = 4_000


class ConversationStore:
    """The conversations in ``folder``. ``user`` is the empty name where nobody signs in.

    All methods raise :class:`HistoryError` where the file cannot be used, and :class:`ConversationNotFound` for what
    is not there or belongs to another user. Safe to use from several threads and processes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._db = Database(folder / NAME)

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self._db.close()

    # --- reading ---

    def conversations(self, user: str, search: str = "", limit: int = 500) -> list[ConversationInfo]:
        """The conversations of ``user``, the last changed first; those that hold all words of ``search``."""
        rows = "SELECT {} FROM conversations c WHERE user = ?{} ORDER BY changed DESC, id LIMIT ?"
        if not search.strip():
            return [_info(row) for row in self._rows(rows.format(_INFO, ""), (user, limit))]
        words = tokens(search)
        inside = (
            " AND (title LIKE ? ESCAPE '\\' OR id IN (SELECT conversation FROM turns WHERE row IN "
            "(SELECT rowid FROM words WHERE words MATCH ?)))"
        )
        pattern = "%" + "".join(f"\\{c}" if c in "%_\\" else c for c in search.strip()) + "%"
        # A word counts from its beginning: 'crab' finds 'crabs'. Quoted, nothing in it is an operator.
        match = " ".join(f'"{word}"*' for word in words) or '""'
        return [_info(row) for row in self._rows(rows.format(_INFO, inside), (user, pattern, match, limit))]

    def conversation(self, user: str, id: str) -> Conversation:
        """The whole conversation."""
        with self._db.transaction(read_only=True) as db:
            row = db.execute(f"SELECT {_INFO} FROM conversations c WHERE user = ? AND id = ?", (user, id)).fetchone()
            if row is None:
                raise _not_found(id)
            rows = db.execute(f"SELECT {', '.join(_TURN)} FROM turns WHERE conversation = ? ORDER BY row", (id,))
            turns = rows.fetchall()
        return Conversation(_info(row), tuple(_turn(one) for one in turns))

    def rated(self, user: str) -> list[tuple[Conversation, KeptTurn]]:
        """Every answer that has a rating, with the conversation up to it; ordered by time."""
        sql = (
            "SELECT DISTINCT c.id FROM conversations c JOIN turns t ON t.conversation = c.id WHERE user = ? AND rating"
        )
        whole = [self.conversation(user, row[0]) for row in self._rows(sql, (user,))]
        found = [
            (replace(one, turns=one.turns[:position]), turn)
            for one in whole
            for position, turn in enumerate(one.turns)
            if turn.rating
        ]
        return sorted(found, key=lambda pair: (pair[1].asked, pair[1].id))

    def users(self) -> list[str]:
        """Everybody who has a conversation here, by name."""
        return [row[0] for row in self._rows("SELECT DISTINCT user FROM conversations ORDER BY user")]

    # --- writing ---

    def save(self, user: str, opened: Opened, turns: Sequence[KeptTurn], library: LibraryMark) -> Opened:
        """Keep ``turns``, all that the tab shows, in the conversation that it has opened, else in a new one.

        Only what has changed is written; the last turn may have another answer to the same question. Whatever else
        differs (another tab or program went on with the conversation, or deleted it) is not touched: the turns become
        a conversation of their own.
        """
        ids = tuple(turn.id for turn in turns)
        if not turns or ids == opened.turns:
            return opened
        now = time.time()
        with self._db.transaction() as db:
            id, same = opened.id, _same(ids, opened.turns)
            if self._goes_on(db, user, opened, turns, same):
                gone = [(id, turn) for turn in opened.turns[same:]]
                db.executemany("DELETE FROM turns WHERE conversation = ? AND id = ?", gone)
            else:
                title = f"{title_of(turns)} (copy)" if same else title_of(turns)
                id, same = uuid.uuid4().hex, 0
                db.execute("INSERT INTO conversations VALUES (?, ?, ?, '', '', '', ?, ?)", (id, user, title, now, now))
            for turn in turns[same:]:
                _insert(db, id, turn, now)
            db.execute(
                "UPDATE conversations SET library = ?, library_name = ?, fingerprint = ?, changed = ? WHERE id = ?",
                (library.path, library.name, library.fingerprint, now, id),
            )
        return Opened(id, ids)

    def rename(self, user: str, id: str, title: str) -> None:
        """Give a conversation another title. Raises :class:`HistoryError` for a blank one."""
        title = _cut(encodable(one_line(title)), LONGEST_TITLE)
        if not title:
            raise HistoryError("A conversation needs a title. Write one, or leave the old one.")
        with self._db.transaction() as db:
            if not db.execute(
                "UPDATE conversations SET title = ? WHERE user = ? AND id = ?", (title, user, id)
            ).rowcount:
                raise _not_found(id)

    def delete(self, user: str, id: str) -> None:
        """Delete a conversation with its answers, ratings and notes; what was there is overwritten."""
        with self._db.transaction() as db:
            if not db.execute("DELETE FROM conversations WHERE user = ? AND id = ?", (user, id)).rowcount:
                raise _not_found(id)
            # Its words stay in the index, marked as deleted, until its parts are merged.
            db.execute("INSERT INTO words (words) VALUES ('optimize')")
        self._db.empty_log()

    def rate(self, user: str, id: str, turn: str, rating: int, note: str | None = None) -> None:
        """Rate an answer of the conversation ``id`` (1 good, -1 bad, 0 none) and, unless it is None, set its note."""
        if rating not in (-1, 0, 1):
            raise HistoryError(f"A rating is 1 (good), -1 (bad) or 0 (none), not {rating}.")
        with self._db.transaction() as db:
            done = db.execute(
                "UPDATE turns SET rating = ?, note = coalesce(?, note) WHERE id = ? AND conversation ="
                " (SELECT id FROM conversations WHERE user = ? AND id = ?)",
                (rating, None if note is None else encodable(note.strip()[:LONGEST_NOTE]), turn, user, id),
            )
            if not done.rowcount:
                raise ConversationNotFound("This answer is not kept, so it cannot be rated. Ask the question again.")

    @staticmethod
    def _goes_on(db: sqlite3.Connection, user: str, opened: Opened, turns: Sequence[KeptTurn], same: int) -> bool:
        """Whether ``turns``, the first ``same`` of which are known, go on with the conversation as it is kept."""
        if not db.execute("SELECT 1 FROM conversations WHERE user = ? AND id = ?", (user, opened.id)).fetchone():
            return False
        rows = db.execute("SELECT id, question FROM turns WHERE conversation = ? ORDER BY row", (opened.id,)).fetchall()
        if tuple(row[0] for row in rows) != opened.turns:
            return False
        asked_again = same == len(rows) - 1 < len(turns) and rows[same][1] == encodable(turns[same].question)
        return same == len(rows) or asked_again

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._db.transaction(read_only=True) as db:
            return db.execute(sql, values).fetchall()


_INFO = (
    "c.id, title, library, library_name, fingerprint, created, changed, "
    "(SELECT count(*) FROM turns WHERE conversation = c.id)"
)
_TURN = tuple(field.name for field in fields(KeptTurn))  # the columns of turns have the same names


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    """How many items at the beginning are equal."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def title_of(turns: Sequence[KeptTurn]) -> str:
    """The title that a conversation has at first: its first question."""
    return _cut(encodable(one_line(turns[0].question)), 80) or "Conversation"


def _not_found(id: str) -> ConversationNotFound:
    return ConversationNotFound(
        f"There is no conversation '{id}'. 'footnote conversations list' names those there are."
    )


def _insert(db: sqlite3.Connection, conversation: str, turn: KeptTurn, now: float) -> None:
    values = {
        "conversation": conversation,
        "id": turn.id,
        "asked": turn.asked or now,
        "question": encodable(turn.question),
        "model": turn.model,
        "mode": turn.mode,
        "library": turn.library,
        "scope": None if turn.scope is None else json.dumps(turn.scope.as_record()),
        "answer": None if turn.answer is None else json.dumps(answer_to_record(turn.answer)),
        "error": encodable(turn.error),
        "stopped": turn.stopped,
        "draft": encodable(turn.draft),
        "seconds": turn.seconds,
        "rating": turn.rating,
        "note": turn.note,
    }
    sql = f"INSERT INTO turns ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"
    row = db.execute(sql, tuple(values.values())).lastrowid
    said = "" if turn.answer is None else turn.answer.text
    words = " ".join(tokens(f"{turn.question} {said}"))
    db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (row, encodable(words)))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _info(row: Sequence[Any]) -> ConversationInfo:
    return ConversationInfo(row[0], row[1], LibraryMark(*row[2:5]), row[5], row[6], row[7])


def _turn(row: Sequence[Any]) -> KeptTurn:
    values = dict(zip(_TURN, row, strict=True))
    answer, scope = values["answer"], values["scope"]
    values["answer"] = None if answer is None else answer_from_record(json.loads(answer))
    values["scope"] = None if scope is None else Scope.of_record(json.loads(scope))
    values["mode"] = mode_today(values["model"], values["mode"])
    return KeptTurn(**values | {"stopped": bool(values["stopped"])})
