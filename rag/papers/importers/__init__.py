"""Files of papers to :class:`~rag.datatypes.Paper` records, one module per format.

To add a format: a module with ``matches(sample) -> bool`` and ``read(source, report) -> Iterator[Paper]``,
one line in :data:`IMPORTERS`, one parameter in the contract tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from rag.datatypes import Paper
from rag.errors import ImportFileError, RecordError
from rag.papers.importers import arxiv, bibtex, jsonl, listing, ris, tabular
from rag.papers.importers.source import Progress, Report, Reporter, SourceFile


class Importer(NamedTuple):
    """How one format is recognised and read. ``extensions`` decide only what the content leaves open."""

    matches: Callable[[str], bool]
    read: Callable[[SourceFile, Report], Iterator[Paper]]
    extensions: tuple[str, ...]


# In the order in which they are tried: the formats with unmistakable marks first.
IMPORTERS: dict[str, Importer] = {
    "arxiv": Importer(arxiv.matches, arxiv.read, ()),
    "json": Importer(jsonl.matches_document, jsonl.read_document, ()),
    "jsonl": Importer(jsonl.matches, jsonl.read, (".jsonl", ".ndjson", ".json")),
    "bibtex": Importer(bibtex.matches, bibtex.read, (".bib", ".bibtex")),
    "ris": Importer(ris.matches, ris.read, (".ris",)),
    "tsv": Importer(tabular.matcher("tsv"), tabular.reader("tsv"), (".tsv", ".tab")),
    "csv": Importer(tabular.matcher("csv"), tabular.reader("csv"), (".csv",)),
    "listing": Importer(listing.matches, listing.read, ()),
}
FORMATS = tuple(IMPORTERS)


def detect_format(path: str | Path) -> str:
    """The name of the format of the file at ``path``, from its content.

    Raises :class:`ImportFileError` where no format fits, or where the file cannot be read.
    """
    return _detect(SourceFile(path))


def read_papers(
    path: str | Path,
    format: str | None = None,
    *,
    on_error: Callable[[RecordError], None] | None = None,
    on_progress: Progress | None = None,
) -> Iterator[Paper]:
    """The papers in the file at ``path``, one at a time, in the order of the file, repetitions included.

    ``format`` is one of :data:`FORMATS`; None finds it from the content. A record that cannot be used is
    handed to ``on_error`` and skipped; without ``on_error`` it is raised. ``on_progress`` is called with the
    bytes read so far and the size of the file.

    Raises :class:`ImportFileError` for the file as a whole: at the call where it cannot be opened or its
    format is not known, while reading where it turns out to be damaged.
    """
    if format is not None and format not in IMPORTERS:
        raise ImportFileError(f"'{format}' is not a format. Use --format with one of: {', '.join(FORMATS)}.")
    source = SourceFile(path, on_progress)
    importer = IMPORTERS[format if format is not None else _detect(source)]
    reporter = Reporter(source.path, on_error)
    return reporter.counted(importer.read(source, reporter))


def _detect(source: SourceFile) -> str:
    sample = source.sample()
    for name, importer in IMPORTERS.items():
        if importer.matches(sample):
            return name
    suffixes = [suffix.lower() for suffix in source.path.suffixes[-2:]]  # papers.csv.gz
    for name, importer in IMPORTERS.items():
        if any(suffix in importer.extensions for suffix in suffixes):
            return name  # its reader says what is missing
    raise ImportFileError(
        f"The format of {source.path} was not recognised. Name it with --format, one of: {', '.join(FORMATS)}."
    )
