"""Entries with a name, a role, a hash and the day that they were made: what ``users.json`` and ``tokens.json`` hold.

Both are :class:`~rag.system.private_file.PrivateFile`; this is how their entries become JSON and come back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from rag.errors import AccountError, ConfigError
from rag.system.accounts import ROLES, checked_name

_FORMAT = 1


class Entry(Protocol):
    """One entry. ``hashed`` is the hash of its secret, ``added`` the day on which it was made."""

    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def hashed(self) -> str: ...
    @property
    def added(self) -> str: ...


E = TypeVar("E", bound=Entry)


class EntriesRecord(Generic[E]):
    """``{"format": 1, key: {name: {"role", "hash", "added"}}}`` of entries and back.

    ``make`` takes name, role, hash and day; ``is_hash`` says whether a text can be such a hash; ``damaged`` is what is
    said behind the path of a file that holds no such record.
    """

    def __init__(
        self, key: str, make: Callable[[str, str, str, str], E], is_hash: Callable[[str], bool], damaged: str
    ) -> None:
        self._key, self._make, self._is_hash, self._damaged = key, make, is_hash, damaged

    def entries(self, record: Any, path: Path) -> dict[str, E]:
        """The entries by name. Raises :class:`ConfigError`, which repeats nothing of the record."""
        try:
            if record["format"] != _FORMAT:
                raise ConfigError(f"{path} has format {record['format']!r}, not {_FORMAT}. Use the newer Footnote.")
            return {name: self._entry(name, fields) for name, fields in record[self._key].items()}
        except (KeyError, TypeError, AttributeError, ValueError, AccountError):
            raise ConfigError(f"{path} is damaged: {self._damaged}") from None

    def record(self, entries: Mapping[str, E]) -> Any:
        """What is written of ``entries``, sorted by name."""
        ordered = sorted(entries.values(), key=lambda entry: entry.name)
        kept = {one.name: {"role": one.role, "hash": one.hashed, "added": one.added} for one in ordered}
        return {"format": _FORMAT, self._key: kept}

    def _entry(self, name: str, fields: Mapping[str, Any]) -> E:
        entry = self._make(checked_name(name), str(fields["role"]), str(fields["hash"]), str(fields.get("added", "")))
        if entry.name != name or entry.role not in ROLES or not self._is_hash(entry.hashed):
            raise ValueError(name)
        return entry
