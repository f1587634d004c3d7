"""The entailment network: the lowest layers of all-mpnet-base-v2 as a cross-encoder with three logits.

MPNet (Song et al. 2020, https://arxiv.org/abs/2004.09297) in plain torch, so that queries, keys and values are one
product and nothing of the graph depends on another library's version. Word and position vectors stay as they are.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from rag.verification.entailment import BEGIN, END, MAX_TOKENS, PAD, UNKNOWN

LAYERS = 10
SIZE, HEADS, INNER, BUCKETS = 768, 12, 3072, 32
LABELS = ("supported", "contradicted", "not_stated")
SPECIAL = (BEGIN, PAD, END, UNKNOWN)
_FIRST_POSITION = 2  # positions before it are padding's


def bucket(distance: torch.Tensor) -> torch.Tensor:
    """Bucket of a relative position (any shape, int64): exact when near, logarithmic up to 128, one for each side."""
    half, exact = BUCKETS // 2, BUCKETS // 4
    size = distance.abs()
    far = exact + (torch.log(size.clamp(min=1) / exact) / math.log(128 / exact) * (half - exact)).long()
    return (distance > 0).long() * half + torch.where(size < exact, size, far.clamp(max=half - 1))


class Layer(nn.Module):
    """States (batch, tokens, SIZE) to states; ``bias`` is added to the attention scores."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(SIZE, 3 * SIZE), nn.Linear(SIZE, SIZE)
        self.up, self.down = nn.Linear(SIZE, INNER), nn.Linear(INNER, SIZE)
        self.norm_1, self.norm_2 = nn.LayerNorm(SIZE, eps=1e-5), nn.LayerNorm(SIZE, eps=1e-5)

    def forward(self, states: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        batch, tokens, _ = states.shape
        q, k, v = self.qkv(states).view(batch, tokens, 3, HEADS, SIZE // HEADS).permute(2, 0, 3, 1, 4)
        if torch.onnx.is_in_onnx_export():
            scores = q @ k.transpose(-1, -2) / math.sqrt(SIZE // HEADS) + bias
            mixed = scores.softmax(-1) @ v
        else:
            mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        states = self.norm_1(states + self.out(mixed.transpose(1, 2).reshape(batch, tokens, SIZE)))
        new: torch.Tensor = self.norm_2(states + self.down(functional.gelu(self.up(states))))
        return new


class Network(nn.Module):
    """Token ids and mask (batch, tokens; int64) to logits (batch, 3), in the order of ``LABELS``."""

    def __init__(self, words: int, layers: int = LAYERS) -> None:
        super().__init__()
        self.words = nn.Embedding(words, SIZE)
        self.positions = nn.Embedding(MAX_TOKENS + _FIRST_POSITION, SIZE)
        self.norm = nn.LayerNorm(SIZE, eps=1e-5)
        self.near = nn.Embedding(BUCKETS, HEADS)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.head = nn.Sequential(nn.Linear(2 * SIZE, 256), nn.GELU(), nn.Dropout(0.1), nn.Linear(256, len(LABELS)))
        places = torch.arange(MAX_TOKENS)
        buckets = bucket(places[None, :] - places[:, None])
        self.register_buffer("buckets", buckets.to(torch.uint8), persistent=False)  # of eight bits: the file is small
        for fixed in (self.words, self.positions, self.near):
            fixed.requires_grad_(False)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states = self.states(input_ids, attention_mask)
        shown = attention_mask.to(states.dtype).unsqueeze(-1)
        mean = (states * shown).sum(1) / shown.sum(1)
        logits: torch.Tensor = self.head(torch.cat([states[:, 0], mean], dim=-1))
        return logits

    def states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """States behind the last layer (batch, tokens, SIZE)."""
        tokens = input_ids.shape[1]
        places = self.positions.weight[_FIRST_POSITION : tokens + _FIRST_POSITION]
        states = self.norm(self.words(input_ids) + places)
        bias = self.near(self.buckets[:tokens, :tokens].long()).permute(2, 0, 1).unsqueeze(0)
        bias = bias + (1.0 - attention_mask[:, None, None, :].to(torch.float32)) * -1e4
        for layer in self.layers:
            states = layer(states, bias)
        return states


def pretrained(folder: Path, pieces: list[str], layers: int = LAYERS) -> Network:
    """The published weights: the lowest ``layers``, the vectors of ``pieces`` alone, and a fresh head."""
    from safetensors.torch import load_file

    weights = load_file(folder / "model.safetensors")
    at = {piece: i for i, piece in enumerate((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())}
    network = Network(len(pieces), layers)
    taken = {
        "words.weight": weights["embeddings.word_embeddings.weight"][[at[p] for p in pieces]],
        "positions.weight": weights["embeddings.position_embeddings.weight"][: MAX_TOKENS + _FIRST_POSITION],
        "near.weight": weights["encoder.relative_attention_bias.weight"],
    }
    for end in ("weight", "bias"):
        taken[f"norm.{end}"] = weights[f"embeddings.LayerNorm.{end}"]
        for i in range(layers):
            own, their = f"layers.{i}.", f"encoder.layer.{i}."
            taken[f"{own}qkv.{end}"] = torch.cat([weights[f"{their}attention.attn.{x}.{end}"] for x in "qkv"])
            taken[f"{own}out.{end}"] = weights[f"{their}attention.attn.o.{end}"]
            taken[f"{own}norm_1.{end}"] = weights[f"{their}attention.LayerNorm.{end}"]
            taken[f"{own}up.{end}"] = weights[f"{their}intermediate.dense.{end}"]
            taken[f"{own}down.{end}"] = weights[f"{their}output.dense.{end}"]
            taken[f"{own}norm_2.{end}"] = weights[f"{their}output.LayerNorm.{end}"]
    missing = network.load_state_dict(taken, strict=False)
    assert not missing.unexpected_keys and all(key.startswith("head.") for key in missing.missing_keys)
    return network
