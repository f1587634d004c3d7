"""``footnote doctor``: is everything in order on this machine?"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag import __version__
from rag.cli.options import library_option
from rag.cli.printing import say
from rag.errors import FootnoteError

if TYPE_CHECKING:
    from rag.config import Settings

_PACKAGES = ("chromadb", "gradio", "langchain-core", "llama-cpp-python", "sentence-transformers", "torch", "bm25s")


@click.command()
@library_option
@click.option(
    "--repair",
    is_flag=True,
    help="First make both indexes again from the papers, the vectors where the settings have them lie. Embeds nothing.",
)
def doctor(library: Path | None, repair: bool) -> None:
    """Report versions, models, the library and the offline self-test; exit code 1 when something is wrong."""
    from importlib.metadata import PackageNotFoundError, version

    from rag.config import load_settings

    settings = load_settings(library=library)
    problems: list[str] = []
    say(f"footnote {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    for package in _PACKAGES:
        try:
            say(f"  {package} {version(package)}")
        except PackageNotFoundError:
            problems.append(f"the package {package} is missing; install the program again")
    say(f"data in {settings.home}")
    for check in (*((_repair,) if repair else ()), _models, _server, _chroma, _library, _offline):
        try:
            problems += check(settings)
        except FootnoteError as error:
            problems.append(str(error))
    for problem in problems:
        say(f"problem: {problem}")
    say(
        "Everything is in order."
        if not problems
        else f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'}."
    )
    if problems:
        raise click.exceptions.Exit(1)


def _models(settings: Settings) -> list[str]:
    from rag.encoding.packaged_weights import verified_weights
    from rag.generation.models import list_models

    verified_weights()
    say("embedder all-MiniLM-L6-v2: weights are the published ones")
    problems = []
    for model in list_models(settings.home):
        files = model.path.name + (f" with {model.adapter.name}" if model.adapter is not None else "")
        say(f"model {model.name}: {files}, sha256 {model.sha256[:16]}…")
        if model.problem:
            problems.append(f"model {model.name}: {model.problem}")
    return problems


def _server(settings: Settings) -> list[str]:
    """What the model server is that the settings name; one that does not answer is a problem."""
    if not settings.llm_url:
        return []
    from rag.factory import model_server
    from rag.generation.servers import shown_name

    server = model_server(settings)
    about = server.about()
    grammar = "takes the grammar" if about.grammar else "takes no grammar"
    say(f"server {server.address.place}: {about.shown}, {shown_name(about.model) or 'no list of models'}, {grammar}")
    return []


def _repair(settings: Settings) -> list[str]:
    """Make what derives from ``papers.sqlite`` again: the vector index, the word index, the manifest."""
    from rag.factory import repair_library

    say(f"repaired: {repair_library(settings)}")
    return []


def _chroma(settings: Settings) -> list[str]:
    """What the Chroma server is that the settings name; one that does not answer is a problem."""
    from rag.factory import vector_server
    from rag.library.storage.chroma_server import ChromaConnection

    server = vector_server(settings)
    if server is None:
        return []
    connection = ChromaConnection(server)
    try:
        version = connection.version()
    finally:
        connection.close()
    say(f"vectors: {server.shown} ({server.place}, version {version})")
    return []


def _library(settings: Settings) -> list[str]:
    from rag.factory import open_library
    from rag.library.library import Library

    path = settings.library_path.expanduser().absolute()
    if settings.is_shipped_library and not Library.exists(path):
        say(f"library {path}: not built yet; the first question builds it")
        return []
    opened = open_library(settings)
    say(f"library {path}: {opened.count} papers, fingerprint {opened.fingerprint[:16]}…")
    if missing := opened.without_vectors:
        say(f"  {missing:,} of them have no vectors yet, and are found by their words: footnote vectors")
    where = f"in {opened.vectors_at.shown}" if opened.vectors_at is not None else "in the folder"
    say(f"  its vectors lie {where}")
    return [f"library: {problem}" for problem in opened.verify()]


def _offline(settings: Settings) -> list[str]:
    from rag.system.offline import self_test

    problems = self_test()
    if not problems:
        say("offline: a connection beyond this computer is refused")
    return [f"offline: {problem}" for problem in problems]
