"""A change of whole matrices cut down to one of low rank, which an adapter can hold.

    python -m training.writer.cut --change build/writer/all/change.pt --rank 32 --out build/writer/all/adapter.pt

Of every matrix the largest singular values stay: no other matrix of that rank is nearer to it (Eckart and Young 1936,
'The approximation of one matrix by another of lower rank'). Says which share of the change is kept, as the sum of
squares over all matrices. Needs torch alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch

RANK = 32


def cut(change: Mapping[str, torch.Tensor], rank: int) -> tuple[dict[str, tuple[torch.Tensor, torch.Tensor]], float]:
    """A (rank, in) and B (out, rank) for each matrix (out, in), B A being near to it; and the share kept, 0..1."""
    tensors: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    kept = total = 0.0
    for name, matrix in change.items():
        left, values, right = torch.linalg.svd(matrix.float(), full_matrices=False)
        # The root of each value goes to either side, so that both stay within the range of float16.
        root = values[:rank].sqrt()
        tensors[name] = ((root[:, None] * right[:rank]).contiguous(), (left[:, :rank] * root).contiguous())
        kept, total = kept + float((values[:rank] ** 2).sum()), total + float((values**2).sum())
    return tensors, kept / total if total else 0.0


def save(tensors: Mapping[str, tuple[torch.Tensor, torch.Tensor]], alpha: float, path: Path) -> None:
    """The adapter as ``training.writer.export`` reads it; the change is ``alpha`` B A."""
    rank = min((a.shape[0] for a, _ in tensors.values()), default=0)
    torch.save({"alpha": alpha * rank, "rank": rank, "tensors": dict(tensors)}, path)


def main() -> int:
    """Cut; say what is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--change", type=Path, required=True)
    parser.add_argument("--rank", type=int, default=RANK)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    tensors, share = cut(torch.load(options.change, weights_only=True, map_location="cpu"), options.rank)
    save(tensors, 1.0, options.out)
    print(f"{options.out}: rank {options.rank} keeps {share:.3f} of the change")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
