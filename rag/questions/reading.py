"""The door of this folder: a typed question and its history to one :class:`~rag.datatypes.Reading`.

All by rule: no language model is needed to see that 'and how large is it?' leans on the turn before, that
'summarise …' wants a summary, or that 'how many papers …' is about the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from rag.datatypes import EVERYTHING, Reading, Scope, ScopedRecord, Turn
from rag.questions.cleaning import clean, clean_or_empty, without_slips
from rag.questions.filters import read_filters_of
from rag.questions.follow_up import is_follow_up, keeps_topic, with_history
from rag.questions.kinds import kind_of, wants_figure, without_request
from rag.questions.scope import admitted
from rag.text import spelling

Rewrite = Callable[[str, Sequence[Turn]], str]


class Catalogue(Protocol):
    """What reading needs of a library: its records for the filters, its words for the spelling."""

    def labels(self) -> Iterable[ScopedRecord]: ...
    def vocabulary(self) -> Mapping[str, int]: ...


def read(
    question: str,
    history: Sequence[Turn] = (),
    scope: Scope | None = None,
    *,
    library: Catalogue,
    is_word: Callable[[str], bool] = lambda token: False,
    rewrite: Rewrite | None = None,
) -> Reading:
    """The question cleaned, completed from the history, its slips of the pen put right for the search.

    What it says about which papers to use is read and taken out of the search; ``scope`` comes on top. ``is_word``
    knows words that are spelt right; ``rewrite`` completes a follow-up with a language model (None: by rule).
    Raises :class:`rag.errors.QuestionError` as :func:`understand` does.
    """
    reading = read_filters_of(
        understand(question, history),
        scope or EVERYTHING,
        lambda: {one.venue for one in library.labels()},
        lambda text: understand(text, history),
    )
    if reading.is_follow_up and rewrite is not None:
        rewritten = clean_or_empty(rewrite(reading.text, history))
        reading = replace(reading, search=rewritten if keeps_topic(rewritten, reading) else reading.search)
    if slips := spelling.corrections(reading.search, library.vocabulary(), is_word):
        search, topic = (spelling.apply_corrections(text, slips) for text in (reading.search, reading.topic))
        reading = replace(reading, search=search, topic=topic)
    return replace(reading, within=admitted(reading, library.labels))


def understand(question: str, history: Sequence[Turn] = ()) -> Reading:
    """Clean, complete and classify ``question``, without a look at the library.

    Raises :class:`rag.errors.QuestionError` when nothing is left after cleaning or it is over ``MAX_CHARACTERS``
    characters.
    """
    typed = clean(question)
    text = without_slips(typed)
    leans = bool(history) and is_follow_up(text)
    search = with_history(text, history) if leans else without_request(text)
    intent, topic = kind_of(text)
    return Reading(text, search, intent, topic, wants_figure(text), leans, asked=typed if typed != text else "")
