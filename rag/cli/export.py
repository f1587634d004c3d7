"""``footnote export``: the papers of a library, or those that answers cited, as a bibliography."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag.cli.options import library_option
from rag.cli.printing import say
from rag.cli.shared import build_shipped
from rag.errors import FootnoteError
from rag.system.whole_files import write_whole

if TYPE_CHECKING:
    from rag.datatypes import Paper


@click.command()
@library_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["bibtex", "ris", "csl-json", "markdown"]),
    default="bibtex",
    show_default=True,
    help="Of what is written.",
)
@click.option(
    "--answers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Only the papers cited in this output of 'ask --json' or 'ask --batch'.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of to stdout.")
def export(library: Path | None, format_: str, answers: Path | None, out: Path | None) -> None:
    """Write the papers of the library, or those that answers cited, as a bibliography."""
    from rag.config import load_settings
    from rag.factory import open_library
    from rag.papers import bibliography

    ids = None if answers is None else _cited_ids(answers)
    settings = load_settings(library=library)
    build_shipped(settings)
    papers: list[Paper] = open_library(settings).papers()
    if ids is not None:
        missing = ids - {paper.id for paper in papers}
        papers = [paper for paper in papers if paper.id in ids]
        if missing:
            say(
                f"{len(missing)} cited papers are not in this library ({bibliography.one_line(min(missing))} …). "
                "Name the library that gave the answers with --library.",
                err=True,
            )
    text = bibliography.FORMATS[format_](papers)
    if out is not None:
        write_whole(out, text, errors="backslashreplace")
    else:
        say(text, nl=not text.endswith("\n"))
    say(f"{len(papers)} papers", err=True)


def _cited_ids(answers: Path) -> set[str]:
    """Ids of the papers cited in one JSON answer or in lines of them."""
    from rag.papers.bibliography import one_line

    remedy = "Give a file that 'ask --json' or 'ask --batch' wrote."
    try:
        text = answers.read_text(encoding="utf-8-sig")
        try:
            records = [json.loads(text)]
        except json.JSONDecodeError:
            records = [json.loads(line) for line in text.splitlines() if line.strip()]
        return {str(citation["paper_id"]) for record in records for citation in record["citations"]}
    except (ValueError, RecursionError) as error:
        raise FootnoteError(f"{answers} holds no answers ({one_line(str(error))}). {remedy}") from error
    except (TypeError, KeyError) as error:
        raise FootnoteError(f"{answers} holds no answers (it has no citations). {remedy}") from error
