"""A model by its name or path, and the list of all: the registered files, the bundled model and the writer."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from rag.errors import ModelNotFound
from rag.generation.models import writer
from rag.generation.models.bundled import packaged_model, prepare_bundled
from rag.generation.models.catalogue import recommended
from rag.generation.models.registry import (
    BUNDLED,
    BUNDLED_TITLE,
    WRITER,
    RegisteredModel,
    editing,
    model_of,
    new_entry,
    read,
    unchanged,
)


def list_models(home: Path) -> list[RegisteredModel]:
    """All registered models by name, those whose file is gone or changed with their ``problem``.

    The bundled model stands among them once it has been prepared, and so does the writer where its adapter is there.
    """
    models = {name: _current(name, entry) for name, entry in read(home).items()}
    if BUNDLED in models and writer.has_adapter():
        models[WRITER] = writer.writer_on(models[BUNDLED])
    return [model for _, model in sorted(models.items())]


def resolve_model(home: Path, name_or_path: str) -> RegisteredModel:
    """The model of that name, or the GGUF at that path (which is not registered by it).

    The bundled model is prepared when it or the writer is asked for. Raises :class:`ModelNotFound` with the known
    names, or :class:`ModelError` for a file that cannot answer.
    """
    if name_or_path == WRITER:
        writer.verified_adapter()
        return writer.writer_on(resolve_model(home, BUNDLED))
    if name_or_path == BUNDLED:
        prepare_bundled(home)
    models = read(home)
    if name_or_path in models:
        return _refreshed(home, name_or_path, models[name_or_path])
    path = Path(name_or_path).expanduser()
    if path.exists() or path.suffix == ".gguf" or os.sep in name_or_path:
        return _unregistered(home, path)
    raise ModelNotFound(_unknown(name_or_path, models))


def unprepared(listed: Collection[str]) -> dict[str, str]:
    """Titles by name of what comes with the installation, can be prepared and is not in the list yet."""
    if packaged_model() is None:
        return {}
    titles = {BUNDLED: BUNDLED_TITLE}
    if writer.has_adapter() and not writer.problem():
        titles[WRITER] = writer.TITLE
    return {name: title for name, title in titles.items() if name not in listed}


def _current(name: str, entry: dict[str, Any]) -> RegisteredModel:
    model = model_of(name, entry)
    if not model.path.is_file():
        return replace(model, problem="its file is gone")
    return model if unchanged(model.path, entry) else replace(model, problem="its file has changed; add it again")


def _refreshed(home: Path, name: str, entry: dict[str, Any]) -> RegisteredModel:
    """The registered model, looked at again where its file has changed."""
    path = Path(entry["path"])
    if unchanged(path, entry):
        return model_of(name, entry)
    fresh = new_entry(path)
    with editing(home) as models:
        models[name] = fresh
    return model_of(name, fresh)


def _unregistered(home: Path, path: Path) -> RegisteredModel:
    path = path.resolve()
    for name, entry in read(home).items():
        if entry["path"] == str(path) and unchanged(path, entry):
            return model_of(name, entry)
    return model_of(path.stem, new_entry(path))


def _unknown(name: str, models: dict[str, Any]) -> str:
    if any(offer.name == name for offer in recommended()):
        return f"The model '{name}' has not been downloaded. Get it with 'footnote models pull {name}'."
    known = sorted({BUNDLED, "quote", *models, *([WRITER] if writer.has_adapter() else [])})
    return f"'{name}' is neither a known model nor a file. Known are: {', '.join(known)}."
