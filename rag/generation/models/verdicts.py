"""What measuring a model has shown, by the SHA-256 of its file: ``<home>/models/verdicts.json``.

``footnote eval model`` writes it, and what a model may do follows from it. By the hash and not by the name, so that it
holds for a file that is not registered, outlives a new name, and is void once the file is another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, slots=True)
class PromptVerdict:
    """With which file of ``prompts/`` a model answers best, and how that compares with the built-in writer.

    It holds for the prompts with ``prompts_sha256`` (by name) only. ``key_facts`` are shares in 0..1 of the same
    questions, the model's with ``prompt`` and the writer's. ``date`` is a day in ISO form, ``library`` a fingerprint.
    """

    prompt: str
    prompts_sha256: Mapping[str, str]
    key_facts: float
    writer_key_facts: float
    questions: int
    library: str
    date: str

    @property
    def is_better(self) -> bool:
        """Whether it finds more of the key facts than the built-in writer."""
        return self.key_facts > self.writer_key_facts

    @property
    def beside_writer(self) -> str:
        """How it compares with the built-in writer, as half a sentence."""
        word = "more" if self.is_better else "no more"
        shares = f"{self.key_facts:.2f} against {self.writer_key_facts:.2f}"
        return f"finds {word} key facts than the built-in writer ({shares})"


def measured(home: Path, sha256: str) -> Measured | None:
    """What was found of the file with that hash; None where nothing was. Raises :class:`ModelError`."""
    return _read(home).choosing.get(sha256)


def note_measured(home: Path, sha256: str, found: Measured) -> None:
    """Keep what was found, in the place of what was known before. Raises :class:`ModelError`."""
    with replacing(_file(home)) as write:
        kept = _read(home)
        write(_stored({**kept.choosing, sha256: found}, kept.prompts))


def prompt_verdict(home: Path, sha256: str) -> PromptVerdict | None:
    """The prompt that was measured best for a file, None where none was. Raises :class:`ModelError`."""
    return _read(home).prompts.get(sha256)


def note_prompt(home: Path, sha256: str, found: PromptVerdict) -> None:
    """Keep which prompt is best, in the place of what was known before. Raises :class:`ModelError`."""
    with replacing(_file(home)) as write:
        kept = _read(home)
        write(_stored(kept.choosing, {**kept.prompts, sha256: found}))


@dataclass(frozen=True, slots=True)
class _Kept:
    """The file, by the SHA-256 of models."""

    choosing: Mapping[str, Measured]
    prompts: Mapping[str, PromptVerdict]


def _stored(choosing: Mapping[str, Measured], prompts: Mapping[str, PromptVerdict]) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "models": {k: asdict(v) for k, v in sorted(choosing.items())},
        "prompts": {k: asdict(v) for k, v in sorted(prompts.items())},
    }


def _read(home: Path) -> _Kept:
    path = _file(home)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != _FORMAT:
            raise ValueError(f"format {stored['format']}")
        return _Kept(
            {str(sha256): Measured(**found) for sha256, found in stored["models"].items()},
            {str(sha256): PromptVerdict(**found) for sha256, found in stored.get("prompts", {}).items()},
        )
    except (FileNotFoundError, NotADirectoryError):
        return _Kept({}, {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"What was measured of models, {path}, cannot be read ({error}). Delete it and measure them again."
        ) from error


def _file(home: Path) -> Path:
    return home / "models" / "verdicts.json"
