"""``tokens.json``: the tokens of programs that use the HTTP API, each with a role, none of them in plain text.

A token is 32 random bytes, shown once when it is made. What is kept is its SHA-256: nobody can try 2**256 values, so
the slow hash that a password needs would cost every request a quarter of a second for nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import AccountError
from rag.system.accounts import checked_name
from rag.system.private_file import PrivateFile
from rag.system.secrets_file import EntriesRecord

TOKENS_FILE = "tokens.json"
PREFIX = "footnote_"  # so that a token that got into a file is found there by whoever looks for such
_HASH = re.compile(r"[0-9a-f]{64}")
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Token:
    """One program that may use the API. ``hashed`` is the SHA-256 of its token, ``added`` the day it was made."""

    name: str
    role: str
    hashed: str = field(repr=False)
    added: str = ""


class TokensFile:
    """The tokens kept in a home folder; none where there is no such file. Safe to use from threads and processes."""

    def __init__(self, home: Path) -> None:
        self.path = home / TOKENS_FILE
        self._file = PrivateFile(self.path, _tokens, _RECORD.record, "the hashes of tokens")

    def read(self) -> Mapping[str, Token]:
        """All tokens by name. Raises :class:`ConfigError` where the file is not safe or not what it should be."""
        return self._file.read()

    def find(self, token: str) -> Token | None:
        """Whose token this is, as things stand now: one that was removed is nobody's. Raises :class:`ConfigError`."""
        hashed = _hash(token)
        found = None
        for one in self.read().values():  # all of them: how long it takes says nothing
            if secrets.compare_digest(one.hashed, hashed):
                found = one
        return found

    def add(self, name: str, role: str) -> str:
        """Make a token, which is returned and kept nowhere. Raises :class:`AccountError` or :class:`ConfigError`."""
        name, token = checked_name(name), f"{PREFIX}{secrets.token_urlsafe(_BYTES)}"
        with self._file.changing() as tokens:
            if any(known.casefold() == name.casefold() for known in tokens):
                raise AccountError(
                    f"{self.path} has a token '{name}' already. 'footnote tokens remove {name}' takes it away."
                )
            tokens[name] = Token(name, role, _hash(token), time.strftime("%Y-%m-%d"))
        return token

    def remove(self, name: str) -> int:
        """Take a token away, from its next request on; how many are left. Raises as :meth:`add` does."""
        name = checked_name(name)
        with self._file.changing() as tokens:
            if name not in tokens:
                raise AccountError(f"{self.path} has no token '{name}'. 'footnote tokens list' names those it has.")
            del tokens[name]
            return len(tokens)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _tokens(content: bytes, path: Path) -> dict[str, Token]:
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        record = None  # damaged, as one with other things in it is
    return _RECORD.entries(record, path)


_RECORD = EntriesRecord(
    "tokens", Token, lambda text: _HASH.fullmatch(text) is not None,
    "it holds no tokens as 'footnote tokens' writes them. Restore it, or delete it and make new tokens.",
)  # fmt: skip
