"""How the time of a pattern or a function grows with the length of its text.

Only what takes long enough to be told from noise is judged, and by the shortest of several times of this thread alone,
so that a busy machine changes nothing.
"""

from __future__ import annotations

import contextlib
import math
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from scripts.pump.functions import PAIRS, UNITS
from scripts.pump.texts import PLAIN, nested, text_of, units_of

Unit = tuple[str, str]

SHORT, MIDDLE, LONG = 2_000, 8_000, 16_000  # characters
_FIRST_LOOK = 200  # characters: what explodes is seen here
_WORTH_A_LOOK = 0.0003  # seconds for SHORT characters; a square of a seventh of a nanosecond a step takes that
_FLOOR = 0.004  # seconds for LONG characters, below which nobody waits
_WORTH_OF_FUNCTION, _FLOOR_OF_FUNCTION = 0.01, 0.03
_SUSPICIOUS, _STEEPEST = 1.25, 1.5  # exponents of the growth; n log n is 1.1 here
_GIVEN_UP, _GIVEN_UP_OF_FUNCTION = 1.0, 10.0  # seconds


class _TooLong(Exception):
    pass


@dataclass(frozen=True)
class Growth:
    """Times in seconds for ``SHORT`` and for ``length`` characters of a text; infinite where it was given up."""

    unit: Unit
    short_time: float
    time: float
    length: int = LONG

    @property
    def exponent(self) -> float:
        """1 is linear, 2 quadratic."""
        if math.isinf(self.time):
            return math.inf
        return math.log(self.time / max(self.short_time, 1e-7)) / math.log(self.length / SHORT)


def steep_pattern(pattern: re.Pattern[Any], *, whole: bool) -> Growth | None:
    """The first text on which a pattern's time grows faster than the text; ``whole``: it must match whole texts too."""

    def run(text: str) -> None:
        given: Any = text if isinstance(pattern.pattern, str) else text.encode("utf-8", "surrogateescape")
        # finditer does what search does and goes on; sub, split and findall walk in the same way.
        for _ in pattern.finditer(given):
            pass
        if whole:
            pattern.fullmatch(given)

    units = dict.fromkeys([*_plain_units(), *units_of(pattern)])
    return next((growth for unit in units if (growth := steep(run, unit)) is not None), None)


def steep_units_of(run: Callable[[str], object]) -> Iterator[Growth]:
    """The texts on which a function's time grows faster than the text. An exception of the function is not caught."""
    for unit in function_units():
        growth = steep(run, unit, worth=_WORTH_OF_FUNCTION, floor=_FLOOR_OF_FUNCTION, most=_GIVEN_UP_OF_FUNCTION)
        if growth is not None:
            yield growth


def slow_at(run: Callable[[str], object], length: int, seconds: float = 2.0) -> Iterator[tuple[str, float]]:
    """What is repeated or nested in the texts of ``length`` characters that a function reads in over ``seconds``."""
    texts: dict[str, Callable[[int], str]] = {repr("".join(unit)): partial(text_of, *unit) for unit in function_units()}
    texts |= {f"{opening!r} … {closing!r}": partial(nested, opening, closing) for opening, closing in PAIRS}
    for name, text in texts.items():
        try:
            with _at_most(6 * seconds):
                if _time(run, text(LONG)) < seconds * (LONG / length) ** 2:  # not even if it grew with the square
                    continue
                took = _times(run, text(length), 3)
        except _TooLong:
            took = math.inf
        if took > seconds:
            yield name, took


def function_units() -> list[Unit]:
    """What is repeated in the texts for functions."""
    return list(dict.fromkeys([*_plain_units(), *(("", one) for one in UNITS)]))


def _plain_units() -> list[Unit]:
    """Runs at the beginning of a text, and of single characters also behind a word."""
    return [*(("", one) for one in PLAIN), *(("a", one) for one in PLAIN if len(one) == 1)]


def steep(
    run: Callable[[str], object],
    unit: Unit,
    *,
    worth: float = _WORTH_A_LOOK,
    floor: float = _FLOOR,
    most: float = _GIVEN_UP,
) -> Growth | None:
    """How the time of ``run`` grows on a unit; None where it is short, or grows as the text does (or n log n)."""
    try:
        with _at_most(most):
            run(text_of(*unit, _FIRST_LOOK))
            if any(_time(run, text_of(*unit, SHORT)) < worth for _ in range(2)):
                return None
            if _growth(run, unit, MIDDLE, 1).exponent < _SUSPICIOUS:
                return None
        with _at_most(most):
            for repeats in (1, 2, 5):
                growth = _growth(run, unit, LONG, repeats)
                if growth.exponent < _STEEPEST or growth.time < floor:
                    return None
            return growth
    except _TooLong:
        return Growth(unit, 0.0, math.inf)


def _growth(run: Callable[[str], object], unit: Unit, length: int, repeats: int) -> Growth:
    return Growth(
        unit, _times(run, text_of(*unit, SHORT), repeats), _times(run, text_of(*unit, length), repeats), length
    )


def _time(run: Callable[[str], object], text: str) -> float:
    start = time.thread_time()
    run(text)
    return time.thread_time() - start


def _times(run: Callable[[str], object], text: str, repeats: int) -> float:
    """The shortest of several times."""
    return min(_time(run, text) for _ in range(repeats))


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Stops what runs longer, in processor time: another clock than that of a test runner's own limit."""

    def stop(number: int, frame: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
