"""The labels that the writer is trained on: which sentences answer a question, and which of their words are kept.

``shortened.jsonl`` beside this file holds one example a line: its ``source``, the ``question``, and for every sentence
that the program chose its number in the answer (``n``), the sentence in the third person (``of``), the units of it that
are ``kept`` (ranges into :func:`rag.text.sentence_compression.split_units`, ``-`` for none), and its ``worth``: ``+``
holds the answer or a part of it, ``~`` a good short answer is complete without it, ``-`` does not speak to the
question. Questions and sentences are named by the beginning of their SHA-256 and looked up in the data sets, so that no
text of these is repeated here. A sentence that another version of the program splits or words otherwise is not found;
its example is left out, and counted.

A large language model judged both, sentence by sentence, under these rules: only delete; keep what bears on the
question, and all that limits or measures it; drop lead-ins, praise, and what was not asked for; what remains must be a
sentence. A program checked that nothing else than deletion was done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rag.datatypes import Paper
from rag.library.chunking import split_sentences
from rag.text.sentence_compression import Unit, capitalised, join_units, split_units
from rag.text.wording import third_person

FILE = Path(__file__).parent / "shortened.jsonl"


@dataclass(frozen=True)
class Shortened:
    """One sentence with its number in the answer: ``told`` as the program says it, ``places`` the units that stay."""

    number: int
    told: str
    places: tuple[int, ...]
    worth: str

    @property
    def kept(self) -> str:
        """What stays of it, '' nothing."""
        parts = split_units(self.told)
        return join_units([(i, parts[i]) for i in self.places])


@dataclass(frozen=True)
class Example:
    """A question and its sentences, in the order of the answer. Examples about one text share their ``group``."""

    source: str
    question: str
    sentences: tuple[Shortened, ...]
    group: str

    @property
    def needed(self) -> tuple[Shortened, ...]:
        """The sentences that an answer may have, papers numbered from 1: what the writer is shown. At least one."""
        said = [s for s in self.sentences if s.places]
        mine = [s for s in said if s.worth in "+~"] or said[:1]
        papers = list(dict.fromkeys(s.number for s in mine))
        return tuple(replace(s, number=papers.index(s.number) + 1) for s in mine)

    @property
    def answer(self) -> str:
        """What the writer should say of them."""
        return " ".join(f"{s.kept} [{s.number}]." for s in self.needed)


def name(text: str) -> str:
    """What stands for a text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


def told_by_name(papers: Iterable[Paper], wanted: frozenset[str]) -> dict[str, str]:
    """The sentences of these papers that are wanted, in the third person, by what stands for them."""
    found: dict[str, str] = {}
    for paper in papers:
        for sentence in split_sentences(paper.abstract):
            for introduced in (False, True):
                text = third_person(sentence.text, introduced=introduced)
                if (key := name(text)) in wanted:
                    found[key] = text
    return found


def read(
    questions: Mapping[tuple[str, str], tuple[str, str]], papers: Iterable[Paper], path: Path = FILE
) -> tuple[list[Example], int]:
    """The examples, and how many were left out.

    ``questions`` gives question and group by source and what stands for the question.
    """
    records: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    wanted = frozenset(sentence["of"] for record in records for sentence in record["sentences"])
    told = told_by_name(papers, wanted)
    found = []
    for record in records:
        asked = questions.get((record["source"], record["question"]))
        if asked is not None and all(s["of"] in told for s in record["sentences"]):
            sentences = tuple(
                Shortened(s["n"], told[s["of"]], tuple(indices(s["kept"])), s["worth"]) for s in record["sentences"]
            )
            found.append(Example(record["source"], asked[0], sentences, asked[1]))
    return found, len(records) - len(found)


def indices(ranges: str) -> list[int]:
    """``0-2,5`` to 0, 1, 2, 5."""
    found: list[int] = []
    for part in ranges.split(",") if ranges != "-" else ():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def as_ranges(found: Sequence[int]) -> str:
    """0, 1, 2, 5 to ``0-2,5``."""
    parts: list[list[int]] = []
    for index in found:
        if parts and index == parts[-1][-1] + 1:
            parts[-1].append(index)
        else:
            parts.append([index])
    return ",".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts) or "-"


def aligned(shorter: Sequence[Unit], whole: Sequence[Unit]) -> list[int] | None:
    """Which units of ``whole`` make up ``shorter``, in as few runs as possible; None where they do not."""
    # best[j]: (runs, places) of the units so far with the last one at j
    best: dict[int, tuple[int, tuple[int, ...]]] = {-1: (0, ())}
    for at, unit in enumerate(shorter):
        following: dict[int, tuple[int, tuple[int, ...]]] = {}
        for place, other in enumerate(whole):
            said = (
                (other.text, other.unbracketed)
                if at
                else (other.text, other.unbracketed, capitalised(other.unbracketed))
            )
            if unit.text in said:
                before = [(r + (j != place - 1), p) for j, (r, p) in best.items() if j < place]
                if before:
                    runs, places = min(before)
                    following[place] = (runs, (*places, place))
        best = following
    return list(min(best.values())[1]) if best and shorter else None


def write(path: Path, records: Iterator[dict[str, Any]]) -> None:
    """One record a line."""
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
