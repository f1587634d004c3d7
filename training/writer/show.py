"""Examples to read before any training: ``python -m training.writer.show --examples build/writer-cpu/train.jsonl``."""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path


def main() -> int:
    """Print some at random, the same for the same seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=Path, required=True)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--of", help="a source: these alone")
    options = parser.parse_args()
    records = [json.loads(line) for line in options.examples.read_text(encoding="utf-8").splitlines()]
    records = [r for r in records if options.of in (None, r["source"])]
    for record in random.Random(options.seed).sample(records, min(options.count, len(records))):
        print(f"--- {record['source']}\n{record['prompt'][-1]['content']}\n=> {record['answer']}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
