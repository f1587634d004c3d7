"""Make papers of their own of records that were merged into others by mistake.

What a record filled in goes out of the paper that it was merged into; where another merged record has that too, it is
filled in from there. Records that were merged only because they share something with the one that goes, go with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count

from rag.datatypes import Paper
from rag.errors import LibraryError
from rag.library.storage.merges import Merge
from rag.library.storage.paper_writer import PaperWriter
from rag.library.storage.papers import PaperStore
from rag.library.storage.stored_paper import content_hash
from rag.library.storage.versions import stored_keys
from rag.papers.identity import same_paper
from rag.papers.kept_fields import NOTICE
from rag.papers.merging import additions, filled, together, without
from rag.papers.retractions import events_of
from rag.papers.title_marks import is_marked


class Unmerger(PaperWriter):
    """Parts records from the papers of one library. The caller holds the writer's lock."""

    def undo(self, merges: Iterable[Merge]) -> list[str]:
        """Part these in one transaction; the ids of the papers that were made. Those undone before are left out."""
        made = []
        with self.batch():
            for given in merges:
                # One before it may have undone it, or moved it to another paper.
                merge = next(iter(self._store.merges.get([given.number])), given)
                owner = self._store.get_papers([merge.paper_id]).get(merge.paper_id)
                if not merge.undone and owner is not None:
                    made.append(self._part(merge, owner))
        return made

    def _part(self, merge: Merge, owner: Paper) -> str:
        """One record, with the versions of it that earlier files had."""
        store = self._store
        into = store.merges.into(owner.id)
        own_id = merge.record.id != owner.id
        parted = [one for one in into if one.record.id == merge.record.id] if own_id else [merge]
        newest = parted[-1].record
        new = replace(newest, id=_free_id(store, newest.id))
        base = owner
        for one in parted:
            base = without(base, one.added)
        left = [one for one in into if one not in parted]
        followers = [one for one in left if not same_paper(base, one.record) and same_paper(new, one.record)]
        for one in followers:
            base = without(base, one.added)
        staying = [one for one in left if one not in followers]
        base = self._refilled(base, staying)
        self._forget_mark(newest)
        for one in parted:
            store.merges.set_undone(one, new.id)
        store.givers.move(newest, owner.id, new.id)
        self.write(base, owner, base)
        gone = {key for one in (*parted, *followers) for key in stored_keys(one.record)}
        kept = {key for paper in (base, *(one.record for one in staying)) for key in stored_keys(paper)}
        store.delete_keys(owner.id, gone - kept)
        self._make(new, owner.id, parted, followers)
        return new.id

    def _refilled(self, base: Paper, merges: Sequence[Merge]) -> Paper:
        """``base`` with what the merges that stay have to fill in."""
        for one in merges:
            after = filled(base, one.record)
            if added := additions(base, after):
                self._store.merges.set_added(one, together(one.added, added))
            base = after
        return base

    def _make(self, new: Paper, owner_id: str, parted: Sequence[Merge], followers: Sequence[Merge]) -> None:
        """Store the paper of the parted records, with those that go with it merged into it."""
        store, paper = self._store, new
        for one in followers:
            after = filled(paper, one.record)
            store.merges.move(one, new.id, additions(paper, after))
            store.imported.move(one.record.id, owner_id, new.id)
            paper = after
        self.write(paper, None, new)
        for one in (*parted, *followers):
            store.add_keys(new.id, (key for key in stored_keys(one.record) if not _is_id_of_another(store, key)))
        for one in parted:
            if one.record.id == new.id:
                store.imported.move(new.id, owner_id, new.id)
            else:  # an import calls it so from now on: see storage.marking.apart
                renamed = replace(one.record, id=new.id)
                store.imported.rename(one.record.id, content_hash(one.record), new.id, content_hash(renamed))

    def _forget_mark(self, record: Paper) -> None:
        """Forget that a mark in the title of ``record`` says that papers of this title were retracted, unless a notice
        says so as well."""
        if not is_marked(record.title):
            return
        self._store.notices.remove(events_of(record))
        for paper in self._store.papers():
            if paper.status == NOTICE:
                self._store.notices.add(events_of(paper))


def _free_id(store: PaperStore, wanted: str) -> str:
    """``wanted``, or with a number behind it where that is the id of another paper."""
    if store.hash_of(wanted) is None:
        return wanted
    return next(one for n in count(2) if store.hash_of(one := f"{wanted}#{n}") is None)


def _is_id_of_another(store: PaperStore, key: str) -> bool:
    return key.startswith("id:") and store.hash_of(key.removeprefix("id:")) is not None


def find_merges(store: PaperStore, names: Iterable[str]) -> list[Merge]:
    """The merges with these names (``m12``), or of records with these ids, each once, in that order.

    Raises :class:`LibraryError` for a name that is neither.
    """
    found: dict[int, Merge] = {}
    for name in names:
        merges = store.merges.named(name)
        if not merges:
            raise LibraryError(
                f"'{name}' is neither a merge of this library nor the id of a merged record. 'footnote merges' "
                "lists them."
            )
        found |= {one.number: one for one in merges}
    return list(found.values())
