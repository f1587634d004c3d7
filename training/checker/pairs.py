"""Claims written for this checker: the writers' plain files to ``pairs.jsonl``, one claim a line.

    python -m training.checker.pairs --written FOLDER --out training/checker/pairs.jsonl

A file has blocks: ``@ new | FIELD | source`` or ``@ real | ID`` (whose abstract lies in ``sources_K.jsonl`` beside it),
then claims: ``+ KIND | claim`` (supported), ``-`` (contradicted), ``0`` (not stated). What stands in the file already
stays. A fifth of the sources is held out for testing, by the hash of their text, so that a source stays on its side
when more are written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SIGNS = {"+": "supported", "-": "contradicted", "0": "not_stated"}
TEST = 20  # of a hundred sources
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Written:
    """One claim beside its source."""

    id: str
    field: str
    source: str
    claim: str
    label: str
    kind: str
    split: str


def share(text: str) -> int:
    """A number from 0 to 99 that depends on ``text`` alone."""
    return int(hashlib.sha256(text.strip().lower().encode()).hexdigest(), 16) % 100


def parse(text: str, abstracts: dict[str, str], writer: str) -> Iterator[Written]:
    """The claims of one file; lines that are no block and no claim are told of and left out."""
    field, source, block, claim = "", "", 0, 0
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("|")]
        sign, _, kind = parts[0].partition(" ")
        if sign == "@":
            block, claim = block + 1, 0
            name = parts[1] if len(parts) > 1 else ""
            real = kind.strip() == "real"
            source = abstracts.get(name, "") if real else "|".join(parts[2:]).strip()
            field = name.partition(":")[0] if real else name.lower()
            if not source:
                sys.stderr.write(f"{writer}: no source: {line[:80]}\n")
        elif sign in SIGNS and len(parts) == 2 and source and parts[1]:
            claim += 1
            split = "test" if share(source) < TEST else "train"
            yield Written(f"{writer}-{block}-{claim}", field, source, parts[1], SIGNS[sign], kind.strip(), split)
        elif line.strip():
            sys.stderr.write(f"{writer}: left out: {line[:80]}\n")


def convert(folder: Path) -> list[Written]:
    """Every claim of ``pairs_K.txt`` in ``folder``; the same claim beside the same source counts once."""
    abstracts = {
        record["source"]: " ".join(record["abstract"].split())
        for path in sorted(folder.glob("sources_*.jsonl"))
        for record in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    }
    found: dict[tuple[str, str], Written] = {}
    for path in sorted(folder.glob("pairs_*.txt")):
        number = _NUMBER.search(path.stem)
        for one in parse(path.read_text(encoding="utf-8"), abstracts, number.group() if number else path.stem):
            found.setdefault((one.source, one.claim.lower()), one)
    return list(found.values())


def standing(path: Path) -> list[Written]:
    """The claims of an earlier ``pairs.jsonl``, none where there is no file."""
    if not path.exists():
        return []
    return [Written(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def joined(first: Sequence[Written], more: Sequence[Written]) -> list[Written]:
    """``first``, and of ``more`` what is not among them."""
    known = {(one.source, one.claim.lower()) for one in first}
    return [*first, *(one for one in more if (one.source, one.claim.lower()) not in known)]


def main() -> int:
    """Convert; say how many of what."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--written", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    every = joined(standing(options.out), convert(options.written))
    with options.out.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in every)
    print(len(every), "claims,", len({one.source for one in every}), "sources")
    print(sorted(Counter((one.split, one.label) for one in every).items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
