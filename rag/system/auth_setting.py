"""``FOOTNOTE_AUTH``, and where accounts stand without it.

Accounts stand in a file of their own, ``users.json`` in the data folder, which ``footnote users`` writes. The setting
takes its place: it names another such file, or holds ``name:password`` pairs separated by commas, which are hashed when
the program starts; each of them is an editor. Pairs are for the environment only: a settings file that holds them is
refused, as is a file of such lines, which ``footnote users import`` hashes. No error message contains a password or any
part of the setting that may be one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rag.errors import AccountError, ConfigError
from rag.system.accounts import EDITOR, Account, Accounts, FixedAccounts, checked_name
from rag.system.passwords import fault_of, hash_password
from rag.system.users_file import UsersFile

USERS_FILE = "users.json"
_HOW = "Give people accounts with 'footnote users add NAME', or write FOOTNOTE_AUTH as name:password pairs with commas"


def open_accounts(setting: str, home: Path) -> Accounts:
    """The accounts of ``FOOTNOTE_AUTH``, or without it those of the file in ``home``. Raises :class:`ConfigError`."""
    if holds_pairs(setting):
        return Accounts(FixedAccounts(_hashed(read_pairs(setting))))
    path = users_path(setting, home)
    if setting.strip() and not (file_of(setting) and path.is_file()):
        raise ConfigError(f"FOOTNOTE_AUTH is neither pairs nor a file that exists. {_HOW}.")
    accounts = Accounts(UsersFile(path))
    if setting.strip() and not accounts:
        raise ConfigError(f"{path}, which FOOTNOTE_AUTH names, has no account. Add one: footnote users add NAME")
    return accounts


def asks_for_sign_in(setting: str, home: Path) -> bool:
    """Whether the page of these settings lets only accounts in. Raises :class:`ConfigError`."""
    return bool(setting.strip()) or bool(UsersFile(users_path(setting, home)).read())


def passed_over(setting: str, home: Path) -> str:
    """A line about accounts that nobody can sign in with, because ``FOOTNOTE_AUTH`` says something else; else ''."""
    path = home / USERS_FILE
    if not setting.strip() or file_of(setting) == path or not path.exists():
        return ""
    return f"FOOTNOTE_AUTH is set, so the accounts in {path} are not used.\n"


def users_path(setting: str, home: Path) -> Path:
    """The file that ``footnote users`` changes, there or not: what the setting names, else the one in ``home``."""
    return file_of(setting) or home / USERS_FILE


def holds_pairs(setting: str) -> bool:
    """Whether ``FOOTNOTE_AUTH`` holds passwords itself."""
    return ":" in setting and file_of(setting) is None


def file_of(setting: str) -> Path | None:
    """The file that ``FOOTNOTE_AUTH`` names, there or not; None for anything that may be a password."""
    text = setting.strip()
    try:
        path = Path(text).expanduser()
        return path if text and (path.is_file() or path.is_absolute()) else None
    except (OSError, RuntimeError, ValueError):
        return None


def read_pairs(text: str, where: str = "FOOTNOTE_AUTH") -> dict[str, str]:
    """Passwords by name out of ``name:password`` pairs with commas. Raises :class:`ConfigError`."""
    return _passwords([(f"pair {i} of {where}", pair) for i, pair in enumerate(text.split(","), start=1)])


def read_pair_lines(text: str, where: object) -> dict[str, str]:
    """As :func:`read_pairs`, a pair a line; blank lines and those that begin with ``#`` are left out."""
    lines = [(f"{where}, line {i}", line) for i, line in enumerate(text.splitlines(), start=1)]
    return _passwords([(at, line) for at, line in lines if line.strip() and not line.lstrip().startswith("#")])


def _passwords(pairs: list[tuple[str, str]]) -> dict[str, str]:
    passwords: dict[str, str] = {}
    for where, pair in pairs:
        name, colon, password = pair.strip().partition(":")
        try:
            name = checked_name(name) if colon and name.strip() else ""
        except AccountError as error:
            raise ConfigError(f"{where} has no usable name. {error}") from None
        if not name:
            raise ConfigError(f"{where} is not name:password. {_HOW}.")
        if fault := fault_of(password, name):
            raise ConfigError(f"{where} has {fault}. Choose another one.")
        if name in passwords:
            raise ConfigError(f"{where} has a name that came before. Give every user one line.")
        passwords[name] = password
    return passwords


def _hashed(passwords: Mapping[str, str]) -> dict[str, Account]:
    return {name: Account(name, EDITOR, hash_password(password)) for name, password in passwords.items()}
