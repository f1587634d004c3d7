"""Figures, units, names and negations of a sentence: what must stand in a source letter by letter.

Vectors of two sentences that differ in one figure are almost equal, so these are compared by rule.
"""

from __future__ import annotations

import re
import unicodedata

_NUMBER = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_UNITS = {
    "%": "%", "percent": "%", "per cent": "%", "percentage": "%",
    "x": "x", "×": "x", "times": "x", "fold": "x", "-fold": "x",
    "k": "k", "thousand": "k", "m": "m", "million": "m", "b": "b", "bn": "b", "billion": "b", "t": "t", "trillion": "t",
    "gb": "gb", "go": "gb", "gigabyte": "gb", "gigabytes": "gb", "mb": "mb", "megabyte": "mb", "megabytes": "mb",
    "kb": "kb", "tb": "tb", "ms": "ms", "millisecond": "ms", "milliseconds": "ms", "s": "s", "sec": "s",
    "second": "s", "seconds": "s", "min": "min", "minute": "min", "minutes": "min", "h": "h", "hour": "h", "hours": "h",
    "day": "day", "days": "day", "year": "year", "years": "year", "fps": "fps", "db": "db", "hz": "hz", "khz": "khz",
    "ghz": "ghz", "mm": "mm", "cm": "cm", "km": "km", "kg": "kg", "ap": "ap", "map": "map", "miou": "miou",
    "bleu": "bleu", "flops": "flops", "gflops": "gflops", "layers": "layer", "layer": "layer",
}  # fmt: skip
_QUANTITY = re.compile(rf"(?<![\w.])(?:{_NUMBER})(?:\s?-?(?P<unit>[A-Za-z%×]+)\b|\s?(?P<sign>[%×]))?", re.IGNORECASE)
_WORDS = {
    w: str(i) for i, w in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
_NAME = re.compile(r"(?<![\w-])(?:[A-Za-z]+\d[\w-]*|[A-Z]{2,}[\w-]*|[A-Za-z]*[a-z][A-Z][\w-]*)")
_NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|fails? to|failed to|unable to|lacks?|hardly|\w+n['’]t)\b", re.I
)
# 'not only … but also' says yes; these do not turn a sentence round.
_NO_NEGATION = re.compile(
    r"\bnot only\b|\bno longer than\b|\bwhether or not\b|\bno more than\b|\bnot limited to\b", re.I
)


def plain(text: str) -> str:
    """``text`` with compatibility forms folded, LaTeX percent and white space made plain."""
    return " ".join(unicodedata.normalize("NFKC", text).replace("\\%", "%").replace("\\,", "").split())


def figures(text: str) -> set[tuple[str, str]]:
    """The figures of ``text`` as (number, unit); number words up to twelve count, an unknown unit is ''."""
    found = set()
    for match in _QUANTITY.finditer(plain(text)):
        number = _number(re.match(_NUMBER, match.group()).group())  # type: ignore[union-attr]
        unit = (match["unit"] or match["sign"] or "").lower()
        found.add((number, _UNITS.get(unit, "")))
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in _WORDS:
            found.add((_WORDS[word], ""))
    return found


def missing_figures(sentence: str, source: str) -> set[str]:
    """Figures of ``sentence`` that ``source`` does not have, or has with other units only.

    Number words of the sentence ('one', 'two') are not asked for: they are seldom figures.
    """
    held: dict[str, set[str]] = {}
    for number, unit in figures(source):
        held.setdefault(number, set()).add(unit)
    words = set(_WORDS.values())
    spelt = {number for number, unit in figures(sentence) if unit == "" and number in words}
    digits = {_number(n) for n in re.findall(_NUMBER, plain(sentence))}
    missing = set()
    for number, unit in figures(sentence):
        if number in spelt and number not in digits:
            continue
        units = held.get(number)
        if units is None or (unit and unit not in units and "" not in units):
            missing.add(f"{number} {unit}".strip())
    return missing


def missing_names(sentence: str, source: str) -> set[str]:
    """Names and acronyms of ``sentence`` that ``source`` neither has nor spells out."""
    low = plain(source).lower()
    squeezed = re.sub(r"[\W_]", "", low)
    initials = "".join(w[0] for w in re.findall(r"[a-z]+", low))
    missing = set()
    for name in _NAME.findall(plain(sentence)):
        bare = re.sub(r"[\W_]", "", name.lower())
        stem = bare.removesuffix("s")
        if bare in squeezed or stem in squeezed or (len(stem) > 2 and stem in initials):
            continue
        missing.add(name)
    return missing


def has_negation(text: str) -> bool:
    """Whether a sentence denies something."""
    return bool(_NEGATION.search(_NO_NEGATION.sub("", text)))


def _number(digits: str) -> str:
    """One spelling per value: no thousands commas, no trailing zeros after the point."""
    value = digits.replace(",", "")
    return value.rstrip("0").rstrip(".") if "." in value else value
