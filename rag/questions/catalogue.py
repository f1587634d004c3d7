"""What filters ask of a library: the names that its papers have, and which papers fit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal, Protocol

from rag.datatypes import Scope, ScopedRecord

Kind = Literal["venues", "sources", "authors", "tags", "collections"]


class Catalogue(Protocol):
    """:class:`rag.library.library.Library` is one."""

    def names(self, kind: Kind) -> Collection[str]:
        """The values of a field of all papers; "" where there are papers without one."""
        ...

    def admitted(self, scopes: Sequence[Scope]) -> Collection[str]:
        """Ids of the papers that all of ``scopes`` admit, ordered."""
        ...


class RecordCatalogue:
    """The :class:`Catalogue` of records that are in memory."""

    def __init__(self, records: Iterable[ScopedRecord]) -> None:
        self._records = sorted(records, key=lambda one: one.id)

    def names(self, kind: Kind) -> tuple[str, ...]:
        """The values of a field of all records, ordered."""
        found: set[str] = set()
        for one in self._records:
            if kind in ("venues", "sources"):
                found.add(one.venue if kind == "venues" else one.source)
            else:
                found.update(getattr(one, kind))
        return tuple(sorted(found))

    def admitted(self, scopes: Sequence[Scope]) -> tuple[str, ...]:
        """Ids of the records that all of ``scopes`` admit, ordered."""
        found = self._records
        for scope in scopes:
            kept = set(scope.admitted(found))
            found = [one for one in found if one.id in kept]
        return tuple(one.id for one in found)
