"""``footnote check``: which paper bears a sentence out, contradicts it, or that none does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.cli.batch import IN_FILE, OUT_FILE, batch_records, end_batch, json_lines, one_or_batch
from rag.cli.options import library_option, read_only_option
from rag.cli.printing import say, say_json
from rag.cli.shared import open_pipeline, progress_bar
from rag.errors import FootnoteError, QuestionError
from rag.text.unseen import one_line

if TYPE_CHECKING:
    from rag.verification.claims import ClaimChecker

MAX_BYTES = 4 * 2**20  # of a draft


@click.command()
@click.argument("text", required=False)
@library_option
@read_only_option
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
@click.option("--batch", metavar="FILE", type=IN_FILE, help="Check every line (id, text) of this JSONL.")
@click.option("--out", metavar="FILE", type=OUT_FILE, help="Where --batch writes its verdicts, one JSON a line.")
def check(text: str | None, as_json: bool, batch: Path | None, out: Path | None, **options: Any) -> None:
    """Say of every sentence of TEXT, or of the file TEXT, which paper bears it out.

    A file may be plain text or Markdown. A line of --batch that has an 'abstract' is held against that alone; no
    library is needed for it. The exit code is 0 where every sentence is supported, else 3.
    """
    one_or_batch(text, batch, out, "TEXT")
    if batch is not None and out is not None:
        _check_batch(batch, out, options)
        return
    sentences = _sentences(_draft(text or ""))
    checked = list(_checker(options).check_each(sentences))
    from rag.output.records import claim_json, claim_lines

    if as_json:
        say_json([claim_json(one) for one in checked])
    else:
        for line in (line for one in checked for line in claim_lines(one)):
            say(line)
    if any(one.verdict != "supported" for one in checked):
        click.get_current_context().exit(3)


def _sentences(draft: str) -> list[str]:
    from rag.verification.claims import sentences_to_check

    try:
        return sentences_to_check(draft, longest=None)
    except QuestionError as error:  # an error of what the text holds, not of how the command was called
        raise FootnoteError(str(error)) from error


def _draft(text: str) -> str:
    """The text of the file that ``text`` names, else ``text`` itself."""
    path = Path(text)
    try:
        is_file = len(text) < 4096 and "\n" not in text and path.is_file()
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        return text
    if path.stat().st_size > MAX_BYTES:
        raise FootnoteError(f"{path} is over {MAX_BYTES >> 20} MiB. Check it in parts.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FootnoteError(f"{path} is not UTF-8 text. Save it as plain text or Markdown in UTF-8.") from error


def _checker(options: dict[str, Any]) -> ClaimChecker:
    from rag.verification.claims import ClaimChecker

    pipeline = open_pipeline({**options, "model": "quote", "mode": "quote"})
    return ClaimChecker(pipeline.library, pipeline.encoder, pipeline.search)


def _check_batch(batch: Path, out: Path, options: dict[str, Any]) -> None:
    from rag.output.records import claim_json
    from rag.verification.claims import check_against_abstract

    records = batch_records(batch, "text", ("abstract", "title", "paper_id"))
    checker: ClaimChecker | None = None
    failed = 0
    with json_lines(out) as write, progress_bar("claims", total=len(records)) as bar:
        for record in records:
            try:
                if record["abstract"].strip():
                    given = (record["abstract"], record["title"], record["paper_id"])
                    checked = check_against_abstract(record["text"], *given)
                else:
                    checker = checker or _checker(options)
                    checked = checker.check(record["text"])
                write(claim_json(checked, record["id"]))
            except FootnoteError as error:
                failed += 1
                say(one_line(f"footnote: {record['id']}: {error}"), err=True)
                write({"id": record["id"], "text": record["text"], "error": str(error)})
            bar.update()
    end_batch(len(records), failed, out)
