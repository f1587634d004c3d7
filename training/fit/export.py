"""The trained judgement of papers as an int8 ONNX file whose first logit is calibrated.

    python -m training.fit.export --folder build/fit/network --out models/fit.onnx

Slope and bias of the calibration are put into the head, so that what the file says of a paper are log-odds. Says the
SHA-256 to put into ``rag/evidence/fitting.py``, and how far the logits of the file are from the network's.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from rag.encoding.onnx_encoder import Network as Exported
from rag.encoding.onnx_encoder import token_logits
from rag.evidence.fitting import encode
from training.pruning.export import export
from training.pruning.train import Network

_SAMPLE = (
    "Who has counted crabs at night, and how?",
    "MothEar: counting animals on beaches without light",
    [
        "Counting animals is a central task of ecology.",
        "The authors present MothEar, a counter of animals for beaches without light.",
        "It counts 31 of 40 crabs at night, with an error of 2.5%.",
    ],
)


def calibrated(network: Network, slope: float, bias: float) -> Network:
    """``network`` with the first logit x replaced by slope * x + bias."""
    with torch.no_grad():
        network.head.weight[0] *= slope
        network.head.bias[0] = network.head.bias[0] * slope + bias
    return network


def main() -> int:
    """Export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    network = Network(attention="eager")
    network.load_state_dict(torch.load(options.folder / "model.pt", weights_only=True))
    fitted = json.loads((options.folder / "calibration.json").read_text(encoding="utf-8"))
    calibrated(network.eval(), fitted["slope"], fitted["bias"])
    sha256 = export(network, options.out)
    read = encode(*_SAMPLE)
    with torch.inference_mode():
        ids, kinds = (torch.tensor([row]) for row in (read.ids, read.kinds))
        wanted = network(ids, torch.ones_like(ids), kinds)[0]
    said = token_logits(Exported(options.out, sha256), read.ids, read.kinds)
    places = [0, *read.heads]
    apart = float((torch.from_numpy(said) - wanted)[places].abs().max())
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB, sha256 {sha256}; logits {apart:.2f} apart")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
