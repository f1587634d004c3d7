"""What a BibTeX entry inherits from the one that its ``crossref`` or ``xdata`` names, wherever that stands in the file.

The rules are biblatex's (manual 3.20, appendix B), and BibTeX's own where they allow more: an entry takes the fields
that it lacks. What tells one publication from another, and what a reader thinks of it, is never inherited: a paper does
not have the DOI of its proceedings.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rag.papers.importers.bibtex_fields import Fields
from rag.papers.importers.field_names import says_nothing
from rag.papers.importers.source import SourceFile

_NAMED = re.compile(r"\b(?:crossref|xdata)\s{0,20}=\s{0,20}[{\"]?([^{}\"=\n]{1,1000})[}\"]?", re.I)
_NUMBER = re.compile(r"-\d{1,4}\Z")  # behind the name of a field that is repeated
_OVERLAP = 2_000  # characters of a block that are looked at again with the next
_MOST_NAMED = 200_000
_MOST_PARENTS = 20  # of one entry
_LONGEST = 2_000  # characters of a field that is passed on
_MOST_PASSED_ON = 10_000  # characters of all fields of one parent
# Not from parent to child: what identifies, describes or judges that one publication.
_OWN = frozenset(
    "abstract annotation annote author bookpagination comment doi eid entryset entrysubtype eprint eprinttype execute "
    "file groups ids keywords label note options pages pagetotal pagination pmid presort related relatedoptions "
    "relatedstring relatedtype shorthand shorttitle sortkey sorttitle sortname sortyear timestamp title subtitle "
    "titleaddon url urldate xdata crossref xref mendeley-groups mendeley-tags keyword tags "
    "howpublished footnote-kept".split()
)
_TITLES = ("title", "subtitle", "titleaddon")
_IN_PERIODICAL = ("article", "suppperiodical")


class Parent(NamedTuple):
    """An entry that others name, with what it may pass on."""

    entry_type: str
    fields: Fields


def names_of_parents(source: SourceFile) -> set[str]:
    """The keys, in small letters, that entries of ``source`` name; read in advance, without parsing it."""
    found: set[str] = set()
    before = ""
    for block in source.aside().blocks():
        text = before + block
        found.update(key for match in _NAMED.finditer(text) for key in _keys(match[1]))
        before = text[-_OVERLAP:]
        if len(found) > _MOST_NAMED:
            break
    return found


class Family:
    """The entries that others name: :meth:`add` all, then ask for the fields of each entry :meth:`with_inherited`."""

    def __init__(self) -> None:
        self._parents: dict[str, Parent] = {}
        self._whole: dict[str, Fields] = {}  # of the parents that were asked for, with what they inherit

    def add(self, key: str, entry_type: str, fields: Fields) -> None:
        """A parent; the first counts where a key stands twice."""
        self._parents.setdefault(key.lower(), Parent(entry_type, _bounded(fields)))

    def with_inherited(self, entry_type: str, fields: Fields) -> Fields:
        """``fields`` and those of its parents that it lacks; as they are where it names none that is known."""
        whole = dict(fields)
        for name in ("crossref", "xdata"):
            for key in _keys(fields.get(name, ""))[:_MOST_PARENTS]:
                if (parent := self._parents.get(key)) is None:
                    continue
                above = self._of_parent(key, parent)
                taken = above if name == "xdata" else _passed_on(entry_type, parent, above)
                for field, value in taken.items():
                    if field not in ("crossref", "xdata") and says_nothing(whole.get(field)):
                        whole[field] = value
        return whole

    def _of_parent(self, key: str, parent: Parent) -> Fields:
        if key not in self._whole:
            self._whole[key] = {}  # what a circle finds
            self._whole[key] = _bounded(self.with_inherited(parent.entry_type, parent.fields))
        return self._whole[key]


def _bounded(fields: Fields) -> Fields:
    """Those of ``fields`` that may be copied to any number of entries."""
    room, kept = _MOST_PASSED_ON, {}
    for name, value in fields.items():
        room -= len(name) + len(value) if len(value) <= _LONGEST else 0
        if room < 0:
            break
        if len(value) <= _LONGEST:
            kept[name] = value
    return kept


def _keys(value: str) -> list[str]:
    return [key for one in value.split(",") if (key := one.strip(' {}"\t').lower())]


def _passed_on(entry_type: str, parent: Parent, fields: Fields) -> Fields:
    """The ``fields`` of a parent, with those that it inherits, under the names that they have in the child."""
    taken = {name: value for name, value in fields.items() if _NUMBER.sub("", name) not in _OWN}
    prefix = "journal" if entry_type in _IN_PERIODICAL and parent.entry_type == "periodical" else "book"
    for name in _TITLES:
        if name in parent.fields and f"{prefix}{name}" not in parent.fields:
            taken[f"{prefix}{name}"] = parent.fields[name]
    if entry_type in ("inbook", "bookinbook", "suppbook") and "author" in fields:
        taken["author"] = fields["author"]  # a part of a book by the author of the whole
    return taken
