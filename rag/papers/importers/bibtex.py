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
from rag.papers.identity import normalised_arxiv_id
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.journal_macros import journal_of_macro
from rag.papers.importers.source import MAX_RECORD_CHARS, Report, SourceFile

# Possessive throughout: on thousands of empty lines, giving back blanks one by one takes seconds.
_ENTRY = re.compile(
    r"^[^\S\n]*+@[A-Za-z]++\s*+[{(]\s*+[^\s{}(),=]*+\s*+,|^[^\S\n]*+@(?:string|preamble|comment)\s*+[{(]", re.I | re.M
)
_FIELD = re.compile(r"^[^\S\n]*+,?[^\S\n]*+\w++\s*+=\s*+[{\"\d]", re.M)
# Where bibtexparser begins a block whatever came before, so that a text may be cut there.
_BLOCK = re.compile(r"\A\s*+@\w*+[ \t]*+[{(]")
_NO_KEY = "footnote-entry-without-key-"
_HIDDEN_AT = "\ufdef"  # a noncharacter, which no text may hold
_TYPES = (
    "article|book|booklet|collection|conference|dataset|electronic|inbook|incollection|inproceedings|manual|"
    "mastersthesis|misc|online|patent|periodical|phdthesis|proceedings|report|software|techreport|thesis|unpublished"
)
_NO_ENTRY = re.compile(
    rf"^([^\S\n]*+)@(?!(?:string|preamble|comment|{_TYPES})\s*+[{{(]|\w++\s*+[{{(]\s*+[^\s{{}}(),=]*+\s*+,)"
    r"(?=\w*+[ \t]*+[{(])",
    re.I | re.M,
)
_KEYLESS = re.compile(
    r"^([^\S\n]*+@(?!(?:string|preamble|comment)\b)[A-Za-z]++[ \t]*+[{(])(?:[ \t]*+,|(?=\s*+[\w-]++\s*+=))", re.I | re.M
)
_BRACED = re.compile(r"\{((?:[^{}]|\{[^{}]*\})*+)\}")
_BARE_ACCENT = re.compile(r"(\\[\"'`^~=.][A-Za-z])")
_SIGN_OF_VALUE = re.compile(r'(?<!\\)[{}"#]')
_PIECE_CHARS = 2**20
# Makes the parser end a block that is open at the end of a piece as it would at the next block.
_END_OF_PIECE = "@comment{}"
_LONGEST_STRING = 1000  # characters; they are names of journals and the like
_LONGEST_NAME = 1000  # characters; bibtexparser's reader of names is quadratic in unmatched braces
# Fields whose repetition with another value would make the record ambiguous.
_FIELDS_READ = {
    "title",
    "abstract",
    "author",
    "year",
    "date",
    "doi",
    "url",
    "journal",
    "journaltitle",
    "booktitle",
    "eprint",
}


def matches(sample: str) -> bool:
    """Whether an entry such as ``@article{key,`` begins on a line of the text."""
    return _ENTRY.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; entries that cannot be parsed or have no title are reported and skipped."""
    for line, block in _blocks(source, report):
        try:
            record = _record(block)
            if record is not None:
                yield paper_from(record, f"bibtex:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


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
        strings |= _strings(library.strings, first, report)
        for found in library.blocks:
            line, block = first + (found.start_line or 0), found
            if isinstance(block, model.DuplicateBlockKeyBlock) and isinstance(block.ignore_error_block, model.Entry):
                block = block.ignore_error_block
            entry = block.ignore_error_block if isinstance(block, model.DuplicateFieldKeyBlock) else block
            if isinstance(entry, model.Entry):
                for field in entry.fields:
                    field.value = _value(str(field.value), strings)
                # Another paper under a key that was used is a paper all the same: its DOI or title tells it.
                if entry.key in keys or entry.key.startswith(_NO_KEY):
                    entry.key = ""
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


def _strings(found: list[Any], first: int, report: Report) -> dict[str, str]:
    """The values of ``@string`` by name. A long one, named by every entry, would make a small file a huge one."""
    strings: dict[str, str] = {}
    for string in found:
        if len(string.value) <= _LONGEST_STRING:
            strings[string.key.lower()] = string.value
        else:
            line = first + (string.start_line or 0)
            report(line, f"@string '{string.key}' is longer than {_LONGEST_STRING} characters and was passed over.")
    return strings


def _with_keys(text: str) -> str:
    """``text`` with a key for each entry that has none, and with each ``@`` hidden that begins a line of a value."""
    text = _NO_ENTRY.sub(lambda m: f"{m[1]}{_HIDDEN_AT}", text)
    number = count()
    return _KEYLESS.sub(lambda m: f"{m[1]}{_NO_KEY}{next(number)},", text)


def _value(raw: str, strings: dict[str, str]) -> str:
    """The text of a value: without what encloses it, its parts (``series # {Water } # "Mills"``) joined."""
    parts: list[str] = []
    depth, quoted, begin = 0, False, 0
    for match in _SIGN_OF_VALUE.finditer(raw):
        sign = match[0]
        if sign == "#" and not depth and not quoted:
            parts.append(raw[begin : match.start()])
            begin = match.end()
        elif sign == '"' and not depth:
            quoted = not quoted
        elif sign in "{}":
            depth += 1 if sign == "{" else -1
    parts.append(raw[begin:])
    return "".join(_part(part.strip(), strings) for part in parts).replace(_HIDDEN_AT, "@")


def _part(part: str, strings: dict[str, str]) -> str:
    if len(part) > 1 and (part[0], part[-1]) in (("{", "}"), ('"', '"')):
        return part[1:-1]
    return _part(strings[part.lower()], {}) if part.lower() in strings else part


def _record(block: Any) -> dict[str, Any] | None:
    """The fields of an entry by name; None for comments and the like. Raises :class:`Rejected` for a broken one."""
    from bibtexparser import model

    if isinstance(block, model.ImplicitComment) and _FIELD.search(block.comment):
        raise Rejected("these fields belong to no entry; is there a closing brace too many above")
    if isinstance(block, model.DuplicateFieldKeyBlock):
        _check_repetitions(block)
        block = block.ignore_error_block
    if isinstance(block, model.ParsingFailedBlock):
        reason = getattr(block.error, "abort_reason", str(block.error))
        raise Rejected(f"this entry is broken: {' '.join(str(reason).split()).rstrip('.')}")
    if not isinstance(block, model.Entry):
        return None
    return _fields(block)


def _check_repetitions(block: Any) -> None:
    seen: dict[str, str] = {}
    for field in block.ignore_error_block.fields:
        name = field.key.lower()
        if name in _FIELDS_READ and seen.setdefault(name, str(field.value)) != str(field.value):
            raise Rejected(f"this entry has two fields '{name}' that differ; keep one")


def _fields(entry: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {str(field.key).lower(): str(field.value) for field in reversed(entry.fields)}
    if "author" in fields:
        fields["author"] = _names(fields["author"])
    for name in ("journal", "journaltitle", "booktitle"):
        if name in fields:
            fields[name] = journal_of_macro(fields[name])
    arxiv = normalised_arxiv_id(fields.get("eprint", ""))
    if arxiv and not fields.get("url"):
        fields["url"] = f"https://arxiv.org/abs/{arxiv}"
    for name in ("url", "doi"):  # \_ and \% in them are the escapes of LaTeX
        if name in fields:
            fields[name] = re.sub(r"\\([_%&#~{}])|[{}]|\\url", lambda m: m[1] or "", fields[name])
    unwanted = ("id", "_id", "key", "text", "summary")  # in BibTeX these are private notes, no ids or abstracts
    kept = {"id": entry.key, "citation_key": entry.key}
    return kept | {name: value for name, value in fields.items() if name not in unwanted}


def _names(value: str) -> list[Any]:
    from bibtexparser.middlewares.names import (
        InvalidNameError,
        parse_single_name_into_parts,
        split_multiple_persons_names,
    )

    names: list[Any] = []
    # Braces keep an accent with its letter: the parser would drop \\"O at the beginning of a name.
    value = _BARE_ACCENT.sub(r"{\1}", value)
    for name in split_multiple_persons_names(value):
        if len(name) > _LONGEST_NAME:
            names.append(name)
            continue
        if (whole := _BRACED.fullmatch(name.strip())) is not None:
            names.append({"literal": whole[1]})  # an organisation, or a name that is not to be divided
            continue
        try:
            names.append(str(parse_single_name_into_parts(name, strict=False).merge_first_name_first))
        except InvalidNameError:
            names.append(name)
    return [name for name in names if name not in ("others", "Others")]
