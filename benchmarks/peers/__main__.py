"""The run: every program on the same questions, the same papers and the same model.

    python -m benchmarks.peers --gguf FILE                     everything; repeated, it goes on where it stopped
    python -m benchmarks.peers --gguf FILE --only haiku        one program
    python -m benchmarks.peers --gguf FILE --minutes 60        stops asking after an hour
    python -m benchmarks.peers --write                         only the figures of what is answered

Answers lie in ``build/peers/answers``, figures go to ``benchmarks/results/peers``, and from there into the README and
``docs/peers.md``. Installing needs a network once, asking none.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from benchmarks.peers import environments, scoring, tables
from benchmarks.peers.asking import PROGRAMS, Program, RunnerFailed, answered, ask
from benchmarks.peers.environments import CannotInstall
from benchmarks.peers.runners.lines import Task
from benchmarks.peers.servers import Served, ServerFailed, serving
from benchmarks.workload import PAPERS
from rag.evaluation.datasets import EvalQuestion, read_questions, sampled

BUILD = Path("build") / "peers"
QUESTIONS = Path("..") / "shared" / "data" / "questions" / "dev.jsonl"
ENVIRONMENTS = {"paperqa": environments.PAPERQA, "haiku": environments.HAIKU}


def interpreter(program: Program, options: argparse.Namespace) -> Path:
    """The Python that runs ``program``: its environment's, for Footnote the one that runs this."""
    if program.runner in ENVIRONMENTS:
        return environments.made(ENVIRONMENTS[program.runner], options.build / "environments", options.python)
    return Path(sys.executable)


def task_for(program: Program, options: argparse.Namespace, served: Served) -> Task:
    """What ``program`` is given."""
    return Task(
        papers=str(PAPERS),
        folder=str((options.build / program.key).absolute()),
        address=served.address,
        model="local",
        patience=options.patience,
        threads=options.threads,
        gguf=str(options.gguf.absolute()) if program.own_model and program.gguf else "",
    )


def asked(options: argparse.Namespace, questions: tuple[EvalQuestion, ...]) -> list[str]:
    """Ask every program that is wanted; what could not be run, as sentences."""
    troubles = []
    until = time.time() + options.minutes * 60 if options.minutes else float("inf")
    server = environments.made(environments.SERVER, options.build / "environments").absolute()
    for program in PROGRAMS:
        if options.only not in (None, program.key):
            continue
        try:
            python = interpreter(program, options).absolute()
            with serving(options.gguf, server, options.build / program.key, options.threads) as served:
                path = answers_of(options.build, program)
                task = task_for(program, options, served)
                for line in ask(program, python, task, served, questions, path, until):
                    said = line["error"] or line["shown"]
                    print(f"{program.key} {line['id']} {line['seconds']} s: {said[:90]!r}", file=sys.stderr, flush=True)
        except (CannotInstall, RunnerFailed, ServerFailed) as error:
            troubles.append(f"{program.label}: {error}")
    return troubles


def answers_of(build: Path, program: Program) -> Path:
    """The file of a program's answers."""
    return build / "answers" / f"{program.key}.jsonl"


def main() -> int:
    """Ask, score, write; 1 where a program could not be run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf", type=Path, help="the model of all programs")
    parser.add_argument("--questions", type=Path, default=QUESTIONS)
    parser.add_argument("--sample", type=int, default=30, help="questions, drawn from all types in turn (default 30)")
    parser.add_argument("--seed", type=int, default=0, help="draws the questions (default 0)")
    parser.add_argument("--only", choices=[program.key for program in PROGRAMS])
    parser.add_argument("--minutes", type=float, help="stop asking after this time; a later run goes on")
    parser.add_argument("--threads", type=int, default=2, help="of every model (default 2; 1 where others use a core)")
    parser.add_argument("--patience", type=float, default=900, help="seconds that one question may take (default 900)")
    parser.add_argument(
        "--build", type=Path, default=BUILD, help="environments, indexes and answers (default build/peers)"
    )
    parser.add_argument("--python", type=Path, help="Python 3.12 or newer for haiku.rag, where this one is older")
    parser.add_argument("--write", action="store_true", help="ask nothing; write the figures of what is answered")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as an interrupt: the servers are stopped
    if not options.write and (options.gguf is None or not options.gguf.is_file()):
        parser.error("--gguf must name a model file, for example Qwen2.5-Coder-0.5B-Instruct as GGUF")
    questions = sampled(read_questions(options.questions), options.sample, options.seed)
    troubles = [] if options.write else asked(options, questions)
    answers = {program.key: answered(answers_of(options.build, program)) for program in PROGRAMS}
    model = options.gguf.stem if options.gguf else scoring.latest()["model"]
    about = {"model": model, "threads": options.threads, "seed": options.seed}
    record = scoring.record(questions, answers, PROGRAMS, about)
    path = scoring.write(record)
    tables.renew(record)
    print(tables.table(record))
    print("\n".join([f"Written to {path}.", *troubles]), file=sys.stderr)
    return 1 if troubles else 0


if __name__ == "__main__":
    raise SystemExit(main())
