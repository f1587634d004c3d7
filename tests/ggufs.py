"""Small odd GGUFs for tests: a llama of 200 kB with random weights and a vocabulary of bytes, and its variants."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WITHOUT_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
THINKING = CHATML.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
DATED = "{{ strftime_now('%Y-%m-%d') }}\n" + CHATML

_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_WIDTH, _HEADS, _FEED, _LAYERS = 64, 4, 128, 2


def byte_tokens() -> list[str]:
    """The 256 bytes as GPT-2's tokenizer writes them: printable ones as themselves, the others moved up."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = {byte: 256 + n for n, byte in enumerate(b for b in range(256) if b not in printable)}
    return [chr(moved.get(byte, byte)) for byte in range(256)]


def write_llama(
    path: Path,
    *,
    template: str | None = CHATML,
    context: int = 2048,
    architecture: str = "llama",
    kind: str | None = None,
    seed: int = 0,
    name: str = "Tiny",
    added: Sequence[str] = (),
) -> Path:
    """A llama that llama.cpp loads in milliseconds and whose text is noise; ``added`` are tokens of its makers."""
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name(name)
    if kind is not None:
        writer.add_type(kind)
    writer.add_context_length(context)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_FEED)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    tokens = [*_SPECIAL, *byte_tokens(), "ĠĠ", *added]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    normal = [gguf.TokenType.NORMAL] * (len(tokens) - 3 - len(added))
    writer.add_token_types([gguf.TokenType.CONTROL] * 3 + normal + [gguf.TokenType.USER_DEFINED] * len(added))
    writer.add_token_merges(["Ġ Ġ"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)
    for name, shape in _shapes(len(tokens)).items():
        writer.add_tensor(name, _weights(name, shape, np.random.default_rng(seed)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _weights(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if name.endswith("norm.weight"):
        return np.ones(shape, np.float32)
    return rng.normal(0, 0.3, shape).astype(np.float32)


def _shapes(vocabulary: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (vocabulary, _WIDTH),
        "output_norm.weight": (_WIDTH,),
        "output.weight": (vocabulary, _WIDTH),
    }
    for layer in range(_LAYERS):
        block = {
            "attn_norm": (_WIDTH,),
            "ffn_norm": (_WIDTH,),
            **dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (_WIDTH, _WIDTH)),
            "ffn_gate": (_FEED, _WIDTH),
            "ffn_up": (_FEED, _WIDTH),
            "ffn_down": (_WIDTH, _FEED),
        }
        shapes |= {f"blk.{layer}.{part}.weight": shape for part, shape in block.items()}
    return shapes


def truncated(source: Path, path: Path, keep: float) -> Path:
    """The first part of ``source``, as a download that broke off leaves it."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path
