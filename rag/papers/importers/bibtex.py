"""BibTeX and BibLaTeX, parsed by bibtexparser. A broken entry is reported with its line; the others survive."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.identity import normalised_arxiv_id
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import Report, SourceFile

_ENTRY = re.compile(
    r"^[^\S\n]*@(?:[A-Za-z]+\s*[{(]\s*+[^\s{}(),=]*+\s*+,|(?:string|preamble|comment)\s*[{(])", re.I | re.M
)
_FIELD = re.compile(r"^[^\S\n]*+(?:,\s*+)?\w++\s*+=\s*+[{\"\d]", re.M)
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
    for block in _blocks(source.text(report), source):
        line = (block.start_line or 0) + 1
        try:
            record = _record(block)
            if record is not None:
                yield paper_from(record, f"bibtex:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


def _blocks(text: str, source: SourceFile) -> list[Any]:
    import bibtexparser
    from bibtexparser import middlewares
    from bibtexparser.exceptions import ParserStateException

    # bibtexparser logs every broken entry; here each is reported once, with the file.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    try:
        library = bibtexparser.parse_string(text, append_middleware=[middlewares.NormalizeFieldKeys()])
    except ParserStateException as error:
        raise ImportFileError(
            f"{source.path} cannot be read as BibTeX ({error}). Check it or export it again."
        ) from error
    return list(library.blocks)


def _record(block: Any) -> dict[str, Any] | None:
    """The fields of an entry by name; None for comments and the like. Raises :class:`Rejected` for a broken one."""
    from bibtexparser import model

    if isinstance(block, model.ImplicitComment) and _FIELD.search(block.comment):
        raise Rejected("these fields belong to no entry; is there a closing brace too many above")
    if isinstance(block, model.DuplicateBlockKeyBlock) and isinstance(block.ignore_error_block, model.Entry):
        raise Rejected(f"the citation key '{block.key}' was used before; give it another")
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
        try:
            names.append(str(parse_single_name_into_parts(name, strict=False).merge_first_name_first))
        except InvalidNameError:
            names.append(name)
    return [name for name in names if name.lower() != "others"]
