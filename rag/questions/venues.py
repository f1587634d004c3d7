"""The names under which people know the venues of a library: whole, without year and series, and as acronyms."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LONGEST_NAME = 300  # characters; nobody asks by a longer one, and as a pattern it would take seconds


class VenueNames:
    """The names under which people know the venues of a library: whole, without year and series, and as acronyms."""

    def __init__(self, venues: Iterable[str], well_known: Iterable[str] = ()) -> None:
        """``venues`` as the records spell them; a ``well_known`` one is a name of its own where none is called so."""
        self._venues: dict[str, list[str]] = {}
        for venue in venues:
            for name in (one for one in _names_of(venue) if len(one) <= _LONGEST_NAME):
                self._venues.setdefault(name, []).append(venue)
        folded = {name.casefold() for name in self._venues}
        self._venues |= {name: [name] for name in well_known if name.casefold() not in folded}
        longest = sorted(self._venues, key=lambda name: (-len(name), name))
        self._longest = len(longest[0]) if longest else 0
        pattern = "|".join(map(re.escape, longest)) or "$^"
        self._at = re.compile(rf"(?:{pattern})(?!\w)", re.IGNORECASE)
        self._before = re.compile(rf"(?<!\w)(?P<name>{pattern})$", re.IGNORECASE)

    def resolve(self, name: str) -> list[str]:
        """The venues that ``name`` means, sorted; none where it is no venue of the library."""
        wanted = " ".join(name.split())
        match = self._at.fullmatch(wanted) if wanted else None
        return sorted(set(self._meant(match.group()) if match else []))

    def at(self, text: str, position: int) -> tuple[list[str], int]:
        """The venues that are named at ``position``, and where the name ends."""
        match = self._at.match(text, position)
        found = self._meant(match.group()) if match else []
        return (found, match.end()) if match and found and _is_name(match.group()) else ([], position)

    def before(self, text: str, position: int) -> tuple[list[str], int]:
        """The venues that are named right before ``position``, and where the name starts."""
        match = self._before.search(text, max(0, position - self._longest), position)
        found = self._meant(match["name"]) if match else []
        return (found, match.start("name")) if match and found and _is_name(match["name"]) else ([], position)

    def _meant(self, name: str) -> list[str]:
        folded = name.casefold()
        return next((v for known, v in self._venues.items() if known.casefold() == folded), [])


def _is_name(text: str) -> bool:
    """Whether a venue is meant and no common word: 'in Nature' and not 'in nature'."""
    return any(c.isupper() for c in text) or " " in text.strip()


# Venues that are read as such in a question though the library has none of them: it then says that it has none.
WELL_KNOWN = (
    "Nature", "Science", "Cell", "Neuron", "eLife", "PNAS", "PLOS ONE", "PLoS ONE", "PLOS Biology", "PLOS Medicine",
    "Nature Medicine", "Nature Communications", "Nature Genetics", "Nature Physics", "Nature Chemistry",
    "Nature Neuroscience", "Nature Climate Change", "Nature Geoscience", "Scientific Reports", "Science Advances",
    "The Lancet", "Lancet", "JAMA", "BMJ", "NEJM", "New England Journal of Medicine", "Physical Review Letters",
    "Physical Review D", "JACS", "Angewandte Chemie", "Econometrica", "American Economic Review",
    "Quarterly Journal of Economics", "American Sociological Review", "American Historical Review",
    "Psychological Science",
    "Harvard Law Review", "Yale Law Journal", "Ecology Letters", "Geophysical Research Letters", "arXiv",
    "bioRxiv",
    "medRxiv", "NeurIPS", "NIPS", "ICML", "ICLR", "AAAI", "IJCAI", "CVPR", "ICCV", "ECCV", "ACL", "EMNLP", "NAACL",
    "KDD", "SIGIR", "SIGMOD", "VLDB", "SOSP", "OSDI", "CHI", "JMLR", "TMLR", "TPAMI", "Interspeech", "ICASSP",
)  # fmt: skip

_SERIES = re.compile(
    r"\b(?:proceedings of(?: the)?|proc\.|the|\d+(?:st|nd|rd|th)|(?:19|20)\d\d|annual|vol(?:ume|\.)? ?\d+)(?=\s|,|$)",
    re.IGNORECASE,
)
_ACRONYM = re.compile(r"(?<![\w-])(?=\w*[A-Z]\w*[A-Z])[A-Za-z][A-Za-z]{2,}(?![\w-])")


# To the end of the line where nothing closes it, so that no bracket within is looked at again.
_IN_BRACKETS = re.compile(r"\([^)\n]*+\)?")


def _without_closed(brackets: re.Match[str]) -> str:
    return " " if brackets.group().endswith(")") else brackets.group()


def _names_of(venue: str) -> list[str]:
    """The names of one venue, each once."""
    plain = " ".join(_SERIES.sub(" ", _IN_BRACKETS.sub(_without_closed, venue)).split()).strip(" ,.:-")
    capitals = [word[0] for word in re.findall(r"[^\W\d_]+", plain) if word[0].isupper()]
    initials = "".join(capitals) if len(capitals) >= 3 else ""
    found = [" ".join(venue.split()), plain, *_ACRONYM.findall(venue), initials]
    return list(dict.fromkeys(name for name in found if len(name) > 1))
