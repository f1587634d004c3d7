"""The packaged model for torch: its GGUF dequantised into transformers' Llama, and its tokenizer.

transformers reads GGUF files itself, but only with another package beside it; this needs nothing but ``gguf``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
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
_OUTSIDE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


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


def read_model(path: Path) -> Any:
    """A ``LlamaForCausalLM`` in float32 with the numbers that llama.cpp computes from the file at ``path``."""
    from transformers import LlamaConfig, LlamaForCausalLM

    reader = gguf.GGUFReader(path)
    facts = {key: field.contents() for key, field in reader.fields.items() if key.startswith("llama.")}
    tensors = {t.name.removesuffix(".weight"): t for t in reader.tensors}
    heads = int(facts["llama.attention.head_count"])
    key_heads = int(facts.get("llama.attention.head_count_kv", heads))
    config = LlamaConfig(
        vocab_size=int(tensors["token_embd"].shape[1]),
        hidden_size=int(facts["llama.embedding_length"]),
        intermediate_size=int(facts["llama.feed_forward_length"]),
        num_hidden_layers=int(facts["llama.block_count"]),
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        max_position_embeddings=int(facts["llama.context_length"]),
        rms_norm_eps=float(facts["llama.attention.layer_norm_rms_epsilon"]),
        rope_parameters={"rope_type": "default", "rope_theta": float(facts.get("llama.rope.freq_base", 10_000.0))},
        tie_word_embeddings="output" not in tensors,
    )
    state = {}
    for name, tensor in tensors.items():
        weight = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if name.endswith((".attn_q", ".attn_k")):
            weight = halved(weight, heads if name.endswith("_q") else key_heads)
        state[f"{module_name(name)}.weight"] = torch.from_numpy(np.array(weight))
    model = LlamaForCausalLM(config)
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or set(missing) - {"lm_head.weight"}:
        raise ValueError(f"{path} is no Llama: {sorted(missing)} are missing, {sorted(unexpected)} too many")
    return model.eval()


def read_tokenizer(path: Path) -> Any:
    """transformers' tokenizer, made of what the file at ``path`` says of it."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
