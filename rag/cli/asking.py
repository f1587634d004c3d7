"""``footnote ask``, ``search`` and ``serve``: everything that takes one question, or a file of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.cli.options import (
    batch_records,
    json_lines,
    library_option,
    model_options,
    nearest,
    one_or_batch,
    open_pipeline,
    progress_bar,
    scope_of,
    scope_options,
)
from rag.errors import FootnoteError

if TYPE_CHECKING:
    from rag.pipeline import Pipeline
    from rag.questions.scope import Scope

REFUSED = 3
_BATCH = click.Path(path_type=Path, exists=True, dir_okay=False)
_OUT = click.Path(path_type=Path, dir_okay=False)
# What a line of --out holds besides id and question where a question could not be asked.
_NO_ANSWER: dict[str, Any] = {
    "answer": "", "refusal": None, "sentences": [], "citations": [], "evidence": [], "trace": {},
}  # fmt: skip


@click.command()
@click.argument("question", required=False)
@library_option
@scope_options
@model_options
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--batch", metavar="FILE", type=_BATCH, help="Answer every line (id, question, history) of this JSONL.")
@click.option("--out", metavar="FILE", type=_OUT, help="Where --batch writes its answers, one JSON a line.")
def ask(question: str | None, as_json: bool, batch: Path | None, out: Path | None, **options: Any) -> None:
    """Answer QUESTION from the library, a footnote on every sentence.

    Exit code 3: refused; FOOTNOTE_REFUSE=no answers even where the evidence is thin.

    A line of a batch that cannot be asked is written with its 'error', and the exit code is 1 when all are done.
    """
    one_or_batch(question, batch, out, "QUESTION")
    if batch is not None and out is not None:
        _ask_batch(batch, out, options)
        return
    from rag.output import presentation
    from rag.questions.cleaning import clean

    clean(question or "")  # a question that cannot be asked costs no start of anything
    options, scope = scope_of(options)
    pipeline = open_pipeline(options)
    answer = pipeline.answer(question or "", scope=scope(pipeline))
    if as_json:
        click.echo(json.dumps(presentation.to_json(answer), ensure_ascii=False, indent=2))
    else:
        click.echo(presentation.to_plain(answer, nearest(pipeline, answer)), nl=False)
    if answer.refusal is not None:
        raise click.exceptions.Exit(REFUSED)


def _ask_batch(batch: Path, out: Path, options: dict[str, Any]) -> None:
    """One process, many questions. A question that cannot be answered is a line with its error."""
    from rag.datatypes import Turn
    from rag.output.presentation import to_json

    options, scope_in = scope_of(options)
    records = batch_records(batch, "question")
    pipeline = open_pipeline(options)
    scope = scope_in(pipeline)
    failed = 0
    with json_lines(out) as write, progress_bar("questions", total=len(records)) as bar:
        for record in records:
            history = [Turn(turn["role"], turn["content"]) for turn in record["history"]]
            try:
                write(to_json(pipeline.answer(record["question"], history, scope), record["id"]))
            except FootnoteError as error:
                failed += 1
                click.echo(f"footnote: {record['id']}: {error}", err=True)
                write({"id": record["id"], "question": record["question"], **_NO_ANSWER, "error": str(error)})
            bar.update()
    _end_batch(len(records), failed, out)


@click.command()
@click.argument("query", required=False)
@library_option
@scope_options
@click.option("--k", type=click.IntRange(1, 1000), default=10, show_default=True, help="Papers at most.")
@click.option("--json", "as_json", is_flag=True, help="Print the hits as JSON.")
@click.option("--batch", metavar="FILE", type=_BATCH, help="Search for every line (id, text) of this JSONL.")
@click.option("--out", metavar="FILE", type=_OUT, help="Where --batch writes its hits, one JSON a line.")
def search(query: str | None, k: int, as_json: bool, batch: Path | None, out: Path | None, **options: Any) -> None:
    """Rank the papers of the library for QUERY, each with its best sentence."""
    one_or_batch(query, batch, out, "QUERY")
    if batch is not None and out is not None:
        _search_batch(batch, out, options, k)
        return
    from rag.papers.bibliography import one_line
    from rag.questions.cleaning import clean

    clean(query or "")
    options, scope = scope_of(options)
    pipeline = open_pipeline(options)
    found = _hits(pipeline, query or "", k, None, scope(pipeline))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for rank, hit in enumerate(found["hits"], start=1):
        click.echo(f"{rank:3}. {one_line(hit['title'])}  ({one_line(hit['paper_id'])}, {hit['score']:.4f})")
        click.echo(f"     {one_line(hit['sentence'])}")
    if not found["hits"]:
        click.echo("No paper of the library has anything of it.", err=True)


def _search_batch(batch: Path, out: Path, options: dict[str, Any], k: int) -> None:
    options, scope_in = scope_of(options)
    records = batch_records(batch, "text")
    pipeline = open_pipeline(options)
    scope = scope_in(pipeline)
    failed = 0
    with json_lines(out) as write, progress_bar("queries", total=len(records)) as bar:
        for record in records:
            try:
                write(_hits(pipeline, record["text"], k, record["id"], scope))
            except FootnoteError as error:
                failed += 1
                click.echo(f"footnote: {record['id']}: {error}", err=True)
                write({"id": record["id"], "query": record["text"], "hits": [], "error": str(error)})
            bar.update()
    _end_batch(len(records), failed, out)


def _end_batch(count: int, failed: int, out: Path) -> None:
    click.echo(f"{count} lines in {out}{f', {failed} of them with an error' if failed else ''}", err=True)
    if failed:
        raise click.exceptions.Exit(1)


def _hits(pipeline: Pipeline, text: str, k: int, id_: str | None, scope: Scope | None) -> dict[str, Any]:
    """The hits of one query in the form that ``--json`` prints."""
    hits = [
        {"paper_id": h.paper.id, "title": h.paper.title, "score": round(h.score, 6), "sentence": s.text}
        for h, s in pipeline.find(text, k, scope)
    ]
    return {"id": id_, "query": text, "hits": hits}


@click.command()
@library_option
@model_options
@click.option("--host", help="Address to listen on (default 127.0.0.1: this computer only).")
@click.option("--port", type=int, help="Port (default 7860; 0 takes a free one).")
def serve(**options: Any) -> None:
    """Serve the chat for a browser."""
    from rag.config import load_settings
    from rag.ui.server import serve as serve_page

    serve_page(load_settings(**options), lambda text: click.echo(text, nl=False, err=True))


COMMANDS = (ask, search, serve)
