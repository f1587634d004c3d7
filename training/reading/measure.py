"""What share of questions is read right, through the door of ``rag/questions``.

``python -m training.reading.measure --home FOLDER --questions FILE`` for a file of JSON lines with ``question``,
``kind`` and ``filters`` (years may be written ``now-5``), by default the held-out part of ``questions.jsonl``. With
``--review-is-papers`` a review counts as several papers, for files that know no reviews. The library is empty, so an
author or a venue counts only where the wording is explicit.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rag.datatypes import Paper
from rag.encoding.query_encoder import QueryEncoder
from rag.output.composing import reading_record
from rag.questions.reading import read
from training.jsonl import lines

HERE = Path(__file__).parent
THIS_YEAR = 2026


class NoPapers:
    """A library without papers."""

    def labels(self) -> Iterable[Paper]:
        return ()

    def vocabulary(self) -> Mapping[str, int]:
        return {}


def filters_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The filters that are right, years as numbers, names in lower case."""
    return {name: _value(value) for name, value in (record.get("filters") or {}).items()}


def _value(value: object) -> int | str:
    text = str(value)
    return THIS_YEAR - int(text[4:]) if text.startswith("now-") else int(text) if text.isdigit() else text.casefold()


def measured(records: Iterable[Mapping[str, Any]], home: Path, review_is_papers: bool) -> Iterator[tuple[str, ...]]:
    """For each question: the kind that is right, the one read, whether the filters are right, and the question."""
    encoder = QueryEncoder(home)
    for record in records:
        reading = read(
            record["question"], library=NoPapers(), encode=lambda text: encoder.encode([text])[0], this_year=THIS_YEAR
        )
        found = reading_record(reading)
        kind = "papers" if review_is_papers and found["kind"] == "review" else found["kind"]
        same = {k: _value(v) for k, v in found["filters"].items()} == filters_of(record)
        right = record.get("filters") is None or same
        yield record["kind"], kind, "" if right else str(found["filters"]), record["question"]


def main() -> None:
    """Print the shares, and what is misread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder for the encoder's weights")
    parser.add_argument("--questions", type=Path, help="another file than the held-out part of questions.jsonl")
    parser.add_argument("--review-is-papers", action="store_true")
    parser.add_argument("--unseen", help="only held-out questions of which this was not taught")
    options = parser.parse_args()
    records = list(lines(options.questions or HERE / "questions.jsonl"))
    if options.questions is None:
        records = [r for r in records if r["split"] != "taught" and options.unseen in (None, r["unseen"])]
    kinds: dict[str, list[bool]] = defaultdict(list)
    filters = []
    for right, kind, wrong_filters, question in measured(records, options.home, options.review_is_papers):
        kinds[right].append(kind == right)
        filters.append(not wrong_filters)
        if kind != right or wrong_filters:
            print(f"  {right} read as {kind} {wrong_filters}: {question}", flush=True)
    every = [hit for hits in kinds.values() for hit in hits]
    print(f"kinds {sum(every) / len(every):.3f}, filters {sum(filters) / len(filters):.3f} of {len(every)}")
    print({kind: f"{sum(hits)} of {len(hits)}" for kind, hits in sorted(kinds.items())})


if __name__ == "__main__":
    main()
