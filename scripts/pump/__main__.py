"""Every pattern and every function that reads what others wrote, on pumped texts: a table of what grows too fast.

    python -m scripts.pump              patterns at 2,000 and 16,000 characters, functions also at 100,000
    python -m scripts.pump kinds facts  only those of the files, and the functions, with these words in their names

Exit code 0 when nothing grows faster than its text (n log n passes) or takes over 2 seconds, else 1.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence

from scripts.pump.find import find_patterns
from scripts.pump.functions import OF_ABSTRACTS, OF_QUESTIONS, Reads
from scripts.pump.growth import Growth, slow_at, steep_pattern, steep_units_of

LONGEST = 100_000  # characters of an abstract
LONGEST_QUESTION = 20_000
_ROW = "{:<58} {:>8} {:>10} {:>10}  {}"


def main(words: Sequence[str]) -> int:
    """Print the table; 1 where something grows too fast, or a pattern cannot be found."""
    patterns, unknown = find_patterns()
    patterns = [one for one in patterns if _asked(one.where, words)]
    print(_ROW.format("", "exponent", "at 2,000", "at 16,000", "repeated"))
    slow = [(one.where, growth) for one in patterns if (growth := steep_pattern(one.pattern, whole=one.whole))]
    slow += [(f"{name}()", growth) for name, run, _ in _functions(words) for growth in steep_units_of(run)]
    late = [
        (f"{name}()", unit, seconds)
        for name, run, length in _functions(words)
        for unit, seconds in slow_at(run, length)
    ]
    for where, growth in slow:
        print(_ROW.format(where, *_figures(growth), repr("".join(growth.unit))[:40]))
    for where, unit, seconds in late:
        print(f"{where}: {seconds:.1f} s for {unit}")
    print("\n".join(unknown), end="\n" if unknown else "")
    counted = len({where.partition("(")[0] for where, _ in slow})
    print(f"{len(patterns)} patterns, {len(list(_functions(words)))} functions: {counted} grow faster than their text")
    return int(bool(slow or late or unknown))


def _asked(name: str, words: Sequence[str]) -> bool:
    return not words or any(word in name for word in words)


def _functions(words: Sequence[str]) -> Iterator[tuple[str, Reads, int]]:
    for table, length in ((OF_ABSTRACTS, LONGEST), (OF_QUESTIONS, LONGEST_QUESTION)):
        yield from ((name, run, length) for name, run in table.items() if _asked(name, words))


def _figures(growth: Growth) -> tuple[str, str, str]:
    if math.isinf(growth.time):
        return "", "", "over 1 s"
    return f"{growth.exponent:.1f}", f"{growth.short_time * 1000:.1f} ms", f"{growth.time * 1000:.1f} ms"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
