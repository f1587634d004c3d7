"""``conversations.sqlite``: the conversations of all users of this computer, each seen by its own user only.

Every write is one short transaction, so a killed program loses nothing that was shown as kept, and several programs
and threads may write at once. What is deleted is overwritten. The words of questions and answers are indexed by
FTS5 as :func:`rag.words.tokens` cuts them, so that scripts without spaces are found as well.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from rag.bibliography import one_line
from rag.datatypes import Answer
from rag.errors import ConversationNotFound, HistoryError
from rag.history.records import answer_from_record, answer_to_record
from rag.words import tokens

NAME = "conversations.sqlite"
VERSION = 1
LONGEST_TITLE = 120  # characters
LONGEST_NOTE = 4_000
_BUSY_SECONDS = 20.0

_SCHEMA = f"""
CREATE TABLE conversations (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, title TEXT NOT NULL,
    library TEXT NOT NULL, library_name TEXT NOT NULL, fingerprint TEXT NOT NULL,
    created REAL NOT NULL, changed REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX conversations_of ON conversations (user, changed);
CREATE TABLE turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- grows with the conversation, and is never given twice
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    asked REAL NOT NULL, question TEXT NOT NULL, model TEXT NOT NULL, mode TEXT NOT NULL,
    answer TEXT, error TEXT NOT NULL, stopped INTEGER NOT NULL, draft TEXT NOT NULL, seconds REAL NOT NULL,
    rating INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT ''
);
CREATE INDEX turns_of ON turns (conversation, id);
CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61');
CREATE TRIGGER forget_words AFTER DELETE ON turns BEGIN DELETE FROM words WHERE rowid = old.id; END;
PRAGMA user_version = {VERSION};
"""


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """One question and what came of it: an answer, an error, or a stop with the draft so far.

    ``id`` is the store's, 0 before it is kept. ``asked`` is in seconds since 1970, ``seconds`` how long it took.
    ``rating`` is 1 for good, -1 for bad, 0 for none.
    """

    question: str
    model: str = ""
    mode: str = ""
    answer: Answer | None = None
    error: str = ""
    stopped: bool = False
    draft: str = ""
    seconds: float = 0.0
    asked: float = 0.0
    id: int = 0
    rating: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class LibraryMark:
    """Which library a conversation is about: its folder, its name, and its fingerprint at the last answer."""

    path: str = ""
    name: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class ConversationInfo:
    """A conversation as a list shows it. Times are in seconds since 1970."""

    id: str
    title: str
    library: LibraryMark
    created: float
    changed: float
    turns: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """A whole conversation."""

    info: ConversationInfo
    turns: tuple[KeptTurn, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a browser tab knows of the conversation that it shows: its id, and each turn with a digest of it."""

    id: str = ""
    turns: tuple[tuple[int, str], ...] = ()


@dataclass
class ConversationStore:
    """The conversations in ``folder``. ``user`` is the empty name where nobody signs in.

    All methods raise :class:`HistoryError` where the file cannot be used, and :class:`ConversationNotFound` for what
    is not there or belongs to another user. Safe to use from several threads and processes.
    """

    folder: Path
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _opened: sqlite3.Connection | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / NAME

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    # --- reading ---

    def conversations(self, user: str, search: str = "", limit: int = 500) -> list[ConversationInfo]:
        """The conversations of ``user``, the last changed first; those that hold all words of ``search``."""
        rows = "SELECT {} FROM conversations c WHERE user = ?{} ORDER BY changed DESC, id LIMIT ?"
        if not search.strip():
            return [_info(row) for row in self._rows(rows.format(_INFO, ""), (user, limit))]
        words = tokens(search)
        inside = (
            " AND (title LIKE ? ESCAPE '\\' OR id IN (SELECT conversation FROM turns WHERE id IN "
            "(SELECT rowid FROM words WHERE words MATCH ?)))"
        )
        pattern = "%" + "".join(f"\\{c}" if c in "%_\\" else c for c in search.strip()) + "%"
        # A word counts from its beginning: 'crab' finds 'crabs'. Quoted, nothing in it is an operator.
        match = " ".join(f'"{word}"*' for word in words) or '""'
        return [_info(row) for row in self._rows(rows.format(_INFO, inside), (user, pattern, match, limit))]

    def conversation(self, user: str, id: str) -> Conversation:
        """The whole conversation."""
        with self._transaction(read_only=True) as db:
            row = db.execute(f"SELECT {_INFO} FROM conversations c WHERE user = ? AND id = ?", (user, id)).fetchone()
            if row is None:
                raise _not_found(id)
            turns = db.execute(f"SELECT {_TURN} FROM turns WHERE conversation = ? ORDER BY id", (id,)).fetchall()
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
        return sorted(found, key=lambda pair: pair[1].id)

    def users(self) -> list[str]:
        """Everybody who has a conversation here, by name."""
        return [row[0] for row in self._rows("SELECT DISTINCT user FROM conversations ORDER BY user")]

    # --- writing ---

    def save(self, user: str, opened: Opened, turns: Sequence[KeptTurn], library: LibraryMark) -> Opened:
        """Keep ``turns``, all that the tab shows, in the conversation that it has opened, else in a new one.

        Only what has changed is written. Where another tab or program went on with the same conversation, or deleted
        it, nothing of that is touched: the turns become a conversation of their own.
        """
        marks = [digest(turn) for turn in turns]
        if not turns or marks == [mark for _, mark in opened.turns]:
            return opened
        now = time.time()
        with self._transaction() as db:
            if self._is_as_known(db, user, opened):
                id, kept = opened.id, list(opened.turns[: _same(opened, marks)])
                db.executemany("DELETE FROM turns WHERE id = ?", [(turn,) for turn, _ in opened.turns[len(kept) :]])
            else:
                title = title_of(turns) if not opened.id else f"{title_of(turns)} (copy)"
                id, kept = uuid.uuid4().hex, []
                db.execute("INSERT INTO conversations VALUES (?, ?, ?, '', '', '', ?, ?)", (id, user, title, now, now))
            for turn, mark in list(zip(turns, marks, strict=True))[len(kept) :]:
                kept.append((_insert(db, id, turn, now), mark))
            db.execute(
                "UPDATE conversations SET library = ?, library_name = ?, fingerprint = ?, changed = ? WHERE id = ?",
                (library.path, library.name, library.fingerprint, now, id),
            )
        return Opened(id, tuple(kept))

    def rename(self, user: str, id: str, title: str) -> None:
        """Give a conversation another title. Raises :class:`HistoryError` for a blank one."""
        title = _cut(_storable(one_line(title)), LONGEST_TITLE)
        if not title:
            raise HistoryError("A conversation needs a title. Write one, or leave the old one.")
        with self._transaction() as db:
            if not db.execute(
                "UPDATE conversations SET title = ? WHERE user = ? AND id = ?", (title, user, id)
            ).rowcount:
                raise _not_found(id)

    def delete(self, user: str, id: str) -> None:
        """Delete a conversation with its answers, ratings and notes; what was there is overwritten."""
        with self._transaction() as db:
            if not db.execute("DELETE FROM conversations WHERE user = ? AND id = ?", (user, id)).rowcount:
                raise _not_found(id)
            # Its words stay in the index, marked as deleted, until its parts are merged.
            db.execute("INSERT INTO words (words) VALUES ('optimize')")
        with self._errors(), self._lock:
            # The log that was written ahead still holds what was deleted until it is emptied.
            self._db().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def rate(self, user: str, turn: int, rating: int, note: str | None = None) -> None:
        """Set the rating of an answer (1 good, -1 bad, 0 none) and, unless it is None, the note."""
        if rating not in (-1, 0, 1):
            raise HistoryError(f"A rating is 1 (good), -1 (bad) or 0 (none), not {rating}.")
        with self._transaction() as db:
            done = db.execute(
                "UPDATE turns SET rating = ?, note = coalesce(?, note) WHERE id = ? AND conversation IN"
                " (SELECT id FROM conversations WHERE user = ?)",
                (rating, None if note is None else note.strip()[:LONGEST_NOTE], turn, user),
            )
            if not done.rowcount:
                raise ConversationNotFound("This answer is not kept, so it cannot be rated. Ask the question again.")

    # --- the file ---

    @staticmethod
    def _is_as_known(db: sqlite3.Connection, user: str, opened: Opened) -> bool:
        """Whether the conversation is there and has the turns that the tab knows, no more and no fewer."""
        if not db.execute("SELECT 1 FROM conversations WHERE user = ? AND id = ?", (user, opened.id)).fetchone():
            return False
        rows = db.execute("SELECT id FROM turns WHERE conversation = ? ORDER BY id", (opened.id,)).fetchall()
        return [row[0] for row in rows] == [turn for turn, _ in opened.turns]

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._transaction(read_only=True) as db:
            return db.execute(sql, values).fetchall()

    @contextmanager
    def _transaction(self, read_only: bool = False) -> Iterator[sqlite3.Connection]:
        """All or nothing of what is done inside, also when the process is killed."""
        with self._errors(), self._lock:
            db = self._db()
            db.execute("BEGIN" if read_only else "BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # a full disk ends it by itself
                    db.execute("ROLLBACK")
                raise

    def _db(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = _open(self.path)
        return self._opened

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What SQLite and the file system raise, as :class:`HistoryError` with the remedy."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise HistoryError(_explain(self.path, str(error))) from error


_INFO = (
    "c.id, title, library, library_name, fingerprint, created, changed, "
    "(SELECT count(*) FROM turns WHERE conversation = c.id)"
)
_TURN = "question, model, mode, answer, error, stopped, draft, seconds, asked, id, rating, note"


def digest(turn: KeptTurn) -> str:
    """Tells two turns apart by what they say; ratings and notes do not count."""
    said = [turn.question, turn.model, turn.mode, turn.error, turn.stopped, turn.draft]
    answer = None if turn.answer is None else answer_to_record(turn.answer)
    return hashlib.sha256(json.dumps([*said, answer], sort_keys=True).encode("utf-8")).hexdigest()


def _same(opened: Opened, marks: Sequence[str]) -> int:
    """How many turns at the beginning are as they were kept."""
    pairs = zip((mark for _, mark in opened.turns), marks, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def title_of(turns: Sequence[KeptTurn]) -> str:
    """The title that a conversation has at first: its first question."""
    return _cut(_storable(one_line(turns[0].question)), 80) or "Conversation"


def _open(path: Path) -> sqlite3.Connection:
    """The file, made with its tables where it is missing."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):  # two programs may come first at once
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # what one asks is nobody else's business
        db = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
                db.execute(f"PRAGMA {pragma}")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):
                raise HistoryError(
                    f"{path} was written by a newer version of the program (format {version}, this one reads "
                    f"{VERSION}). Update the program, or move the file away."
                )
            if version == 0:
                db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        except BaseException:
            db.close()
            raise
    return db


def _explain(path: Path, reason: str) -> str:
    small = reason.lower()
    if "fts5" in small:
        return f"Python's SQLite was built without FTS5, which the search of {path} needs. Install another Python."
    if "full" in small or "no space" in small:
        return f"There is no space left for {path}. What was kept before is safe: free some space and ask again."
    if "readonly" in small or "permission" in small or "unable to open" in small or "read-only" in small:
        return f"{path} cannot be written ({reason}). Change its permissions, or choose another FOOTNOTE_HOME."
    if "locked" in small or "busy" in small:
        return f"{path} is in use by another program ({reason}). Wait until that has finished."
    return f"{path} is damaged ({reason}). Move it away; a new one is made, and the old one stays for a repair."


def _not_found(id: str) -> ConversationNotFound:
    return ConversationNotFound(
        f"There is no conversation '{id}'. 'footnote conversations list' names those there are."
    )


def _insert(db: sqlite3.Connection, conversation: str, turn: KeptTurn, now: float) -> int:
    answer = None if turn.answer is None else json.dumps(answer_to_record(turn.answer), ensure_ascii=True)
    values = (
        conversation, turn.asked or now, _storable(turn.question), turn.model, turn.mode, answer,
        _storable(turn.error), turn.stopped, _storable(turn.draft), turn.seconds, turn.rating, turn.note,
    )  # fmt: skip
    row = db.execute(
        "INSERT INTO turns (conversation, asked, question, model, mode, answer, error, stopped, draft, seconds, rating,"
        " note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    ).lastrowid
    assert row is not None
    said = "" if turn.answer is None else turn.answer.text
    db.execute(
        "INSERT INTO words (rowid, text) VALUES (?, ?)", (row, _storable(" ".join(tokens(f"{turn.question} {said}"))))
    )
    return row


def _storable(text: str) -> str:
    """The text as UTF-8 can hold it: a half surrogate, which a browser may send, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _info(row: Sequence[Any]) -> ConversationInfo:
    return ConversationInfo(row[0], row[1], LibraryMark(*row[2:5]), row[5], row[6], row[7])


def _turn(row: Sequence[Any]) -> KeptTurn:
    answer = None if row[3] is None else answer_from_record(json.loads(row[3]))
    return KeptTurn(row[0], row[1], row[2], answer, row[4], bool(row[5]), *row[6:])
