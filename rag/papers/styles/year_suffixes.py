"""Letters behind years, where two references of a list would be cited alike: 2020a, 2020b.

A style asks for them with ``disambiguate-add-year-suffix`` (CSL 1.0.2, 'Disambiguation'), which citeproc-py does not
know. What is cited alike is taken from the names that a citation shows, and from all of them where the style would add
names to tell two citations apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from string import ascii_lowercase
from typing import Any

_NAMES = ("author", "editor", "translator")
_UNDATED = "n.d."


class SuffixRules:
    """How a style cites, as far as letters go; ``citation`` is its element of that name, None where it has none."""

    def __init__(self, citation: Any) -> None:
        said = {} if citation is None else dict(citation.attrib)
        self.wanted = said.get("disambiguate-add-year-suffix") == "true"
        self._all_names = said.get("disambiguate-add-names") == "true"
        self._given_names = said.get("disambiguate-add-givenname") == "true"
        self._least, self._shown = _number(said.get("et-al-min")), _number(said.get("et-al-use-first"))

    def suffixes(self, references: Sequence[Any], order: Sequence[int]) -> dict[int, str]:
        """The letters of those references that have some, by their places; ``order`` is that of the list."""
        alike: dict[Hashable, list[int]] = defaultdict(list)
        for place in order if self.wanted else ():
            if (cited := self._cited(references[place])) is not None:
                alike[cited].append(place)
        several = (places for places in alike.values() if len(places) > 1)
        return {place: _letters(number) for places in several for number, place in enumerate(places)}

    def _cited(self, reference: Any) -> Hashable:
        """What tells a citation of the reference from others; None where its title does."""
        names = next((found for kind in _NAMES if (found := reference.get(kind))), None)
        if not names:
            return None
        issued = reference.get("issued")
        year = issued.get("year", _UNDATED) if isinstance(issued, dict) else _UNDATED
        shown = [self._name(name) for name in names]
        if not self._all_names and self._least and self._shown and len(shown) >= self._least:
            shown = [*shown[: self._shown], "et al."]
        return year, *shown

    def _name(self, name: Any) -> str:
        given, family, dropping, particle, suffix = (str(part or "") for part in name.parts())
        first = given if self._given_names else ""
        return " ".join(filter(None, (first, dropping, particle, family, suffix))).casefold()


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 4 else 0


def _letters(number: int) -> str:
    """a to z, then aa, ab, …"""
    found = ""
    number += 1
    while number:
        number, last = divmod(number - 1, 26)
        found = ascii_lowercase[last] + found
    return found
