"""Who is signed in, by the token in the browser's cookie. Kept in memory: after a restart everybody signs in again."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from rag.system.accounts import Account, Accounts

IDLE_S = 24 * 3600.0  # without a request
LONGEST_S = 7 * 24 * 3600.0
MOST = 10_000  # of all users
MOST_OF_ONE = 50


@dataclass(frozen=True, slots=True)
class _Session:
    name: str
    hashed: str  # of the password at that time: another password ends the session
    begun: float
    used: float


class Sessions:
    """The sessions of all accounts, by the hash of their token. Safe to use from several threads."""

    def __init__(self, accounts: Accounts, now: Callable[[], float] = time.monotonic) -> None:
        self._accounts, self._now = accounts, now
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, _Session] = OrderedDict()  # the one that was used longest ago first

    def begin(self, account: Account) -> str:
        """A new session; its token."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            now = self._now()
            self._sessions[_key(token)] = _Session(account.name, account.hashed, now, now)
            own = [key for key, session in self._sessions.items() if session.name == account.name]
            for key in own[:-MOST_OF_ONE]:
                del self._sessions[key]
            while len(self._sessions) > MOST:
                self._sessions.popitem(last=False)
        return token

    def account(self, token: str) -> Account | None:
        """Whose session it is; None where it has ended: by time, by signing out, or with its account or password.

        Raises :class:`rag.errors.ConfigError` where the accounts cannot be read.
        """
        key = _key(token)
        with self._lock:
            session, now = self._sessions.get(key), self._now()
        if session is None:
            return None
        account = self._accounts.find(session.name)
        over = now - session.used > IDLE_S or now - session.begun > LONGEST_S
        with self._lock:
            if over or account is None or account.hashed != session.hashed:
                self._sessions.pop(key, None)
                return None
            if key in self._sessions:
                self._sessions[key] = replace(session, used=now)
                self._sessions.move_to_end(key)
        return account

    def end(self, token: str) -> None:
        """Sign out. Safe to repeat."""
        with self._lock:
            self._sessions.pop(_key(token), None)


def _key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
