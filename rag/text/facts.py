"""Facts of a sentence that a source must have exactly: figures with their units, and names.

The embeddings of two sentences that differ in one figure are almost equal, so these are compared by rule. ``sentence``
is what is claimed, ``source`` the text that should bear it out; both are plain strings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from difflib import SequenceMatcher

from rag.text.greek import with_names
from rag.text.tokenization import RAISED_POINT, WHOLE_NAME, stem

_NUMBER = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_UNIT_OF = {
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
# Units without which the same figure is another fact: '10 datasets' does not bear out '10 seconds'. Any other unit may
# stand apart from its figure ('an AP of 45.2').
_REQUIRED_UNITS = frozenset("gb mb kb tb ms s min h day fps hz khz ghz mm cm km kg".split())
_LONGEST_NUMBER = 30  # digits of a number that is written out
_POWER_OF_TEN = {"k": 3, "m": 6, "b": 9, "t": 12}
# A hyphen after letters makes the digits part of a name ('ResNet-50', 'top-1'): see ``_COMPOUND``.
_FIGURE_WITH_UNIT = re.compile(
    rf"(?<![\w.])(?<![A-Za-z]-)(?P<number>{_NUMBER})(?:\s?-?(?P<unit>[A-Za-z]+)\b|\s?(?P<sign>[%×]))?", re.IGNORECASE
)
LONGEST_COMPARED = (
    400  # words of a sentence that are compared in their order with those of another: no real one has more
)
_COMPOUND = re.compile(r"(?<![\w-])(?P<word>[A-Za-z]+)-(?P<number>\d++)(?![\d.]*+%)")
# Between the figures of a range or a list, which share the unit of the last one: '40-50%', '3, 17 and 14 ms'.
_JOIN = re.compile(r"(?<!\s)\s*+(?:(?:,\s*+)?\b(?:to|and|or)\b|[-–,/]|\.\.\.?)\s*+", re.IGNORECASE)
_NUMBER_WORDS = {
    w: str(i) for i, w in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
} | {"twice": "2", "thrice": "3", "hundred": "100", "thousand": "1000"}
_COUNTED_NOUN = re.compile(
    r"(?<![\w.,-])(?P<number>\d{1,2}|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve) "
    r"(?:[a-z]+(?:-[a-z]+)? )?(?P<noun>[A-Za-z]{2,}(?<!s)s)\b",
    re.IGNORECASE,
)
_PROPER = re.compile(r"(?<=[\w,)] )[A-Z][a-z]{2,}\b")


def normalised(text: str) -> str:
    """``text`` in Unicode NFKC, on one line, with ``\\%`` as ``%`` and the raised decimal point as a full stop."""
    folded = unicodedata.normalize("NFKC", text).replace("\\%", "%").replace("\\,", "")
    return " ".join(RAISED_POINT.sub(".", folded).split())


def figures_with_units(text: str) -> set[tuple[str, str]]:
    """The figures of ``text`` as (number, unit), in digits or in words up to twelve; an unknown unit is ''."""
    return _numerals(normalised(text)) | _number_words(text)


def missing_figures(sentence: str, source: str) -> set[str]:
    """Figures of ``sentence`` that ``source`` does not have, or has with other units only; as they are to be shown.

    Number words of the sentence ('one', 'two') are seldom figures, so one is missing only where the source counts the
    same noun differently ('three tasks' against 'four tasks'). '10k' and '10,000' are the same, and so are '50%' and
    '50 percent'.
    """
    low = normalised(source).lower()
    held: dict[str, set[str]] = {}
    for number, unit in figures_with_units(source):
        for value, kind in _written_out(number, unit):
            held.setdefault(value, set()).add(kind)
    missing = set()
    for number, unit in _numerals(normalised(sentence)):
        if not any(_has_figure(value, kind, held) for value, kind in _written_out(number, unit)):
            missing.add(f"{number} {unit}".strip())
    for whole, word, number in {
        (m.group(), m["word"].lower(), m["number"]) for m in _COMPOUND.finditer(normalised(sentence))
    }:
        joined = re.search(rf"(?<![a-z]){re.escape(word)}[\W_]*{number}(?!\d)", low)
        # 'CIFAR-100' is in 'CIFAR-10/100', and 'sub-10' in '10'.
        if not joined and not (word in low and number in held):
            missing.add(whole)
    return missing | _other_counts(sentence, source)


def _other_counts(sentence: str, source: str) -> set[str]:
    """Counts of ``sentence`` in words ('three tasks') where ``source`` has another count of that only ('4 tasks')."""
    held: dict[str, set[str]] = {}
    for number, noun, _ in _counts(normalised(source)):
        held.setdefault(noun, set()).add(number)
    return {
        shown
        for number, noun, shown in _counts(normalised(sentence))
        if not shown[0].isdigit() and noun in held and number not in held[noun]
    }


def _counts(text: str) -> list[tuple[str, str, str]]:
    """(number, stem of the plural noun, the words) for 'three tasks' and '4 large tasks', but not for 'two-thirds'."""
    return [
        (_NUMBER_WORDS.get(m["number"].lower(), m["number"]), stem(m["noun"].lower()), m.group())
        for m in _COUNTED_NOUN.finditer(text)
    ]


def _numerals(text: str) -> set[tuple[str, str]]:
    """Figures in digits as (number, unit); in a range or a list one without a unit also has that of the next."""
    found: set[tuple[str, str]] = set()
    open_ends: list[str] = []
    before = None
    for match in _FIGURE_WITH_UNIT.finditer(text):
        number = _number(match["number"])
        unit = _UNIT_OF.get((match["unit"] or match["sign"] or "").lower(), "")
        if before is None or not _JOIN.fullmatch(text, before, match.start()):
            open_ends = []
        found.add((number, unit))
        if unit:
            found |= {(earlier, unit) for earlier in open_ends}
            open_ends = []
        else:
            open_ends.append(number)
        before = match.end("number") if not unit else match.end()
    return found


def _number_words(text: str) -> set[tuple[str, str]]:
    """Figures in words: 'three', 'twofold', 'hundred'; none has a unit."""
    words = re.findall(r"[a-z]+", text.lower())
    return {(_NUMBER_WORDS[w], "") for word in words for w in (word, word.removesuffix("fold")) if w in _NUMBER_WORDS}


def _written_out(number: str, unit: str) -> set[tuple[str, str]]:
    """The figure as it stands, and without its unit where that is thousand, million, billion or trillion."""
    if unit not in _POWER_OF_TEN or len(number) > _LONGEST_NUMBER:
        return {(number, unit)}
    return {(number, unit), (_number(f"{Decimal(number).scaleb(_POWER_OF_TEN[unit]):f}"), "")}


def _has_figure(number: str, unit: str, units_of: Mapping[str, set[str]]) -> bool:
    """Whether the source, whose figures and their units are ``units_of``, has this figure with a unit that fits."""
    units = units_of.get(number)
    return units is not None and (not unit or unit in units or ("" in units and unit not in _REQUIRED_UNITS))


_LONGEST_NAME = 100  # characters


def missing_names(sentence: str, source: str) -> set[str]:
    """Names and acronyms of ``sentence`` that ``source`` neither has nor spells out (as 'GAN' in its initials)."""
    folded = normalised(source)
    low = folded.lower()
    spelt = with_names(folded).lower()  # 'NF-κB' is in 'NF-kappa B'
    initials = "".join(w[0] for w in re.findall(r"[a-z]+", low))
    missing = set()
    for name in dict.fromkeys(WHOLE_NAME.findall(normalised(sentence))):
        bare = re.sub(r"[\W_]", "", name)
        low_name = bare.lower().removesuffix("s")
        if len(bare) > _LONGEST_NAME:  # no name: as a pattern it would take minutes
            missing |= set() if name in folded else {name}
            continue
        if (
            _has_name_at_end(bare, folded)
            or _begins_a_word(low_name, low)
            or (len(low_name) > 2 and low_name in initials)
            or _begins_a_word(re.sub(r"[\W_]", "", with_names(name)).lower(), spelt)
        ):
            continue
        missing.add(name)
    return missing


def _has_name_at_end(name: str, text: str) -> bool:
    """Whether ``text`` has ``name``, alone or ending a longer one: 'GAN' in 'StyleGAN', not 'BERT' in 'RoBERTa'."""
    letters = r"[\W_]*".join(map(re.escape, name.removesuffix("s") or name))
    before = r"(?<![A-Z])" if name[0].isupper() else r"(?<![A-Za-z])"
    return re.search(rf"{before}{letters}(?:e?s)?(?![a-z0-9])", text) is not None


def _begins_a_word(name: str, low: str) -> bool:
    """Whether a word of ``low`` begins with ``name``, punctuation between its letters left aside.

    Both are in lower case. A name of at most three letters must be the whole word.
    """
    end = r"" if len(name) > 3 else r"(?:e?s)?(?![a-z0-9])"
    return re.search(r"(?<![a-z0-9])" + r"[\W_]*".join(map(re.escape, name)) + end, low) is not None


def missing_proper_nouns(sentence: str, source: str) -> set[str]:
    """Capitalised words within ``sentence`` ('trained on Cityscapes') that ``source`` neither has nor abbreviates."""
    low = normalised(source).lower()
    acronyms = {a.lower().removesuffix("s") for a in re.findall(r"\b[A-Z]{2,}s?\b", normalised(source))}
    text = normalised(sentence)
    spelt_out: set[str] = set()
    for run in re.findall(r"[A-Z][a-z]+(?:[ -][A-Z][a-z]+)+", text):
        words = re.findall(r"[A-Z][a-z]+", run)
        if "".join(w[0] for w in words).lower() in acronyms:
            spelt_out |= set(words)
    found = {m.group() for m in _PROPER.finditer(text)} - spelt_out
    return {word for word in found if word.lower()[: max(4, len(word) - 2)] not in low}


def has_exchanged_fact(sentence: str, source: str) -> bool:
    """Whether ``sentence`` copies ``source`` but has another figure or name in the place of one.

    '85% on ImageNet' for '85% on CIFAR-10' is wrong though the abstract may have both names. For sentences that are
    worded nearly alike.
    """
    here, there = _words_in_order(sentence)[:LONGEST_COMPARED], _words_in_order(source)[:LONGEST_COMPARED]
    matcher = SequenceMatcher(None, [w.lower() for w in here], [w.lower() for w in there], autojunk=False)
    for kind, begin, end, begin_there, end_there in matcher.get_opcodes():
        if kind != "replace":
            continue
        mine = {_figure_or_letters(w) for w in here[begin:end] if _is_figure_or_name(w)}
        theirs = {_figure_or_letters(w) for w in there[begin_there:end_there] if _is_figure_or_name(w)}
        alone = {one for one in mine if not any(_same_or_part(one, other) for other in theirs)}
        rivals = {other for other in theirs if not any(_same_or_part(one, other) for one in mine)}
        if any(one[:1].isdigit() == other[:1].isdigit() for one in alone for other in rivals):
            return True
    return False


def _same_or_part(one: str, other: str) -> bool:
    """The same, or one name within the other ('Llama' in 'Llama2')."""
    if not one or not other or one[0].isdigit() or other[0].isdigit():
        return one == other
    return one in other or other in one


def _words_in_order(text: str) -> list[str]:
    return [w.strip(".,;:!?()[]'\"“”‘’%") for w in normalised(text).split()]


def _is_figure_or_name(word: str) -> bool:
    """Whether a word is a figure, or a name as acronyms and models have them."""
    return any(c.isdigit() for c in word) or sum(c.isupper() for c in word) > 1


def _figure_or_letters(word: str) -> str:
    """The figure that a word begins with, else its letters and digits in lower case: '7B' is '7', 'GPT-2' is 'gpt2'."""
    figure = re.match(_NUMBER, word)
    return _number(figure[0]) if figure else re.sub(r"[\W_]", "", word).lower().removesuffix("s")


def _number(digits: str) -> str:
    """One spelling per value: no thousands commas, no trailing zeros after the point."""
    value = digits.replace(",", "")
    return value.rstrip("0").rstrip(".") if "." in value else value
