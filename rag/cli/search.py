"""``footnote search``: the papers of the library, ranked for one query or a file of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.cli.batch import IN_FILE, OUT_FILE, batch_records, end_batch, json_lines, one_or_batch
from rag.cli.options import library_option, read_only_option, scope_of, scope_options
from rag.cli.printing import say, say_json
from rag.cli.shared import open_pipeline, progress_bar, say_partly
from rag.errors import FootnoteError
from rag.text.unseen import one_line

if TYPE_CHECKING:
    from rag.pipeline import Pipeline
    from rag.questions.scope import Scope


@click.command()
@click.argument("query", required=False)
@library_option
@read_only_option
@scope_options
@click.option("--k", type=click.IntRange(1, 1000), default=10, show_default=True, help="Papers at most.")
@click.option("--json", "as_json", is_flag=True, help="Print the hits as JSON.")
@click.option("--batch", metavar="FILE", type=IN_FILE, help="Search for every line (id, text) of this JSONL.")
@click.option("--out", metavar="FILE", type=OUT_FILE, help="Where --batch writes its hits, one JSON a line.")
def search(query: str | None, k: int, as_json: bool, batch: Path | None, out: Path | None, **options: Any) -> None:
    """Rank the papers of the library for QUERY, each with its best sentence."""
    one_or_batch(query, batch, out, "QUERY")
    if batch is not None and out is not None:
        _search_batch(batch, out, options, k)
        return
    from rag.papers.bibliography import one_line
    from rag.papers.retractions import WORDS
    from rag.questions.cleaning import clean

    clean(query or "")
    options, scope = scope_of(options)
    pipeline = open_pipeline(options)
    found = _hits(pipeline, query or "", k, None, scope(pipeline))
    say_partly(pipeline)
    if as_json:
        say_json(found)
        return
    for rank, hit in enumerate(found["hits"], start=1):
        mark = f"[{WORDS[hit['status']]}] " if hit.get("status") else ""
        say(f"{rank:3}. {mark}{one_line(hit['title'])}  ({one_line(hit['paper_id'])}, {hit['score']:.4f})")
        say(f"     {one_line(hit['sentence'])}")
    if not found["hits"]:
        say("No paper of the library has anything of it.", err=True)


def _search_batch(batch: Path, out: Path, options: dict[str, Any], k: int) -> None:
    options, scope_in = scope_of(options)
    records = batch_records(batch, "text")
    pipeline = open_pipeline(options)
    scope = scope_in(pipeline)
    failed = 0
    say_partly(pipeline)
    with json_lines(out) as write, progress_bar("queries", total=len(records)) as bar:
        for record in records:
            try:
                write(_hits(pipeline, record["text"], k, record["id"], scope))
            except FootnoteError as error:
                failed += 1
                say(one_line(f"footnote: {record['id']}: {error}"), err=True)
                write({"id": record["id"], "query": record["text"], "hits": [], "error": str(error)})
            bar.update()
    end_batch(len(records), failed, out)


def _hits(pipeline: Pipeline, text: str, k: int, id_: str | None, scope: Scope | None) -> dict[str, Any]:
    """The hits of one query in the form that ``--json`` prints."""
    from rag.output.records import hits_json

    return hits_json(text, pipeline.find(text, k, scope), id_)
