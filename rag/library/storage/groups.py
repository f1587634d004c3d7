"""Tags and collections of the papers of a library: which paper has which.

A library that an older program made lacks their table; opened for reading it gets a view in its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rag.datatypes import enclosing
from rag.library.storage import schema
from rag.library.storage.database import Database

TAGS, COLLECTIONS = "tags", "collections"
Counted = tuple[tuple[str, int], ...]  # (name, papers), most papers first


class Groups:
    """The table of tags and collections, which triggers keep."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_ready = False

    def create(self) -> None:
        """Add the table to a library that an older program made. The caller holds the writer's lock."""
        if not self._database.has_table("paper_groups"):
            self._database.run_script(f"BEGIN IMMEDIATE; {schema.GROUPS} {schema.FILL_GROUPS} COMMIT;")

    def names(self, kind: str) -> list[str]:
        """All tags, or the paths of all collections that papers are in, ordered."""
        return [
            row[0] for row in self._rows("SELECT DISTINCT name FROM paper_groups WHERE kind = ? ORDER BY name", [kind])
        ]

    def count_tags(self, where: str, values: Sequence[Any]) -> Counted:
        """The tags of the papers that ``where`` admits, a clause ``WHERE …`` or nothing; "" for those without one."""
        among = f" AND paper_id IN (SELECT id FROM papers{where})" if where else ""
        rows = self._rows(f"SELECT name, count(*) FROM paper_groups WHERE kind = '{TAGS}'{among} GROUP BY name", values)
        return _most_first(dict(rows), self._without(TAGS, where, values))

    def count_collections(self, where: str, values: Sequence[Any]) -> Counted:
        """As :meth:`count_tags`; a collection counts the papers of those below it as well."""
        among = f" AND paper_id IN (SELECT id FROM papers{where})" if where else ""
        papers: dict[str, set[str]] = defaultdict(set)
        for name, paper_id in self._rows(
            f"SELECT name, paper_id FROM paper_groups WHERE kind = '{COLLECTIONS}'{among}", values
        ):
            for path in enclosing(name):
                papers[path].add(paper_id)
        counts = {path: len(ones) for path, ones in papers.items()}
        return _most_first(counts, self._without(COLLECTIONS, where, values))

    def condition(self, kind: str, names: Sequence[str]) -> tuple[str, list[Any]]:
        """What admits the papers that have one of ``names`` ("": none at all), as SQL with its values."""
        self._prepare()
        papers = f"SELECT paper_id FROM paper_groups WHERE kind = '{kind}'"
        parts: list[str] = []
        values: list[Any] = []
        for name in filter(None, names):
            if kind == COLLECTIONS:  # what is below 'Thesis' stands between 'Thesis/' and 'Thesis0'
                parts.append(f"id IN ({papers} AND (name = ? OR (name >= ? AND name < ?)))")
                values += [name, f"{name}/", f"{name}0"]
            else:
                parts.append(f"id IN ({papers} AND name = ?)")
                values.append(name)
        if "" in names:
            parts.append(f"id NOT IN ({papers})")
        return f"({' OR '.join(parts)})", values

    def _without(self, kind: str, where: str, values: Sequence[Any]) -> int:
        """How many of the admitted papers have none of a kind."""
        if not where:
            some = self._rows("SELECT count(DISTINCT paper_id) FROM paper_groups WHERE kind = ?", [kind])
            return int(self._database.rows("SELECT count(*) FROM papers")[0][0]) - int(some[0][0])
        none, _ = self.condition(kind, [""])
        rows = self._database.rows(f"SELECT count(*) FROM papers{where} AND {none}", values)
        return int(rows[0][0])

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        self._prepare()
        return self._database.rows(sql, values)

    def _prepare(self) -> None:
        """Make the view where the table is missing."""
        if not self._is_ready:
            if not self._database.has_table("paper_groups"):
                self._database.execute(schema.GROUPS_VIEW)
            self._is_ready = True


def _most_first(counts: Mapping[str, int], without: int) -> Counted:
    """Nothing where no paper has any: then 'none' would be all that there is to choose."""
    if not counts:
        return ()
    found = {**counts, **({"": without} if without else {})}
    return tuple(sorted(found.items(), key=lambda one: (-one[1], one[0])))
