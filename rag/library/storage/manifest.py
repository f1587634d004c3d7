"""``manifest.json``: which encoder and chunker made a library, and counts of its contents. Written after all else."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.errors import LibraryDamaged, LibraryError, LibraryMismatch, LibraryNotFound

FORMAT = 2  # of the whole folder; incremented when older programs could not read it, or would misread it
# Format 1 is read as it is, and becomes format 2 when it is opened for writing: what is written from then on has
# vectors of one byte a component, see storage.vector_codes.
_READ = (1, FORMAT)
NAME = "manifest.json"
_OUTDATED = ("lexicon",)  # keys of older programs: where their word index was


@dataclass(frozen=True, slots=True)
class EmbedderId:
    """The encoder of a library: its name, the SHA-256 of its weights, components per vector."""

    name: str
    weights_sha256: str
    dimension: int

    def __str__(self) -> str:
        return f"{self.name} ({self.weights_sha256[:12]}…, {self.dimension} dimensions)"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of ``manifest.json``.

    ``revision`` is that of the database it was written for.
    """

    embedder: EmbedderId
    chunker: str
    papers: int = 0
    passages: int = 0
    sentences: int = 0
    fingerprint: str = ""
    revision: int = 0
    format: int = FORMAT


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the library in ``folder``.

    Raises :class:`LibraryNotFound` without one, :class:`LibraryMismatch` where another version of the program wrote
    it, :class:`LibraryDamaged` where it is damaged, :class:`LibraryError` where it may not be read.
    """
    path = folder / NAME
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["format"] not in _READ:
            known = " and ".join(map(str, _READ))
            raise LibraryMismatch(
                f"The library {folder} has format {raw['format']}, this program reads formats {known}. "
                "Import its papers into a new folder: footnote import FILE --library NEWDIR"
            )
        for key in _OUTDATED:
            raw.pop(key, None)
        return _checked(Manifest(**{**raw, "embedder": EmbedderId(**raw["embedder"])}))
    except FileNotFoundError as error:
        raise LibraryNotFound(
            f"There is no library in {folder}. Make one: footnote import FILE --library {folder}"
        ) from error
    except PermissionError as error:
        raise LibraryError(f"{path} may not be read. Change its permissions, or use another library.") from error
    except OSError as error:
        raise LibraryError(f"{path} cannot be read ({error.strerror}). Check the disk, then try again.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise LibraryDamaged(
            f"{path} is damaged ({error}). Import the papers into a new folder: footnote import FILE --library NEWDIR"
        ) from error


def _checked(manifest: Manifest) -> Manifest:
    """``manifest`` if every field has its type. Raises :class:`ValueError` otherwise."""
    texts = (manifest.embedder.name, manifest.embedder.weights_sha256, manifest.chunker, manifest.fingerprint)
    numbers = (manifest.embedder.dimension, manifest.papers, manifest.passages, manifest.sentences, manifest.revision)
    if not all(isinstance(one, str) for one in texts) or not all(type(one) is int for one in numbers):
        raise ValueError("a field has the wrong type")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest atomically: after a crash there is the old one or the new one."""
    partial = folder / f"{NAME}.partial"
    with partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(asdict(manifest), indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / NAME)


def check_same(folder: Path, manifest: Manifest, embedder: EmbedderId, chunker: str) -> None:
    """Raise :class:`LibraryMismatch` where the library was made with another embedder or chunker."""
    pairs = [("the embedder", manifest.embedder, embedder), ("sentence splitter version", manifest.chunker, chunker)]
    for what, there, here in pairs:
        if there != here:
            raise LibraryMismatch(
                f"The library {folder} was made with {what} {there}, but this program uses {here}. "
                "Import its papers into a new folder: footnote import FILE --library NEWDIR"
            )


def fingerprint_of(manifest: Manifest, hashes: Iterable[tuple[str, str]]) -> str:
    """SHA-256 over embedder, chunker, and ``(id, content hash)`` of all papers in order of their ids."""
    embedder = manifest.embedder
    digest = hashlib.sha256(f"{embedder}\n{embedder.weights_sha256}\n{manifest.chunker}\n".encode())
    for paper_id, paper_hash in hashes:
        digest.update(f"{paper_id}\0{paper_hash}\n".encode())
    return digest.hexdigest()
