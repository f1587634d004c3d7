"""What several commands share: the pipeline of the settings, and progress bars on stderr."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rag.cli.printing import say
from rag.text.unseen import one_line

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.datatypes import Answer, Evidence, Paper, Scope, Turn, Wanted
    from rag.library.library import ImportProgress
    from rag.pipeline import Pipeline


def open_pipeline(options: dict[str, Any]) -> Pipeline:
    """The pipeline of the settings; says on stderr what takes its time at first use."""
    from rag.config import load_settings
    from rag.factory import open_answerer

    settings = load_settings(**options)
    build_shipped(settings)
    return open_answerer(settings)


def say_partly(pipeline: Pipeline) -> None:
    """Say on stderr how many papers are searched by words alone, while there are some."""
    from rag.output.partly import embedded_of, partly_note

    if note := partly_note(embedded_of(pipeline.library.count, pipeline.library.without_vectors)):
        say(note, err=True)


def build_shipped(settings: Settings) -> None:
    """Build the library of the shipped abstracts where it is meant and missing, and say so on stderr."""
    from rag.factory import prepare_library
    from rag.library.library import Library

    if not settings.is_shipped_library or Library.exists(settings.library_path):
        return
    say("Building the library of the shipped abstracts; this happens once.", err=True)
    with progress_bar("abstracts") as bar:
        prepare_library(settings, advance(bar))


@contextmanager
def progress_bar(name: str, **options: Any) -> Iterator[Any]:
    """A ``tqdm`` bar on stderr; nothing is drawn where that is no terminal."""
    import sys

    from tqdm import tqdm

    with tqdm(desc=one_line(name), file=sys.stderr, disable=None, leave=False, **options) as bar:
        yield bar


def advance(bar: Any) -> Callable[[ImportProgress], None]:
    """Show the progress of an import on ``bar``."""

    def show(progress: ImportProgress) -> None:
        bar.set_postfix_str(f"{progress.read} papers, {progress.stage}")
        bar.refresh()

    return show


def answered(
    pipeline: Pipeline,
    question: str,
    history: Sequence[Turn] = (),
    scope: Scope | None = None,
    wanted: Wanted | None = None,
    preview: Callable[[Answer], object] = lambda quotes: None,
) -> Answer:
    """The answer. ``preview`` is called with the quotes that a language model begins from, as soon as they are there.

    Ctrl+C ends the model's writing and makes these quotes the answer; without any it raises
    :class:`rag.errors.GenerationCancelled`.
    """
    from rag.datatypes import AS_READ, Answer, Preview
    from rag.errors import GenerationCancelled

    answer: Answer | None = None
    with stop_on_interrupt() as stop:
        try:
            for event in pipeline.stream(question, history, stop, scope, wanted or AS_READ):
                if isinstance(event, Preview):
                    answer = event.answer
                    preview(answer)
                elif isinstance(event, Answer):
                    answer = event
        except GenerationCancelled:
            if answer is None:
                raise
    assert answer is not None
    return answer


def styled_references(cited: Sequence[Evidence], style: bytes | None) -> dict[str, str] | None:
    """The references of cited papers in a citation style, by paper id; None where none was chosen."""
    if style is None:
        return None
    from rag.papers.styles.references import styled

    papers = [item.paper for item in cited]
    return dict(zip((paper.id for paper in papers), styled(papers, style).texts, strict=True))


def preview_on_terminal() -> Callable[[Answer], None]:
    """Shows quotes on stderr where somebody looks at it; nothing where it is no terminal."""
    import sys

    def show(quotes: Answer) -> None:
        if sys.stderr.isatty():
            say(f"{quotes.text}\n(quotes, until the model has answered; Ctrl+C keeps them)\n", err=True)

    return show


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl+C sets; the second one raises :class:`KeyboardInterrupt` as ever."""
    stop = threading.Event()

    def interrupt(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def nearest(pipeline: Pipeline, answer: Answer) -> dict[str, Paper]:
    """The papers that a refusal names, by id."""
    return pipeline.library.get_papers(answer.refusal.nearest) if answer.refusal is not None else {}
