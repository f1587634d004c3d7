"""What several commands share: the pipeline of the settings, and progress bars on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rag.cli.printing import say
from rag.text.unseen import one_line

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.datatypes import Answer, Paper
    from rag.library.library import ImportProgress
    from rag.pipeline import Pipeline


def open_pipeline(options: dict[str, Any]) -> Pipeline:
    """The pipeline of the settings; says on stderr what takes its time at first use."""
    from rag.config import load_settings
    from rag.factory import open_answerer

    settings = load_settings(**options)
    build_shipped(settings)
    return open_answerer(settings)


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


def nearest(pipeline: Pipeline, answer: Answer) -> dict[str, Paper]:
    """The papers that a refusal names, by id."""
    return pipeline.library.get_papers(answer.refusal.nearest) if answer.refusal is not None else {}
