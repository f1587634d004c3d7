"""The network of the support checker: MiniLM reads claim and evidence at once, a small head compares the two.

The head sees how alike the means over the claim's and the evidence's tokens are, and how well each token of the
claim finds one like it in the evidence (greedy matching; Zhang et al. 2020, 'BERTScore'): on average, and at worst.
Those three figures mean something before any training. What else the means tell (difference and
product; InferSent, Conneau et al. 2017) comes on top of them, at first with no weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from rag.encoding.packaged_weights import verified_weights

MAX_TOKENS = 112
FROZEN_LAYERS = 4  # word vectors and the lower layers stay as they are, so what they give is computed once per pair
_HIDDEN = 128
_SHARPNESS = 5.0  # how much the worst matches outweigh the others
_MIDDLE, _SCALE = 0.7, 5.0  # so that the three figures vary around zero by about one


class SupportNetwork(torch.nn.Module):
    """Token ids (batch x tokens, int64) to logits (batch x 1)."""

    def __init__(self) -> None:
        super().__init__()
        from transformers import BertModel

        trunk = BertModel.from_pretrained(verified_weights(), add_pooling_layer=False, attn_implementation="eager")
        self.embeddings = trunk.embeddings
        self.frozen = trunk.encoder.layer[:FROZEN_LAYERS]
        self.layers = trunk.encoder.layer[FROZEN_LAYERS:]
        size = trunk.config.hidden_size
        self.matching = torch.nn.Linear(3, 1)
        self.meaning = torch.nn.Sequential(
            torch.nn.Dropout(0.1), torch.nn.Linear(2 * size, _HIDDEN), torch.nn.GELU(), torch.nn.Linear(_HIDDEN, 1)
        )
        torch.nn.init.ones_(self.matching.weight)
        torch.nn.init.zeros_(self.matching.bias)
        torch.nn.init.zeros_(self.meaning[-1].weight)
        torch.nn.init.zeros_(self.meaning[-1].bias)
        self.embeddings.requires_grad_(False)
        self.frozen.requires_grad_(False)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        return self.upper(self.lower(input_ids, attention_mask, token_type_ids), attention_mask, token_type_ids)

    def lower(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """States of all tokens behind the layers that are not trained."""
        states = self.embeddings(input_ids=input_ids, token_type_ids=token_type_ids)
        for layer in self.frozen:
            states = _states(layer(states, attention_mask=_hidden_from(attention_mask)))
        return states

    def upper(self, states: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
        """Logits from what :meth:`lower` gave."""
        for layer in self.layers:
            states = _states(layer(states, attention_mask=_hidden_from(attention_mask)))
        second = (attention_mask * token_type_ids).to(states.dtype)
        first = attention_mask.to(states.dtype) - second
        claim = (states * first.unsqueeze(-1)).sum(1) / first.sum(1, keepdim=True)
        held = (states * second.unsqueeze(-1)).sum(1) / second.sum(1, keepdim=True)
        unit = states / states.norm(dim=-1, keepdim=True)
        nearest = (torch.matmul(unit, unit.transpose(1, 2)) - 2 * (1 - second).unsqueeze(1)).max(dim=2).values
        average = (nearest * first).sum(1) / first.sum(1)
        worst = -torch.log((torch.exp(-_SHARPNESS * nearest) * first).sum(1) / first.sum(1)) / _SHARPNESS
        alike = (claim * held).sum(1) / (claim.norm(dim=-1) * held.norm(dim=-1))
        figures = torch.stack([alike, average, worst], dim=1)
        logits: torch.Tensor = self.matching((figures - _MIDDLE) * _SCALE)
        return logits + self.meaning(torch.cat([(claim - held).abs(), claim * held], dim=-1))

    def head(self) -> list[torch.nn.Parameter]:
        """What is new on top of MiniLM."""
        return [*self.matching.parameters(), *self.meaning.parameters()]


def _hidden_from(attention_mask: torch.Tensor) -> torch.Tensor:
    """What is added to attention scores: far below zero where a token is padding."""
    return (1.0 - attention_mask[:, None, None, :].to(torch.float32)) * -1e9


def _states(output: Any) -> torch.Tensor:
    states: torch.Tensor = output[0] if isinstance(output, tuple) else output
    return states


def tokenizer() -> Any:
    """The tokenizer that reads pairs when a question is asked, without padding."""
    from rag.encoding.onnx_encoder import pair_tokenizer

    return pair_tokenizer(MAX_TOKENS)


def collate(entries: Sequence[Any]) -> dict[str, torch.Tensor]:
    """Encoded pairs to tensors, padded to the longest."""
    longest = max(len(e.ids) for e in entries)
    rows = {"input_ids": [], "attention_mask": [], "token_type_ids": []}
    for entry in entries:
        fill = [0] * (longest - len(entry.ids))
        rows["input_ids"].append(list(entry.ids) + fill)
        rows["attention_mask"].append([1] * len(entry.ids) + fill)
        rows["token_type_ids"].append(list(entry.type_ids) + fill)
    return {name: torch.tensor(values, dtype=torch.long) for name, values in rows.items()}
