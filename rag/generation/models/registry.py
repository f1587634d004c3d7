"""Which GGUFs are known by which name: ``<home>/models/registry.json``.

Files are registered where they lie, with size, time of change and SHA-256, so that an unchanged file need not be
hashed again (four gigabytes take seconds) and a changed one is noticed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError, ModelNotFound
from rag.generation.models.header import ModelInfo, inspect_gguf
from rag.generation.models.json_store import replacing
from rag.system.hashing import file_sha256

if TYPE_CHECKING:
    from rag.generation.generators.shortening import Costs

BUNDLED = "smollm2"
WRITER = "writer"  # the bundled model with the adapter that comes with the program
BUNDLED_TITLE = "SmolLM2-135M-Instruct"  # the file itself carries the name of a training run
SHIPPED = (BUNDLED, WRITER)  # in the order of lists
_RESERVED = frozenset({*SHIPPED, "quote"})
_FORMAT = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A GGUF that can answer. ``problem`` says why it cannot at the moment, else it is empty.

    ``adapter`` is a GGUF that llama.cpp applies to it, if it then has the hash ``adapter_sha256``; ``sha256`` stands
    for both. ``prompt`` is the file of ``prompts/`` that it answers with. ``costs`` are given for one that was taught
    to shorten; the pruner then judges ``more`` sentences beyond the setting, and those worth ``least`` are given to it.
    """

    name: str
    path: Path
    sha256: str
    info: ModelInfo
    problem: str = ""
    adapter: Path | None = None
    adapter_sha256: str = ""
    prompt: str = "answer"
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
    return _model(name, entry)


def remove_model(home: Path, name: str) -> None:
    """Forget a registered model; its file stays. Raises :class:`ModelNotFound`, :class:`ModelError` for the writer."""
    if name == WRITER:
        raise ModelError(f"'{WRITER}' comes with the installation and stays in the list.")
    with editing(home) as models:
        if name not in models:
            raise ModelNotFound(f"'{name}' is not registered. Registered are: {_listed(models)}.")
        del models[name]


def list_models(home: Path) -> list[RegisteredModel]:
    """All registered models by name, those whose file is gone or changed with their ``problem``.

    The bundled model stands among them once it has been prepared, and so does the writer where its adapter is there.
    """
    from rag.generation.models.writer import has_adapter, writer_on  # it rests on the bundled model

    models = {name: _current(name, entry) for name, entry in read(home).items()}
    if BUNDLED in models and has_adapter():
        models[WRITER] = writer_on(models[BUNDLED])
    return [model for _, model in sorted(models.items())]


def resolve_model(home: Path, name_or_path: str) -> RegisteredModel:
    """The model of that name, or the GGUF at that path (which is not registered by it).

    The bundled model is prepared when it or the writer is asked for. Raises :class:`ModelNotFound` with the known
    names, or :class:`ModelError` for a file that cannot answer.
    """
    from rag.generation.models.bundled import prepare_bundled  # it keeps its entry here
    from rag.generation.models.writer import verified_adapter, writer_on

    if name_or_path == WRITER:
        verified_adapter()
        return writer_on(resolve_model(home, BUNDLED))
    if name_or_path == BUNDLED:
        prepare_bundled(home)
    models = read(home)
    if name_or_path in models:
        return _refreshed(home, name_or_path, models[name_or_path])
    path = Path(name_or_path).expanduser()
    if path.exists() or path.suffix == ".gguf" or os.sep in name_or_path:
        return _unregistered(home, path)
    raise ModelNotFound(_unknown(name_or_path, models))


def read(home: Path) -> dict[str, dict[str, Any]]:
    """The entries by name. Raises :class:`ModelError` for a damaged file."""
    path = _file(home)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != _FORMAT:
            raise ValueError(f"format {stored['format']}")
        models: dict[str, dict[str, Any]] = stored["models"]
        for name, entry in models.items():
            _model(name, entry)
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
        "sha256": file_sha256(path),
        "info": asdict(info),
    }


def _model(name: str, entry: dict[str, Any]) -> RegisteredModel:
    return RegisteredModel(name, Path(entry["path"]), str(entry["sha256"]), ModelInfo(**entry["info"]))


def _current(name: str, entry: dict[str, Any]) -> RegisteredModel:
    model = _model(name, entry)
    if not model.path.is_file():
        return replace(model, problem="its file is gone")
    return model if unchanged(model.path, entry) else replace(model, problem="its file has changed; add it again")


def _refreshed(home: Path, name: str, entry: dict[str, Any]) -> RegisteredModel:
    """The registered model, looked at again where its file has changed."""
    path = Path(entry["path"])
    if unchanged(path, entry):
        return _model(name, entry)
    fresh = new_entry(path)
    with editing(home) as models:
        models[name] = fresh
    return _model(name, fresh)


def _unregistered(home: Path, path: Path) -> RegisteredModel:
    path = path.resolve()
    for name, entry in read(home).items():
        if entry["path"] == str(path) and unchanged(path, entry):
            return _model(name, entry)
    return _model(path.stem, new_entry(path))


def _unknown(name: str, models: dict[str, Any]) -> str:
    from rag.generation.models.catalogue import recommended  # it registers what it downloads
    from rag.generation.models.writer import has_adapter

    if any(offer.name == name for offer in recommended()):
        return f"The model '{name}' has not been downloaded. Get it with 'footnote models pull {name}'."
    known = sorted({BUNDLED, "quote", *models, *([WRITER] if has_adapter() else [])})
    return f"'{name}' is neither a known model nor a file. Known are: {', '.join(known)}."


def _listed(models: dict[str, Any]) -> str:
    return ", ".join(sorted(models)) or "none"


def _file(home: Path) -> Path:
    return home / "models" / "registry.json"
