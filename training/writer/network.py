"""The packaged model in torch, with low-rank changes of its upper layers: what is trained is a few million weights.

LoRA: Hu et al. 2021, 'LoRA: Low-Rank Adaptation of Large Language Models', arXiv:2106.09685. A weight W of a linear
layer becomes W + (ALPHA / RANK) B A; A begins at random, B at zero, W does not change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rag.models.bundled import packaged_model
from training.writer.export import PARTS
from training.writer.packaged import MODULES, read_model, read_tokenizer

RANK = 16
ALPHA = 32.0
FIRST_LAYER = 8  # the layers below read; changing them costs a third more time


class LowRank(nn.Module):
    """A frozen linear layer and its change: (…, in) to (…, out)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.a = nn.Parameter(torch.empty(RANK, linear.in_features))
        self.b = nn.Parameter(torch.zeros(linear.out_features, RANK))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        change = nn.functional.linear(nn.functional.linear(x, self.a), self.b)
        return torch.add(self.linear(x), change, alpha=ALPHA / RANK)


class Writer(nn.Module):
    """The packaged model, frozen, with :class:`LowRank` in the place of the linear layers from ``FIRST_LAYER`` on."""

    def __init__(self) -> None:
        super().__init__()
        self.model = packaged()
        self.model.requires_grad_(False)
        self._changed: dict[str, LowRank] = {}
        for number, layer in enumerate(self.model.model.layers):
            if number < FIRST_LAYER:
                continue
            for short in PARTS:
                holder, _, leaf = MODULES[short].rpartition(".")
                parent = layer.get_submodule(holder)
                change = LowRank(getattr(parent, leaf))
                setattr(parent, leaf, change)
                self._changed[f"blk.{number}.{short}"] = change

    def loss(self, ids: torch.Tensor, mask: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cross-entropy per answer token, and which of them are the most likely ones.

        ``ids`` and ``mask`` (batch, tokens); ``wanted`` (batch, tokens), true where ``ids`` belongs to an answer. Only
        at those places are logits worked out: with 49,152 pieces they cost as much as a third of the layers.
        """
        states = self.model.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        before = torch.zeros_like(wanted)
        before[:, :-1] = wanted[:, 1:]
        logits = self.model.lm_head(states[before])
        target = ids[wanted]
        return nn.functional.cross_entropy(logits, target, reduction="none"), logits.argmax(-1) == target

    def changes(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """A (rank, in) and B (out, rank) of every changed layer, by its name in a GGUF."""
        return {name: (c.a.detach().clone(), c.b.detach().clone()) for name, c in self._changed.items()}

    def change(self, tensors: Mapping[str, Sequence[torch.Tensor]]) -> None:
        """Take over what :meth:`changes` gave."""
        for name, (a, b) in tensors.items():
            self._changed[name].a.data.copy_(a)
            self._changed[name].b.data.copy_(b)

    def trained(self) -> list[nn.Parameter]:
        """What the optimiser changes."""
        return [p for c in self._changed.values() for p in (c.a, c.b)]


def packaged() -> Any:
    """The packaged language model, its weights as float32. Raises ``FileNotFoundError`` where it is not installed."""
    return read_model(_file())


def tokenizer() -> Any:
    """Its tokenizer, from the same file."""
    return read_tokenizer(_file())


def _file() -> Path:
    path = packaged_model()
    if path is None:
        raise FileNotFoundError("The packaged model is not installed. Run 'make install'.")
    return path
