"""``footnote eval``: measure retrieval, answers and models on data with known answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from rag.cli.options import library_option, model_options
from rag.cli.printing import say
from rag.errors import EvaluationError

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


def _report_options(command: Any) -> Any:
    """``--out`` and ``--threads``."""
    for option in (
        click.option("--threads", type=int, help="Threads for the embedding (default: the cores that are free)."),
        click.option(
            "--out",
            type=_FOLDER,
            default=Path("benchmarks") / "results",
            show_default=True,
            help="Folder of the reports: Markdown, JSON and a picture.",
        ),
    ):
        command = option(command)
    return command


def _readme_option(command: Any) -> Any:
    return click.option(
        "--readme", type=_FILE, help="Put the newest results between the markers of this file (docs/evaluation.md)."
    )(command)


@click.group("eval")
def evaluate() -> None:
    """Measure retrieval, answers and models; reports with intervals, baselines in the same run."""


@evaluate.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option("--baselines", default="all", show_default=True, help="none, all, or some of bm25,minilm,fusion,stock.")
@click.option("--seed", type=int, help="Seed of the intervals and of the significance test (default 0).")
@_report_options
@_readme_option
def retrieval(
    folders: tuple[Path, ...], baselines: str, seed: int | None, threads: int | None, out: Path, readme: Path | None
) -> None:
    """Rank the documents of collections in BEIR's layout: corpus.jsonl, queries.jsonl, qrels.tsv in each DIR.

    The first run embeds every document, which takes minutes (5,000 abstracts: two to four on two cores, and with the
    stock retriever as long again); the indexes are kept, and the next run is quick.
    """
    from rag.config import load_settings
    from rag.evaluation.datasets import read_collection
    from rag.evaluation.report import write_retrieval
    from rag.evaluation.retrieval_baselines import baseline_names
    from rag.evaluation.retrieval_evaluation import BASELINES
    from rag.evaluation.retrieval_evaluation import evaluate as run

    settings = load_settings(seed=seed, threads=threads)
    names = baseline_names(baselines, BASELINES)
    collections = [read_collection(folder) for folder in folders]  # all before the first hour is spent
    twice = {c.name for c in collections if sum(c.name == other.name for other in collections) > 1}
    if twice:
        raise EvaluationError(f"Two folders are called {', '.join(sorted(twice))}. Give each another name.")
    results = [run(collection, settings, names, settings.seed, bars) for collection in collections]
    _finish(write_retrieval(results, settings.seed, out), readme, out)


@evaluate.command()
@click.argument("questions", type=_FILE, metavar="QUESTIONS.jsonl")
@library_option
@model_options
@click.option("--baselines", default="all", show_default=True, help="none, all, or some of stock,lead.")
@_report_options
@_readme_option
def answers(questions: Path, baselines: str, out: Path, readme: Path | None, **options: Any) -> None:
    """Answer QUESTIONS with known answers: key facts, citations, evidence, refusals, times, by type of question."""
    from rag.config import load_settings
    from rag.evaluation.answer_evaluation import BASELINES
    from rag.evaluation.answer_evaluation import evaluate as run
    from rag.evaluation.datasets import read_questions
    from rag.evaluation.report import write_answers
    from rag.evaluation.retrieval_baselines import baseline_names

    settings = load_settings(**options)
    names = baseline_names(baselines, BASELINES)
    result = run(read_questions(questions), questions.stem, settings, names, bars)
    _finish(write_answers(result, settings.seed, out), readme, out)


@evaluate.command()
@click.argument("model", metavar="MODEL")
@library_option
@click.option("--questions", type=_FILE, help="Questions with known answers (default: made from the library).")
@click.option(
    "--count", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many questions to make."
)
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Ask N of --questions, drawn by --seed, all types.")
@click.option("--seed", type=int, help="Seed of what is made or drawn, and of the intervals (default 0).")
@click.option("--patience", type=click.IntRange(1, 3600), metavar="S", help="Seconds of reading (default 15).")
@click.option("--texts", type=_FILE, metavar="FILE", help="Keep what the model writes here: a killed run then goes on.")
@click.option("--table", type=_FILE, help="Put all cards of --out between the markers of this file (docs/models.md).")
@click.option("--free/--no-free", default=True, show_default=True, help="Measure mode free as well.")
@click.option("--choosing/--no-choosing", default=True, show_default=True, help="Measure its choice of quotes as well.")
@_report_options
def model(
    model: str,
    questions: Path | None,
    count: int,
    sample: int | None,
    texts: Path | None,
    free: bool,
    choosing: bool,
    table: Path | None,
    out: Path,
    **options: Any,
) -> None:
    """A trust card for MODEL (a GGUF file or a registered name) on your library and your machine."""
    from rag.config import load_settings
    from rag.evaluation.datasets import read_questions, sampled
    from rag.evaluation.question_generation import generate
    from rag.evaluation.report import cards_block, renew, write_trust_card
    from rag.evaluation.trust_card import Wanted, measure
    from rag.factory import open_library, registered_model

    settings = load_settings(model=model, **options)
    if model != "quote":
        registered_model(settings)  # what cannot be used is said before anything is measured
    asked = (
        read_questions(questions)
        if questions is not None
        else generate(open_library(settings).papers(), count, settings.seed)
    )
    asked = sampled(asked, sample, settings.seed) if sample is not None else asked
    card = measure(asked, questions is None, settings, bars, Wanted(free, choosing, texts))
    _finish(write_trust_card(card, settings.seed, out), None, out)
    if table is not None:
        renew(table, out, cards_block)


def bars(label: str, total: int) -> Callable[[int], None]:
    """A progress bar on stderr that closes itself at its end; nothing where stderr is no terminal."""
    from tqdm import tqdm

    bar = tqdm(total=total, desc=label, file=sys.stderr, disable=None, leave=False)

    def advance(done: int) -> None:
        bar.update(done)
        if bar.n >= total:
            bar.close()

    return advance


def _finish(report: Path, readme: Path | None, out: Path) -> None:
    """The report to stdout, where it lies to stderr."""
    from rag.evaluation.report import renew

    say(report.read_text(encoding="utf-8"))
    say(f"Written to {report}.", err=True)
    if readme is not None:
        renew(readme, out)
        say(f"Renewed the table in {readme}.", err=True)
