"""Teach MiniLM to say which sentence answers a question.

    python -m training.reranker.train --lists build/reranker --out build/reranker/model --steps 3000

A cross-encoder (Nogueira and Cho 2019, 'Passage Re-ranking with BERT') that starts from the packaged all-MiniLM-L6-v2:
question and sentence go through the network together, the mean of the token vectors through one linear layer. The loss
is a softmax over one right and several wrong sentences of a question (ListNet, Cao et al. 2007). Word vectors and the
two lowest layers stay as they are, which saves a third of the time and forgets less.

The rate rises, stays, and falls over the last third (or as soon as a file ``finish`` stands in ``--out``). Goes on
from its last checkpoint; seeded. About 2,000 word pieces a second on two cores without AVX-512.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModel

from rag.encoders import verified_weights

QUESTIONS = 8  # a step
WRONG = 4  # sentences a question
LONGEST = 80  # word pieces of a pair; the sentence is cut
BUCKET = 12  # pairs a forward pass, of like length
RATE, WARM_UP, FALL = 5e-5, 100, 1 / 3
SHARES = {"scitldr": 0.3}  # of the questions of a source that are used; summaries are no questions


class CrossEncoder(nn.Module):
    """Word pieces of pairs → one figure each, the higher the better the answer."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.trunk = AutoModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="sdpa")
        self.head = nn.Linear(self.trunk.config.hidden_size, 1)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor) -> Any:
        """All of shape ``(pairs, longest)``, int64; returns ``(pairs,)``."""
        hidden = self.trunk(input_ids, attention_mask, token_type_ids).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(1) / mask.sum(1)
        return self.head(pooled).squeeze(-1)

    def freeze(self, layers: int = 2) -> None:
        """Keep the word vectors and the lowest ``layers`` as they are."""
        for part in (self.trunk.embeddings, *self.trunk.encoder.layer[:layers]):
            part.requires_grad_(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    folder = verified_weights()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST, strategy="longest_first")
    model = CrossEncoder(folder)
    model.freeze()
    train = _read(args.lists / "train.jsonl", random.Random(args.seed))
    held_out = _read(args.lists / "held_out.jsonl", random.Random(args.seed))[:150]
    args.out.mkdir(parents=True, exist_ok=True)
    _train(model, tokenizer, train, held_out, args)


def _train(model: CrossEncoder, tokenizer: Tokenizer, train: list[Any], held_out: list[Any], args: Any) -> None:
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=0.01)
    checkpoint, finish = args.out / "checkpoint.pt", args.out / "finish"
    step, end = 0, args.steps
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    losses: list[float] = []
    begun, pieces = time.monotonic(), 0
    model.train()
    while step < end:
        rng = random.Random(args.seed * 1_000_003 + step)  # the same lists whether resumed or not
        lists = [train[i] for i in _places(step, len(train), args.seed)]
        pairs = [p for line in lists for p in _pairs(line, rng)]
        torch.manual_seed(args.seed * 1_000_003 + step)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / WARM_UP, (end - step) / (end * FALL))
        scores, count = _scores(model, tokenizer, pairs)
        loss = nn.functional.cross_entropy(scores.view(QUESTIONS, 1 + WRONG), torch.zeros(QUESTIONS, dtype=torch.long))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        pieces += count
        step += 1
        if finish.exists() and step < end * (1 - FALL):
            end = int(step / (1 - FALL))
        if step % 50 == 0:
            rate = pieces / (time.monotonic() - begun)
            print(f"step {step}/{end} loss {sum(losses[-50:]) / 50:.3f} {rate:.0f} pieces/s", flush=True)
        if step % 100 == 0 or step == end:
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, checkpoint)
        if step % 500 == 0 or step == end:
            print(f"step {step} right first, held out: {_right_first(model, tokenizer, held_out)}", flush=True)
            model.train()


def _places(step: int, count: int, seed: int) -> list[int]:
    """Which lists a step reads: every list once before any comes again."""
    places = []
    for at in range(step * QUESTIONS, (step + 1) * QUESTIONS):
        order = list(range(count))
        random.Random(seed + at // count).shuffle(order)
        places.append(order[at % count])
    return places


def _pairs(line: dict[str, Any], rng: random.Random) -> list[tuple[str, str]]:
    """The right sentence, then ``WRONG`` others, half of them among the hardest."""
    wrong = line["wrong"]
    hard = wrong[: WRONG + 2]
    chosen = rng.sample(hard, min(len(hard), WRONG - 2))
    rest = [s for s in wrong if s not in chosen]
    chosen += rng.sample(rest, min(len(rest), WRONG - len(chosen)))
    while len(chosen) < WRONG:
        chosen.append(rng.choice(wrong))
    return [(line["question"], s) for s in (rng.choice(line["right"]), *chosen)]


def _scores(model: CrossEncoder, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]]) -> tuple[torch.Tensor, int]:
    """Figures in the order of the pairs, shape ``(pairs,)``, and the word pieces read."""
    encoded = tokenizer.encode_batch([tuple(p) for p in pairs])
    order = sorted(range(len(pairs)), key=lambda i: len(encoded[i].ids))
    scores: list[torch.Tensor] = []
    for begin in range(0, len(order), BUCKET):
        rows = [encoded[i] for i in order[begin : begin + BUCKET]]
        longest = max(len(r.ids) for r in rows)
        ids, mask, types = (
            torch.tensor([getattr(r, name) + [0] * (longest - len(r.ids)) for r in rows])
            for name in ("ids", "attention_mask", "type_ids")
        )
        scores.append(model(ids, mask, types))
    place = torch.empty(len(order), dtype=torch.long)
    place[torch.tensor(order)] = torch.arange(len(order))
    return torch.cat(scores)[place], sum(len(e.ids) for e in encoded)


@torch.inference_mode()
def _right_first(model: CrossEncoder, tokenizer: Tokenizer, lists: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The share of questions whose right sentence scores above all wrong ones, by source and over all."""
    model.eval()
    found: dict[str, list[bool]] = {}
    for line in lists:
        scores, _ = _scores(model, tokenizer, [(line["question"], s) for s in (*line["right"], *line["wrong"])])
        right = len(line["right"])
        found.setdefault(line["source"], []).append(bool(scores[:right].max() > scores[right:].max()))
    everything = [x for values in found.values() for x in values]
    return {n: round(sum(v) / len(v), 3) for n, v in sorted({**found, "all": everything}.items())}


def _read(path: Path, rng: random.Random) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return [line for line in lines if rng.random() < SHARES.get(line["source"], 1.0)]


if __name__ == "__main__":
    main()
