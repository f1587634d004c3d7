"""Names of venues, import files, tags, collections and papers, as people and programs give them → the scope that they
mean."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from difflib import get_close_matches

from rag.datatypes import Scope, enclosing, names_in
from rag.errors import QuestionError, ScopeError
from rag.questions.catalogue import Catalogue
from rag.questions.venues import VenueNames
from rag.text.unseen import one_line

_MOST_NAMED = 10  # venues or sources in a message
_MOST_NEAR = 5
_MOST_COMPARED = 20_000  # names; more would take seconds
_LONGEST_SHOWN = 100  # characters of a name in a message
_Resolve = Callable[[str], Collection[str]]


def named_scope(
    catalogue: Catalogue,
    since: int | None = None,
    until: int | None = None,
    venues: Sequence[str] = (),
    sources: Sequence[str] = (),
    papers: Sequence[str] = (),
    tags: Sequence[str] = (),
    collections: Sequence[str] = (),
) -> Scope | None:
    """The scope among the papers of a library; None for all of them.

    A source may be named without its format ('refs.bib' for 'bibtex:refs.bib'); tags and collections whatever their
    case. A collection is named by its path ('Thesis/Chapter 2') and means what lies below it as well. Raises
    :class:`ScopeError` for a name that the library does not have, :class:`QuestionError` for years in the wrong order.
    """
    if since is not None and until is not None and since > until:
        raise QuestionError(f"since {since} is later than until {until}. Exchange them, or leave one out.")
    known_venues = catalogue.names("venues") if venues else ()
    known_sources = catalogue.names("sources") if sources else ()
    by_name = VenueNames(filter(None, known_venues))
    found_venues = _all(venues, by_name.resolve, known_venues, "No paper of this library appeared in '{}'.")
    found_sources = _all(
        sources,
        lambda name: sorted(one for one in known_sources if name in (one, one.partition(":")[2])),
        known_sources,
        "No paper of this library comes from '{}'.",
    )
    ids = set(catalogue.admitted([Scope(paper_ids=tuple(papers))])) if papers else set()
    for name in papers:
        if name not in ids:
            raise ScopeError(f"There is no paper with the id '{name}' in this library. A search shows ids.")
    scope = Scope(
        since, until, found_venues, found_sources, tuple(dict.fromkeys(papers)),
        tags=tags_named(tags, catalogue.names("tags")) if tags else (),
        collections=collections_named(collections, catalogue.names("collections")) if collections else (),
    )  # fmt: skip
    return None if scope.is_everything else scope


def tags_named(names: Sequence[str], known: Iterable[str]) -> tuple[str, ...]:
    """The tags that ``names`` mean among those of a library. Raises :class:`ScopeError` for one that it lacks."""
    return _as_spelt(names, set(known), "No paper of this library has the tag '{}'.")


def collections_named(names: Sequence[str], known: Iterable[str]) -> tuple[str, ...]:
    """The collections that ``names`` mean among the paths of a library and those that they lie in.

    A collection that has a slash in its name may be given with the slash alone, where no other is so called. Raises
    :class:`ScopeError` for one that it lacks.
    """
    paths = {around for path in known for around in enclosing(path)}
    given = [name if name in paths else name.rstrip("/") or name for name in names]
    return _as_spelt(given, paths, "This library has no collection '{}'.", names_in)


def _as_spelt(
    names: Sequence[str], known: set[str], missing: str, typed: Callable[[str], str] | None = None
) -> tuple[str, ...]:
    """The names as records spell them: exactly so, else all that differ in case or white space alone, else those that
    people type so."""
    spellings, as_typed = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for one in sorted(known):
        spellings[_plain(one)].append(one)
        if typed is not None:
            as_typed[_plain(typed(one))].append(one)

    def meant(name: str) -> Sequence[str]:
        return [name] if name in known else spellings.get(_plain(name)) or as_typed.get(_plain(name)) or ()

    return _all(names, meant, known, missing)


def _all(names: Sequence[str], resolve: _Resolve, known: Collection[str], missing: str) -> tuple[str, ...]:
    """What all of ``names`` mean, each once. Raises :class:`ScopeError`, ``missing`` with the name, for one that means
    nothing."""
    found: dict[str, None] = {}
    for name in names:
        meant = resolve(name)
        if not meant:
            raise ScopeError(f"{missing.format(_short(name))} {_some(known, name)}")
        found |= dict.fromkeys(meant)
    return tuple(found)


def _some(names: Collection[str], wanted: str) -> str:
    """'Near it: a, b.' where any of ``names`` are like ``wanted``, else 'It has: a, b, c and 4 more.'"""
    known = sorted(name for name in names if name)
    if near := _near(known, _plain(wanted)):
        return f"Near it: {', '.join(map(_short, near))}."
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return f"It has: {', '.join(map(_short, known[:_MOST_NAMED]))}{more}." if known else "Its records name none."


def _near(known: Sequence[str], wanted: str) -> list[str]:
    """Of ``known`` those that hold what is ``wanted``, or part of it, then those that are spelt nearly so."""
    plain = {name: _plain(name) for name in known[:_MOST_COMPARED]}
    holding = [name for name, one in plain.items() if wanted and wanted in one]
    spelt = get_close_matches(wanted, set(plain.values()), _MOST_NEAR, cutoff=0.7)
    alike = [name for one in spelt for name, same in plain.items() if same == one]
    last = {name: one.rpartition("/")[2] for name, one in plain.items() if "/" in one}
    ends = set(get_close_matches(wanted.rpartition("/")[2], set(last.values()), _MOST_NEAR, cutoff=0.7))
    return list(dict.fromkeys([*holding, *alike, *(name for name, end in last.items() if end in ends)]))[:_MOST_NEAR]


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def _short(name: str) -> str:
    line = one_line(name)
    return line if len(line) <= _LONGEST_SHOWN else f"{line[: _LONGEST_SHOWN - 1]}…"
