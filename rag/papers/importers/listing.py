"""Pages of a paper listing, saved as text: a title, its abstract, the next title, and so on.

Such pages begin with navigation (``new``, ``Subscribe``, a date), may lack blank lines between entries, and may run
the last word of the navigation into the first title ('SubscribeA Title'). A title may lack its abstract, and an
abstract may go over several lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rag.datatypes import Paper
from rag.papers.identity import id_from_title, normalised_title
from rag.papers.importers.field_mapping import Rejected, within_limits
from rag.papers.importers.source import MAX_RECORD_CHARS, Line, Report, SourceFile
from rag.text.plaintext import plain_text

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|"
    r"aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_NAVIGATION = re.compile(
    rf"new|subscribe|by\s?AK and the research community|get trending papers in your email inbox.*|"
    rf"(?:published (?:on )?)?{_MONTH}\.? \d{{1,2}}(?:,? \d{{4}})?|\d{{1,2}} {_MONTH}\.?(?: \d{{4}})?|"
    rf"previous|next|upvote|submitted by|load more|\d{{1,4}}|[-–—·•…|]+",
    re.I,
)
_RUN_IN = re.compile(r"^Subscribe(?=[^\Wa-z_])")

_LONGEST_TITLE = 300  # characters; real ones end below 200
_SHORTEST_ABSTRACT = 140  # characters, of a line of several sentences
_WIDEST_MARGIN = 130  # characters of a line in text that was wrapped by hand or by a mail program
# Such a line belongs to a format of records with tags: PubMed's, the Web of Science's, EndNote's, RIS.
_TAGGED = re.compile(r"^(?:PMID- *+\d|PT [A-Z][^\S\n]*+$|FN (?:Clarivate|Thomson|ISI) |%0 \S|TY {1,2}- ?\S)", re.M)
_END = re.compile(r"[.!?]['\"”’)]*$|https?://\S+$")
_PROSE = re.compile(r"[a-z)\]\"'’”%][.!]['\"”’)]* +(?:[A-Z(]|\d)")


class _Entry(NamedTuple):
    line: int
    title: str
    abstract: str


def matches(sample: str) -> bool:
    """Whether the text is a sequence of titles and abstracts, most titles followed by an abstract."""
    if _TAGGED.search(sample):
        return False
    entries = list(_entries(Line(number, text) for number, text in enumerate(sample.splitlines()[:400], 1)))
    complete = sum(bool(entry.title and entry.abstract) for entry in entries)
    return complete >= max(1, 0.5 * len(entries))


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``, repetitions included; text without a title before it is reported and skipped."""
    for line, title, abstract in _entries(source.lines(report)):
        clean = plain_text(title)
        if not normalised_title(clean):
            report(line, "this text follows no title.")
            continue
        try:
            yield within_limits(
                Paper(
                    id=id_from_title(clean), title=clean, abstract=plain_text(abstract), source=f"listing:{source.name}"
                )
            )
        except Rejected as reason:
            report(line, f"{reason}.")


def _entries(lines: Iterable[Line]) -> Iterator[_Entry]:
    line, title, length = 0, "", 0
    parts: list[str] = []  # of the abstract
    for unit, follower in _with_follower(unit for paragraph in _paragraphs(lines) for unit in _units(paragraph)):
        if _is_abstract(unit.text) or (parts and _is_remainder(unit.text, follower)):
            # A page that begins in the middle of a paper has an abstract without a title: read() reports it.
            line = line or unit.number
            parts.append(unit.text)
            length += len(unit.text)
        else:
            if line:
                yield _Entry(line, title, " ".join(parts))
            line, title, length, parts = unit.number, unit.text, 0, []
        if length > MAX_RECORD_CHARS:
            yield _Entry(line, title, " ".join(parts))
            line, title, length, parts = 0, "", 0, []
    if line:
        yield _Entry(line, title, " ".join(parts))


def _with_follower(units: Iterable[Line]) -> Iterator[tuple[Line, str]]:
    """Each unit with the text of the next."""
    before: Line | None = None
    for unit in units:
        if before is not None:
            yield before, unit.text
        before = unit
    if before is not None:
        yield before, ""


def _paragraphs(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Runs of lines between blank ones and navigation; a page without these comes in parts."""
    paragraph: list[Line] = []
    length = 0
    for line in lines:
        text = _RUN_IN.sub("", line.text.strip())
        ends = not text or _NAVIGATION.fullmatch(text) is not None
        if paragraph and (ends or length > MAX_RECORD_CHARS):
            yield paragraph
            paragraph, length = [], 0
        if not ends:
            paragraph.append(Line(line.number, text))
            length += len(text)
    if paragraph:
        yield paragraph


def _units(paragraph: list[Line]) -> list[Line]:
    """The titles and abstracts of one paragraph. Where lines were wrapped at a margin they are joined."""
    if len(paragraph) == 1 or max(len(line.text) for line in paragraph) > _WIDEST_MARGIN:
        return paragraph
    joined = " ".join(line.text for line in paragraph)
    if not _is_abstract(joined):
        return [Line(paragraph[0].number, joined)] if _is_wrapped_title(paragraph) else paragraph
    body = " ".join(line.text for line in paragraph[1:])
    if (
        paragraph[0].text.endswith((".", ",", ";", "-"))
        or not _is_abstract(body)
        or _continues_sentence(paragraph[1].text)
    ):
        return [Line(paragraph[0].number, joined)]
    return [paragraph[0], Line(paragraph[1].number, body)]  # the title stands right above its abstract


def _is_wrapped_title(paragraph: list[Line]) -> bool:
    return len(paragraph) <= 3 and all(_continues_sentence(line.text) for line in paragraph[1:])


def _continues_sentence(text: str) -> bool:
    """Whether a line begins in the middle of a sentence (and not with a name such as iBugMask or wav2vec)."""
    return re.match(r"\A[a-z]+[ ,.;)]", text) is not None


def _is_abstract(text: str) -> bool:
    """Longer than any title, or so long and of several sentences; an ellipsis at the end is a title's."""
    if len(text) > _LONGEST_TITLE:
        return True
    ends = _END.search(text) is not None and not text.endswith("..")
    return len(text) >= _SHORTEST_ABSTRACT and ends and _PROSE.search(text) is not None


def _is_remainder(text: str, follower: str) -> bool:
    """Whether a short line after an abstract is its last sentence: it ends like one, and no abstract follows."""
    ends = text.endswith((".", "!")) and not text.endswith("..")
    return ends and len(text.split()) >= 3 and not _is_abstract(follower)
