"""Asks ``questions.jsonl`` and prints, for each language and half, what was found and what was refused.

    python -m benchmarks.languages [--part open|closed] [--show] [--json FILE]

A question counts where its English form has its paper first. ``gold`` is empty where the library has nothing on it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.config import Settings
from rag.factory import open_answerer
from rag.pipeline import Pipeline

QUESTIONS = Path(__file__).parent / "questions.jsonl"
_LOOKED_AT = 10  # papers


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a question. Places count from 0, None: not among the first ten; ``cites`` whether the answer
    cites the right paper; ``english`` is the place that its English form gives the paper."""

    id: str
    language: str
    part: str
    question: str
    on_topic: bool
    read_as: str
    words: str
    place: int | None
    english: int | None
    refused: bool
    english_refused: bool
    cites: bool


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("open", "closed"))
    parser.add_argument("--show", action="store_true", help="what went wrong, question by question")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    pipeline = open_answerer(Settings(model="quote"))
    records = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    outcomes = [_outcome(pipeline, one) for one in records if chosen.part in (None, one["part"])]
    print("\n".join(table(outcomes)))
    if chosen.show:
        print("\n".join(f"{one}" for one in outcomes if _is_wrong(one)))
    if chosen.json:
        chosen.json.write_text(
            json.dumps([asdict(one) for one in outcomes], ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    return 0


def _is_wrong(one: Outcome) -> bool:
    return one.refused == one.on_topic or (one.on_topic and one.place != 0)


def _outcome(pipeline: Pipeline, record: dict[str, object]) -> Outcome:
    titles = {_plain(str(title)) for title in record["gold"]}  # type: ignore[attr-defined]
    question, english = str(record["question"]), str(record["english"])
    reading = pipeline.read(question)
    answer = pipeline.answer(question)
    in_english = pipeline.answer(english) if english else None
    cited = {paper for paper in (item.paper for item in answer.evidence) if _plain(paper.title) in titles}
    return Outcome(
        str(record["id"]), str(record["language"]), str(record["part"]), question, bool(titles),
        reading.rendering.language if reading.rendering is not None else "en", reading.search,
        _place(pipeline, question, titles), _place(pipeline, english, titles) if english else None,
        answer.refusal is not None, in_english is not None and in_english.refusal is not None,
        answer.refusal is None and bool(cited),
    )  # fmt: skip


def _place(pipeline: Pipeline, question: str, titles: set[str]) -> int | None:
    hits = pipeline.rank(pipeline.read(question), _LOOKED_AT).hits
    return next((at for at, hit in enumerate(hits) if _plain(hit.paper.title) in titles), None)


def _plain(title: str) -> str:
    return "".join(title.lower().split())


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """A Markdown table: a row for each language and half that there is, and one for each half."""
    lines = [
        "| part | language | first | in first five | of | cited | refused wrongly | of | off topic: refused | of |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for part in dict.fromkeys(one.part for one in outcomes):
        mine = [one for one in outcomes if one.part == part]
        for language in dict.fromkeys(one.language for one in mine):
            lines.append(_row(part, language, [one for one in mine if one.language == language]))
        lines.append(_row(part, "all", mine))
    return lines


def _row(part: str, language: str, outcomes: Iterable[Outcome]) -> str:
    mine = list(outcomes)
    asked = [one for one in mine if one.on_topic and one.english == 0]
    answered = [one for one in mine if one.on_topic and not one.english_refused]
    off = [one for one in mine if not one.on_topic]
    cells = [
        part, language, sum(one.place == 0 for one in asked),
        sum(one.place is not None and one.place < 5 for one in asked), len(asked), sum(one.cites for one in asked),
        sum(one.refused for one in answered), len(answered), sum(one.refused for one in off), len(off),
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    raise SystemExit(main())
