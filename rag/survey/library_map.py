"""A map of the library: every paper a point, near papers of similar meaning, in groups named by their terms.

The vector of a paper is the mean of its passages' vectors; :mod:`rag.survey.map_layout` makes points and groups of
them, :mod:`rag.survey.topics` the names of the groups. The map of a library depends on its papers alone, of which it
shows those that have vectors. It is kept in ``map.json`` inside the library's folder until the papers change.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Paper
from rag.survey import map_layout
from rag.survey.map_layout import EDGE
from rag.survey.topics import name_groups

if TYPE_CHECKING:
    from rag.datatypes import Matrix

__all__ = ["EDGE", "NAME", "TONES", "Group", "LibraryMap", "group_count", "library_map", "load", "make", "save"]

NAME = "map.json"
TONES = 12  # colours that a page tells apart, and so the most groups that a map has
_FORMAT = 1
_NAMED = 150  # papers of a group whose texts are read for its terms

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Group:
    """A region of the map. ``terms`` name it, best first; ``x``, ``y`` is the point of it where its label belongs.

    ``tone`` is a colour from 0 to ``TONES - 1``, unlike the colours of neighbouring groups.
    """

    terms: tuple[str, ...]
    x: int
    y: int
    papers: int
    tone: int

    @property
    def label(self) -> str:
        """The terms as one line."""
        return ", ".join(self.terms)


@dataclass(frozen=True, slots=True)
class LibraryMap:
    """The points of all papers, in the order of ``ids``; coordinates from 0 to ``EDGE``, ``y`` downwards.

    ``group[i]`` is the index of paper ``i``'s group in ``groups``, which are ordered by size, largest first.
    """

    fingerprint: str
    ids: tuple[str, ...]
    x: tuple[int, ...]
    y: tuple[int, ...]
    group: tuple[int, ...]
    groups: tuple[Group, ...]


class MapSource(Protocol):
    """What a map needs of :class:`rag.library.library.Library`."""

    path: Path
    untouched: bool

    @property
    def fingerprint(self) -> str: ...

    @property
    def count(self) -> int: ...

    @property
    def without_vectors(self) -> int: ...

    def get_papers(self, ids: Iterable[str]) -> Mapping[str, Paper]: ...

    def mean_vectors(self) -> tuple[list[str], Matrix]: ...


def library_map(library: MapSource, say: Callable[[str], object] = lambda word: None) -> LibraryMap:
    """The map of ``library``: the kept one, or else a new one, which is then kept. ``say`` gets a line about each step.

    Where the folder cannot or may not be written to, the map is made anew every time. Raises what reading the library
    raises.
    """
    fingerprint = drawn_from(library)
    kept = load(library.path / NAME, fingerprint)
    if kept is not None:
        return kept
    say("Reading the vectors of all papers…")
    ids, vectors = library.mean_vectors()
    made = make(ids, vectors, library.get_papers, fingerprint, say)
    if library.untouched:
        return made
    try:
        save(library.path / NAME, made)
    except OSError as error:
        logger.warning("The map of %s is not kept: %s.", library.path, error.strerror or error)
    return made


def drawn_from(library: MapSource) -> str:
    """What a map depends on: the fingerprint, and while vectors are missing, which tenth of the papers has some."""
    missing = library.without_vectors
    return f"{library.fingerprint} {10 - 10 * missing // library.count}/10" if missing else library.fingerprint


def make(
    ids: Sequence[str],
    vectors: Matrix,
    get_papers: Callable[[Sequence[str]], Mapping[str, Paper]],
    fingerprint: str,
    say: Callable[[str], object] = lambda word: None,
) -> LibraryMap:
    """The map of the papers with these ``ids`` and ``vectors``, shape ``(len(ids), dimension)``.

    ``get_papers`` gives the records of those that the groups are named by, some hundred of each.
    """
    if len(ids) != len(vectors):
        raise ValueError(f"not the same length: {len(ids)} papers, {len(vectors)} vectors")
    if not ids:
        return LibraryMap(fingerprint, (), (), (), (), ())
    with map_layout.one_thread():
        say(f"Laying out {len(ids):,} papers…")
        components = map_layout.principal_components(vectors)
        plane = map_layout.scale_to_edge(map_layout.lay_out(components))
        say("Finding groups…")
        labels = map_layout.cluster(components, plane, group_count(len(ids)))
        plane = map_layout.spread_duplicates(plane)
    say("Naming the groups…")
    members = [[int(i) for i in (labels == g).nonzero()[0]] for g in range(int(labels.max()) + 1)]
    centres = [map_layout.label_point(plane, rows) for rows in members]
    samples = [[ids[i] for i in _sample(rows)] for rows in members]
    named = get_papers([one for sample in samples for one in sample])
    texts = [[_text(named[one]) for one in sample if one in named] for sample in samples]
    tones = _tones(centres)
    groups = tuple(
        Group(terms, round(x), round(y), len(rows), tone)
        for terms, (x, y), rows, tone in zip(name_groups(texts), centres, members, tones, strict=True)
    )
    xs, ys = (tuple(round(float(v)) for v in column) for column in plane.T)
    return LibraryMap(fingerprint, tuple(ids), xs, ys, tuple(int(g) for g in labels), groups)


def group_count(papers: int) -> int:
    """How many groups: half the square root of the number of papers, at least 1, at most ``TONES``.

    The square root is the usual rule of thumb; half of it leaves a group enough papers to be named by (459 papers: 11
    groups of some 40).
    """
    return max(1, min(TONES, round(math.sqrt(papers) / 2)))


def load(path: Path, fingerprint: str) -> LibraryMap | None:
    """The kept map; None where there is none, or where it belongs to another fingerprint."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["format"] != _FORMAT or kept["fingerprint"] != fingerprint:
            return None
        groups = tuple(
            Group(tuple(map(str, g["terms"])), int(g["x"]), int(g["y"]), int(g["papers"]), int(g["tone"]))
            for g in kept["groups"]
        )
        x, y, group = (tuple(map(int, kept[name])) for name in ("x", "y", "group"))
        ids = tuple(map(str, kept["ids"]))
        if not len(ids) == len(x) == len(y) == len(group) or not all(0 <= g < len(groups) for g in group):
            return None
        return LibraryMap(fingerprint, ids, x, y, group, groups)
    except (OSError, ValueError, KeyError, TypeError):  # a damaged file is replaced by a new map
        return None


def save(path: Path, made: LibraryMap) -> None:
    """Writes the map in one step: a concurrent reader finds the old file or the new one. Raises :class:`OSError`."""
    groups = [{"terms": g.terms, "x": g.x, "y": g.y, "papers": g.papers, "tone": g.tone} for g in made.groups]
    columns = {name: getattr(made, name) for name in ("ids", "x", "y", "group")}
    content = {"format": _FORMAT, "fingerprint": made.fingerprint, "groups": groups, **columns}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _sample(rows: Sequence[int]) -> Sequence[int]:
    """At most ``_NAMED`` of them, evenly spread."""
    step = max(1.0, len(rows) / _NAMED)
    return [rows[int(i * step)] for i in range(min(len(rows), _NAMED))]


def _text(paper: Paper) -> str:
    return f"{paper.title}. {paper.abstract}"


def _tones(centres: Sequence[tuple[float, float]]) -> list[int]:
    """A colour for each group, the largest first: the free colour that is least like those of nearby groups."""
    chosen: list[int] = []
    for x, y in centres:
        free = [tone for tone in range(TONES) if tone not in chosen] or list(range(TONES))

        def likeness(tone: int, x: float = x, y: float = y) -> float:
            return sum(
                (TONES / 2 - _apart(tone, other)) ** 2 / (1.0 + math.dist((x, y), centre) / 1000.0) ** 2
                for other, centre in zip(chosen, centres, strict=False)
            )

        chosen.append(min(free, key=lambda tone: (likeness(tone), tone)))
    return chosen


def _apart(one: int, other: int) -> int:
    return min((one - other) % TONES, (other - one) % TONES)
