"""What a GGUF file is, from its header alone: a file of many gigabytes is inspected in a fraction of a second.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. ``gguf.GGUFReader`` builds an array for every
piece of the vocabulary, which takes seconds; here those are stepped over.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, prod
from pathlib import Path
from typing import Any

from rag.errors import ModelError
from rag.text.plaintext import clean_line

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
# GGUF value types that have a fixed size: struct format by type number.
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_MOST_ENTRIES = 1_000_000  # of metadata or tensors; more is a damaged count
_LONGEST_STRING = 2**20  # bytes that are read of one; chat templates have some thousand
_LONGEST_NAME = 200  # characters that are shown

# Architectures that llama.cpp loads but that do not write text token by token.
_NOT_FOR_CHAT = frozenset(
    {
        "bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3", "eurobert",
        "gemma-embedding", "llama-embed", "t5", "t5encoder", "clip", "wavtokenizer-dec", "dream", "llada", "llada-moe",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A GGUF's facts. ``size`` in bytes; ``context`` in tokens, as trained; ``kv_bytes`` a token of context."""

    name: str
    architecture: str
    version: int  # of the format
    size: int
    parameters: int
    quantisation: str
    context: int
    has_chat_template: bool
    kv_bytes: int
    licence: str = ""


def inspect_gguf(path: Path) -> ModelInfo:
    """Read and check the header of ``path``.

    Raises :class:`ModelError`, saying what to do, where the file is missing, a folder, no GGUF, damaged, truncated,
    or of an architecture that cannot answer questions.
    """
    if not path.exists():
        raise ModelError(f"There is no file {path}. Check the path; 'footnote models list' shows the known models.")
    if path.is_dir():
        found = sorted(p.name for p in path.glob("*.gguf"))
        hint = f"Name the file in it: {', '.join(found[:5])}." if found else "It holds no .gguf file."
        raise ModelError(f"{path} is a folder. {hint}")
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size < 24:
                raise ModelError(f"{path.name} is too short to be a GGUF. Download it again.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _inspect(path, data, size)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from error
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError) as error:
        raise ModelError(f"{path.name} is damaged or was cut off within its header. Download it again.") from error


def _inspect(path: Path, data: mmap.mmap, size: int) -> ModelInfo:
    if data[:4] != _MAGIC:
        raise ModelError(f"{path.name} is not a GGUF file. Use a model in the GGUF format of llama.cpp.")
    cursor = _Cursor(data, size)
    version = cursor.number("<I")
    if version not in _VERSIONS:
        raise ModelError(
            f"{path.name} has version {version} of the GGUF format; {' and '.join(map(str, _VERSIONS))} are known. "
            "Download a newer conversion of the model."
        )
    tensors, entries = cursor.number("<Q"), cursor.number("<Q")
    if max(tensors, entries) > _MOST_ENTRIES:
        raise IndexError("counts out of range")
    if tensors == 0:
        raise ModelError(f"{path.name} holds no weights, only a vocabulary. Use the file with the model itself.")
    facts = _metadata(cursor, entries)
    parameters, types, end = _tensors(cursor, tensors)
    alignment = facts.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1:
        raise IndexError("no alignment")
    start = -(-cursor.at // alignment) * alignment
    if start + end > size:
        missing = (start + end - size) / 1e6
        raise ModelError(f"{path.name} was cut off: {missing:,.1f} MB are missing at its end. Download it again.")
    return _info(path, version, size, facts, parameters, types)


def _info(
    path: Path, version: int, size: int, facts: dict[str, Any], parameters: int, types: dict[int, int]
) -> ModelInfo:
    architecture = _shown(facts.get("general.architecture", ""))
    _check_architecture(path, architecture, _shown(facts.get("general.type", "model")))

    def number(key: str, default: int = 0) -> int:
        value = facts.get(f"{architecture}.{key}", default)
        return int(value) if isinstance(value, int | float) and isfinite(value) else default

    heads = number("attention.head_count")
    width = number("embedding_length") // heads if heads else 0
    keys, values = number("attention.key_length", width), number("attention.value_length", width)
    # Layers with unlike numbers of heads come as an array, which is stepped over: all heads are the upper bound.
    kv_heads = number("attention.head_count_kv", heads) or heads
    return ModelInfo(
        name=_shown(facts.get("general.name") or "") or path.stem,
        architecture=architecture,
        version=version,
        size=size,
        parameters=parameters,
        quantisation=_quantisation(types),
        context=number("context_length"),
        has_chat_template=bool(facts.get("tokenizer.chat_template")),
        kv_bytes=2 * number("block_count") * kv_heads * (keys + values),  # two bytes a number
        licence=_shown(facts.get("general.license", "")),
    )


def _shown(value: Any) -> str:
    """A text of the file as it may be shown: on one line, without control characters, of moderate length."""
    return clean_line(str(value)[:_LONGEST_STRING])[:_LONGEST_NAME]


def _check_architecture(path: Path, architecture: str, kind: str) -> None:
    from gguf.constants import MODEL_ARCH_NAMES

    if architecture in _NOT_FOR_CHAT or kind in ("mmproj", "adapter"):
        what = architecture if kind == "model" else kind
        raise ModelError(
            f"{path.name} ('{what}') does not write text, so it cannot answer. "
            "Use an instruction-tuned language model ('-Instruct', '-Chat' or '-it')."
        )
    if architecture not in MODEL_ARCH_NAMES.values():
        raise ModelError(
            f"{path.name} has the architecture '{architecture}', which is not supported. "
            "Use another model; 'footnote models list' names a few."
        )


def _quantisation(types: dict[int, int]) -> str:
    """The type that most of the weights have, such as ``Q4_K``."""
    from gguf.constants import GGMLQuantizationType

    return GGMLQuantizationType(max(types, key=lambda t: types[t])).name if types else ""


class _Cursor:
    """Reads numbers and strings one after another; a position beyond the end is an ``IndexError``."""

    def __init__(self, data: mmap.mmap, size: int) -> None:
        self._data, self._size, self.at = data, size, 4

    def number(self, form: str) -> Any:
        (value,) = struct.unpack_from(form, self._data, self.at)
        self.at += struct.calcsize(form)
        return value

    def string(self) -> str:
        length = self.number("<Q")
        start = self.skip(length)
        return self._data[start : start + min(length, _LONGEST_STRING)].decode("utf-8", "replace")

    def skip(self, length: int) -> int:
        start = self.at
        if length > self._size - start:
            raise IndexError("beyond the end")
        self.at += length
        return start

    def skip_strings(self, count: int) -> None:
        unpack, data, at, size = struct.Struct("<Q").unpack_from, self._data, self.at, self._size
        for _ in range(count):
            at += 8 + unpack(data, at)[0]
            if at > size:
                raise IndexError("beyond the end")
        self.at = at


def _metadata(cursor: _Cursor, entries: int) -> dict[str, Any]:
    """Keys and values; arrays are stepped over."""
    facts: dict[str, Any] = {}
    for _ in range(entries):
        key, kind = cursor.string(), cursor.number("<I")
        if kind == _ARRAY:
            _skip_array(cursor)
        else:
            facts[key] = _reader(kind)(cursor)
    return facts


def _reader(kind: int) -> Callable[[_Cursor], Any]:
    if kind == _STRING:
        return _Cursor.string
    if kind not in _SCALARS:
        raise IndexError(f"unknown type {kind}")
    return lambda cursor: cursor.number(_SCALARS[kind])


def _skip_array(cursor: _Cursor) -> None:
    kind, count = cursor.number("<I"), cursor.number("<Q")
    if kind == _STRING:
        cursor.skip_strings(count)
    elif kind in _SCALARS:
        cursor.skip(count * struct.calcsize(_SCALARS[kind]))
    else:
        raise IndexError(f"unknown type {kind}")


def _tensors(cursor: _Cursor, count: int) -> tuple[int, dict[int, int], int]:
    """Parameters in all, parameters by type, and the bytes that the tensors' data must have."""
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    types: dict[int, int] = {}
    total = end = 0
    known = {int(kind): sizes for kind, sizes in GGML_QUANT_SIZES.items() if isinstance(kind, GGMLQuantizationType)}
    for _ in range(count):
        cursor.string()
        dimensions = cursor.number("<I")
        if dimensions > 8:
            raise IndexError("too many dimensions")
        elements = prod(cursor.number("<Q") for _ in range(dimensions))
        kind, offset = cursor.number("<I"), cursor.number("<Q")
        if kind not in known:
            raise IndexError(f"unknown tensor type {kind}")
        block, bytes_a_block = known[kind]
        total += elements
        types[kind] = types.get(kind, 0) + elements
        end = max(end, offset + -(-elements // block) * bytes_a_block)
    return total, types, end
