"""``footnote review``: what the library has on a topic, by sub-topics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from rag.cli.ask import REFUSED
from rag.cli.options import library_option, read_only_option, scope_of, scope_options, style_for, style_option
from rag.cli.printing import say, say_json
from rag.cli.shared import nearest, open_pipeline, styled_references

if TYPE_CHECKING:
    from rag.datatypes import Answer
    from rag.pipeline import Pipeline

PLAIN = "plain"
_FORMATS = (PLAIN, "markdown", "pandoc", "html", "references", "bibtex", "ris", "csl-json", "json")


@click.command()
@click.argument("topic")
@library_option
@read_only_option
@scope_options
@click.option("--json", "as_json", is_flag=True, help="Print the review as JSON, as 'ask --json' does.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    default=PLAIN,
    show_default=True,
    help="What is printed; of 'pandoc' the text without its .bib.",
)
@style_option
def review(topic: str, as_json: bool, format_: str, style: str | None, **options: Any) -> None:
    """Review what the library has on TOPIC: sub-topics with headings, a footnote on every sentence.

    Up to 30 papers are cited; the last line says how many were found. Exit code 3: refused.
    """
    from rag.datatypes import KINDS, Intent, Wanted
    from rag.output import presentation
    from rag.questions.cleaning import clean

    chosen = style_for(style, "json" if as_json else format_)
    clean(topic)  # what cannot be asked is refused before anything is loaded
    options, scope = scope_of(options)
    pipeline = open_pipeline(options)
    answer = pipeline.answer(topic, scope=scope(pipeline), wanted=Wanted(KINDS[Intent.REVIEW]))
    if as_json:
        say_json(presentation.to_json(answer))
    elif format_ == PLAIN or answer.refusal is not None:
        references = styled_references(presentation.cited(answer), chosen)
        say(presentation.to_plain(answer, nearest(pipeline, answer), references=references), nl=False)
    else:
        say(_exported(topic, answer, format_, pipeline, chosen), nl=False)
    if answer.refusal is not None:
        raise click.exceptions.Exit(REFUSED)


def _exported(topic: str, answer: Answer, format_: str, pipeline: Pipeline, style: bytes | None) -> str:
    """The review as the exports of a conversation write it: the first of their files."""
    from rag.history.models import Conversation, ConversationInfo, KeptTurn, LibraryMark
    from rag.output.exports import export

    path = pipeline.library.path
    now = time.time()
    info = ConversationInfo("", topic, LibraryMark(str(path), path.name, pipeline.library.fingerprint), now, now, 1)
    turn = KeptTurn(topic, answer.trace.model, answer.trace.mode, answer)
    return next(iter(export(Conversation(info, (turn,)), format_, style=style).values()))
