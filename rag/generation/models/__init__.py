"""The language models of this computer: which GGUFs there are, what they are, and whether they fit.

Knows nothing of prompts and answers. Read first: ``lookup.py``, which finds a model by its name; ``registry.py``
below it keeps the files by name, where they lie; nothing is copied.
"""

from rag.generation.models.bundled import packaged_model, prepare_bundled
from rag.generation.models.catalogue import Offer, pull_model, recommended
from rag.generation.models.header import ModelInfo, inspect_gguf
from rag.generation.models.lookup import find_model, list_models, resolve_model, unprepared
from rag.generation.models.memory import fits, memory_available, memory_needed
from rag.generation.models.prompt_choice import PROMPTS, PromptChoice, in_words, prompt_of
from rag.generation.models.registry import (
    BUNDLED,
    BUNDLED_TITLE,
    SHIPPED,
    WRITER,
    RegisteredModel,
    add_model,
    remove_model,
)
from rag.generation.models.speed import Speed, keep_speed, measure, readable_tokens, speeds
from rag.generation.models.verdicts import (
    Measured,
    PromptVerdict,
    measured,
    note_measured,
    note_prompt,
    prompt_verdict,
)

__all__ = [
    "BUNDLED",
    "BUNDLED_TITLE",
    "PROMPTS",
    "SHIPPED",
    "WRITER",
    "Measured",
    "ModelInfo",
    "Offer",
    "PromptChoice",
    "PromptVerdict",
    "RegisteredModel",
    "Speed",
    "add_model",
    "find_model",
    "fits",
    "in_words",
    "inspect_gguf",
    "keep_speed",
    "list_models",
    "measure",
    "measured",
    "memory_available",
    "memory_needed",
    "note_measured",
    "note_prompt",
    "packaged_model",
    "prepare_bundled",
    "prompt_of",
    "prompt_verdict",
    "pull_model",
    "readable_tokens",
    "recommended",
    "remove_model",
    "resolve_model",
    "speeds",
    "unprepared",
]
