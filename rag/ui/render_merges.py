"""Records that were merged, each beside the paper that it was merged into, as HTML. Whatever comes from files is
escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.datatypes import Paper
from rag.output.templating import Template
from rag.text.unseen import clean, one_line

if TYPE_CHECKING:
    from rag.library.storage.merges import Merge

_TEMPLATE = Template("rag.ui", "merges")
PAGE = 20  # merges on a page


@dataclass(frozen=True, slots=True)
class MergePage:
    """One page of the merges, counted from 0, with the papers that they went into; ``unknown`` were made by an earlier
    version, which kept nothing of their records."""

    merges: Sequence[Merge]
    papers: Mapping[str, Paper]
    page: int
    total: int
    unknown: int


@dataclass(frozen=True, slots=True)
class _Pair:
    """One merge: what is said above it, and the fields of record and paper side by side."""

    id: str
    title: str
    reason: str
    rows: Sequence[tuple[str, str, str, bool]]  # label, of the record, of the paper, whether they differ


def merges_html(shown: MergePage, may_undo: bool) -> str:
    """The page, with a button for each merge where the reader may undo it."""
    pairs = [_pair(one, shown.papers.get(one.paper_id)) for one in shown.merges]
    pages = max((shown.total - 1) // PAGE + 1, 1)
    return _TEMPLATE.merges(pairs, shown.total, shown.unknown, shown.page, pages, may_undo)


def _pair(merge: Merge, paper: Paper | None) -> _Pair:
    of_record = _fields(merge.record)
    of_paper = _fields(paper) if paper is not None else {}
    both = [(label, text, of_paper.get(label, "")) for label, text in of_record.items()]
    rows = [(label, text, other, _words(text) != _words(other)) for label, text, other in both if text or other]
    return _Pair(merge.id, one_line(merge.record.title) or merge.record.id, merge.reason, rows)


def _words(text: str) -> list[str]:
    return text.casefold().split()


def _fields(paper: Paper) -> dict[str, str]:
    return {
        "Title": one_line(paper.title),
        "Authors": ", ".join(map(one_line, paper.authors)),
        "Year": str(paper.year or ""),
        "Venue": one_line(paper.venue),
        "DOI": one_line(paper.doi),
        "Address": one_line(paper.url),
        "Abstract": clean(paper.abstract),
        "Id": one_line(paper.id),
        "File": one_line(paper.source),
    }
