"""BibTeX and BibLaTeX, parsed by bibtexparser. A broken entry is reported with its line; the others survive.

The file is parsed in pieces that end before an entry begins, so its size is not that of the memory it takes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.identity import normalised_arxiv_id
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import MAX_RECORD_CHARS, Report, SourceFile

# Possessive throughout: on thousands of empty lines, giving back blanks one by one takes seconds.
_ENTRY = re.compile(
    r"^[^\S\n]*+@[A-Za-z]++\s*+[{(]\s*+[^\s{}(),=]*+\s*+,|^[^\S\n]*+@(?:string|preamble|comment)\s*+[{(]", re.I | re.M
)
_FIELD = re.compile(r"^[^\S\n]*+,?[^\S\n]*+\w++\s*+=\s*+[{\"\d]", re.M)
# Where bibtexparser begins a block whatever came before, so that a text may be cut there.
_BLOCK = re.compile(r"\A\s*+@\w*+[ \t]*+[{(]")
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
    from bibtexparser import middlewares, model

    # bibtexparser logs every broken entry; here each is reported once, with the file.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    stack = [middlewares.RemoveEnclosingMiddleware(), middlewares.NormalizeFieldKeys()]
    strings: dict[str, str] = {}
    keys: set[str] = set()
    for first, text in _pieces(source, report):
        library = _split(text, source)
        strings |= _strings(library.strings, first, report)
        _resolve(library.entries, strings)
        for middleware in stack:
            library = middleware.transform(library)
        for block in library.blocks:
            line = first + (block.start_line or 0)
            if isinstance(block, model.Entry) and block.key in keys:
                report(line, _used_before(block.key))
            else:
                yield line, block
        keys |= library.entries_dict.keys()


def _split(text: str, source: SourceFile) -> Any:
    import bibtexparser
    from bibtexparser.exceptions import ParserStateException

    try:
        return bibtexparser.parse_string(text, parse_stack=[])
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


def _resolve(entries: list[Any], strings: dict[str, str]) -> None:
    """Put the values of ``@string`` where a field names one; bibtexparser knows those of one piece only."""
    for entry in entries:
        for field in entry.fields:
            if not field.value.startswith(("{", '"')):
                field.value = strings.get(field.value.lower(), field.value)


def _used_before(key: str) -> str:
    return f"the citation key '{key}' was used before; give it another."


def _record(block: Any) -> dict[str, Any] | None:
    """The fields of an entry by name; None for comments and the like. Raises :class:`Rejected` for a broken one."""
    from bibtexparser import model

    if isinstance(block, model.ImplicitComment) and _FIELD.search(block.comment):
        raise Rejected("these fields belong to no entry; is there a closing brace too many above")
    if isinstance(block, model.DuplicateBlockKeyBlock) and isinstance(block.ignore_error_block, model.Entry):
        raise Rejected(_used_before(block.key).rstrip("."))
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
    arxiv = normalised_arxiv_id(fields.get("eprint", ""))
    if arxiv and not fields.get("url"):
        fields["url"] = f"https://arxiv.org/abs/{arxiv}"
    for name in ("url", "doi"):  # \_ and \% in them are the escapes of LaTeX
        if name in fields:
            fields[name] = re.sub(r"\\([_%&#~{}])|[{}]|\\url", lambda m: m[1] or "", fields[name])
    unwanted = ("id", "_id", "key", "text", "summary")  # in BibTeX these are private notes, no ids or abstracts
    return {"id": entry.key} | {name: value for name, value in fields.items() if name not in unwanted}


def _names(value: str) -> list[str]:
    from bibtexparser.middlewares.names import (
        InvalidNameError,
        parse_single_name_into_parts,
        split_multiple_persons_names,
    )

    names = []
    for name in split_multiple_persons_names(value):
        if len(name) > _LONGEST_NAME:
            names.append(name)
            continue
        try:
            names.append(str(parse_single_name_into_parts(name, strict=False).merge_first_name_first))
        except InvalidNameError:
            names.append(name)
    return [name for name in names if name.lower() != "others"]
