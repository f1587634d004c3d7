"""The writer's training data as tokens, in one small folder, with the packaged model beside it.

    python -m training.writer.shards --examples build/writer --out build/writer

Makes ``shards/`` (``train-00.npz``, …, ``heldout-00.npz``, ``about.json``; at most 60 MB) and ``model.npz``, the bytes
of the packaged GGUF. That file has 98 MB, more than the folder may have, so it travels beside it. Training needs these
two and Python with torch and transformers, no network and nothing else of this project's packages, so it can run on
another machine than the one that made them.

A shard holds the token ids of its examples one behind the other (uint16: there are 49,152 pieces), and for each its
length and where its answer begins; everything before that is prompt, in the model's own chat template.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LONGEST = 512  # tokens; longer examples are left out
EXAMPLES = 4096  # in a shard
LARGEST = 60_000_000  # bytes of the folder
SPLITS = ("train", "heldout")


@dataclass(frozen=True)
class Tokens:
    """One example; the answer begins at ``answer``."""

    ids: tuple[int, ...]
    answer: int


def tokenised(path: Path, pieces: Any) -> list[Tokens]:
    """The examples of a file as tokens, the answer closed by its end of turn."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        prompt = pieces.apply_chat_template(record["prompt"], tokenize=False, add_generation_prompt=True)
        head = pieces(prompt, add_special_tokens=False)["input_ids"]
        tail = pieces(record["answer"] + "<|im_end|>", add_special_tokens=False)["input_ids"]
        if len(head) + len(tail) <= LONGEST:
            found.append(Tokens((*head, *tail), len(head)))
    return found


def write(folder: Path, split: str, examples: Sequence[Tokens]) -> None:
    """The shards of ``split``; those of an earlier run go."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{split}-*.npz"):
        old.unlink()
    for number, start in enumerate(range(0, len(examples), EXAMPLES)):
        part = examples[start : start + EXAMPLES]
        np.savez_compressed(
            folder / f"{split}-{number:02}.npz",
            ids=np.array([i for e in part for i in e.ids], np.uint16),
            lengths=np.array([len(e.ids) for e in part], np.uint16),
            answers=np.array([e.answer for e in part], np.uint16),
        )


def read(folder: Path, split: str) -> list[Tokens]:
    """The examples of ``split`` in their order. Raises ``FileNotFoundError`` where there are none."""
    found: list[Tokens] = []
    paths = sorted(folder.glob(f"{split}-*.npz"))
    if not paths:
        raise FileNotFoundError(
            f"There are no shards {split}-*.npz in {folder}. Make them with training.writer.shards."
        )
    for path in paths:
        with np.load(path, allow_pickle=False) as stored:
            ends = np.cumsum(stored["lengths"].astype(np.int64))
            for ids, answer in zip(np.split(stored["ids"], ends[:-1]), stored["answers"], strict=True):
                found.append(Tokens(tuple(ids.tolist()), int(answer)))
    return found


def main() -> int:
    """Make both; say how large they are."""
    # Not at the top: a machine that only trains imports this module too.
    from rag.generation.models.bundled import packaged_model
    from training.writer import packaged

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    source = packaged_model()
    if source is None:
        raise SystemExit("The packaged model is not installed. Run 'make install'.")
    folder, pieces, about = options.out / "shards", packaged.read_tokenizer(source), {}
    for split in SPLITS:
        examples = tokenised(options.examples / f"{split}.jsonl", pieces)
        write(folder, split, examples)
        about[split] = {"examples": len(examples), "tokens": sum(len(e.ids) for e in examples)}
    model = packaged.read(source)
    model.save(options.out / "model.npz")
    record = {"model_sha256": model.sha256, **about}
    (folder / "about.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.iterdir())
    if size > LARGEST:
        raise SystemExit(f"{folder} has {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}. Look at fewer questions.")
    print(
        f"{folder}: {about}, {size / 1e6:.1f} MB; model.npz {(options.out / 'model.npz').stat().st_size / 1e6:.1f} MB"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
