"""Names of venues, import files and papers, as people and programs give them → the scope that they mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rag.datatypes import Scope
from rag.errors import QuestionError, ScopeError
from rag.questions.venues import VenueNames

if TYPE_CHECKING:
    from rag.datatypes import ScopedRecord

_MOST_NAMED = 10  # venues or sources in a message


def named_scope(
    records: Sequence[ScopedRecord],
    since: int | None = None,
    until: int | None = None,
    venues: Sequence[str] = (),
    sources: Sequence[str] = (),
    papers: Sequence[str] = (),
) -> Scope | None:
    """The scope among ``records``, all papers of a library; None for all of them.

    A source may be named without its format ('refs.bib' for 'bibtex:refs.bib'). Raises :class:`ScopeError` for a venue,
    source or paper that the library does not have, :class:`QuestionError` for years in the wrong order.
    """
    if since is not None and until is not None and since > until:
        raise QuestionError(f"since {since} is later than until {until}. Exchange them, or leave one out.")
    found_venues, names = [], VenueNames({one.venue for one in records if one.venue})
    for name in venues:
        found = names.resolve(name)
        if not found:
            raise ScopeError(f"No paper of this library appeared in '{name}'. {_some({o.venue for o in records})}")
        found_venues += found
    all_sources, ids = {one.source for one in records}, {one.id for one in records}
    found_sources: list[str] = []
    for name in sources:
        found = sorted(one for one in all_sources if name in (one, one.partition(":")[2]))
        if not found:
            raise ScopeError(f"No paper of this library comes from '{name}'. {_some(all_sources)}")
        found_sources += found
    for name in papers:
        if name not in ids:
            raise ScopeError(f"There is no paper with the id '{name}' in this library. A search shows ids.")
    scope = Scope(since, until, _once(found_venues), _once(found_sources), _once(papers))
    return None if scope.is_everything else scope


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _some(names: set[str]) -> str:
    """'It has: a, b, c and 4 more.'"""
    known = sorted(name for name in names if name)
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return f"It has: {', '.join(known[:_MOST_NAMED])}{more}." if known else "Its records name none."
