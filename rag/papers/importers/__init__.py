"""Files of papers to :class:`~rag.datatypes.Paper` records, one module per format.

To add a format: a module with ``matches(sample) -> bool`` and ``read(source, report) -> Iterator[Paper]``,
one line in :data:`IMPORTERS`, one parameter in the contract tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from rag.datatypes import Paper
from rag.errors import ImportFileError, RecordError
from rag.papers.importers import (
    archive,
    arxiv,
    bibtex,
    dublin_core,
    endnote_xml,
    enw,
    jsonl,
    listing,
    mods,
    nbib,
    pdf,
    pubmed_text,
    pubmed_xml,
    refworks,
    ris,
    tabular,
    workbook,
    wos,
    wos_table,
    zotero_rdf,
)
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
    "pubmed-xml": Importer(pubmed_xml.matches, pubmed_xml.read, ()),
    "endnote-xml": Importer(endnote_xml.matches, endnote_xml.read, ()),
    "zotero-rdf": Importer(zotero_rdf.matches, zotero_rdf.read, (".rdf",)),
    "mods": Importer(mods.matches, mods.read, (".mods",)),
    "dublin-core": Importer(dublin_core.matches, dublin_core.read, ()),
    "nbib": Importer(nbib.matches, nbib.read, (".nbib", ".medline")),
    "pubmed-text": Importer(pubmed_text.matches, pubmed_text.read, ()),
    "wos": Importer(wos.matches, wos.read, (".ciw", ".isi")),
    "wos-tab": Importer(wos_table.matches, wos_table.read, ()),
    "refworks": Importer(refworks.matches, refworks.read, ()),
    "enw": Importer(enw.matches, enw.read, (".enw", ".refer")),
    "bibtex": Importer(bibtex.matches, bibtex.read, (".bib", ".bibtex")),
    "ris": Importer(ris.matches, ris.read, (".ris",)),
    "tsv": Importer(tabular.matcher("tsv"), tabular.reader("tsv"), (".tsv", ".tab")),
    "csv": Importer(tabular.matcher("csv"), tabular.reader("csv"), (".csv",)),
    "listing": Importer(listing.matches, listing.read, ()),
}
FORMATS = tuple(IMPORTERS)
# Lines such as 'TI: Kites', 'AU- Lee', 'Title: Kites' of formats that nobody reads.
_TAGGED = re.compile(
    r"^(?:[A-Z][A-Z0-9]{1,3} {0,3}[:-]|(?:Title|Authors?|Abstract|Source|Journal|DOI|Year):) ?\S", re.M
)
_FEWEST_TAGGED = 3
CONTAINERS = ("xlsx", "zip", "pdf")  # told by their first bytes, and never to be named


def detect_format(path: str | Path) -> str:
    """The name of the format of the file at ``path``, from its content.

    Raises :class:`ImportFileError` where no format fits, or where the file cannot be read.
    """
    return container_of(Path(path)) or _detect(SourceFile(path))


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
    reporter = Reporter(Path(path), on_error)
    return reporter.counted(_read(Path(path), format, reporter, on_progress))


def _read(path: Path, format: str | None, report: Report, on_progress: Progress | None) -> Iterator[Paper]:
    """The papers of a file of any format; what is wrong with it as a whole is raised at once."""
    kind = container_of(path)
    if kind is not None:
        return _contained(path, kind, format, report, on_progress)
    source = SourceFile(path, on_progress)
    importer = IMPORTERS[format if format is not None else _detect(source)]
    return importer.read(source, report)


def container_of(path: Path) -> str | None:
    """Which of :data:`CONTAINERS` the file at ``path`` is by its first bytes; None for text and what is not read."""
    try:
        if not path.is_file():  # a pipe is not opened
            return None
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        return None  # SourceFile says what is wrong
    if head.startswith(b"%PDF"):
        return "pdf"
    if not head.startswith(b"PK\x03\x04"):
        return None
    names = archive.members(path)
    if any(name.startswith(("word/", "ppt/")) or name == "mimetype" for name in names):
        return None
    return "xlsx" if workbook.is_workbook(names) else "zip"


def _contained(
    path: Path, kind: str, format: str | None, report: Report, on_progress: Progress | None
) -> Iterator[Paper]:
    def member(file: Path, report_member: Report) -> Iterator[Paper]:
        if container_of(file) == "zip":
            raise ImportFileError(f"{file} is an archive within the archive; unpack it.")
        return _read(file, format, report_member, None)

    if kind == "zip":
        yield from archive.read(path, report, member)
    else:
        yield from (pdf.read if kind == "pdf" else workbook.read)(path, report)
    if on_progress is not None:
        size = path.stat().st_size
        on_progress(size, size)


def _detect(source: SourceFile) -> str:
    sample = source.sample()
    for name, importer in IMPORTERS.items():
        if importer.matches(sample):
            return name
    suffixes = [suffix.lower() for suffix in source.path.suffixes[-2:]]  # papers.csv.gz
    for name, importer in IMPORTERS.items():
        if any(suffix in importer.extensions for suffix in suffixes):
            return name  # its reader says what is missing
    if sample.lstrip().startswith("<"):
        raise ImportFileError(
            f"{source.path} is HTML, or XML of a kind that is not read (PubMed's, EndNote's, Zotero's, MODS "
            "and Dublin Core are). Export the papers as BibTeX or RIS."
        )
    if len(_TAGGED.findall(sample)) >= _FEWEST_TAGGED:
        raise ImportFileError(
            f"{source.path} looks like records of a database or a reference manager whose lines begin with tags or "
            "labels, of a kind that is not read. Export the papers as RIS or BibTeX."
        )
    raise ImportFileError(
        f"The format of {source.path} was not recognised. Name it with --format, one of: {', '.join(FORMATS)}."
    )
