"""Who may sign in to the page: names and passwords from ``FOOTNOTE_AUTH``.

The setting is ``name:password`` pairs separated by commas, or the path of a file with one pair a line (blank lines and
lines that begin with ``#`` are ignored; there a password may hold commas). Without it nobody needs to sign in. No
error message contains a password or any part of the setting that may be one.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import ConfigError

MIN_PASSWORD = 8  # characters
_HOW = "Write FOOTNOTE_AUTH as name:password pairs separated by commas, or name a file with one pair a line"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Passwords by name; empty where nobody needs to sign in."""

    _passwords: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self._passwords)

    @property
    def names(self) -> list[str]:
        """The names of all accounts, sorted."""
        return sorted(self._passwords)

    def admits(self, name: str, password: str) -> bool:
        """Whether the password is that of ``name``. Takes as long for an unknown name as for a known one."""
        expected = self._passwords.get(name)
        equal = hmac.compare_digest((expected or "").encode("utf-8"), password.encode("utf-8", "replace"))
        return equal and expected is not None


def read_accounts(setting: str) -> Accounts:
    """The accounts that the setting names, none for an empty one. Raises :class:`ConfigError`."""
    text = setting.strip()
    if not text:
        return Accounts()
    path = _file(text)
    if path is None:
        if ":" not in text:
            raise ConfigError(f"FOOTNOTE_AUTH is neither pairs nor a file that exists. {_HOW}.")
        return _accounts([(f"pair {i} of FOOTNOTE_AUTH", pair) for i, pair in enumerate(text.split(","), start=1)])
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The file of FOOTNOTE_AUTH cannot be read ({error}). {_HOW}.") from error
    pairs = [(f"{path}, line {i}", line) for i, line in enumerate(lines, start=1)]
    kept = [(where, line) for where, line in pairs if line.strip() and not line.lstrip().startswith("#")]
    if not kept:
        raise ConfigError(f"{path} holds no name and password. {_HOW}.")
    return _accounts(kept)


def _file(text: str) -> Path | None:
    try:
        path = Path(text).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError, ValueError):
        return None


def _accounts(pairs: list[tuple[str, str]]) -> Accounts:
    passwords: dict[str, str] = {}
    for where, pair in pairs:
        name, colon, password = pair.strip().partition(":")
        name = name.strip()
        if not colon or not name:
            raise ConfigError(f"{where} is not name:password. {_HOW}.")
        if len(password) < MIN_PASSWORD:
            raise ConfigError(f"{where} has a password of fewer than {MIN_PASSWORD} characters. Choose a longer one.")
        if name in passwords:
            raise ConfigError(f"{where} has a name that came before. Give every user one line.")
        passwords[name] = password
    return Accounts(passwords)
