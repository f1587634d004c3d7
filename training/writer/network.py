"""The packaged model in torch, and what of it is trained: the matrices of its upper layers, never the embeddings.

``lora`` adds a change of low rank to each (Hu et al. 2021, 'LoRA: Low-Rank Adaptation of Large Language Models',
arXiv:2106.09685): a weight W becomes W + ALPHA B A with A (rank, in) random and B (out, rank) zero at the beginning;
a few million weights are trained. ``all`` trains the matrices themselves, 78 million weights; the change is cut down to
a low rank afterwards (:mod:`training.writer.cut`). Norms stay as they are: an adapter can hold no change of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from training.writer.packaged import MODULES, PARTS

METHODS = ("lora", "all")
RANK = 16
ALPHA = 2.0  # what B A is multiplied by
FIRST_LAYER = 8  # the layers below read; changing them costs a third more time


class LowRank(nn.Module):
    """A frozen linear layer and its change: (…, in) to (…, out)."""

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.a = nn.Parameter(torch.empty(rank, linear.in_features))
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        change = nn.functional.linear(nn.functional.linear(x, self.a), self.b)
        return torch.add(self.linear(x), change, alpha=ALPHA)


class Writer(nn.Module):
    """``model`` (a ``LlamaForCausalLM``), frozen but for what ``method`` trains from ``first`` on."""

    def __init__(self, model: Any, method: str = "lora", rank: int = RANK, first: int = FIRST_LAYER) -> None:
        super().__init__()
        if method not in METHODS:
            raise ValueError(f"'{method}' is no way of training; use {' or '.join(METHODS)}")
        self.model, self.method = model, method
        self.model.requires_grad_(False)
        self._low: dict[str, LowRank] = {}
        self._whole: dict[str, nn.Linear] = {}
        for number, layer in enumerate(self.model.model.layers):
            for part in PARTS if number >= first else ():
                holder, _, leaf = MODULES[part].rpartition(".")
                parent = layer.get_submodule(holder)
                linear = getattr(parent, leaf)
                if method == "all":
                    self._whole[f"blk.{number}.{part}"] = linear.requires_grad_(True)
                else:
                    setattr(parent, leaf, change := LowRank(linear, rank))
                    self._low[f"blk.{number}.{part}"] = change
        self._before = {name: linear.weight.detach().clone() for name, linear in self._whole.items()}

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

    def low_rank(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """A (rank, in) and B (out, rank) of every changed layer, by its name in a GGUF; empty for ``all``."""
        return {name: (c.a.detach().cpu(), c.b.detach().cpu()) for name, c in self._low.items()}

    def begin_with(self, tensors: Mapping[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Take over what :meth:`low_rank` gave. Raises ``ValueError`` where it is of another rank or other layers."""
        mine = {name: (c.a.shape, c.b.shape) for name, c in self._low.items()}
        if mine != {name: (a.shape, b.shape) for name, (a, b) in tensors.items()}:
            raise ValueError("the adapter to begin with is of another rank or other layers, or the method is not lora")
        for name, (a, b) in tensors.items():
            self._low[name].a.data.copy_(a)
            self._low[name].b.data.copy_(b)

    def change(self) -> dict[str, torch.Tensor]:
        """How far every trained matrix (out, in) has moved, by its name in a GGUF; empty for ``lora``."""
        now = {name: linear.weight.detach().cpu() for name, linear in self._whole.items()}
        return {name: weight - self._before[name].cpu() for name, weight in now.items()}

    def trained(self) -> dict[str, nn.Parameter]:
        """What the optimiser changes, by its name here."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Take over values of :meth:`trained`."""
        for name, parameter in self.trained().items():
            parameter.data.copy_(state[name])
