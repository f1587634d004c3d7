"""``footnote ask``, ``search``, ``chat`` and ``serve``: everything that takes a question."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.cli.options import batch_lines, library_option, model_options, write_json_line
from rag.errors import FootnoteError, GenerationCancelled

if TYPE_CHECKING:
    from rag.datatypes import Answer, Paper
    from rag.pipeline import Pipeline

REFUSED = 3
_BATCH = click.Path(path_type=Path, exists=True, dir_okay=False)
_OUT = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("question", required=False)
@library_option
@model_options
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--batch", type=_BATCH, help="Answer every line (id, question, history) of this JSONL file.")
@click.option("--out", type=_OUT, help="Where --batch writes its answers, one JSON a line.")
def ask(question: str | None, as_json: bool, batch: Path | None, out: Path | None, **options: Any) -> None:
    """Answer QUESTION from the library, a footnote on every sentence. Exit code 3: refused."""
    _one_or_batch(question, batch, out, "QUESTION")
    if batch is not None and out is not None:
        _ask_batch(_pipeline(options), batch, out)
        return
    from rag import presentation, questions

    questions.clean(question or "")  # a question that cannot be asked costs no start of anything
    pipeline = _pipeline(options)
    answer = pipeline.answer(question or "")
    if as_json:
        click.echo(json.dumps(presentation.to_json(answer), ensure_ascii=False, indent=2))
    else:
        click.echo(presentation.to_plain(answer, _nearest(pipeline, answer)), nl=False)
    if answer.refusal is not None:
        raise click.exceptions.Exit(REFUSED)


def _ask_batch(pipeline: Pipeline, batch: Path, out: Path) -> None:
    """One process, many questions. A question that cannot be answered is a line with its error."""
    from rag.datatypes import Turn
    from rag.presentation import to_json

    done = 0
    with out.open("w", encoding="utf-8") as file:
        for record in batch_lines(batch, ("id", "question")):
            history = [Turn(str(t.get("role", "user")), str(t.get("content", ""))) for t in _turns(record, batch)]
            try:
                written = to_json(pipeline.answer(str(record["question"]), history), str(record["id"]))
            except FootnoteError as error:
                written = {"id": str(record["id"]), "question": str(record["question"]), "error": str(error)}
                click.echo(f"footnote: {record['id']}: {error}", err=True)
            write_json_line(file, written)
            done += 1
    click.echo(f"{done} answers in {out}", err=True)


def _turns(record: dict[str, Any], batch: Path) -> list[dict[str, Any]]:
    turns = record.get("history") or []
    if not isinstance(turns, list) or not all(isinstance(t, dict) for t in turns):
        raise FootnoteError(f"{batch}: the history of {record['id']} must be a list of {{'role', 'content'}}.")
    return turns


@click.command()
@click.argument("query", required=False)
@library_option
@click.option("--k", type=click.IntRange(1, 1000), default=10, show_default=True, help="Papers at most.")
@click.option("--json", "as_json", is_flag=True, help="Print the hits as JSON.")
@click.option("--batch", type=_BATCH, help="Search for every line (id, text) of this JSONL file.")
@click.option("--out", type=_OUT, help="Where --batch writes its hits, one JSON a line.")
def search(
    query: str | None, library: Path | None, k: int, as_json: bool, batch: Path | None, out: Path | None
) -> None:
    """Rank the papers of the library for QUERY, each with its best sentence."""
    _one_or_batch(query, batch, out, "QUERY")
    from rag import questions

    if batch is not None and out is not None:
        pipeline = _pipeline({"library": library})
        done = 0
        with out.open("w", encoding="utf-8") as file:
            for record in batch_lines(batch, ("id", "text")):
                write_json_line(file, _hits(pipeline, str(record["text"]), k, str(record["id"])))
                done += 1
        click.echo(f"{done} searches in {out}", err=True)
        return
    questions.clean(query or "")
    found = _hits(_pipeline({"library": library}), query or "", k, None)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for rank, hit in enumerate(found["hits"], start=1):
        click.echo(f"{rank:3}. {hit['title']}  ({hit['paper_id']}, {hit['score']:.4f})\n     {hit['sentence']}")
    if not found["hits"]:
        click.echo("No paper of the library has anything of it.", err=True)


def _hits(pipeline: Pipeline, text: str, k: int, id_: str | None) -> dict[str, Any]:
    """The hits of one query in the form that ``--json`` prints."""
    hits = [
        {"paper_id": h.paper.id, "title": h.paper.title, "score": round(h.score, 6), "sentence": s.text}
        for h, s in pipeline.find(text, k)
    ]
    return {"id": id_, "query": text, "hits": hits}


@click.command()
@library_option
@model_options
def chat(**options: Any) -> None:
    """Ask in the terminal, with history. /papers N shows a cited abstract, /new forgets, /quit ends."""
    from rag import presentation
    from rag.datatypes import Turn

    pipeline = _pipeline(options)
    history: list[Turn] = []
    last: Answer | None = None
    click.echo(f"{_who(pipeline)} Nothing leaves this computer. /quit ends.", err=True)
    while True:
        try:
            question = input("> " if sys.stdin.isatty() else "").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if question in ("/quit", "/exit", "/q"):
            return
        if question == "/new":
            history, last = [], None
        elif question.startswith("/papers"):
            click.echo(_cited_abstract(last, question.removeprefix("/papers").strip()))
        elif question:
            try:
                last = pipeline.answer(question, history)
            except GenerationCancelled:
                continue
            except FootnoteError as error:
                click.echo(f"footnote: {error}", err=True)
                continue
            click.echo(presentation.to_plain(last, _nearest(pipeline, last)))
            history += [Turn("user", question), Turn("assistant", last.text)]


def _cited_abstract(answer: Answer | None, number: str) -> str:
    """One cited paper in full, its supporting sentences between » and «."""
    item = next((e for e in (answer.evidence if answer else ()) if str(e.number) == number.strip("[]")), None)
    if answer is None or item is None:
        return "There is no footnote of that number in the last answer. Type /papers and a number."
    text = item.paper.abstract
    spans = sorted({(c.start, c.end) for c in answer.citations if c.number == item.number and c.end}, reverse=True)
    for start, end in spans:
        text = f"{text[:start]}»{text[start:end]}«{text[end:]}"
    return f"{item.paper.title}\n\n{text}\n"


@click.command()
@library_option
@model_options
@click.option("--host", help="Address to listen on (default 127.0.0.1: this computer only).")
@click.option("--port", type=int, help="Port (default 7860).")
def serve(**options: Any) -> None:
    """Serve the chat for a browser."""
    from rag.config import load_settings
    from rag.ui.server import serve as serve_page

    serve_page(load_settings(**options), lambda text: click.echo(text, nl=False, err=True))


def _pipeline(options: dict[str, Any]) -> Pipeline:
    """The pipeline of the settings; says on stderr what takes its time at first use."""
    from rag.config import load_settings
    from rag.factory import open_answerer, prepare_library

    settings = load_settings(**options)
    if settings.is_shipped_library and not (settings.library_path / "manifest.json").exists():
        click.echo("Building the library of the shipped abstracts; this happens once.", err=True)
        prepare_library(settings)
    return open_answerer(settings)


def _nearest(pipeline: Pipeline, answer: Answer) -> dict[str, Paper]:
    """The papers that a refusal names, by id."""
    return pipeline.library.get_papers(answer.refusal.nearest) if answer.refusal is not None else {}


def _who(pipeline: Pipeline) -> str:
    model = pipeline.generator.model
    return f"{model} answers." if model else "Built-in quotes answer."


def _one_or_batch(text: str | None, batch: Path | None, out: Path | None, name: str) -> None:
    if (text is None) == (batch is None):
        raise click.UsageError(f"Give either a {name} or --batch FILE with --out FILE.")
    if (batch is None) != (out is None):
        raise click.UsageError("--batch and --out go together.")
    if out is not None and batch is not None and out.absolute() == batch.absolute():
        raise click.UsageError("--out must be another file than --batch.")


COMMANDS = (ask, search, chat, serve)
