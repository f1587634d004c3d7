"""The run: both sides one after the other, the results written to ``benchmarks/results/``.

python -m benchmarks                       everything, about 10 minutes on 2 cores
python -m benchmarks --readme README.md    the same, and its figures into the README: ``make bench``
python -m benchmarks --repeats 1           a quick look
python -m benchmarks --only stock          one side (or: ours)
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import readme, report
from benchmarks.measure import ProcessFailed, Run, run
from benchmarks.workload import PAPERS, WAYS, Way, load_papers, make_questions
from rag.system.offline import OFFLINE_ENVIRONMENT

REFUSED = 3  # the exit code of an honest refusal, which is an answer too
WARM_QUESTIONS = max(way.warm_questions for way in WAYS)
MODEL_QUESTIONS = min(way.warm_questions for way in WAYS)


class Bench:
    """The folders, the questions and the figures of one run."""

    def __init__(self, folder: Path, repeats: int, seed: int) -> None:
        self.folder = folder
        self.repeats = repeats
        self.seed = seed
        self.papers = len(load_papers())
        self.questions = make_questions(load_papers(), WARM_QUESTIONS + 1, seed)
        self.figures: dict[str, float] = {}
        self.notes: list[str] = []
        # Without telemetry: the stock chain would wait for a network that is not there. Without settings of the user:
        # the figures are those of the options that are named.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
        self.environment = inherited | OFFLINE_ENVIRONMENT | {"FOOTNOTE_HOME": str(folder / "home")}

    def python(self, *arguments: str, accepted: Iterable[int] = (0,)) -> Run:
        return run([sys.executable, *arguments], self.environment, tuple(accepted))

    def footnote(self, *arguments: str) -> Run:
        return run(self.command(*arguments), self.environment, (0, REFUSED))

    def command(self, *arguments: str) -> list[str]:
        """The command line of Footnote with these arguments."""
        return [str(Path(sys.executable).parent / "footnote"), *arguments]

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def questions_file(self, count: int) -> str:
        path = self.folder / f"questions-{count}.json"
        path.write_text(json.dumps(self.questions[: count + 1]), encoding="utf-8")
        return str(path)

    def stock(self) -> None:
        """Import, cold and warm questions of the stock chain."""
        imports = []
        for number in range(self.repeats):
            self.say(f"stock chain: import {number + 1} of {self.repeats}")
            imports.append(self.python("-m", "benchmarks.stock_chain", "import", str(self.folder / f"stock-{number}")))
        library = str(self.folder / "stock-0")
        self.say("stock chain: questions")
        cold = [self.python("-m", "benchmarks.stock_chain", "ask", library, q) for q in self.cold_questions()]
        warm = self.python("-m", "benchmarks.stock_chain", "warm", library, self.questions_file(WARM_QUESTIONS))
        self.figures |= {
            "stock_import_process_s": median(one.seconds for one in imports),
            "stock_import_papers_s": self.papers / median(one.seconds for one in imports),
            "stock_import_papers_s_without_start": self.papers / median(one.result["seconds"] for one in imports),
            "stock_import_mb": median(one.peak_mb for one in imports),
            "stock_chunks": imports[0].result["chunks"],
            "stock_cold_passages_s": median(one.marks["passages"] for one in cold),
            "stock_cold_process_s": median(one.seconds for one in cold),
            "stock_ask_mb": median(one.peak_mb for one in cold),
            "stock_warm_median_s": median(warm.result["seconds"]),
            "stock_warm_p95_s": percentile95(warm.result["seconds"]),
        }

    def ours(self) -> None:
        """Import, and cold and warm questions of Footnote in each of its ways of answering."""
        self.say("footnote: preparing the models")
        self.python("-m", "scripts.prepare", "--models-only")
        imports = []
        for number in range(self.repeats):
            self.say(f"footnote: import {number + 1} of {self.repeats}")
            imports.append(self.footnote("import", str(PAPERS), "--library", str(self.folder / f"ours-{number}")))
        self.library = str(self.folder / "ours-0")
        self.say("footnote: import again, nothing changed")
        again = self.footnote("import", str(PAPERS), "--library", self.library)
        helps = [self.footnote("--help") for _ in range(10)]
        self.figures |= {
            "ours_import_process_s": median(one.seconds for one in imports),
            "ours_import_papers_s": self.papers / median(one.seconds for one in imports),
            "ours_import_mb": median(one.peak_mb for one in imports),
            "ours_import_again_s": again.seconds,
            "ours_help_s": median(one.seconds for one in helps),
        }
        for way in WAYS:
            self.cold(way)
            self.warm(way)
        self.first_word()

    def cold(self, way: Way) -> None:
        """Every question in a process of its own, from its start to its end."""
        self.say(f"footnote: cold questions, {way.name}")
        options = ("--json", "--library", self.library, *way.options)
        runs = [self.footnote("ask", question, *options) for question in self.cold_questions()]
        self.figures |= {
            f"ours_cold_{way.name}_s": median(one.seconds for one in runs),
            f"ours_cold_{way.name}_worst_s": max(one.seconds for one in runs),
            f"ours_cold_{way.name}_refused": sum(json.loads(one.stdout)["refusal"] is not None for one in runs),
            f"ours_{way.name}_mb": median(one.peak_mb for one in runs),
        }

    def warm(self, way: Way) -> None:
        """Questions to one process that has everything loaded."""
        self.say(f"footnote: warm questions, {way.name}")
        arguments = ("warm", self.library, self.questions_file(way.warm_questions), "--seed", str(self.seed))
        done = self.python("-m", "benchmarks.ours", *arguments, *way.options)
        self.figures |= {
            f"ours_warm_{way.name}_median_s": median(done.result["seconds"]),
            f"ours_warm_{way.name}_p95_s": percentile95(done.result["seconds"]),
            f"ours_warm_{way.name}_mb": done.peak_mb,
            f"ours_warm_{way.name}_refused": done.result["refused"],
        }
        if done.result["first_word"]:
            self.figures[f"ours_warm_{way.name}_first_word_s"] = median(done.result["first_word"])

    def first_word(self) -> None:
        """From a prompt of 400 tokens to the first word, everything loaded."""
        self.say("footnote: first word of smollm2")
        arguments = ("first-word", self.library, self.questions_file(MODEL_QUESTIONS), "--seed", str(self.seed))
        done = self.python("-m", "benchmarks.ours", *arguments)
        self.figures |= {
            "ours_first_word_s": median(done.result["seconds"]),
            "ours_first_word_p95_s": percentile95(done.result["seconds"]),
            "ours_first_word_prompt_tokens": median(done.result["tokens"]),
        }
        self.notes.append(
            "`ours_first_word_s`: the model alone, with the prompt given. "
            "`ours_warm_…_first_word_s`: from the question, retrieval included, to the first word of the draft."
        )

    def cold_questions(self) -> list[str]:
        """At least three: a cold start varies more than anything else here."""
        return self.questions[: max(3, self.repeats)]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def percentile95(values: list[float]) -> float:
    """The smallest value that 95 in 100 do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[-(-95 * len(ordered) // 100) - 1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="imports and cold questions of each side (default 3)")
    parser.add_argument("--seed", type=int, default=0, help="draws the questions (default 0)")
    parser.add_argument("--only", choices=("stock", "ours"), help="one side")
    parser.add_argument("--out", type=Path, default=report.RESULTS, help="folder of the results")
    parser.add_argument("--readme", type=Path, help="put the figures of the run between the markers of this file")
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")
    details: dict[str, Any] = {"machine": report.machine(), "repeats": options.repeats, "seed": options.seed}
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        bench = Bench(Path(folder), options.repeats, options.seed)
        try:
            for side in ("stock", "ours"):
                if options.only in (None, side):
                    getattr(bench, side)()
        except ProcessFailed as error:
            print(error, file=sys.stderr)
            return 1
    details |= {"papers": bench.papers, "notes": bench.notes, "questions": bench.questions[:3]}
    path = report.write(bench.figures, details, options.out)
    print(path.read_text(encoding="utf-8"))
    if options.readme is not None:
        readme.renew(options.readme, options.out)
    print(f"Written to {path} and {path.with_suffix('.json').name}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
