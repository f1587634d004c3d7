"""What measuring a model has shown, by the SHA-256 of its file: ``<home>/models/verdicts.json``.

``footnote eval model`` writes it, and what a model may do follows from it. By the hash and not by the name, so that it
holds for a file that is not registered, outlives a new name, and is void once the file is another.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.errors import ModelError
from rag.generation.models.json_store import replacing

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """Whether a model ``chooses`` quotes better than the ranker, and why that was said.

    It holds for the prompt with ``prompt_sha256`` only. ``date`` is a day in ISO form, ``library`` a fingerprint.
    """

    chooses: bool
    reason: str
    prompt_sha256: str
    questions: int
    library: str
    date: str


def measured(home: Path, sha256: str) -> Measured | None:
    """What was found of the file with that hash; None where nothing was. Raises :class:`ModelError`."""
    return _read(home).get(sha256)


def note_measured(home: Path, sha256: str, found: Measured) -> None:
    """Keep what was found, in the place of what was known before. Raises :class:`ModelError`."""
    with replacing(_file(home)) as write:
        known = {**_read(home), sha256: found}
        write({"format": _FORMAT, "models": {k: asdict(v) for k, v in sorted(known.items())}})


def _read(home: Path) -> dict[str, Measured]:
    path = _file(home)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != _FORMAT:
            raise ValueError(f"format {stored['format']}")
        return {str(sha256): Measured(**found) for sha256, found in stored["models"].items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"What was measured of models, {path}, cannot be read ({error}). Delete it and measure them again."
        ) from error


def _file(home: Path) -> Path:
    return home / "models" / "verdicts.json"
