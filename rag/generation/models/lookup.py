"""A model by its name, or by name or path, and the list of all: registered files, the bundled model and the writer.

Who sends a request may name what is registered (:func:`find_model`). Only who owns the settings or types the command
may name a path (:func:`resolve_model`).
"""

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


def find_model(home: Path, name: str) -> RegisteredModel:
    """The model registered under that name, which is never taken for a path.

    The bundled model is prepared when it or the writer is asked for. Raises :class:`ModelNotFound` with the known
    names, or :class:`ModelError` for a model that cannot answer.
    """
    found = _registered(home, name)
    if found is None:
        raise ModelNotFound(_unknown(name, read(home), "not a known model"))
    return found


def resolve_model(home: Path, name_or_path: str) -> RegisteredModel:
    """The model of that name, or the GGUF at that path (which is not registered by it).

    For settings and the command line alone: the answer tells whether a file is there. Raises as :func:`find_model`.
    """
    found = _registered(home, name_or_path)
    if found is not None:
        return found
    path = Path(name_or_path).expanduser()
    if path.exists() or path.suffix == ".gguf" or os.sep in name_or_path:
        return _unregistered(home, path)
    raise ModelNotFound(_unknown(name_or_path, read(home), "neither a known model nor a file"))


def _registered(home: Path, name: str) -> RegisteredModel | None:
    if name == WRITER:
        writer.verified_adapter()
        return writer.writer_on(find_model(home, BUNDLED))
    if name == BUNDLED:
        prepare_bundled(home)
    models = read(home)
    return _refreshed(home, name, models[name]) if name in models else None


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


def _unknown(name: str, models: dict[str, Any], what: str) -> str:
    if any(offer.name == name for offer in recommended()):
        return f"The model '{name}' has not been downloaded. Get it with 'footnote models pull {name}'."
    known = sorted({BUNDLED, "quote", *models, *([WRITER] if writer.has_adapter() else [])})
    return f"'{name}' is {what}. Known are: {', '.join(known)}."
