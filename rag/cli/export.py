"""``footnote export``: the papers of a library, of a scope, or those that answers cited, as a bibliography."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.cli.options import library_option, library_scope_of, scope_options, style_of, style_option
from rag.cli.printing import say
from rag.cli.shared import build_shipped
from rag.errors import FootnoteError
from rag.system.whole_files import write_whole

if TYPE_CHECKING:
    from rag.datatypes import Paper


_FORMATS = ("bibtex", "ris", "csl-json", "markdown", "text", "html")
_IN_STYLE = _FORMATS[3:]
_SLOW = 1000  # references in a style; they take some milliseconds each


@click.command()
@library_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    help="Of what is written; the last three are lists of references (default: bibtex; with --style: text).",
)
@style_option
@scope_options
@click.option(
    "--answers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Only the papers cited in this output of 'ask --json' or 'ask --batch'.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of to stdout.")
def export(
    library: Path | None, format_: str | None, style: str | None, answers: Path | None, out: Path | None, **options: Any
) -> None:
    """Write the papers of the library, those of a scope, or those that answers cited, as a bibliography.

    Where several of --since, --until, --venue, --source, --tag, --collection, --paper and --answers are given, all
    must fit.
    """
    from rag.config import load_settings
    from rag.factory import open_library
    from rag.output.exports.papers import export_papers

    format_ = format_ or ("bibtex" if style is None else "text")
    if style is not None and format_ not in _IN_STYLE:
        raise click.UsageError(f"--style is for lists of references: --format {', '.join(_IN_STYLE)}.")
    _, scope_in = library_scope_of(options)
    settings = load_settings(library=library, citation_style=style)
    chosen = style_of(settings.citation_style) if format_ in _IN_STYLE else None
    ids = None if answers is None else _cited_ids(answers)
    build_shipped(settings)
    opened = open_library(settings)
    scope = scope_in(opened)
    papers = list(opened.scan(None if scope is None else opened.admitted([scope])))
    if ids is not None:
        papers = _only(papers, ids)
    if chosen is not None and len(papers) > _SLOW:
        say(f"{len(papers):,} references in a style take about {len(papers) // 100} s.", err=True)
    text = export_papers(papers, format_, chosen)
    if out is not None:
        write_whole(out, text, errors="backslashreplace")
    else:
        say(text, nl=not text.endswith("\n"))
    say(f"{len(papers)} papers", err=True)


def _only(papers: list[Paper], ids: set[str]) -> list[Paper]:
    """The papers of these ids; says which are not among them."""
    from rag.text.unseen import one_line

    missing = ids - {paper.id for paper in papers}
    if missing:
        say(
            f"{len(missing)} cited papers are not in this library ({one_line(min(missing))} …). "
            "Name the library that gave the answers with --library.",
            err=True,
        )
    return [paper for paper in papers if paper.id in ids]


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
