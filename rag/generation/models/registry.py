"""Which GGUFs are registered under which name: ``<home>/models/registry.json``.

Files are registered where they lie, with size, time of change and SHA-256, so that an unchanged file need not be
hashed again (four gigabytes take seconds) and a changed one is noticed. ``lookup.py`` finds a model by its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError, ModelNotFound
from rag.generation.models.header import ModelInfo, inspect_gguf
from rag.generation.models.json_store import replacing
from rag.system.hashing import sha256_of

if TYPE_CHECKING:
    from rag.generation.generators.shortening import Costs

BUNDLED = "smollm2"
WRITER = "writer"  # the bundled model with the adapter that comes with the program
BUNDLED_TITLE = "SmolLM2-135M-Instruct"  # the file itself carries the name of a training run
SHIPPED = (BUNDLED, WRITER)  # in the order of lists
_RESERVED = frozenset({*SHIPPED, "quote", "server"})
_FORMAT = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A GGUF that can answer. ``problem`` says why it cannot at the moment, else it is empty.

    ``adapter`` is a GGUF that llama.cpp applies to it and whose hash must be ``adapter_sha256``; ``sha256`` then stands
    for both files. ``prompt`` is the file of ``prompts/`` that it was taught with, empty for one that was not
    (``prompt_choice.py``). ``costs`` are given for a model that
    was taught to shorten; the pruner then judges ``extra_candidates`` sentences beyond the setting, and the model gets
    those whose log-odds to answer are at least ``min_logit``.
    """

    name: str
    path: Path
    sha256: str
    info: ModelInfo
    problem: str = ""
    adapter: Path | None = None
    adapter_sha256: str = ""
    prompt: str = ""
    costs: Costs | None = None
    extra_candidates: int = 0
    min_logit: float = 0.0


def add_model(home: Path, path: Path, name: str | None = None) -> RegisteredModel:
    """Check the file and register it, by ``name`` or by that of the file. The same file twice is the same entry.

    Raises :class:`ModelError` for a file that cannot answer (see :func:`rag.generation.models.inspect_gguf`), one
    without a chat template, or a name that is taken or malformed.
    """
    path = path.expanduser().resolve()
    info = inspect_gguf(path)
    if not info.has_chat_template:
        raise ModelError(
            f"{path.name} has no chat template, so it is not an instruction-tuned model. "
            "Use its '-Instruct', '-Chat' or '-it' version."
        )
    name = (name or re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._"))[:64]
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise ModelError(f"'{name}' cannot be the name of a model. Choose another of a-z, 0-9, '.', '_' and '-'.")
    entry = _entry(path, info)
    with editing(home) as models:
        taken = models.get(name)
        if taken is not None and taken["path"] != str(path):
            raise ModelError(f"'{name}' is already the name of {taken['path']}. Choose another with --name.")
        models[name] = entry
    return model_of(name, entry)


def remove_model(home: Path, name: str) -> None:
    """Forget a registered model; its file stays. Raises :class:`ModelNotFound`, :class:`ModelError` for the writer."""
    if name == WRITER:
        raise ModelError(f"'{WRITER}' comes with the installation and stays in the list.")
    with editing(home) as models:
        if name not in models:
            raise ModelNotFound(f"'{name}' is not registered. Registered are: {_listed(models)}.")
        del models[name]


def read(home: Path) -> dict[str, dict[str, Any]]:
    """The entries by name. Raises :class:`ModelError` for a damaged file."""
    path = _file(home)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != _FORMAT:
            raise ValueError(f"format {stored['format']}")
        models: dict[str, dict[str, Any]] = stored["models"]
        for name, entry in models.items():
            model_of(name, entry)
        return models
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"The list of models {path} cannot be read ({error}). Delete it and add your models again."
        ) from error


@contextmanager
def editing(home: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """The entries, to be changed; written when the block ends without an error. One process at a time."""
    with replacing(_file(home)) as write:
        models = read(home)
        yield models
        write({"format": _FORMAT, "models": models})


def new_entry(path: Path) -> dict[str, Any]:
    """What the registry keeps of a file. Reads all of it once."""
    return _entry(path, inspect_gguf(path))


def unchanged(path: Path, entry: dict[str, Any]) -> bool:
    """Whether the file has the size and time of change that were noted."""
    try:
        stat = path.stat()
    except OSError:
        return False
    return bool(stat.st_size == entry["size"] and stat.st_mtime_ns == entry["mtime_ns"])


def _entry(path: Path, info: ModelInfo) -> dict[str, Any]:
    stat = path.stat()  # before hashing: a change while it is read is then noticed
    return {
        "path": str(path),
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
        "sha256": sha256_of(path),
        "info": asdict(info),
    }


def model_of(name: str, entry: dict[str, Any]) -> RegisteredModel:
    """The model of an entry; whether its file is still the same is not looked at."""
    return RegisteredModel(name, Path(entry["path"]), str(entry["sha256"]), ModelInfo(**entry["info"]))


def _listed(models: dict[str, Any]) -> str:
    return ", ".join(sorted(models)) or "none"


def _file(home: Path) -> Path:
    return home / "models" / "registry.json"
