"""BibTeX and BibLaTeX, parsed by bibtexparser. A broken entry is reported with its line; the others survive.

The file is parsed in pieces that end before an entry begins, so its size is not that of the memory it takes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from itertools import count
from typing import Any

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.importers.bibtex_crossref import Family, names_of_parents
from rag.papers.importers.bibtex_fields import Fields, first_of_each, record_of
from rag.papers.importers.bibtex_values import value_of
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import MAX_RECORD_CHARS, Report, SourceFile

# Possessive throughout: on thousands of empty lines, giving back blanks one by one takes seconds.
_ENTRY = re.compile(
    r"^[^\S\n]*+@[A-Za-z]++\s*+[{(]\s*+[^\s{},=]*+\s*+,|^[^\S\n]*+@(?:string|preamble|comment)\s*+[{(]", re.I | re.M
)
_FIELD = re.compile(r"^[^\S\n]*+,?[^\S\n]*+\w++\s*+=\s*+[{\"\d]", re.M)
# Where bibtexparser begins a block whatever came before, so that a text may be cut there.
_BLOCK = re.compile(r"\A\s*+@\w*+[ \t]*+[{(]")
_USED_BEFORE = "footnote-key-used-before-"
_NO_KEY = "footnote-entry-without-key-"
_HIDDEN_AT = "\ufdef"  # a noncharacter, which no text may hold
_TYPES = (
    "article|book|booklet|collection|conference|dataset|electronic|inbook|incollection|inproceedings|manual|"
    "mastersthesis|misc|online|patent|periodical|phdthesis|proceedings|report|software|techreport|thesis|unpublished"
)
_NO_ENTRY = re.compile(
    rf"^([^\S\n]*+)@(?!(?:string|preamble|comment|{_TYPES})\s*+[{{(]|\w++\s*+[{{(]\s*+[^\s{{}},=]*+\s*+,)"
    r"(?=\w*+[ \t]*+[{(])",
    re.I | re.M,
)
_KEYLESS = re.compile(
    r"^([^\S\n]*+@(?!(?:string|preamble|comment)\b)[A-Za-z]++[ \t]*+[{(])(?:[ \t]*+,|(?=\s*+[\w-]++\s*+=))", re.I | re.M
)
_PIECE_CHARS = 2**20
# Makes the parser end a block that is open at the end of a piece as it would at the next block.
_END_OF_PIECE = "@comment{}"
_LONGEST_STRING = 1000  # characters; they are names of journals and the like
# No papers: data for others, and settings of styles.
_NO_PAPERS = ("xdata", "set", "control", "bibnote", "ieeetranbstctl")


def matches(sample: str) -> bool:
    """Whether an entry such as ``@article{key,`` begins on a line of the text."""
    return _ENTRY.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; entries that cannot be parsed or have no title are reported and skipped.

    Where entries name others (``crossref``), the file is parsed twice: a parent may stand behind its children.
    """
    family = _family(source)
    for line, block in _blocks(source, report):
        try:
            record = _record(block, family)
            if record is not None:
                yield paper_from(record, f"bibtex:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


def _family(source: SourceFile) -> Family:
    """The entries that others name."""
    from bibtexparser import model

    named = names_of_parents(source)
    family = Family()
    for _, block in _blocks(source.aside(), lambda line, reason: None) if named else ():
        entry = block.ignore_error_block if isinstance(block, model.DuplicateFieldKeyBlock) else block
        if isinstance(entry, model.Entry) and entry.key.lower() in named:
            family.add(entry.key, entry.entry_type.lower(), _fields(entry))
    return family


def _pieces(source: SourceFile, report: Report) -> Iterator[tuple[int, str]]:
    """First line number and text of each piece: 1 MiB up to the next entry, or 4 MiB where none begins."""
    lines: list[str] = []
    first, length = 1, 0
    for number, text in source.lines(report):
        left_out = number - first - len(lines)  # empty, or reported: they stand there, so that numbers hold
        length += left_out
        if (length > _PIECE_CHARS and _BLOCK.match(text)) or length > MAX_RECORD_CHARS:
            yield first, "\n".join([*lines, _END_OF_PIECE])
            lines, length, first, left_out = [], 0, number, 0
        lines += [""] * left_out + [text]
        length += len(text) + 1
    yield first, "\n".join(lines)


def _blocks(source: SourceFile, report: Report) -> Iterator[tuple[int, Any]]:
    """Line number and block, of all pieces. A key that was used in an earlier piece counts as used."""
    from bibtexparser import model

    # bibtexparser logs every broken entry; here each is reported once, with the file.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    strings: dict[str, str] = {}
    keys: set[str] = set()
    for first, text in _pieces(source, report):
        library = _split(text, source)
        _define(strings, library.strings, first, report)
        for found in library.blocks:
            line, block = first + (found.start_line or 0), found
            if isinstance(block, model.DuplicateBlockKeyBlock) and isinstance(block.ignore_error_block, model.Entry):
                block = block.ignore_error_block
            entry = block.ignore_error_block if isinstance(block, model.DuplicateFieldKeyBlock) else block
            if isinstance(entry, model.Entry):
                for field in entry.fields:
                    field.value = value_of(str(field.value), strings).replace(_HIDDEN_AT, "@")
                # Another paper under a key that was used is a paper all the same: its DOI or title tells it.
                if entry.key.startswith(_NO_KEY):
                    entry.key = ""
                elif entry.key in keys:
                    entry.key = f"{_USED_BEFORE}{entry.key}"
                keys.add(entry.key)
            yield line, block


def _split(text: str, source: SourceFile) -> Any:
    import bibtexparser
    from bibtexparser.exceptions import ParserStateException

    try:
        return bibtexparser.parse_string(_with_keys(text), parse_stack=[])
    except ParserStateException as error:
        raise ImportFileError(
            f"{source.path} cannot be read as BibTeX ({error}). Check it or export it again."
        ) from error


def _define(strings: dict[str, str], found: list[Any], first: int, report: Report) -> None:
    """Add the texts of ``@string`` by name. A long one, named by every entry, would make a small file a huge one."""
    for string in found:
        text = value_of(string.value, strings)
        if len(text) <= _LONGEST_STRING:
            strings[string.key.lower()] = text
        else:
            line = first + (string.start_line or 0)
            report(line, f"@string '{string.key}' is longer than {_LONGEST_STRING} characters and was passed over.")


def _with_keys(text: str) -> str:
    """``text`` with a key for each entry that has none, and with each ``@`` hidden that begins a line of a value."""
    text = _NO_ENTRY.sub(lambda m: f"{m[1]}{_HIDDEN_AT}", text)
    number = count()
    return _KEYLESS.sub(lambda m: f"{m[1]}{_NO_KEY}{next(number)},", text)


def _record(block: Any, family: Family) -> dict[str, Any] | None:
    """The record of an entry; None for comments and the like. Raises :class:`Rejected` for a broken one."""
    from bibtexparser import model

    if isinstance(block, model.ImplicitComment) and _FIELD.search(block.comment):
        raise Rejected("these fields belong to no entry; is there a closing brace too many above")
    if isinstance(block, model.DuplicateFieldKeyBlock):
        block = block.ignore_error_block
    if isinstance(block, model.ParsingFailedBlock):
        reason = getattr(block.error, "abort_reason", str(block.error))
        raise Rejected(f"this entry is broken: {' '.join(str(reason).split()).rstrip('.')}")
    if not isinstance(block, model.Entry) or block.entry_type.lower() in _NO_PAPERS:
        return None
    entry_type = block.entry_type.lower()
    key = block.key.removeprefix(_USED_BEFORE)
    record = record_of(key, entry_type, family.with_inherited(entry_type, _fields(block)))
    return record if key == block.key else record | {"id": ""}


def _fields(entry: Any) -> Fields:
    return first_of_each((str(field.key), str(field.value)) for field in entry.fields)
