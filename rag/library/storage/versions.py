"""Which papers of a library are versions of one work, by the identity keys that they share or name.

Nothing of it is stored but what a record names: those keys stand in the table of keys behind :data:`NAMES`, where no
search for duplicates finds them.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.datatypes import Paper, Version
from rag.library.storage.papers import PaperStore
from rag.papers.identity import identity_keys
from rag.papers.versions import named_versions, relation, version_of

NAMES = "names:"
_CHUNK = 400  # ids in one statement
_PAIRS = """
SELECT a.paper_id, b.paper_id, a.key NOT LIKE 'title:%' FROM keys a JOIN keys b ON b.key = a.key
WHERE a.paper_id IN ({marks}) AND b.paper_id != a.paper_id AND (a.key LIKE 'title:%' OR a.key LIKE 'arxiv:%')
UNION SELECT a.paper_id, b.paper_id, 1 FROM keys a JOIN keys b ON b.key = '{names}' || a.key
WHERE a.paper_id IN ({marks}) AND b.paper_id != a.paper_id
UNION SELECT a.paper_id, b.paper_id, 1 FROM keys a JOIN keys b ON b.key = substr(a.key, {after})
WHERE a.paper_id IN ({marks}) AND b.paper_id != a.paper_id AND a.key LIKE '{names}%'
"""


def stored_keys(record: Paper) -> tuple[str, ...]:
    """All keys under which a paper of the library is found through ``record``: its own, and those that it names."""
    return (*identity_keys(record), *(f"{NAMES}{key}" for key in named_versions(record)))


def find_versions(store: PaperStore, paper_ids: Sequence[str]) -> dict[str, tuple[Version, ...]]:
    """The versions of each of these papers that has some, articles first, then by id."""
    found: dict[str, dict[str, Version]] = {}
    pairs: dict[tuple[str, str], bool] = {}
    for start in range(0, len(paper_ids), _CHUNK):
        part = paper_ids[start : start + _CHUNK]
        sql = _PAIRS.format(marks=",".join("?" * len(part)), names=NAMES, after=len(NAMES) + 1)
        for one, other, named in store.database.rows(sql, [*part] * 3):
            pairs[one, other] = pairs.get((one, other), False) or bool(named)
    papers = store.get_papers(sorted({one for pair in pairs for one in pair}))
    for (one, other), named in sorted(pairs.items()):
        if one not in papers or other not in papers or store.merges.are_parted(one, other):
            continue
        if kind := relation(papers[one], papers[other], named=named):
            found.setdefault(one, {})[other] = version_of(papers[other], kind)
    order = ("published_as", "version", "preprint")
    return {
        one: tuple(sorted(versions.values(), key=lambda v: (order.index(v.relation), v.paper_id)))
        for one, versions in found.items()
    }
