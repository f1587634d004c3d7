"""ZIP archives of files of papers, such as Rayyan's and Covidence's exports: each member is read as a file of its own.

A member's name is text, never a path: members are unpacked one at a time into a folder made for it, under a name of our
own, and only the end of the name (``.ris``) is taken over.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from rag.datatypes import Paper
from rag.errors import ImportFileError, RecordError
from rag.papers.importers.archive_limits import check_sizes
from rag.papers.importers.source import Report
from rag.text.plaintext import clean_line, encodable

ReadMember = Callable[[Path, Report], Iterator[Paper]]

_BLOCK_BYTES = 2**18
_UNSAFE = re.compile(r"[^\w. -]")
_BESIDE = ("__macosx/", ".ds_store", "thumbs.db", "desktop.ini")  # what systems put beside the files


def members(path: Path) -> list[str]:
    """The names in the archive. Raises :class:`ImportFileError` where it is damaged."""
    try:
        with zipfile.ZipFile(path) as packed:
            return packed.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ImportFileError(
            f"{path} is a ZIP archive or an office document that is damaged or cut off ({error}). Download or export "
            "it again."
        ) from error


def read(path: Path, report: Report, read_member: ReadMember) -> Iterator[Paper]:
    """The papers of all members, read by ``read_member``; a member that is no file of papers is reported.

    Raises :class:`ImportFileError` where no member is one, or the archive may not be unpacked.
    """
    wrong: list[str] = []
    found = False
    with zipfile.ZipFile(path) as packed, tempfile.TemporaryDirectory(prefix="footnote-zip-") as folder:
        check_sizes(path, packed)
        for number, member in enumerate(packed.infolist()):
            if member.is_dir() or any(part in member.filename.lower() for part in _BESIDE):
                continue
            shown = clean_line(encodable(member.filename))
            try:
                for paper in _papers(packed, member, Path(folder) / str(number), shown, report, read_member):
                    found = True
                    yield paper
            except RecordError:  # strict reading ends at the first record that cannot be used
                raise
            except ImportFileError as error:
                wrong.append(f"{shown}: {error}")
    if not found:
        raise ImportFileError(
            f"{path} is a ZIP archive in which no file of papers was found. Unpack it, or save the table as CSV. "
            + " ".join(wrong[:3])
        )
    for reason in wrong:
        report(None, reason)


def _papers(
    packed: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, shown: str, report: Report, read_member: ReadMember
) -> Iterator[Paper]:
    folder.mkdir()
    target = folder / (_UNSAFE.sub("_", Path(shown.replace("\\", "/")).name)[-100:].lstrip(". ") or "file")
    try:
        with packed.open(member) as inside, target.open("wb") as out:
            shutil.copyfileobj(inside, out, _BLOCK_BYTES)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise ImportFileError(f"it is damaged or cut off ({error}).") from error
    except (RuntimeError, NotImplementedError) as error:  # a password; a way of packing that Python does not know
        raise ImportFileError(f"it cannot be unpacked ({error}). Unpack the archive first.") from error

    def report_member(line: int | None, reason: str) -> None:
        report(line, f"in {shown}: {reason.replace(str(target), shown)}")

    try:
        yield from read_member(target, report_member)
    except RecordError:
        raise
    except ImportFileError as error:
        raise ImportFileError(str(error).replace(str(target), "it")) from error
    finally:
        target.unlink()
