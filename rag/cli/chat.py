"""``footnote chat``: questions in the terminal, with history."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from rag.cli.options import library_option, model_options, read_only_option
from rag.cli.printing import say
from rag.cli.shared import answered, nearest, open_pipeline, preview_on_terminal
from rag.errors import FootnoteError, GenerationCancelled

if TYPE_CHECKING:
    from rag.datatypes import Answer, Turn
    from rag.pipeline import Pipeline

_COMMANDS = "/papers N shows a cited abstract, /new forgets what was said, /quit ends"


@click.command()
@library_option
@read_only_option
@model_options
def chat(**options: Any) -> None:
    """Ask in the terminal, with history. /papers N shows a cited abstract, /new forgets, /quit ends.

    Ctrl+C stops an answer, which keeps the quotes that a model began from, and ends the chat where none is written.
    """
    pipeline = open_pipeline(options)
    model = pipeline.writer.generator.model
    answers = f"{model} answers." if model else "Built-in quotes answer."
    say(f"{answers} {_leaving(pipeline)}. {_COMMANDS}.", err=True)
    conversation = Conversation(pipeline)
    while (line := _read()) is not None and line not in ("/quit", "/exit", "/q"):
        conversation.take(line)


def _leaving(pipeline: Pipeline) -> str:
    """What leaves this computer, or that nothing does."""
    from rag.generation.generators.server import ServerGenerator
    from rag.output.leaving import what_leaves

    generator, vectors = pipeline.writer.generator, pipeline.library.vectors_at
    model_host = generator.server.address.shown_host if isinstance(generator, ServerGenerator) else ""
    sent = what_leaves(model_host, vectors.address if vectors is not None else None)
    return f"{sent}; nothing else leaves this computer" if sent else "Nothing leaves this computer"


def _read() -> str | None:
    """The next line, None at the end."""
    try:
        if sys.stdin.isatty():
            say("> ", nl=False, err=True)
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        return None
    return line.strip() if line else None


class Conversation:
    """The turns so far, and the answer that ``/papers`` looks into."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._history: list[Turn] = []
        self._last: Answer | None = None

    def take(self, line: str) -> None:
        """Do what one line asks for."""
        command, _, rest = line.partition(" ")
        if command == "/new":
            self._history, self._last = [], None
        elif command == "/papers":
            say(cited_abstract(self._last, rest.strip()))
        elif command.startswith("/"):
            say(f"There is no {command}: {_COMMANDS}.", err=True)
        elif line:
            self._ask(line)

    def _ask(self, question: str) -> None:
        from rag.output.presentation import to_plain
        from rag.output.spoken import turns_of

        try:
            answer = answered(self._pipeline, question, self._history, preview=preview_on_terminal())
        except GenerationCancelled:
            say("Stopped.", err=True)
            return
        except FootnoteError as error:
            say(f"footnote: {error}", err=True)
            return
        say(to_plain(answer, nearest(self._pipeline, answer)))
        self._last = answer
        self._history += turns_of(question, answer)


def cited_abstract(answer: Answer | None, number: str) -> str:
    """One cited paper in full, the sentences that support the answer between » and «; without a number, the list."""
    from rag.output.presentation import cited
    from rag.papers.bibliography import clean, one_line

    papers = cited(answer) if answer is not None else []
    if not papers:
        return "The last answer cites no paper."
    item = next((one for one in papers if str(one.number) == number.strip("[]")), None)
    if item is None:
        listed = "\n".join(f"[{one.number}] {one_line(one.paper.title)}" for one in papers)
        return listed if not number else f"There is no footnote {number} in the last answer; there are:\n{listed}"
    assert answer is not None
    text = item.paper.abstract
    for start, end in reversed(_merged({(c.start, c.end) for c in answer.citations if c.number == item.number})):
        text = f"{text[:start]}»{text[start:end]}«{text[end:]}"
    return f"{one_line(item.paper.title)}\n\n{clean(text)}\n"


def _merged(spans: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that overlap made one; empty ones (a title stands for the abstract) are left out."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
