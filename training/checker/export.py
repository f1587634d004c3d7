r"""The trained network as one int8 ONNX file with its vocabulary, its temperature and its thresholds in it.

    python -m training.checker.export --weights build/checker/run/model.pt --pairs build/checker \
        --out models/checker.onnx

Weights are quantised per output channel, vectors of words per word, activations per call; the
few channels in which MPNet's activations are up to a hundred times as large as elsewhere are multiplied apart (Dettmers
et al. 2022, 'LLM.int8()', https://arxiv.org/abs/2208.07339), or the rest would be rounded away. The temperature and the
thresholds are chosen on the pairs held out from training, judged by the int8 file itself, one by one: one threshold of
the probability splits the two best, one refuses ``REFUSED`` of what is not borne out; the higher is 'supported', the
lower 'weak'. 'contradicted' is that from which nine in ten that are called so are. Says how far quantisation moved the
AUC.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from rag.verification.entailment import ClaimReader, EntailmentNetwork, softmax
from training.checker.measure import auc, opened, sides
from training.checker.network import LABELS, Network
from training.checker.restore import restored
from training.checker.train import Example, examples, supported

REFUSED = 0.8  # of the held-out claims that are not borne out
APART = 6  # channels of an input that are multiplied in full precision
PARTED = ("up", "down")
SAMPLE = 500  # one in so many training pairs tells which
PRECISION = 0.9  # of those called contradicted
_SEVEN_BITS = True  # processors without VNNI overflow at eight


class Rows(torch.nn.Module):
    """A table of vectors in eight bits with a scale for each row; ids (any shape) to vectors."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        scale = table.abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127
        self.register_buffer("table", (table / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.table[ids].to(torch.float32) * self.scale[ids]


class Parted(torch.nn.Module):
    """A linear layer (..., in) to (..., out) whose channels ``at`` are multiplied apart, to stay as they are."""

    def __init__(self, linear: torch.nn.Linear, at: torch.Tensor) -> None:
        super().__init__()
        weight = linear.weight.detach().t().clone()
        shown = torch.ones(len(weight))
        shown[at] = 0.0
        for name, value in (("at", at), ("apart", weight[at]), ("shown", shown), ("rest", weight * shown[:, None])):
            self.register_buffer(name, value)
        self.register_buffer("bias", linear.bias.detach())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * self.shown) @ self.rest + (x.index_select(-1, self.at) @ self.apart + self.bias)


def largest(network: Network, sample: Sequence[Example]) -> dict[tuple[int, str], torch.Tensor]:
    """By layer and name of a product, the ``APART`` channels of its input with the largest values in ``sample``."""
    seen: dict[tuple[int, str], torch.Tensor] = {}
    hooks = []
    for at, layer in enumerate(network.layers):
        for name in PARTED:

            def hook(_: torch.nn.Module, given: tuple[torch.Tensor], key: tuple[int, str] = (at, name)) -> None:
                top = given[0].abs().amax((0, 1))
                seen[key] = torch.maximum(seen.get(key, top), top)

            hooks.append(getattr(layer, name).register_forward_pre_hook(hook))
    with torch.inference_mode():
        for one in sample:
            network(torch.tensor([one.ids]), torch.ones(1, len(one.ids), dtype=torch.long))
    for one_hook in hooks:
        one_hook.remove()
    return {key: top.topk(APART).indices.clone() for key, top in seen.items()}


def prepared(network: Network, sample: Sequence[Example]) -> Network:
    """The network with a table of eight bits and parted products. The one that is given is not usable afterwards."""
    network.eval()
    for (at, name), channels in largest(network, sample).items():
        setattr(network.layers[at], name, Parted(getattr(network.layers[at], name), channels))
    network.words = Rows(network.words.weight.detach())
    return network


def write(network: Network, pieces: Sequence[str], out: Path, seven_bits: bool = _SEVEN_BITS) -> None:
    """The int8 file of a prepared network, without thresholds."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    ids = torch.randint(4, len(pieces), (2, 24), generator=torch.Generator().manual_seed(0))
    names = ["input_ids", "attention_mask"]
    with tempfile.TemporaryDirectory() as folder:
        plain, ready, small = (Path(folder) / f"{name}.onnx" for name in ("plain", "ready", "small"))
        torch.onnx.export(
            network, (ids, torch.ones_like(ids)), str(plain), input_names=names, output_names=["logits"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names}, opset_version=17, dynamo=False,
        )  # fmt: skip
        quant_pre_process(plain, ready, skip_symbolic_shape=True)
        graph = onnx.load(ready).graph
        thin = {i.name for i in graph.initializer if len(i.dims) == 2 and i.dims[0] == APART}
        quantize_dynamic(
            ready, small, op_types_to_quantize=["MatMul", "Gemm"], weight_type=QuantType.QInt8,
            per_channel=True, reduce_range=seven_bits, extra_options={"MatMulConstBOnly": True},
            nodes_to_exclude=[node.name for node in graph.node if thin & set(node.input)],
        )  # fmt: skip
        model = onnx.load(small)
    onnx.helper.set_model_props(model, {"pieces": "\n".join(pieces), "labels": "\n".join(LABELS)})
    out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, out)


def set_props(path: Path, props: dict[str, str]) -> str:
    """Add ``props`` to the file's own and give its SHA-256."""
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, {p.key: p.value for p in model.metadata_props} | props)
    onnx.save(model, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def temperature(logits: Sequence[Sequence[float]], labels: Sequence[int]) -> float:
    """What to divide logits by, so that the labels are least surprising (Guo et al. 2017)."""

    def surprise(divisor: float) -> float:
        return -sum(math.log(max(1e-9, softmax(row, divisor)[at])) for row, at in zip(logits, labels, strict=True))

    return min((round(0.5 + 0.05 * step, 2) for step in range(60)), key=surprise)


def chosen(odds: Sequence[Sequence[float]], labels: Sequence[int]) -> dict[str, float]:
    """The three thresholds; ``odds`` are probabilities in the order of ``LABELS``."""
    names = [LABELS[at] for at in labels]
    scores = [row[0] for row in odds]
    cuts = [round((a + b) / 2, 4) for a, b in itertools.pairwise(sorted(scores))]
    weak = max(cuts, key=lambda cut: sum(sides(scores, names, cut)))
    sure = min((cut for cut in cuts if sides(scores, names, cut)[1] >= REFUSED), default=weak)
    against = sorted(row[1] for row in odds)

    def right(cut: float) -> float:
        told = [name == "contradicted" for row, name in zip(odds, names, strict=True) if row[1] >= cut]
        return sum(told) / max(1, len(told))

    denied = next((round(cut, 4) for cut in against if cut >= 0.3 and right(cut) >= PRECISION), 0.9)
    return {"supported": max(sure, weak), "weak": min(sure, weak), "contradicted": denied}


def mean(state: dict[str, torch.Tensor], older: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The mean of a network's weights and of those that it was taught further from.

    It keeps more of what was known before (Wortsman et al. 2022, 'Model soups', https://arxiv.org/abs/2203.05482).
    What both have in another shape, the vectors of positions, stays that of ``state``.
    """
    return {
        name: (value + older[name]) / 2 if older[name].shape == value.shape else value for name, value in state.items()
    }


def judged(model: EntailmentNetwork, held_out: Sequence[Example]) -> list[list[float]]:
    """Logits of the int8 network for every example."""
    return [model.logits(one.ids) for one in held_out]


def _auc(logits: Sequence[Sequence[float]], held_out: Sequence[Example]) -> float:
    scores = [(softmax(row)[0], one.label == 0) for row, one in zip(logits, held_out, strict=True)]
    return auc([x for x, yes in scores if yes], [x for x, yes in scores if not yes])


def main() -> int:
    """Export, calibrate, choose; say the size, the figures and the SHA-256."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("weights", "pairs", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--mean-with", type=Path, help="an exported file: the mean of its weights and these")
    parser.add_argument("--eight-bits", action="store_true", help="weights of eight bits; needs VNNI")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pieces = (options.pairs / "pieces.txt").read_text(encoding="utf-8").split("\n")[:-1]
    network = Network(len(pieces))
    state = torch.load(options.weights, weights_only=True)
    network.load_state_dict(mean(state, restored(options.mean_with)) if options.mean_with else state)
    held_out = examples(options.pairs / "heldout.jsonl", ClaimReader(pieces))
    plain = supported(network, held_out)
    sample = examples(options.pairs / "train.jsonl", ClaimReader(pieces), every=SAMPLE)
    write(prepared(network, sample), pieces, options.out, not options.eight_bits)
    logits = judged(opened(options.out, options.threads), held_out)
    print(f"AUC of the held-out pairs: {_auc(plain, held_out):.4f}, int8 {_auc(logits, held_out):.4f}")
    labels = [one.label for one in held_out]
    divisor = temperature(logits, labels)
    thresholds = chosen([softmax(row, divisor) for row in logits], labels)
    sha256 = set_props(options.out, {"temperature": str(divisor), "thresholds": json.dumps(thresholds)})
    for name in sorted({one.set for one in held_out}):
        mine = [i for i, one in enumerate(held_out) if one.set == name]
        print(f"  {name}: AUC {_auc([logits[i] for i in mine], [held_out[i] for i in mine]):.3f}")
    print(f"{len(labels)} held out, temperature {divisor}, thresholds {thresholds}")
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB, sha256 {sha256}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
