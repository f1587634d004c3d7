"""Which papers a reading may use: the scope that was chosen and the filters that the question names, together."""

from __future__ import annotations

from collections.abc import Collection

from rag.datatypes import EVERYTHING, OVER_THE_LIBRARY, Reading, Scope
from rag.questions.catalogue import Catalogue

__all__ = ["EVERYTHING", "Scope", "admitted", "bounds_years", "in_words", "refusal_in"]


def admitted(reading: Reading, catalogue: Catalogue) -> Collection[str] | None:
    """Ids of the papers that a reading may use, ordered; None for all of them, and then ``catalogue`` is not asked.

    Years and authors that a question about the whole library names are left to the overview.
    """
    over_library = reading.intent in OVER_THE_LIBRARY
    filters = reading.filters
    scopes = [reading.scope, filters.without("years").without("authors") if filters and over_library else filters]
    wanted = [scope for scope in scopes if scope is not None and not scope.is_everything]
    return catalogue.admitted(wanted) if wanted else None


def in_words(reading: Reading) -> str:
    """'2021 or later, ICML': which papers a reading may use; empty for all."""
    scopes = [scope for scope in (reading.scope, reading.filters) if scope is not None]
    return ", ".join(dict.fromkeys(words for scope in scopes for _, words in scope.parts()))


def bounds_years(reading: Reading) -> bool:
    """Whether the year decides which papers the reading may use."""
    scopes = [scope for scope in (reading.scope, reading.filters) if scope is not None]
    return any(scope.since is not None or scope.until is not None for scope in scopes)


def refusal_in(message: str, words: str, empty: bool, undated: bool = False) -> str:
    """The message of a refusal, with the scope that it holds for.

    ``undated``: years were asked for, and no record of the library has one.
    """
    if empty and undated:
        return f"No paper of this library has a year in its record, so none can be in the scope: {words}. Clear it."
    if empty:
        return f"No paper of this library is in the scope: {words}. Widen the scope or clear it."
    return f"{message} Only this was searched: {words}."
