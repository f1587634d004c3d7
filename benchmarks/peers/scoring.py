"""The lines of all programs to figures, over the questions that every one of them has answered.

Scored as ``footnote eval`` does (:mod:`rag.evaluation.answer_scoring`), with what is particular here:

- a program without a sign of its own for a refusal refuses where its text says in words that there is no answer and it
  cites nothing;
- a question that ended with an error counts as refused, because nothing was asserted, and is counted as failed.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.peers.asking import Program
from benchmarks.peers.citation_marks import says_no_answer, titles_in
from benchmarks.workload import load_papers
from rag.evaluation.answer_scoring import Reply, Shown, score
from rag.evaluation.datasets import EvalQuestion
from rag.papers.identity import normalised_title
from rag.system.machine import commit, machine

RESULTS = Path(__file__).parent.parent / "results" / "peers"
Line = Mapping[str, Any]
# What is kept of the figures of each question.
SCORED = ("key_facts", "citation_precision", "citation_recall", "true_refusal", "false_refusal", "words")


def refused(line: Line) -> bool:
    """Whether one answer refuses."""
    if line["error"] or line["refused"] is not None:
        return bool(line["error"] or line["refused"])
    return not line["cited"] and says_no_answer(line["text"])


def scored(question: EvalQuestion, line: Line, titles: Mapping[str, str]) -> dict[str, Any]:
    """The figures of one answer; ``titles`` are those of the papers by id."""
    cited = tuple(titles[i] for i in line["cited"] if i in titles)
    said = Shown(text=line["text"], titles=cited, quotes=(), supported=False, overlap=0.0)
    reply = Reply(question.id, refused(line), (said,), line["seconds"] * 1000)
    figures = {key: value for key, value in score(question, reply).items() if key in SCORED}
    if not reply.refused:
        real = {normalised_title(title) for title in titles.values()}
        named = [normalised_title(title) in real for title in titles_in(line["text"])]
        figures |= {
            "cites": float(bool(cited)),
            "written": line["written"] + len(named),
            "existing": line["existing"] + sum(named),
        }
    return figures | {
        "failed": float(bool(line["error"])),
        "seconds": line["seconds"],
        "cpu_seconds": line["cpu_seconds"],
        "peak_mb": line["peak_mb"],
    }


def summary(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means of shares, medians of times and words, the highest memory; None where no question has the figure."""

    def of(key: str) -> list[float]:
        return [one[key] for one in found if key in one]

    means = ("key_facts", "citation_precision", "citation_recall", "cites")
    return {
        **{key: _rounded(statistics.fmean, of(key)) for key in means},
        "citations_exist_of": [sum(map(int, of("existing"))), sum(map(int, of("written")))],
        **{f"{key}_of": [sum(map(int, of(key))), len(of(key))] for key in ("true_refusal", "false_refusal", "failed")},
        **{key: _rounded(statistics.median, of(key)) for key in ("words", "seconds", "cpu_seconds")},
        "peak_mb": _rounded(max, of("peak_mb")),
    }


def _rounded(of: Any, values: Sequence[float]) -> float | None:
    return round(of(values), 3) if values else None


def record(
    questions: Sequence[EvalQuestion],
    answers: Mapping[str, Mapping[str, Line]],
    programs: Iterable[Program],
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything that a results file holds: how it was measured, each program's figures, and each question's.

    A program that has answered nothing stands without figures and takes no question from the others.
    """
    titles = {paper["id"]: paper["title"] for paper in load_papers()}
    present = [program for program in programs if answers[program.key]]
    common = [q for q in questions if present and all(q.id in answers[program.key] for program in present)]
    found = {p.key: {q.id: scored(q, answers[p.key][q.id], titles) for q in common} for p in present}
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(("llama-cpp-python",)),
        **about,
        "asked": len(questions),
        "common": len(common),
        "types": dict(sorted(Counter(q.type for q in common).items())),
        "programs": {
            program.key: {
                "label": program.label,
                "version": next((f"{one['program']} {one['version']}" for one in answers[program.key].values()), ""),
                "answered": sum(q.id in answers[program.key] for q in questions),
                "figures": summary(list(found[program.key].values())) if program.key in found else None,
            }
            for program in programs
        },
        "questions": {q.id: {"type": q.type} | {key: rows[q.id] for key, rows in found.items()} for q in common},
    }


def write(result: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """``<date>-<commit>.json`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['finished'][:10]}-{result['commit']}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def latest(folder: Path = RESULTS) -> dict[str, Any]:
    """The record that was finished last. Raises ``ValueError`` where there is none."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    if not records:
        raise ValueError(f"There are no results in {folder}: run 'make bench-peers GGUF=FILE'.")
    return dict(max(records, key=lambda one: str(one["finished"])))
