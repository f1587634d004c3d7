"""Questions after several papers, over three libraries: how many of the papers that fit an answer cites, and says.

    python -m benchmarks.several --data ../shared/data --split open

Of ``training/several_questions.jsonl`` the ``open`` or the ``closed`` half. For each question: the share of the fitting
papers that are cited, the share of the cited papers that fit, the share of the key facts that the answer holds, its
words, and the milliseconds to the first word and to the end. The libraries are made once in ``build/libraries``.
``--out`` writes the figures as JSON, into ``benchmarks/results/several`` if they are to stand in the docs
(:func:`table`, :func:`sentence`); ``--show`` prints every answer.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.config import Settings, with_overrides
from rag.datatypes import Answer, Draft, Paper
from rag.evaluation.answer_scoring import has_fact
from rag.factory import embedder_id, open_answerer, paper_encoder
from rag.pipeline import Pipeline
from training.jsonl import lines
from training.questions import SEVERAL, several_libraries

BUILT = Path("build") / "libraries"
RESULTS = Path(__file__).parent / "results" / "several"


def made(name: str, papers: list[Paper]) -> Path:
    """The folder of a library, which is made where it is missing."""
    from rag.library.library import Library

    folder = BUILT / name
    if not Library.exists(folder.absolute()):
        with Library.create(folder.absolute(), embedder=embedder_id()) as library:
            library.add(papers, paper_encoder(2))
    return folder


def asked(pipeline: Pipeline, question: str) -> tuple[Answer, float, float]:
    """The answer, and milliseconds to its first word and to its end."""
    begun, first = time.perf_counter(), 0.0
    for event in pipeline.stream(question):
        if isinstance(event, Draft) and not first:
            first = (time.perf_counter() - begun) * 1000
        if isinstance(event, Answer):
            answer = event
    return answer, first, (time.perf_counter() - begun) * 1000


def scored(record: dict[str, Any], answer: Answer, first: float, total: float) -> dict[str, float]:
    """The figures of one answer. A refusal cites nothing."""
    gold = set(record["gold"])
    cited = {c.paper_id for c in answer.citations}
    text = " ".join(s.text for s in answer.sentences)
    figures = {
        "cited": len(cited & gold) / len(gold),
        "key_facts": statistics.fmean(float(has_fact(text, fact)) for fact in record["keyfacts"]),
        "refused": float(answer.refusal is not None),
        "words": float(len(text.split())),
        "papers": float(len(cited)),
        "first_ms": first,
        "total_ms": total,
    }
    if cited:
        figures["right"] = len(cited & gold) / len(cited)
    return figures


def measured(data: Path, split: str, model: str, show: bool) -> Iterator[tuple[str, dict[str, float]]]:
    """Library and figures of every question of a split."""
    for name, papers in several_libraries(data).items():
        folder = made(name, papers) if name != "shipped" else None
        settings = with_overrides(Settings(), model=model, **({"library": folder} if folder else {}))
        pipeline = open_answerer(settings)
        asked(pipeline, "What is it?")  # so that no model is loaded while the clock runs
        for record in lines(SEVERAL):
            if record["library"] == name and record["split"] == split:
                answer, first, total = asked(pipeline, record["question"])
                figures = scored(record, answer, first, total)
                if show:
                    _show(record, answer, figures)
                yield name, figures


def _show(record: dict[str, Any], answer: Answer, figures: dict[str, float]) -> None:
    right = set(record["gold"])
    print(f"\n## {record['id']} {record['question']}  {answer.trace.reading.get('kind')}")
    print({k: round(v, 2) for k, v in figures.items()})
    for s in answer.sentences:
        marks = "".join("+" if e.paper.id in right else "-" for e in answer.evidence if e.number in s.citations)
        print(f"  {marks} {s.section}: {s.text} {list(s.citations)}")
    missed = right - {c.paper_id for c in answer.citations}
    if answer.refusal:
        print("  REFUSED", answer.refusal.message)
    print("  missed:", list(missed))


def summary(found: list[tuple[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Means by library and over all; medians of the times."""
    result = {}
    for name in [*dict.fromkeys(name for name, _ in found), "all"]:
        mine = [figures for library, figures in found if name in (library, "all")]
        keys = dict.fromkeys(key for figures in mine for key in figures)
        result[name] = {
            key: round(
                (statistics.median if key.endswith("_ms") else statistics.fmean)([f[key] for f in mine if key in f]), 3
            )
            for key in keys
        } | {"questions": len(mine)}
    return result


COLUMNS = {
    "cited": "fitting papers cited",
    "right": "right among the cited",
    "key_facts": "key facts",
    "words": "words",
}


def table(folder: Path = RESULTS) -> str:
    """The figures of both halves as a Markdown table."""
    lines = [f"| | {' | '.join(COLUMNS.values())} |", f"|---{'|---' * len(COLUMNS)}|"]
    for split in ("open", "closed"):
        libraries = json.loads((folder / f"{split}.json").read_text(encoding="utf-8"))["libraries"]
        for name, figures in libraries.items():
            cells = [f"{figures[key]:.0f}" if key == "words" else f"{figures[key]:.3f}" for key in COLUMNS]
            lines.append(f"| {split} half, {name} ({figures['questions']}) | {' | '.join(cells)} |")
    return "\n".join(lines)


def sentence(folder: Path = RESULTS) -> str:
    """What the README says of the half that nothing was tuned on."""
    figures = json.loads((folder / "closed.json").read_text(encoding="utf-8"))["libraries"]["all"]
    return (
        f"Over {figures['questions']} questions after several papers that nothing was tuned on it cites "
        f"{figures['cited']:.3f} of the papers that fit, and {figures['right']:.3f} of those that it cites fit."
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", choices=("open", "closed"), required=True)
    parser.add_argument("--model", default="writer")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    result = summary(list(measured(options.data, options.split, options.model, options.show)))
    for name, figures in result.items():
        sys.stdout.write(f"{name}: {json.dumps(figures)}\n")
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        record = {"split": options.split, "model": options.model, "libraries": result}
        options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
