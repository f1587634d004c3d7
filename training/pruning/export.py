"""The trained network as an int8 ONNX file, and how far its judgements are from the network's own.

python -m training.pruning.export --weights build/pruning/model.pt --out models/pruning.onnx
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from rag.encoding.onnx_encoder import Network as Exported
from rag.evidence.pruning import Encoded, encode
from training.pruning.train import Network
from training.support.export import export

_SAMPLE = (
    "How many crabs does MothEar count at night, and how well?",
    [
        (1, "MothEar counts 31 of 40 crabs at night, with an error of 2.5%."),
        (1, "The authors present MothEar, a counter of animals for beaches without light."),
        (2, "Counting animals is a central task of ecology."),
    ],
)


def furthest(network: torch.nn.Module, exported: Exported, read: Encoded) -> float:
    """The largest difference between the logits of the two."""
    ids, kinds = (torch.tensor([row]) for row in (read.ids, read.kinds))
    with torch.inference_mode():
        wanted = network(ids, torch.ones_like(ids), kinds)[0]
    return float((torch.from_numpy(exported.logits(read.ids, read.kinds)[0]) - wanted).abs().max())


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
