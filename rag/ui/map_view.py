"""What of a map goes to the browser: all points of a small one; of a large one the density of its papers, some points
from all over it, and those of the part that is looked at. Knows nothing of Gradio."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rag.survey.library_map import EDGE, LibraryMap
from rag.text.folding import fold
from rag.ui.shelves import Shelf

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_SENT = 8_000  # papers that are sent at once: 1 MB
MOST_LOOKED_AT = 3_000  # more points in one view cannot be told apart
MOST_LISTED = 100  # papers of a group that the list names
_SIDE = 96  # cells of the density along an edge
_LEAST_TYPED = 2  # letters of a title that are searched for


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the map, in its coordinates."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class DrawnMap:
    """The map of one library with its papers."""

    library_map: LibraryMap
    papers: Shelf

    @property
    def is_whole(self) -> bool:
        """Whether the browser has every point from the beginning."""
        return len(self.library_map.ids) <= MOST_SENT

    def row_of(self, paper_id: str) -> int:
        """Where a paper stands in the map, -1 where it does not."""
        ids = self.library_map.ids
        row = bisect_left(ids, paper_id)  # they are ordered
        return row if row < len(ids) and ids[row] == paper_id else -1

    def first_rows(self) -> Sequence[int]:
        """The papers that are sent with the map: all, or some that are evenly spread."""
        count = len(self.library_map.ids)
        return range(count) if self.is_whole else [at * count // MOST_SENT for at in range(MOST_SENT)]

    def rows_in(self, box: Box) -> Sequence[int]:
        """The papers in ``box``, of many some that are evenly spread."""
        x, y = self._places
        rows = ((x >= box.left) & (x <= box.right) & (y >= box.top) & (y <= box.bottom)).nonzero()[0].tolist()
        return _thinned(rows, MOST_LOOKED_AT)

    def titled(self, text: str) -> tuple[Sequence[int], Mapping[int, int] | None]:
        """The papers with every word of ``text`` in their titles, some of many, and how many there are by year (0: not
        known); None where the text is too short to be looked for."""
        words = fold(text).split()
        if len("".join(words)) < _LEAST_TYPED:
            return [], None
        rows: list[int] = []
        years: Counter[int] = Counter()
        for paper_id, title, year in self.papers.briefs(text):
            plain = fold(title)
            if all(word in plain for word in words) and (row := self.row_of(paper_id)) >= 0:
                rows.append(row)
                years[year or 0] += 1
        return _thinned(rows, MOST_LOOKED_AT), years

    def years_of_groups(self) -> list[Counter[int]]:
        """How many papers of each year (0: not known) every group has."""
        counts: list[Counter[int]] = [Counter() for _ in self.library_map.groups]
        for paper_id, _, year in self.papers.briefs():
            if (row := self.row_of(paper_id)) >= 0:
                counts[self.library_map.group[row]][year or 0] += 1
        return counts

    def density(self) -> dict[str, Any]:
        """How many papers lie in each cell of a grid, without empty ones: ``side``, and as columns ``cell`` (counted
        row by row), ``papers`` and ``group``, that of most of them."""
        import numpy as np

        x, y = self._places
        cells = (y * _SIDE // (EDGE + 1)) * _SIDE + x * _SIDE // (EDGE + 1)
        groups = np.asarray(self.library_map.group)
        table = np.zeros((_SIDE * _SIDE, max(len(self.library_map.groups), 1)), dtype=np.int64)
        np.add.at(table, (cells, groups), 1)
        sums = table.sum(axis=1)
        some = sums.nonzero()[0]
        columns = {"cell": some, "papers": sums[some], "group": table[some].argmax(axis=1)}
        return {"side": _SIDE, **{name: values.tolist() for name, values in columns.items()}}

    def listed(self) -> list[list[int]]:
        """Of each group the papers that the list names: all of a small map, else those nearest to the group's label."""
        import numpy as np

        x, y = self._places
        of_group = np.asarray(self.library_map.group)
        found = []
        for number, group in enumerate(self.library_map.groups):
            rows = (of_group == number).nonzero()[0]
            if not self.is_whole:
                reach = (x[rows] - group.x) ** 2 + (y[rows] - group.y) ** 2
                rows = rows[np.argsort(reach, kind="stable")[:MOST_LISTED]]
            found.append(rows.tolist())
        return found

    @cached_property
    def _places(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        import numpy as np

        return np.asarray(self.library_map.x, dtype=np.int64), np.asarray(self.library_map.y, dtype=np.int64)


def _thinned(rows: Sequence[int], most: int) -> Sequence[int]:
    return rows if len(rows) <= most else [rows[at * len(rows) // most] for at in range(most)]
