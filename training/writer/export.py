"""The trained change as a GGUF adapter that llama.cpp applies to the packaged model when it loads it.

    python -m training.writer.export --adapter build/writer/adapter.pt --out models/writer.gguf

Training leaves ``{"alpha": float, "rank": int, "tensors": {"blk.0.attn_q": (A, B), …}}`` with A (rank, in) and
B (out, rank): the weight W (out, in) becomes W + alpha / rank * B A (Hu et al. 2021, 'LoRA: Low-Rank Adaptation of
Large Language Models', https://arxiv.org/abs/2106.09685). Tensors are in the layout of transformers, whose rotary
embedding turns the first half of a head against the second; llama.cpp's turns neighbours, so the rows of B of the
queries and keys are put in that order, as its own converter does with the weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch

from rag.system.hashing import sha256_of
from training.writer.packaged import PARTS, halved

HEADS, KEY_HEADS = 9, 3  # of SmolLM2-135M


def read_adapter(path: Path) -> dict[str, Any]:
    """What training left, checked. Raises :class:`ValueError` naming the tensor that is wrong."""
    stored: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    rank = int(stored["rank"])
    for name, (a, b) in stored["tensors"].items():
        block, _, part = name.rpartition(".")
        if part not in PARTS or not block.removeprefix("blk.").isdecimal():
            raise ValueError(f"{path}: '{name}' is no weight of a layer; known are blk.N.{', blk.N.'.join(PARTS)}")
        if a.shape[0] != rank or b.shape[1] != rank:
            raise ValueError(f"{path}: {name} has the shapes {tuple(a.shape)}, {tuple(b.shape)}, not of rank {rank}")
        if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
            raise ValueError(f"{path}: {name} is not finite")
    if not stored["tensors"]:
        raise ValueError(f"{path}: the adapter changes nothing")
    return stored


def interleaved(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows (heads * width, …) of a query or key: halves of every head interleaved for llama.cpp's rotary embedding."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows.shape))


def export(
    adapter_pt: Path, out_gguf: Path, *, heads: int = HEADS, key_heads: int = KEY_HEADS, half: bool = True
) -> str:
    """Write ``out_gguf`` in float16 (or without ``half`` in float32) and give its SHA-256; the same adapter gives the
    same bytes. ``heads`` and ``key_heads`` are the model's.
    """
    stored = read_adapter(adapter_pt)
    kind = np.float16 if half else np.float32
    out_gguf.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(str(out_gguf), "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_name("SmolLM2-135M-Instruct taught to answer with footnotes")
    writer.add_license("apache-2.0")
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(stored["alpha"]))
    for name, (a, b) in sorted(stored["tensors"].items()):
        down, up = a.float().numpy(), b.float().numpy()
        if name.endswith(("attn_q", "attn_k")):
            up = interleaved(up, heads if name.endswith("attn_q") else key_heads)
        for suffix, matrix in (("lora_a", down), ("lora_b", up)):
            writer.add_tensor(f"{name}.weight.{suffix}", _cast(f"{name}.{suffix}", matrix, kind))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sha256_of(out_gguf)


def exported(path: Path, *, heads: int = HEADS, key_heads: int = KEY_HEADS) -> dict[str, tuple[Any, Any]]:
    """A and B (torch, float32) by the name of their layer: what :func:`export` wrote to ``path``."""
    stored = {tensor.name: np.array(tensor.data, np.float32) for tensor in gguf.GGUFReader(path).tensors}
    found = {}
    for name in sorted(one.removesuffix(".weight.lora_a") for one in stored if one.endswith(".lora_a")):
        down, up = (stored[f"{name}.weight.{suffix}"] for suffix in ("lora_a", "lora_b"))
        if name.endswith(("attn_q", "attn_k")):
            up = halved(up, heads if name.endswith("attn_q") else key_heads)
        found[name] = (torch.from_numpy(down), torch.from_numpy(np.ascontiguousarray(up)))
    return found


def _cast(name: str, matrix: np.ndarray, kind: type[np.floating[Any]]) -> np.ndarray:
    if np.abs(matrix).max() > np.finfo(kind).max:
        raise ValueError(f"{name} does not fit {kind.__name__}; export it in float32")
    return np.ascontiguousarray(matrix.astype(kind))


def main() -> int:
    """Export; say the size and the SHA-256 to put into ``rag/generation/models/writer.py``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--float32", action="store_true", help="twice the size, for comparisons")
    options = parser.parse_args()
    sha256 = export(options.adapter, options.out, half=not options.float32)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB, sha256 {sha256}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
