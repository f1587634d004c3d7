"""The papers of one library as the page shows them: each is read when it is shown, and no list of all is made."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from rag.datatypes import Paper, enclosing
from rag.errors import FootnoteError
from rag.library.storage.browsing import PaperFilter
from rag.questions.scope import Scope

if TYPE_CHECKING:
    from rag.library.library import Library

Listed = Literal["venues", "sources", "tags", "collections"]

MOST_CHOICES = 1000  # names of a kind that are offered: those of the most papers
_MOST_HELD = 2_000  # papers of a library that stay in memory, the last used; 2 to 3 kB each
_PLACES, _AT_PLACE = 10, 10  # where a large library is looked at for papers to ask about, and how many of them there
_ALL_LOOKED_AT = 500  # papers up to which all are


class Shelf(Mapping[str, Paper]):
    """Papers by id, as they are found when one asks."""

    @property
    @abstractmethod
    def held(self) -> int:
        """How many papers it may have in memory."""

    @abstractmethod
    def count(self, scope: Scope | None) -> int:
        """How many papers a scope admits."""

    @abstractmethod
    def choices(self, kind: Listed) -> list[str]:
        """The values of a field, ordered; where they are too many to offer, those of the most papers. Of collections
        those that others lie in as well."""

    @abstractmethod
    def several(self, ids: Sequence[str]) -> Mapping[str, Paper]:
        """The papers with these ids, read at once; unknown ones are left out."""

    @abstractmethod
    def briefs(self, text: str = "") -> Iterable[tuple[str, str, int | None]]:
        """``(id, title, year)`` of every paper that the words of ``text`` may be in, all without any."""

    @abstractmethod
    def sample(self) -> Sequence[Paper]:
        """Papers from all over the library, in order; of a small one all."""


class RecordShelf(Shelf):
    """The :class:`Shelf` of records that are in memory."""

    def __init__(self, papers: Iterable[Paper] = ()) -> None:
        self._papers = {paper.id: paper for paper in papers}

    def __len__(self) -> int:
        return len(self._papers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._papers)

    def __getitem__(self, paper_id: str) -> Paper:
        return self._papers[paper_id]

    @property
    def held(self) -> int:
        return len(self)

    def count(self, scope: Scope | None) -> int:
        return len(self) if scope is None else len(scope.admitted(self.values()))

    def choices(self, kind: Listed) -> list[str]:
        counts: Counter[str] = Counter()
        for paper in self.values():
            one = {"venues": paper.venue, "sources": paper.source}.get(kind)
            names = set(filter(None, getattr(paper, kind) if one is None else [one]))
            counts.update({around for name in names for around in enclosing(name)} if kind == "collections" else names)
        return _most_of(counts.items())

    def several(self, ids: Sequence[str]) -> Mapping[str, Paper]:
        return {one: self._papers[one] for one in ids if one in self._papers}

    def briefs(self, text: str = "") -> Iterable[tuple[str, str, int | None]]:
        return [(paper.id, paper.title, paper.year) for paper in self.values()]

    def sample(self) -> Sequence[Paper]:
        return list(self.values())


class LibraryShelf(Shelf):
    """The :class:`Shelf` of a library, as large as it was when the shelf was made; ``open`` gives the library.

    It holds no library open: another browser tab may delete it. A paper that cannot be read then is not there.
    """

    def __init__(self, open: Callable[[], Library]) -> None:
        """Raises :class:`FootnoteError` where the library cannot be opened."""
        self._open = open
        self._count = open().count
        self._lock = threading.Lock()
        self._read: OrderedDict[str, Paper | None] = OrderedDict()

    @property
    def held(self) -> int:
        return min(self._count, _MOST_HELD)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return iter(self._open().ids(PaperFilter()))

    def __getitem__(self, paper_id: str) -> Paper:
        with self._lock:
            if paper_id in self._read:
                self._read.move_to_end(paper_id)
                paper = self._read[paper_id]
            else:
                paper = self._read[paper_id] = self._find(paper_id)
                if len(self._read) > _MOST_HELD:
                    self._read.popitem(last=False)
        if paper is None:
            raise KeyError(paper_id)
        return paper

    def _find(self, paper_id: str) -> Paper | None:
        try:
            return self._open().get_papers([paper_id]).get(paper_id)
        except FootnoteError:  # what is wrong with the library is said when somebody asks it
            return None

    def count(self, scope: Scope | None) -> int:
        return self._count if scope is None else len(self._open().admitted([scope]))

    def choices(self, kind: Listed) -> list[str]:
        return _most_of((name, papers) for name, papers in getattr(self._open().facets(), kind) if name)

    def several(self, ids: Sequence[str]) -> Mapping[str, Paper]:
        return self._open().get_papers(ids)

    def briefs(self, text: str = "") -> Iterable[tuple[str, str, int | None]]:
        return self._open().briefs(PaperFilter(text=text))

    def sample(self) -> Sequence[Paper]:
        library = self._open()
        if self._count <= _ALL_LOOKED_AT:
            return library.papers()
        starts = [self._count * place // _PLACES for place in range(_PLACES)]
        pages = [library.page(PaperFilter(), offset=start, limit=_AT_PLACE) for start in starts]
        return [paper for page in pages for paper in page.papers]


def _most_of(counts: Iterable[tuple[str, int]]) -> list[str]:
    return sorted(name for name, _ in sorted(counts, key=lambda one: (-one[1], one[0]))[:MOST_CHOICES])
