"""The trained network as an int8 ONNX file, and how far its judgements are from the network's own.

python -m training.pruning.export --weights build/pruning/model.pt --out models/pruning.onnx
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch

from rag.encoding.onnx_encoder import Network as Exported
from rag.encoding.onnx_encoder import token_logits
from rag.evidence.pruning import Encoded, encode
from rag.system.hashing import sha256_of
from training.pruning.train import Network

_SAMPLE = (
    "How many crabs does MothEar count at night, and how well?",
    [
        (1, "MothEar counts 31 of 40 crabs at night, with an error of 2.5%."),
        (1, "The authors present MothEar, a counter of animals for beaches without light."),
        (2, "Counting animals is a central task of ecology."),
    ],
)


def export(network: torch.nn.Module, out: Path) -> str:
    """Write ``out`` and give its SHA-256; ``network`` is one of MiniLM's layers and takes its three inputs."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer

    network.eval()
    ids = torch.randint(1000, 20_000, (2, 24), generator=torch.Generator().manual_seed(0))
    kinds = torch.cat([torch.zeros(2, 12, dtype=torch.long), torch.ones(2, 12, dtype=torch.long)], dim=1)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    with tempfile.TemporaryDirectory() as folder:
        plain, fused = Path(folder) / "plain.onnx", Path(folder) / "fused.onnx"
        torch.onnx.export(
            network, (ids, torch.ones_like(ids), kinds), str(plain), input_names=names, output_names=["logits"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names}, opset_version=17, dynamo=False,
        )  # fmt: skip
        model = optimizer.optimize_model(str(plain), "bert", num_heads=12, hidden_size=384, opt_level=0)
        model.save_model_to_file(str(fused))
        out.parent.mkdir(parents=True, exist_ok=True)
        quantize_dynamic(
            fused, out, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
            extra_options={"DefaultTensorType": 1},
        )  # fmt: skip
    return sha256_of(out)


def furthest(network: torch.nn.Module, exported: Exported, read: Encoded) -> float:
    """The largest difference between the logits of the two."""
    ids, kinds = (torch.tensor([row]) for row in (read.ids, read.kinds))
    with torch.inference_mode():
        wanted = network(ids, torch.ones_like(ids), kinds)[0]
    return float((torch.from_numpy(token_logits(exported, read.ids, read.kinds)) - wanted).abs().max())


def main() -> int:
    """Export; say the size, the SHA-256 to put into ``rag/evidence/pruning.py``, and the difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    network = Network(attention="eager")
    network.load_state_dict(torch.load(options.weights, weights_only=True))
    sha256 = export(network.eval(), options.out)
    difference = furthest(network, Exported(options.out, sha256), encode(*_SAMPLE))
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB, sha256 {sha256}; logits {difference:.2f} apart")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
