"""Filters that a question names: years, venues. They are taken out of what is searched for.

'Which papers since 2021 …' names papers, 'the 2018 World Cup' does not: words are read as a filter only where they
stand beside a word for papers or for publishing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from rag.datatypes import EVERYTHING, OVER_THE_LIBRARY, Intent, Reading, Scope
from rag.questions.venues import VenueNames
from rag.questions.years import NUMBERS, PREPOSITION, bounds, years_in
from rag.text.tokenization import STOPWORDS, stems

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
_NEAR = 120  # characters before a year or a venue in which the word stands that it belongs to
_BARE = r"(?P<since>$^)?(?P<after>$^)?(?P<before>$^)?(?P<until>$^)?"  # groups that stay empty
_YEAR_READERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # papers since 2021; papers that were published between 2010 and 2015
        rf"\b{_NEWS}{_NOT_VERBS}{_PAPERS}\s+(?:(?:are|were|is) there\s+|do (?:we|you) have\s+)?"
        rf"(?P<cut>(?:{_PUBLISHED}\s+)?{PREPOSITION}\s+{NUMBERS})",
        # … published after 2019
        rf"\b(?P<cut>(?:(?:that|which)\s+)?(?:(?:were|was|are|have been|been)\s+)?(?:published|appear(?:ed|ing))\s+"
        rf"{PREPOSITION}\s+{NUMBERS})",
        # 2021 papers; the 2019–2020 literature
        rf"\b(?P<cut>{_BARE}{NUMBERS})\s+{_PAPERS}\b",
        # methods proposed since 2020
        r"\b(?:methods|approaches|models|techniques|architectures|algorithms|datasets|benchmarks)\s+"
        r"(?:(?:that|which)\s+)?(?:(?:were|have been)\s+)?(?:proposed|introduced|presented|published)\s+"
        rf"(?P<cut>(?:(?=since|after|before|until|between){PREPOSITION})\s+{NUMBERS})",
    )
)
_AT_VENUE = re.compile(
    rf"(?:\b{_NEWS}{_NOT_VERBS}{_PAPERS}\s+(?P<cut>(?:{_PUBLISHED}\s+)?(?:at|in|from|of|by)\s+(?:the\s+)?)|"
    r"\b(?P<verb>(?:(?:that|which)\s+)?(?:(?:were|was|are|have been|been)\s+)?"
    r"(?:published|presented|accepted|appear(?:ed|ing))\s+(?:at|in|by)\s+(?:the\s+)?))",
    re.IGNORECASE,
)
_VENUE_PAPERS = re.compile(rf"(?<!\s)\s++{_PAPERS}\b", re.IGNORECASE)
_OR = re.compile(
    r"(?<!\s)(?:\s*+(?:/|,(?:\s++(?:or|and)\b)?|&)|\s++(?:or|and)\b)\s*+(?:(?:at|in)\s++)?(?:the\s++)?", re.IGNORECASE
)
_MAY_NAME_VENUE = re.compile(rf"\b(?:{_PAPERS}|published|presented|accepted|appear(?:ed|ing))\b", re.IGNORECASE)
_VENUE_YEAR = re.compile(rf"^[\s,]*(?:{PREPOSITION}\s*|['’]?){NUMBERS}", re.IGNORECASE)
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
            match = next((m for m in reader.finditer(rest) if not _is_of_data(rest, m.start("cut"))), None)
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
        if not found or _is_of_data(text, start):
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


def _is_of_data(text: str, at: int) -> bool:
    """Whether what stands at an offset says of data, not of papers, where or when they appeared."""
    return _DATA.search(text, max(0, at - _NEAR), at) is not None


def _year_behind(text: str, end: int) -> tuple[int | None, int | None, int]:
    match = _VENUE_YEAR.match(text[end:])
    return (*bounds(match), end + match.end()) if match else (None, None, end)


def _without(text: str, start: int, end: int) -> str:
    rest = f"{text[:start].rstrip()} {text[end:].lstrip()}"
    return re.sub(r" (?=[?.!,;:])", "", " ".join(rest.split())).strip(" ,")


def read_filters_of(
    reading: Reading, given: Scope, venues: Callable[[], Iterable[str]], understand: Callable[[str], Reading]
) -> Reading:
    """``reading`` with the scope that was given and the filters that its words name, those words taken out.

    ``understand`` makes a reading of the question without the name of a venue: 'how many ICML papers' is a count.
    """
    scoped = reading if given == EVERYTHING else replace(reading, scope=given)
    if given.literal:
        return scoped
    at_venue, plain = _read_venue(reading.text, venues)
    if at_venue.venues and (again := understand(plain)).intent in OVER_THE_LIBRARY:
        return _read_overview(replace(again, scope=scoped.scope, asked=reading.asked or reading.text), at_venue)
    if reading.intent in OVER_THE_LIBRARY:
        return _read_overview(scoped, EVERYTHING)
    filters, search = read_filters(reading.search, venues)
    if filters.is_everything:
        return scoped
    if not set(stems(search)) - _GENERIC:  # 'What papers are there since 2021?'
        return replace(scoped, filters=filters, intent=Intent.LIST, topic=_topic(filters))
    text, topic = read_filters(reading.text, venues)[1], read_filters(reading.topic, venues)[1]
    return replace(scoped, filters=filters, search=search, text=text, topic=topic, asked=reading.asked or reading.text)


def _read_overview(reading: Reading, at_venue: Scope) -> Reading:
    """The topic keeps its years, because the overview reads them and says them in its answer."""
    if at_venue.since is not None or at_venue.until is not None:  # 'at ICML 2021 on pruning'
        reading = replace(reading, topic=f"{reading.topic} {_topic(at_venue)}".strip())
    match = years_in(reading.topic)
    first, last = bounds(match) if match else (None, None)
    filters = Scope(first, last, at_venue.venues)
    return reading if filters.is_everything else replace(reading, filters=filters)


def _topic(filters: Scope) -> str:
    """The years of ``filters`` as :func:`years_in` reads them."""
    first, last = filters.since, filters.until
    if first is None and last is None:
        return ""
    if last is None:
        return f"since {first}"
    return f"until {last}" if first is None else f"in {first}" if first == last else f"from {first} to {last}"


_GENERIC = frozenset(
    stems(
        "papers works articles publications studies study preprints literature research library show list find get "
        "give name tell me please collection exist available"
    )
)
