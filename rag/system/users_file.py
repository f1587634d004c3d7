"""``users.json``: accounts with their hashes, for nobody's eyes but the owner's.

The file is read anew when it has changed, so that an account that is removed while the page is served is none from
then on; how it is kept safe is in :mod:`rag.system.private_file`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from rag.errors import AccountError, ConfigError
from rag.system.accounts import Account, checked_name, checked_password
from rag.system.passwords import hash_password, is_hash
from rag.system.private_file import PrivateFile
from rag.system.secrets_file import EntriesRecord

Read = dict[str, Account]
_RECORD = EntriesRecord(
    "users", Account, is_hash,
    "it holds no accounts as 'footnote users' writes them. Restore it, or delete it and add the users again.",
)  # fmt: skip


class UsersFile:
    """The accounts in ``path``; none where there is no such file. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = PrivateFile(path, _accounts, _RECORD.record, "the hashes of passwords")

    def read(self) -> Mapping[str, Account]:
        """All accounts by name. Raises :class:`ConfigError` where the file is not safe or not what it should be."""
        return self._file.read()

    def check_free(self, name: str) -> None:
        """Raises :class:`AccountError` where there is such an account, or one that differs in its capitals only."""
        _check_free(self.read(), checked_name(name), self.path)

    def check_known(self, name: str) -> None:
        """Raises :class:`AccountError` where there is no such account."""
        _known(self.read(), name, self.path)

    # --- changing: each raises AccountError or ConfigError ---

    def add(self, name: str, password: str, role: str) -> Account:
        """Make an account."""
        name = checked_name(name)
        hashed = hash_password(checked_password(password, name))
        with self._file.changing() as accounts:
            return _put_new(accounts, name, hashed, role, self.path)

    def add_all(self, passwords: Mapping[str, str], role: str) -> None:
        """Make an account of each name and password, or of none where one cannot be made."""
        hashes = {name: hash_password(checked_password(word, name)) for name, word in passwords.items()}
        with self._file.changing() as accounts:
            for name, hashed in hashes.items():
                _put_new(accounts, name, hashed, role, self.path)

    def remove(self, name: str) -> int:
        """Take an account away; how many are left."""
        with self._file.changing() as accounts:
            del accounts[_known(accounts, name, self.path)]
            return len(accounts)

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password, which ends its sessions."""
        hashed = hash_password(checked_password(password, checked_name(name)))
        self._change(name, lambda account: replace(account, hashed=hashed))

    def set_role(self, name: str, role: str) -> None:
        """Let an account be reader or editor, from its next request on."""
        self._change(name, lambda account: replace(account, role=role))

    def _change(self, name: str, changed: Callable[[Account], Account]) -> None:
        with self._file.changing() as accounts:
            known = _known(accounts, name, self.path)
            accounts[known] = changed(accounts[known])


def _accounts(content: bytes, path: Path) -> Read:
    """What the file says. Raises :class:`ConfigError`, which repeats nothing of it."""
    try:
        record = json.loads(content)
    except ValueError:
        raise ConfigError(
            f"{path} is no file of accounts. If it holds name:password lines, run 'footnote users import {path}', "
            "which hashes them, and delete it; passwords in plain text are not read from a file."
        ) from None
    return _RECORD.entries(record, path)


def _put_new(accounts: Read, name: str, hashed: str, role: str, path: Path) -> Account:
    _check_free(accounts, name, path)
    accounts[name] = Account(name, role, hashed, time.strftime("%Y-%m-%d"))
    return accounts[name]


def _check_free(accounts: Mapping[str, Account], name: str, path: Path) -> None:
    like = next((known for known in accounts if known.casefold() == name.casefold()), None)
    if like is not None:
        raise AccountError(
            f"{path} has an account '{like}' already. 'footnote users password {like}' gives it another password, "
            f"'footnote users role {like} editor' another role."
        )


def _known(accounts: Mapping[str, Account], name: str, path: Path) -> str:
    if (known := checked_name(name)) not in accounts:
        raise AccountError(f"{path} has no account '{known}'. 'footnote users list' names those it has.")
    return known
