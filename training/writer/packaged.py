"""The packaged model for torch: its GGUF's weights as transformers' Llama, and its tokenizer.

transformers reads GGUF files itself, but only with another package beside it, which a machine that trains may not have.
So what is read here of a GGUF can also be kept as ``model.npz``: the same bytes, block by block as llama.cpp has
quantised them, to be read with numpy alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

MODULES = {  # of a layer: how llama.cpp calls a weight → how transformers does
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
PARTS = tuple(part for part in MODULES if not part.endswith("_norm"))  # the matrices: what training changes
BLOCK = 32  # weights that share a scale
_OUTSIDE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


@dataclass(frozen=True)
class Packaged:
    """Weights by their name in the GGUF as they are stored there, how each is quantised, and what the file says of the
    model (``llama.*``). ``sha256`` is the file's.
    """

    tensors: Mapping[str, np.ndarray]
    kinds: Mapping[str, str]
    facts: Mapping[str, Any]
    sha256: str

    def weight(self, name: str) -> np.ndarray:
        """As llama.cpp computes with it, float32. Raises :class:`ValueError` for a kind that no packaged file has."""
        data, kind = self.tensors[name], self.kinds[name]
        if kind == "F32":
            return np.array(data, np.float32)
        if kind not in ("Q8_0", "Q4_1"):
            raise ValueError(f"{name} is quantised as {kind}; only F32, Q8_0 and Q4_1 are read")
        return (_q8_0 if kind == "Q8_0" else _q4_1)(np.asarray(data))

    def save(self, path: Path) -> None:
        """As an ``.npz``."""
        about = json.dumps({"kinds": self.kinds, "facts": self.facts, "sha256": self.sha256})
        np.savez(path, about=np.array(about), **self.tensors)


def _blocks(data: np.ndarray, size: int) -> np.ndarray:
    return data.reshape(data.shape[0], -1, size)


def _halves(data: np.ndarray) -> np.ndarray:
    """Two bytes each to a float16, as float32."""
    return np.ascontiguousarray(data).view(np.float16).astype(np.float32)


def _q8_0(data: np.ndarray) -> np.ndarray:
    """Blocks of a scale and 32 signed bytes."""
    blocks = _blocks(data, 2 + BLOCK)
    values = _halves(blocks[..., :2]) * np.ascontiguousarray(blocks[..., 2:]).view(np.int8).astype(np.float32)
    return values.reshape(data.shape[0], -1)


def _q4_1(data: np.ndarray) -> np.ndarray:
    """Blocks of a scale, a smallest value and 32 half bytes, the lower ones first."""
    blocks = _blocks(data, 4 + BLOCK // 2)
    packed = blocks[..., 4:]
    steps = np.concatenate([packed & 15, packed >> 4], axis=-1).astype(np.float32)
    return (_halves(blocks[..., :2]) * steps + _halves(blocks[..., 2:4])).reshape(data.shape[0], -1)


def module_name(name: str) -> str:
    """``model.layers.3.mlp.up_proj`` for ``blk.3.ffn_up``. Raises :class:`KeyError` for what a Llama has not."""
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    _, layer, part = name.split(".")
    return f"model.layers.{layer}.{MODULES[part]}"


def halved(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows (heads * width, …) of a query or key in transformers' order: the inverse of ``export.interleaved``."""
    pairs = rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:])
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows.shape))


def read(path: Path) -> Packaged:
    """What is in a GGUF, or in the ``.npz`` that was made of one."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(str(stored["about"]))
            tensors = {n: stored[n] for n in stored.files if n != "about"}
            return Packaged(tensors, about["kinds"], about["facts"], about["sha256"])
    import gguf

    reader = gguf.GGUFReader(path)
    facts = {key: field.contents() for key, field in reader.fields.items() if key.startswith("llama.")}
    named = {t.name.removesuffix(".weight"): t for t in reader.tensors}
    kinds = {name: t.tensor_type.name for name, t in named.items()}
    return Packaged({n: t.data for n, t in named.items()}, kinds, facts, hashlib.sha256(path.read_bytes()).hexdigest())


def read_model(path: Path) -> Any:
    """A ``LlamaForCausalLM`` in float32 with the numbers that llama.cpp computes from the file at ``path``."""
    from transformers import LlamaConfig, LlamaForCausalLM

    stored = read(path)
    facts = stored.facts
    heads = int(facts["llama.attention.head_count"])
    key_heads = int(facts.get("llama.attention.head_count_kv", heads))
    config = LlamaConfig(
        vocab_size=int(stored.tensors["token_embd"].shape[0]),
        hidden_size=int(facts["llama.embedding_length"]),
        intermediate_size=int(facts["llama.feed_forward_length"]),
        num_hidden_layers=int(facts["llama.block_count"]),
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        max_position_embeddings=int(facts["llama.context_length"]),
        rms_norm_eps=float(facts["llama.attention.layer_norm_rms_epsilon"]),
        rope_parameters={"rope_type": "default", "rope_theta": float(facts.get("llama.rope.freq_base", 10_000.0))},
        tie_word_embeddings="output" not in stored.tensors,
    )
    state = {}
    for name in stored.tensors:
        weight = stored.weight(name)
        if name.endswith((".attn_q", ".attn_k")):
            weight = halved(weight, heads if name.endswith("_q") else key_heads)
        state[f"{module_name(name)}.weight"] = torch.from_numpy(weight)
    model = LlamaForCausalLM(config)
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or set(missing) - {"lm_head.weight"}:
        raise ValueError(f"{path} is no Llama: {sorted(missing)} are missing, {sorted(unexpected)} too many")
    return model.eval()


def read_tokenizer(path: Path) -> Any:
    """transformers' tokenizer, made of what the GGUF at ``path`` says of it."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
