r"""The word pieces that the entailment network keeps: the most frequent in abstracts and in what it learns from.

    python -m training.checker.vocabulary --base build/all-mpnet-base-v2 --data ../shared/data \
        --pairs build/checker --out build/checker/pieces.txt

Marks and single characters are kept whatever their frequency, so that any word can still be spelt.
"""

from __future__ import annotations

import argparse
import json
import lzma
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from rag.verification.entailment import ClaimReader
from training.checker.network import SPECIAL
from training.checker.public import lines

SIZE = 20_000
ARXIV, STEP = 12_000, 14  # abstracts, and one in how many


def texts(data: Path, pairs: Path) -> Iterator[str]:
    """What the pieces are counted over."""
    with lzma.open(data / "arxiv" / "cs_abstracts.jsonl.xz", "rt", encoding="utf-8") as file:
        for line in islice(file, 0, ARXIV * STEP, STEP):
            yield json.loads(line)["text"]
    for name in ("pubmedqa", "scifact"):
        yield from (r["text"] for r in lines(data / "collections" / name / "corpus.jsonl"))
    for r in lines(pairs / "train.jsonl"):
        yield f"{r['claim']} {r['source']}"


def chosen(pieces: list[str], counts: Counter[str], size: int) -> list[str]:
    """Marks first, then ``size`` pieces in all in the order of ``pieces``."""
    single = [p for p in pieces if len(p.removeprefix("##")) == 1 and p not in SPECIAL]
    left = [p for p in pieces if p not in SPECIAL and p not in set(single) and counts[p]]
    often = sorted(left, key=lambda p: (-counts[p], p))[: size - len(SPECIAL) - len(single)]
    kept = set(single) | set(often)
    return [*SPECIAL, *(p for p in pieces if p in kept)]


def main() -> int:
    """Count, choose, write; say what share of the pieces read is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("base", "data", "pairs", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--size", type=int, default=SIZE)
    options = parser.parse_args()
    pieces = (options.base / "vocab.txt").read_text(encoding="utf-8").splitlines()
    reader, counts = ClaimReader(pieces), Counter[str]()
    for text in texts(options.data, options.pairs):
        counts.update(pieces[at] for at in reader.ids(text))
    kept = chosen(pieces, counts, options.size)
    options.out.write_text("\n".join(kept) + "\n", encoding="utf-8")
    share = sum(counts[p] for p in kept) / counts.total()
    print(
        f"{len(kept)} of {len(pieces)} pieces, {share:.2%} of those read; rarest {min(counts[p] for p in kept[-500:])}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
