"""The taught network as an int8 ONNX file of 23 MB.

    python -m training.reranker.export --model build/reranker/model/checkpoint.pt --out build/reranker.onnx

Weights are quantised to 8 bits, activations while it runs (onnxruntime's dynamic quantisation, per channel). Prints
its SHA-256, and how far the logits of a few pairs moved.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from rag.encoders import weights_folder
from rag.onnx_encoder import PairScorer
from training.reranker.train import LONGEST, CrossEncoder

_PAIRS = (
    ("What is it trained on?", "We train it on 375 million noisily labelled images."),
    ("What is it trained on?", "The code is available."),
    ("How many terms does the loss have?", "The training objective has four terms."),
    ("How many terms does the loss have?", "Deep networks are widely used."),
    ("Why does it fail?", "The reason is that the attention matrix is always right stochastic."),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    model = CrossEncoder(weights_folder())
    model.load_state_dict(torch.load(args.model, weights_only=True)["model"])
    model.eval()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "full.onnx"
        _write(model, full)
        quantize_dynamic(full, args.out, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
        exact = PairScorer(full, _sha256(full), max_tokens=LONGEST).score(_PAIRS)
    digest = _sha256(args.out)
    quantised = PairScorer(args.out, digest, max_tokens=LONGEST).score(_PAIRS)
    for pair, before, after in zip(_PAIRS, exact, quantised, strict=True):
        print(f"{before:7.3f} {after:7.3f}  {pair[0]} | {pair[1]}")
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB, SHA-256 {digest}")


def _write(model: CrossEncoder, path: Path) -> None:
    ids = torch.ones((2, 8), dtype=torch.long)
    axes = {0: "pairs", 1: "pieces"}
    torch.onnx.export(
        model, (ids, ids, torch.zeros_like(ids)), path, dynamo=False, opset_version=17,
        input_names=["input_ids", "attention_mask", "token_type_ids"], output_names=["logit"],
        dynamic_axes={"input_ids": axes, "attention_mask": axes, "token_type_ids": axes, "logit": {0: "pairs"}},
    )  # fmt: skip


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
