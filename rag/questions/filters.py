"""Filters that a question names: years, venues, authors. They are taken out of what is searched for.

'Which papers since 2021 …' names papers, 'the 2018 World Cup' does not: words are read as a filter only where they
stand beside a word for papers or for publishing, or end a request for papers on a topic ('studies on sleep since
2018').
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from rag.datatypes import EVERYTHING, OVER_THE_LIBRARY, Intent, Reading, Scope
from rag.questions.authors import read_authors
from rag.questions.closed_words import FOLLOWS
from rag.questions.library_requests import library_request
from rag.questions.venues import WELL_KNOWN, VenueNames
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
        # papers since 2021; papers that were published between 2010 and 2015; not 'research in 2020 vision plans'
        rf"\b{_NEWS}{_NOT_VERBS}{_PAPERS}\s+(?:(?:are|were|is) there\s+|do (?:we|you) have\s+)?"
        rf"(?P<cut>(?:{_PUBLISHED}\s+)?{PREPOSITION}\s+{NUMBERS})",
        # … published after 2019
        rf"\b(?P<cut>(?:(?:that|which)\s+)?(?:(?:were|was|are|have been|been)\s+)?(?:published|appear(?:ed|ing))\s+"
        rf"{PREPOSITION}\s+{NUMBERS})",
        # studies on sleep since 2018; number of papers about bees published between 2010 and 2015
        rf"^(?:[^\W\d_]+ ){{0,6}}{_PAPERS}\s+(?:(?:are|is) there\s+)?"
        r"(?:about|on|of|by|in|regarding|concerning|dealing with|mentioning|using)\s.{1,200}?\s"
        rf"(?P<cut>(?:{_PUBLISHED}\s+)?(?:(?=since|after|before|until|up to|between|"
        rf"from){PREPOSITION})\s+{NUMBERS})[?.!]*$",
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
_FREE = re.compile(FOLLOWS, re.IGNORECASE)  # no longer name goes on here
_LOOSE = re.compile(r"\b(?:of|by)\s+(?:the\s+)?$", re.IGNORECASE)  # what mostly leads to a topic or an author
_PART_OF_NAME = re.compile(r"(?<=\S )[A-Z][\w-]* $")  # 'Computer' before 'Science papers'
_INVERTED = re.compile(
    r"\b(?:do|does|did|have|has|can|could) (?:the |these )?$", re.IGNORECASE
)  # a verb follows papers
_WROTE = re.compile(r"\b(?:by|did|has|have|write|written|wrote|publish|published)\b", re.IGNORECASE)
_MANY = re.compile(r"\b(?:many|number|count)\b", re.IGNORECASE)
_CONTENT = re.compile(r"\b(?:data|period|years|season|crisis|pandemic|elections?)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """What a question says about which papers to use: ``scope``, the question without those words, and the names
    typed."""

    scope: Scope
    rest: str
    typed: tuple[tuple[str, str], ...] = ()  # ``(venue or author, as the question words it)``


def read_filters(
    text: str, venues: Callable[[], Iterable[str]], authors: Callable[[], Iterable[str]] = tuple
) -> tuple[Scope, str]:
    """The filters that a question names, and the question without their words; see :func:`named_filters`."""
    named = named_filters(text, venues, authors)
    return named.scope, named.rest


def named_filters(
    text: str, venues: Callable[[], Iterable[str]], authors: Callable[[], Iterable[str]] = tuple
) -> Named:
    """The filters that a question names. ``venues`` and ``authors`` give those of the library, as records spell them;
    each is asked only where the question may name one."""
    by = read_authors(text, authors)
    plain = by.rest if by else text
    named = _read_venue(plain, venues) if _MAY_NAME_VENUE.search(plain) else Named(EVERYTHING, plain)
    if by:
        scope = replace(named.scope, authors=by.authors)
        named = Named(scope, named.rest, (("author", by.typed), *named.typed))
    scope, rest = named.scope, named.rest
    if scope.since is None and scope.until is None and _MAY_NAME_YEAR.search(rest):
        for reader in _YEAR_READERS:
            match = next((m for m in reader.finditer(rest) if _is_of_papers(rest, m)), None)
            if match:
                first, last = bounds(match)
                rest = _without(rest, match.start("cut"), match.end("cut"))
                return Named(replace(scope, since=first, until=last), rest, named.typed)
    return named


def _is_of_papers(text: str, match: re.Match[str]) -> bool:
    """Whether years say when papers appeared: not of data, and no part of a name ('research in 2020 vision plans')."""
    if _is_of_data(text, match.start("cut")) or _CONTENT.search(text[: match.start("cut")]):
        return False
    loose = any(match[name] for name in ("since", "after", "before", "until", "end", "on", "back"))
    before_noun = match.end("cut") < match.end()  # '2021 papers'
    return loose or before_noun or bool(_FREE.match(text, match.end("cut")) or _INVERTED.search(text[: match.start()]))


def _read_venue(text: str, venues: Callable[[], Iterable[str]]) -> Named:
    """Venues behind 'published at', 'papers in' or before 'papers', with the year behind them ('ICML 2021')."""
    names: VenueNames | None = None
    for match in _AT_VENUE.finditer(text):
        names = names or VenueNames(venues(), WELL_KNOWN)
        start = match.start("cut") if match["cut"] else match.start("verb")
        found, end = names.at(text, match.end())
        typed = text[match.end() : end]
        if not found or _is_of_data(text, start):
            continue
        is_word = " " not in typed and typed[1:].islower()
        if is_word and (_LOOSE.search(match.group()) or not _FREE.match(text, end)):
            continue  # 'studies of Science', 'studies in Science education'
        while (more := _OR.match(text, end)) and (others := names.at(text, more.end()))[0]:
            found, end = [*found, *others[0]], others[1]
        typed = text[match.end() : end]
        first, last, end = _year_behind(text, end)
        scope = Scope(first, last, tuple(sorted(set(found))))
        return Named(scope, _without(text, start, end), (("venue", typed),))
    for match in _VENUE_PAPERS.finditer(text):
        word = text[: match.start()].rpartition(" ")[2]
        if word.islower() or word.lower() in STOPWORDS:  # 'Which papers', 'these papers'
            continue
        names = names or VenueNames(venues(), WELL_KNOWN)
        found, start = names.before(text, match.start())
        if found and not _PART_OF_NAME.search(text[:start]):
            rest = _without(text, start, match.start())
            return Named(Scope(venues=tuple(sorted(set(found)))), rest, (("venue", text[start : match.start()]),))
    return Named(EVERYTHING, text)


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
    reading: Reading,
    given: Scope,
    venues: Callable[[], Iterable[str]],
    understand: Callable[[str], Reading],
    authors: Callable[[], Iterable[str]] = tuple,
) -> Reading:
    """``reading`` with the scope that was given and the filters that its words name, those words taken out.

    ``understand`` makes a reading of the question without the name of a venue: 'how many ICML papers' is a count.
    """
    scoped = reading if given == EVERYTHING else replace(reading, scope=given)
    if given.literal:
        return scoped
    at_venue = _read_venue(reading.text, venues)
    if at_venue.scope.venues:
        again, whole = understand(at_venue.rest), reading.intent in OVER_THE_LIBRARY
        if whole and again.intent not in OVER_THE_LIBRARY:
            intent, topic = library_request(at_venue.rest)
            again = replace(again, intent=intent, topic=topic)
        if again.intent in OVER_THE_LIBRARY:
            again = replace(again, scope=scoped.scope, asked=reading.asked or reading.text, named=at_venue.typed)
            return _read_overview(again, at_venue.scope, authors)
    if reading.intent in OVER_THE_LIBRARY:
        return _read_overview(scoped, EVERYTHING, authors)
    named = named_filters(reading.search, venues, authors)
    filters, search = named.scope, named.rest
    if filters.is_everything:
        return scoped
    scoped = replace(scoped, filters=filters, named=named.typed)
    if not set(stems(search)) - _GENERIC:  # 'What papers are there since 2021?'
        by = f"by {dict(named.typed)['author']} " if filters.authors else ""
        return replace(scoped, intent=Intent.LIST, topic=f"{by}{_topic(filters)}".strip())
    text, topic = (named_filters(one, venues, authors).rest for one in (reading.text, reading.topic))
    return replace(scoped, search=search, text=text, topic=topic, asked=reading.asked or reading.text)


def _read_overview(reading: Reading, at_venue: Scope, authors: Callable[[], Iterable[str]]) -> Reading:
    """The topic keeps its years and authors, because the overview reads them and says them in its answer."""
    if at_venue.since is not None or at_venue.until is not None:  # 'at ICML 2021 on pruning'
        reading = replace(reading, topic=f"{reading.topic} {_topic(at_venue)}".strip())
    match = years_in(reading.topic)
    first, last = bounds(match) if match else (None, None)
    by = read_authors(reading.text, authors)
    filters = Scope(first, last, at_venue.venues, authors=by.authors if by else ())
    if filters.is_everything:
        return reading
    if by is None:
        return replace(reading, filters=filters)
    return replace(_by_author(reading, by.typed), filters=filters, named=(*reading.named, ("author", by.typed)))


def _by_author(reading: Reading, typed: str) -> Reading:
    """The reading with the author in its topic as the overview reads it: 'by Labov'."""
    if f"by {typed.rstrip('.')}" in reading.topic:
        return reading
    rest = _WROTE.sub("", reading.topic.replace(f"{typed}'s", "").replace(f"{typed}’s", "").replace(typed, ""))
    listed = not reading.topic and not _MANY.search(reading.text)
    intent = Intent.LIST if listed else reading.intent
    return replace(reading, intent=intent, topic=" ".join(f"by {typed} {rest}".split()))


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
