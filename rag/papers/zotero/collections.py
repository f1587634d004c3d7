"""The collections of one of Zotero's libraries by key, as paths: ``Thesis/Chapter 2``."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from rag.datatypes import collection_path


def paths(collections: Mapping[Hashable, tuple[str, Hashable | None]]) -> dict[Hashable, str]:
    """The path of each collection, from its name and the key of the one that it is in.

    One whose parent is missing (it was deleted, and all in it with it) has no path, and none in a circle has one.
    """
    found: dict[Hashable, str] = {}
    for key in collections:
        names: list[str] = []
        at: Hashable | None = key
        seen: set[Hashable] = set()
        while at is not None and at in collections and at not in seen:
            seen.add(at)
            name, at = collections[at]
            names.append(name)
        if at is None:
            found[key] = collection_path(reversed(names))
    return found
