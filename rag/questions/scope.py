"""Which papers a question may use: by year, venue, source, or chosen one by one; and such filters read from a question.

'Which papers since 2021 …' names papers, 'the 2018 World Cup' does not: words are read as a filter only where they
stand beside a word for papers or for publishing, and are then taken out of what is searched for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

from rag.datatypes import Intent, Reading
from rag.text.tokenization import STOPWORDS, stems

OVER_THE_LIBRARY = (Intent.COUNT, Intent.LIST, Intent.YEARS)
MOST_NAMED = 3  # venues or sources that a description names before it counts them


class Record(Protocol):
    """What a scope looks at; :class:`rag.datatypes.Paper` is one."""

    @property
    def id(self) -> str: ...
    @property
    def year(self) -> int | None: ...
    @property
    def venue(self) -> str: ...
    @property
    def source(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """The papers that fit every field that is set. Years are inclusive, and a paper without one fits no bound.

    With ``literal`` the words of a question are not read as filters.
    """

    since: int | None = None
    until: int | None = None
    venues: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    paper_ids: tuple[str, ...] = ()
    literal: bool = False

    @property
    def is_everything(self) -> bool:
        """Whether every paper fits."""
        return self.since is None and self.until is None and not (self.venues or self.sources or self.paper_ids)

    def admits(self, paper: Record) -> bool:
        """Whether one paper fits; for many see :meth:`admitted`."""
        return bool(self.admitted([paper]))

    def admitted(self, papers: Iterable[Record]) -> list[str]:
        """Ids of the papers that fit, in the order given."""
        venues, sources, ids = set(self.venues), set(self.sources), set(self.paper_ids)
        bounded = self.since is not None or self.until is not None
        first = -1 if self.since is None else self.since
        last = 10_000 if self.until is None else self.until
        return [
            p.id
            for p in papers
            if (not ids or p.id in ids)
            and (not bounded or (p.year is not None and first <= p.year <= last))
            and (not venues or p.venue in venues)
            and (not sources or p.source in sources)
        ]

    def parts(self) -> list[tuple[str, str]]:
        """``(name, words)`` of what is set; :meth:`without` takes the names."""
        found: list[tuple[str, str]] = []
        if self.since is not None or self.until is not None:
            found.append(("years", _years(self.since, self.until)))
        if self.venues:
            found.append(("venues", _named(self.venues, "venues")))
        if self.sources:
            found.append(("sources", "from " + _named(self.sources, "sources")))
        if self.paper_ids:
            n = len(self.paper_ids)
            found.append(("paper_ids", f"{n:,} chosen {'paper' if n == 1 else 'papers'}"))
        return found

    def without(self, part: str) -> Scope:
        """The scope without the part of that name."""
        if part == "years":
            return replace(self, since=None, until=None)
        empty: dict[str, Any] = {part: ()} if part in ("venues", "sources", "paper_ids") else {}
        return replace(self, **empty)

    def and_literally(self, other: Scope) -> Scope:
        """What fits both, no words of a question read. Where both name venues, sources or papers, the common ones,
        and those of ``other`` where there are none in common."""

        def common(mine: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(one for one in others if one in mine) or others if mine and others else mine or others

        firsts = [year for year in (self.since, other.since) if year is not None]
        lasts = [year for year in (self.until, other.until) if year is not None]
        return Scope(
            max(firsts, default=None),
            min(lasts, default=None),
            common(self.venues, other.venues),
            common(self.sources, other.sources),
            common(self.paper_ids, other.paper_ids),
            literal=True,
        )

    def describe(self) -> str:
        """'2021 or later, ICML, 3 chosen papers'; empty for every paper."""
        return ", ".join(words for _, words in self.parts())

    def as_record(self) -> dict[str, Any]:
        """What is set, for JSON; :meth:`of_record` reads it."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value not in (None, (), False)
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Scope:
        """The scope that :meth:`as_record` wrote; names it does not know are left out."""
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items() if k in known}
        return cls(**values)


EVERYTHING = Scope()


def _years(first: int | None, last: int | None) -> str:
    if last is None:
        return f"{first} or later"
    if first is None:
        return f"{last} or earlier"
    return str(first) if first == last else f"{first} to {last}"


def _named(names: Sequence[str], kind: str) -> str:
    if len(names) > MOST_NAMED:
        return f"{len(names)} {kind}"
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" or {names[-1]}"


# --- years as they are written ---

_PREPOSITION = (
    r"(?:(?P<since>since|starting in)|(?P<after>after|later than)|(?P<before>before|earlier than)|"
    r"(?P<until>until|up to|through)|between|from|in|of|during)"
)
# 'from 2019 on' is open, 'from 2019 on pruning' is not.
_ON = r"on(?:wards?\b|\b(?=\s*(?:[?.!,;:]|$|(?:that|which|about|are|is|have|has|do|mention|discuss|use)\b)))"
_NUMBERS = (
    r"(?P<year>(?:19|20)\d\d)"
    r"(?:\s*(?:-|–|to|and|until|through)\s*(?P<end>(?:19|20)\d\d)|"
    rf"\s+(?P<on>{_ON}|or (?:later|newer|after))|\s+(?P<back>or (?:earlier|older|before)))?(?!\w)"
)
YEARS = re.compile(rf"\b{_PREPOSITION}?\s*{_NUMBERS}", re.IGNORECASE)


def bounds(match: re.Match[str]) -> tuple[int | None, int | None]:
    """First and last year that a match of :data:`YEARS`, or of a pattern with its groups, means."""
    year, end = int(match["year"]), int(match["end"] or match["year"])
    if match["end"]:
        return min(year, end), max(year, end)
    if match["before"]:
        return None, year - 1
    if match["until"] or match["back"]:
        return None, year
    first = year + bool(match["after"])
    return first, None if match["since"] or match["after"] or match["on"] else year


# 'the 2018 World Cup', 'VOC 2007', 'data from 2012': such a year belongs to what a paper is about.
_CONTENT_NAME = re.compile(r"(?:\bthe|\b[A-Z][\w-]*[A-Z\d][\w-]*)\s*$")
_CONTENT_NOUN = re.compile(r"\b(?:data|datasets?|records?|period|years|season|crisis|pandemic|elections?)\s*$")


def years_in(topic: str) -> re.Match[str] | None:
    """The first years of a topic that papers are counted by; not those that belong to what papers are about."""
    for match in YEARS.finditer(topic):
        content = _CONTENT_NAME if match.group().strip()[0].isdigit() else _CONTENT_NOUN
        if not content.search(topic[: match.start()]):
            return match
    return None


# --- filters read from a question ---

_PAPERS = r"(?:papers?|works?|articles?|publications?|stud(?:ies|y)|preprints?|literature|research)"
_NOT_VERBS = r"(?!(?:works?|study)\s+(?:in|of|during)\b)"  # 'how did it work in 2019'
_NEWS = r"(?<!news )(?<!newspaper )(?<!press )(?<!wikipedia )"
_PUBLISHED = (
    r"(?:(?:that|which)\s+)?(?:(?:were|was|are|is|have been|has been|been)\s+)?"
    r"(?:published|written|dated|presented|accepted|appear(?:s|ed|ing)?|from)"
)
_DATA = re.compile(
    r"\b(?:data|datasets?|tweets?|posts?|news|newspapers?|reviews?|books?|reports?|texts?|"
    r"articles (?:on|in) (?:the )?(?:web|press))\s+(?:(?:that|which)\s+)?(?:(?:were|was|are|is|been)\s+)*$",
    re.IGNORECASE,
)
_BARE = r"(?P<since>$^)?(?P<after>$^)?(?P<before>$^)?(?P<until>$^)?"  # groups that stay empty
_YEAR_READERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # papers since 2021; papers that were published between 2010 and 2015
        rf"\b{_NEWS}{_NOT_VERBS}{_PAPERS}\s+(?:(?:are|were|is) there\s+|do (?:we|you) have\s+)?"
        rf"(?P<cut>(?:{_PUBLISHED}\s+)?{_PREPOSITION}\s+{_NUMBERS})",
        # … published after 2019
        rf"\b(?P<cut>(?:(?:that|which)\s+)?(?:(?:were|was|are|have been|been)\s+)?(?:published|appear(?:ed|ing))\s+"
        rf"{_PREPOSITION}\s+{_NUMBERS})",
        # 2021 papers; the 2019–2020 literature
        rf"\b(?P<cut>{_BARE}{_NUMBERS})\s+{_PAPERS}\b",
        # methods proposed since 2020
        r"\b(?:methods|approaches|models|techniques|architectures|algorithms|datasets|benchmarks)\s+"
        r"(?:(?:that|which)\s+)?(?:(?:were|have been)\s+)?(?:proposed|introduced|presented|published)\s+"
        rf"(?P<cut>(?:(?=since|after|before|until|between){_PREPOSITION})\s+{_NUMBERS})",
    )
)
_AT_VENUE = re.compile(
    rf"(?:\b{_NEWS}{_NOT_VERBS}{_PAPERS}\s+(?P<cut>(?:{_PUBLISHED}\s+)?(?:at|in|from|of|by)\s+(?:the\s+)?)|"
    r"\b(?P<verb>(?:(?:that|which)\s+)?(?:(?:were|was|are|have been|been)\s+)?"
    r"(?:published|presented|accepted|appear(?:ed|ing))\s+(?:at|in|by)\s+(?:the\s+)?))",
    re.IGNORECASE,
)
_VENUE_PAPERS = re.compile(rf"\s+{_PAPERS}\b", re.IGNORECASE)
_OR = re.compile(r"\s*(?:/|,?\s+or\b|,?\s+and\b|,|&)\s*(?:(?:at|in)\s+)?(?:the\s+)?", re.IGNORECASE)
_MAY_NAME_VENUE = re.compile(rf"\b(?:{_PAPERS}|published|presented|accepted|appear(?:ed|ing))\b", re.IGNORECASE)
_VENUE_YEAR = re.compile(rf"^[\s,]*(?:{_PREPOSITION}\s*|['’]?){_NUMBERS}", re.IGNORECASE)
_MAY_NAME_YEAR = re.compile(r"(?:19|20)\d\d")


def read_filters(text: str, venues: Callable[[], Iterable[str]]) -> tuple[Scope, str]:
    """The filters that a question names, and the question without their words.

    ``venues`` gives the venues of the library; it is asked only where the question may name one.
    """
    scope, rest = EVERYTHING, text
    if _MAY_NAME_VENUE.search(rest):
        found, rest = _read_venue(rest, venues)
        scope = replace(scope, venues=found.venues, since=found.since, until=found.until)
    if scope.since is None and scope.until is None and _MAY_NAME_YEAR.search(rest):
        for reader in _YEAR_READERS:
            match = next((m for m in reader.finditer(rest) if not _DATA.search(rest[: m.start("cut")])), None)
            if match:
                first, last = bounds(match)
                scope = replace(scope, since=first, until=last)
                rest = _without(rest, match.start("cut"), match.end("cut"))
                break
    return scope, rest


def _read_venue(text: str, venues: Callable[[], Iterable[str]]) -> tuple[Scope, str]:
    """Venues behind 'published at', 'papers in' or before 'papers', with the year behind them ('ICML 2021')."""
    names: VenueNames | None = None
    for match in _AT_VENUE.finditer(text):
        names = names or VenueNames(venues())
        start = match.start("cut") if match["cut"] else match.start("verb")
        found, end = names.at(text, match.end())
        if not found or _DATA.search(text[:start]):
            continue
        while (more := _OR.match(text, end)) and (others := names.at(text, more.end()))[0]:
            found, end = [*found, *others[0]], others[1]
        first, last, end = _year_behind(text, end)
        return Scope(first, last, tuple(sorted(set(found)))), _without(text, start, end)
    for match in _VENUE_PAPERS.finditer(text):
        word = text[: match.start()].rpartition(" ")[2]
        if word.islower() or word.lower() in STOPWORDS:  # 'Which papers', 'these papers'
            continue
        names = names or VenueNames(venues())
        found, start = names.before(text, match.start())
        if found:
            return Scope(venues=tuple(sorted(set(found)))), _without(text, start, match.start())
    return EVERYTHING, text


def _year_behind(text: str, end: int) -> tuple[int | None, int | None, int]:
    match = _VENUE_YEAR.match(text[end:])
    return (*bounds(match), end + match.end()) if match else (None, None, end)


def _without(text: str, start: int, end: int) -> str:
    rest = f"{text[:start].rstrip()} {text[end:].lstrip()}"
    return re.sub(r"\s+(?=[?.!,;:])", "", " ".join(rest.split())).strip(" ,")


class VenueNames:
    """The names under which people know the venues of a library: whole, without year and series, and as acronyms."""

    def __init__(self, venues: Iterable[str]) -> None:
        self._venues: dict[str, list[str]] = {}
        for venue in venues:
            for name in _names_of(venue):
                self._venues.setdefault(name, []).append(venue)
        longest = sorted(self._venues, key=lambda name: (-len(name), name))
        self._pattern = "|".join(map(re.escape, longest)) or "$^"
        self._at = re.compile(rf"(?:{self._pattern})(?!\w)", re.IGNORECASE)
        self._before = re.compile(rf"(?<!\w)(?P<name>{self._pattern})$", re.IGNORECASE)

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
        match = self._before.search(text[:position])
        found = self._meant(match["name"]) if match else []
        return (found, match.start("name")) if match and found and _is_name(match["name"]) else ([], position)

    def _meant(self, name: str) -> list[str]:
        folded = name.casefold()
        return next((v for known, v in self._venues.items() if known.casefold() == folded), [])


def _is_name(text: str) -> bool:
    """Whether a venue is meant and no common word: 'in Nature' and not 'in nature'."""
    return any(c.isupper() for c in text) or " " in text.strip()


_SERIES = re.compile(
    r"\b(?:proceedings of(?: the)?|proc\.|the|\d+(?:st|nd|rd|th)|(?:19|20)\d\d|annual|vol(?:ume|\.)? ?\d+)(?=\s|,|$)",
    re.IGNORECASE,
)
_ACRONYM = re.compile(r"(?<![\w-])(?=\w*[A-Z]\w*[A-Z])[A-Za-z][A-Za-z]{2,}(?![\w-])")


def _names_of(venue: str) -> list[str]:
    """The names of one venue, each once."""
    plain = " ".join(_SERIES.sub(" ", re.sub(r"\(.*?\)", " ", venue)).split()).strip(" ,.:-")
    capitals = [word[0] for word in re.findall(r"[^\W\d_]+", plain) if word[0].isupper()]
    initials = "".join(capitals) if len(capitals) >= 3 else ""
    found = [" ".join(venue.split()), plain, *_ACRONYM.findall(venue), initials]
    return list(dict.fromkeys(name for name in found if len(name) > 1))


def read_query(
    query: Reading, given: Scope, venues: Callable[[], Iterable[str]], understand: Callable[[str], Reading]
) -> Reading:
    """``query`` with the scope that was given and the filters that its words name, those words taken out.

    ``understand`` makes a query of the question without the name of a venue: 'how many ICML papers' is a count.
    """
    scoped = query if given == EVERYTHING else replace(query, scope=given)
    if given.literal:
        return scoped
    at_venue, plain = _read_venue(query.text, venues)
    if at_venue.venues and (again := understand(plain)).intent in OVER_THE_LIBRARY:
        return _read_overview(replace(again, scope=scoped.scope, asked=query.asked or query.text), at_venue)
    if query.intent in OVER_THE_LIBRARY:
        return _read_overview(scoped, EVERYTHING)
    filters, search = read_filters(query.search, venues)
    if filters.is_everything:
        return scoped
    if not set(stems(search)) - _GENERIC:  # 'What papers are there since 2021?'
        return replace(scoped, filters=filters, intent=Intent.LIST, topic=_topic(filters))
    text, topic = read_filters(query.text, venues)[1], read_filters(query.topic, venues)[1]
    return replace(scoped, filters=filters, search=search, text=text, topic=topic, asked=query.asked or query.text)


def _read_overview(query: Reading, at_venue: Scope) -> Reading:
    """The topic keeps its years, because the overview reads them and says them in its answer."""
    if at_venue.since is not None or at_venue.until is not None:  # 'at ICML 2021 on pruning'
        query = replace(query, topic=f"{query.topic} {_topic(at_venue)}".strip())
    match = years_in(query.topic)
    first, last = bounds(match) if match else (None, None)
    filters = Scope(first, last, at_venue.venues)
    return query if filters.is_everything else replace(query, filters=filters)


def _topic(filters: Scope) -> str:
    """The years of ``filters`` as :func:`years_in` reads them."""
    first, last = filters.since, filters.until
    if first is None and last is None:
        return ""
    if last is None:
        return f"since {first}"
    return f"until {last}" if first is None else f"in {first}" if first == last else f"from {first} to {last}"


def admitted(query: Reading, records: Callable[[], Iterable[Record]]) -> list[str] | None:
    """Ids of the papers that a query may use; None for all of them, and then ``records`` is not asked.

    Years that a question about the whole library names are left to the overview.
    """
    over_library = query.intent in OVER_THE_LIBRARY
    scopes = [query.scope, query.filters.without("years") if query.filters and over_library else query.filters]
    wanted = [scope for scope in scopes if scope is not None and not scope.is_everything]
    if not wanted:
        return None
    papers = list(records())
    kept = set(wanted[0].admitted(papers)).intersection(*(scope.admitted(papers) for scope in wanted[1:]))
    return sorted(kept)


def in_words(query: Reading) -> str:
    """'2021 or later, ICML': which papers a query may use; empty for all."""
    scopes = [scope for scope in (query.scope, query.filters) if scope is not None]
    return ", ".join(dict.fromkeys(words for scope in scopes for _, words in scope.parts()))


def bounds_years(query: Reading) -> bool:
    """Whether the year decides which papers the query may use."""
    scopes = [scope for scope in (query.scope, query.filters) if scope is not None]
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


_GENERIC = frozenset(
    stems(
        "papers works articles publications studies study preprints literature research library show list find get "
        "give name tell me please collection exist available"
    )
)
