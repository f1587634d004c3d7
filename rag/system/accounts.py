"""Who may sign in to the page, and who of them may change what all share.

:mod:`rag.system.auth_setting` says where the accounts of a program stand, :mod:`rag.system.users_file` keeps them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rag.errors import AccountError
from rag.system.passwords import fault_of, matches

READER = "reader"  # asks, reads, exports, keeps conversations
EDITOR = "editor"  # also changes libraries, papers and models
ROLES = (READER, EDITOR)
MAX_NAME = 64  # characters


@dataclass(frozen=True, slots=True)
class Account:
    """One user. ``hashed`` is the bcrypt hash of the password, ``added`` the day on which the account was made."""

    name: str
    role: str
    hashed: str = field(repr=False)
    added: str = ""


class AccountSource(Protocol):
    """Where accounts stand."""

    def read(self) -> Mapping[str, Account]:
        """All accounts by name as they are now. Raises :class:`ConfigError`."""
        ...


class Accounts:
    """Who may sign in; false where nobody needs to, which stays as it was at the start of the program."""

    def __init__(self, source: AccountSource | None = None) -> None:
        self._source = source
        self._needed = source is not None and bool(source.read())

    def __bool__(self) -> bool:
        return self._needed

    @property
    def names(self) -> list[str]:
        """The names of all accounts, sorted."""
        return sorted(self._all())

    def find(self, name: str) -> Account | None:
        """The account as it is now: one that was removed is none. Raises :class:`ConfigError`."""
        return self._all().get(name)

    def check(self, name: str, password: str) -> Account | None:
        """The account of ``name`` if the password is its own. Takes as long for an unknown name as for a known one.

        Takes a quarter of a second of a processor. Raises :class:`ConfigError`.
        """
        account = self.find(name)
        return account if matches(password, None if account is None else account.hashed) else None

    def _all(self) -> Mapping[str, Account]:
        return {} if self._source is None else self._source.read()


@dataclass(frozen=True, slots=True)
class FixedAccounts:
    """Accounts that do not change while the program runs."""

    accounts: Mapping[str, Account]

    def read(self) -> Mapping[str, Account]:
        """See :class:`AccountSource`."""
        return self.accounts


NOBODY = Accounts()  # nobody needs to sign in


def checked_name(name: str) -> str:
    """The name as accounts are called. Raises :class:`AccountError` where none can be called so."""
    normal = normal_name(name)
    if not normal or len(normal) > MAX_NAME or not normal.isprintable() or ":" in normal or "," in normal:
        raise AccountError(f"A name has 1 to {MAX_NAME} characters, none of them a colon, a comma or unprintable.")
    return normal


def normal_name(name: str) -> str:
    """A name as it was typed → as it is looked up."""
    return unicodedata.normalize("NFKC", name).strip()


def checked_password(password: str, name: str) -> str:
    """The password. Raises :class:`AccountError` where it cannot be taken."""
    if fault := fault_of(password, name):
        raise AccountError(f"'{name}' would have {fault}. Choose another one.")
    return password
