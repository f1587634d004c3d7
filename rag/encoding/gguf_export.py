"""Convert the MiniLM weights to a GGUF file, so that encoding a question need not load torch.

llama.cpp runs the same network from this file: a cold start to the first query vector takes about
a second instead of seven. The layout is that of llama.cpp's ``bert`` architecture (see
``convert_hf_to_gguf.py`` there): WordPiece continuations ``##x`` are stored as ``x``, word starts
as ``▁x``, bracketed pieces as control tokens; mean pooling; not causal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_TOP = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
}
_LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}


def export_bert(source: Path, target: Path, name: str) -> None:
    """Write the BERT encoder in folder ``source`` (Hugging Face layout) to the GGUF file ``target``.

    Matrices become float16; biases, norms and the position table stay float32. The file appears
    under its final name only when it is complete.
    """
    import gguf
    import numpy as np
    from safetensors.numpy import load_file

    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    partial = target.with_suffix(".partial")  # the caller holds a lock: what a killed process left is overwritten
    writer = gguf.GGUFWriter(str(partial), "bert")
    try:
        _write_metadata(writer, config, name)
        _write_vocabulary(writer, source / "vocab.txt")
        for key, tensor in _renamed(load_file(source / "model.safetensors")):
            small = tensor.ndim < 2 or key.startswith(("position_embd", "token_types"))
            writer.add_tensor(key, tensor.astype(np.float32 if small else np.float16))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()
    partial.replace(target)


def _write_metadata(writer: Any, config: dict[str, Any], name: str) -> None:
    import gguf

    writer.add_name(name)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)


def _write_vocabulary(writer: Any, vocabulary: Path) -> None:
    import gguf

    pieces = vocabulary.read_text(encoding="utf-8").splitlines()
    kinds = []
    for position, piece in enumerate(pieces):
        if piece.startswith("[") and piece.endswith("]") and len(piece) > 2:
            kinds.append(gguf.TokenType.UNKNOWN if piece == "[UNK]" else gguf.TokenType.CONTROL)
        else:
            kinds.append(gguf.TokenType.NORMAL)
            pieces[position] = piece[2:] if piece.startswith("##") else "\u2581" + piece
    special = {name: pieces.index(f"[{name}]") for name in ("UNK", "SEP", "PAD", "CLS", "MASK")}
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(pieces)
    writer.add_token_types(kinds)
    writer.add_token_type_count(2)
    writer.add_unk_token_id(special["UNK"])
    writer.add_sep_token_id(special["SEP"])
    writer.add_pad_token_id(special["PAD"])
    writer.add_bos_token_id(special["CLS"])
    writer.add_eos_token_id(special["SEP"])
    writer.add_mask_token_id(special["MASK"])


def _renamed(tensors: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in sorted(tensors):
        stem, _, kind = key.removeprefix("bert.").rpartition(".")
        if stem in _TOP:
            yield f"{_TOP[stem]}.{kind}", tensors[key]
        elif stem.startswith("encoder.layer."):
            number, _, part = stem.removeprefix("encoder.layer.").partition(".")
            yield f"blk.{number}.{_LAYER[part]}.{kind}", tensors[key]
