"""``footnote ask``: one question, or a file of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rag.cli.batch import IN_FILE, OUT_FILE, batch_records, end_batch, json_lines, one_or_batch
from rag.cli.options import (
    library_option,
    model_options,
    read_only_option,
    scope_of,
    scope_options,
    style_for,
    style_option,
)
from rag.cli.printing import say, say_json
from rag.cli.shared import (
    answered,
    nearest,
    open_pipeline,
    preview_on_terminal,
    progress_bar,
    say_partly,
    styled_references,
)
from rag.datatypes import KINDS
from rag.errors import FootnoteError
from rag.text.unseen import one_line

REFUSED = 3
_KINDS = tuple(dict.fromkeys(KINDS.values()))
# What a line of --out holds besides id and question where a question could not be asked.
_NO_ANSWER: dict[str, Any] = {
    "answer": "", "refusal": None, "sentences": [], "citations": [], "evidence": [], "trace": {},
}  # fmt: skip


@click.command()
@click.argument("question", required=False)
@library_option
@read_only_option
@scope_options
@model_options
@click.option(
    "--kind",
    type=click.Choice(_KINDS),
    help="Answer as this kind, however the question is read.",
)
@style_option
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--batch", metavar="FILE", type=IN_FILE, help="Answer every line (id, question, history) of this JSONL.")
@click.option("--out", metavar="FILE", type=OUT_FILE, help="Where --batch writes its answers, one JSON a line.")
def ask(
    question: str | None,
    kind: str | None,
    style: str | None,
    as_json: bool,
    batch: Path | None,
    out: Path | None,
    **options: Any,
) -> None:
    """Answer QUESTION from the library, a footnote on every sentence.

    Exit code 3: refused; FOOTNOTE_REFUSE=no answers even where the evidence is thin.

    A line of a batch that cannot be asked is written with its 'error', and the exit code is 1 when all are done.
    """
    one_or_batch(question, batch, out, "QUESTION")
    if batch is not None and out is not None:
        style_for(style, "json")
        _ask_batch(batch, out, kind or "", options)
        return
    from rag.datatypes import Wanted
    from rag.output import presentation
    from rag.questions.cleaning import clean

    chosen = style_for(style, "json" if as_json else "plain")
    clean(question or "")  # what cannot be asked is refused before anything is loaded
    options, scope = scope_of(options)
    pipeline = open_pipeline(options)
    answer = answered(
        pipeline, question or "", scope=scope(pipeline), wanted=Wanted(kind or ""), preview=preview_on_terminal()
    )
    if as_json:
        say_json(presentation.to_json(answer))
    else:
        references = styled_references(presentation.cited(answer), chosen)
        say(presentation.to_plain(answer, nearest(pipeline, answer), references=references), nl=False)
    if answer.refusal is not None:
        if not as_json:
            say_partly(pipeline)  # below an answer it stands as a note
        raise click.exceptions.Exit(REFUSED)


def _ask_batch(batch: Path, out: Path, kind: str, options: dict[str, Any]) -> None:
    """One process, many questions. A question that cannot be answered is a line with its error."""
    from rag.datatypes import Turn, Wanted
    from rag.output.presentation import to_json
    from rag.output.spoken import cited_in

    options, scope_in = scope_of(options)
    records = batch_records(batch, "question")
    pipeline = open_pipeline(options)
    scope = scope_in(pipeline)
    failed = 0
    with json_lines(out) as write, progress_bar("questions", total=len(records)) as bar:
        for record in records:
            history = [Turn(turn["role"], turn["content"], cited_in(turn)) for turn in record["history"]]
            try:
                write(to_json(pipeline.answer(record["question"], history, scope, Wanted(kind)), record["id"]))
            except FootnoteError as error:
                failed += 1
                say(one_line(f"footnote: {record['id']}: {error}"), err=True)
                write({"id": record["id"], "question": record["question"], **_NO_ANSWER, "error": str(error)})
            bar.update()
    end_batch(len(records), failed, out)
