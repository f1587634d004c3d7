"""The door of this folder: a typed question and its history to one :class:`~rag.datatypes.Reading`.

A small classifier over the vector of the question says what kind of answer is wanted, another whether it leans on
the turn before; patterns say the rest: years, venues, authors, what a count is about, which paper of the answer
before is meant. Without an encoder the patterns say all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import (
    AS_READ,
    EVERYTHING,
    KINDS,
    OVER_THE_LIBRARY,
    Intent,
    Reading,
    Scope,
    Turn,
    Wanted,
)
from rag.library.storage.admitting import among
from rag.questions.catalogue import Catalogue
from rag.questions.classifier import likeliest_kind, log_odds_of_several
from rag.questions.cleaning import clean, clean_or_empty, without_slips
from rag.questions.filters import read_filters_of
from rag.questions.follow_up import keeps_topic, leans, with_history
from rag.questions.kinds import kind_of, wants_figure, without_request
from rag.questions.library_requests import library_request
from rag.questions.references import asks_which, is_bare, points_to, said_before
from rag.questions.scope import admitted
from rag.questions.topics import topic_of
from rag.questions.years import with_absolute_years
from rag.text import spelling

if TYPE_CHECKING:
    from rag.datatypes import Vector

    Encode = Callable[[str], Vector]

Rewrite = Callable[[str, Sequence[Turn]], str]
_QUOTES = '"“”«»„'


class ReadCatalogue(Catalogue, Protocol):
    """What reading needs of a library: names and papers for the filters, its words for the spelling."""

    def vocabulary(self) -> Mapping[str, int]: ...


def read(
    question: str,
    history: Sequence[Turn] = (),
    scope: Scope | None = None,
    *,
    library: ReadCatalogue,
    is_word: Callable[[str], bool] = lambda token: False,
    rewrite: Rewrite | None = None,
    encode: Encode | None = None,
    this_year: int | None = None,
    wanted: Wanted = AS_READ,
) -> Reading:
    """The question cleaned, completed from the history, its slips of the pen put right for the search.

    What it says about which papers to use is read and taken out of the search; ``scope`` comes on top. ``is_word``
    knows words that are spelt right; ``rewrite`` completes a follow-up with a language model (None: by rule);
    ``encode`` gives the vector of a text (None: kinds and follow-ups by rule); relative years count back from
    ``this_year`` (None: they are no filter); ``wanted`` overrules what is read. Raises
    :class:`rag.errors.QuestionError` as :func:`understand` does.
    """
    turns: Sequence[Turn] = () if wanted.alone else history
    encode = lru_cache(maxsize=8)(encode) if encode is not None else None

    def reading_of(text: str) -> Reading:
        return read_filters_of(
            understand(text, turns, encode, wanted.kind),
            scope or EVERYTHING,
            lambda: library.names("venues"),
            lambda plain: understand(plain, turns, encode, wanted.kind),
            lambda: library.names("authors"),
        )

    reading = _dated(question, reading_of, this_year)
    if reading.is_follow_up and rewrite is not None:
        rewritten = clean_or_empty(rewrite(reading.text, turns))
        reading = replace(reading, search=rewritten if keeps_topic(rewritten, reading) else reading.search)
    if slips := spelling.corrections(reading.search, library.vocabulary(), is_word):
        search, topic = (spelling.apply_corrections(text, slips) for text in (reading.search, reading.topic))
        reading = replace(reading, search=search, topic=topic)
    return replace(reading, within=_within(reading, turns, library))


def _dated(question: str, reading_of: Callable[[str], Reading], this_year: int | None) -> Reading:
    """The reading with 'in the last five years' as years, where these are a filter."""
    dated = question if this_year is None else with_absolute_years(question, this_year)
    reading = reading_of(dated)
    if dated == question:
        return reading
    if reading.filters is None or reading.filters.without("years") == reading.filters:
        return reading_of(question)
    return replace(reading, asked=clean(question))


def _within(reading: Reading, history: Sequence[Turn], catalogue: Catalogue) -> Collection[str] | None:
    """The papers that scope and filters admit, of a follow-up those of them that it points to."""
    within = admitted(reading, catalogue)
    pointed = points_to(reading.text, history) if reading.is_follow_up else ()
    if not pointed or within is None:
        return pointed or within
    inside = among(within, pointed)
    return tuple(one for one in pointed if one in inside) or within


def understand(question: str, history: Sequence[Turn] = (), encode: Encode | None = None, kind: str = "") -> Reading:
    """Clean, complete and classify ``question``, without a look at the library; ``kind`` overrules what is read.

    Raises :class:`rag.errors.QuestionError` when nothing is left after cleaning or it is over ``MAX_CHARACTERS``
    characters.
    """
    typed = clean(question)
    text = without_slips(typed)
    pointed = points_to(text, history) if history else ()
    points = bool(pointed)
    follows = points or (bool(history) and leans(text, history, encode))
    if not kind and follows and is_bare(text, history):
        intent, topic = Intent.SUMMARY, ""
    else:
        intent, topic = classified(text, encode, kind)
    if not kind and intent is Intent.FACT and len(pointed) > 1 and asks_which(text):
        intent = Intent.MULTI
    if intent is Intent.TALK or intent in OVER_THE_LIBRARY:
        follows = points and follows
    alone = topic if intent is Intent.REVIEW else without_request(text)
    search = with_history(text, history, not points) if follows else alone
    # 'Which of them …' asks for what shows it, told before or not.
    said = said_before(history) if follows and not asks_which(text) else ()
    asked = typed if typed != text else ""
    several = log_odds_of_several(text, encode(text)) if intent is Intent.FACT and encode is not None else 0.0
    return Reading(text, search, intent, topic, wants_figure(text), follows, asked=asked, said=said, several=several)


def classified(text: str, encode: Encode | None = None, kind: str = "") -> tuple[Intent, str]:
    """The kind of answer that a question wants, and what it is about; ``kind`` is its public name where that is
    given."""
    intent, topic = kind_of(text)
    counted_phrase = intent in OVER_THE_LIBRARY and any(c in _QUOTES for c in text)
    explicit = counted_phrase or (intent is Intent.RECORD and "doi" in text.lower().split())
    if not kind and encode is not None and not explicit:
        kind = likeliest_kind(text, encode(text)) or ""
    if not kind or kind == KINDS[intent]:
        return intent, topic
    if kind == KINDS[Intent.LIST]:
        return library_request(text)
    intent = next(one for one, name in KINDS.items() if name == kind)
    return intent, topic_of(text) if intent in (Intent.REVIEW, Intent.SUMMARY, Intent.RECORD) else text
