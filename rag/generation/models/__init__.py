"""The language models of this computer: which GGUFs there are, what they are, and whether they fit.

Knows nothing of prompts and answers. Read first: ``lookup.py``, which finds a model by its name; ``registry.py``
below it keeps the files by name, where they lie; nothing is copied.
"""

from rag.generation.models.bundled import packaged_model, prepare_bundled
from rag.generation.models.catalogue import Offer, pull_model, recommended
from rag.generation.models.header import ModelInfo, inspect_gguf
from rag.generation.models.lookup import find_model, list_models, resolve_model, unprepared
from rag.generation.models.memory import fits, memory_available, memory_needed
from rag.generation.models.registry import (
    BUNDLED,
    BUNDLED_TITLE,
    SHIPPED,
    WRITER,
    RegisteredModel,
    add_model,
    remove_model,
)
from rag.generation.models.speed import Speed, keep_speed, measure, speeds
from rag.generation.models.verdicts import Measured, measured, note_measured

__all__ = [
    "BUNDLED",
    "BUNDLED_TITLE",
    "SHIPPED",
    "WRITER",
    "Measured",
    "ModelInfo",
    "Offer",
    "RegisteredModel",
    "Speed",
    "add_model",
    "find_model",
    "fits",
    "inspect_gguf",
    "keep_speed",
    "list_models",
    "measure",
    "measured",
    "memory_available",
    "memory_needed",
    "note_measured",
    "packaged_model",
    "prepare_bundled",
    "pull_model",
    "recommended",
    "remove_model",
    "resolve_model",
    "speeds",
    "unprepared",
]
