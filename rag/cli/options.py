"""Options that several commands have: the library, the model, and which papers may be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.config import MODES

if TYPE_CHECKING:
    from rag.library.library import Library
    from rag.pipeline import Pipeline
    from rag.questions.scope import Scope

    ScopeOf = Callable[[Pipeline], Scope | None]

_YEAR = click.IntRange(1000, 2999)


class _Folder(click.Path):
    """A folder. An empty name is refused: it would mean the current folder, and most often is an unset variable."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the name of the folder is empty.", param, ctx)
        return super().convert(value, param, ctx)


def library_option(command: Any) -> Any:
    """``--library DIR`` for a command."""
    return click.option(
        "--library",
        metavar="DIR",
        type=_Folder(path_type=Path),
        help="Folder of the library (default: $FOOTNOTE_LIBRARY, else the shipped abstracts).",
    )(command)


def read_only_option(command: Any) -> Any:
    """``--read-only`` for a command that reads a library."""
    return click.option(
        "--read-only",
        is_flag=True,
        default=None,
        help="Never write to the library: it may lie on a read-only or replicated disk, or be another's.",
    )(command)


def model_options(command: Any) -> Any:
    """``--model``, ``--mode``, ``--patience`` and ``--seed`` for a command that answers."""
    for option in (
        click.option("--seed", type=int, help="Seed of a model that draws lots (temperature above 0)."),
        click.option(
            "--patience",
            type=click.IntRange(1, 3600),
            metavar="S",
            help="Seconds until a model's first word: how much it is given to read (default 15).",
        ),
        click.option("--mode", type=click.Choice(MODES), help="Quotes, shortened ones, cited text or free text."),
        click.option(
            "--model", metavar="M", help="writer (the default), quote, smollm2, a registered name or a GGUF file."
        ),
    ):
        command = option(command)
    return command


def scope_options(command: Any) -> Any:
    """Years, ``--venue``, ``--source``, ``--tag``, ``--collection`` and ``--paper`` for a command that searches."""
    for option in (
        click.option("--paper", "papers", metavar="ID", multiple=True, help="Use this paper only; may be repeated."),
        click.option(
            "--collection",
            "collections",
            metavar="C",
            multiple=True,
            help="Use papers in this collection only, or in one below it; 'Thesis/Chapter 2' is a path.",
        ),
        click.option("--tag", "tags", metavar="T", multiple=True, help="Use papers with this tag only."),
        click.option("--source", "sources", metavar="S", multiple=True, help="Use papers of this import file only."),
        click.option("--venue", "venues", metavar="V", multiple=True, help="Use papers of this venue only."),
        click.option("--until", type=_YEAR, metavar="YEAR", help="Use papers of this year or earlier."),
        click.option("--since", type=_YEAR, metavar="YEAR", help="Use papers of this year or later."),
    ):
        command = option(command)
    return command


def style_option(command: Any) -> Any:
    """``--style NAME|FILE.csl`` for a command that writes lists of references."""
    return click.option(
        "--style",
        metavar="STYLE",
        help="Citation style of the references: apa (the default), vancouver, ieee, …, or a .csl file.",
    )(command)


def style_of(style: str | None) -> bytes | None:
    """The file of the style that was named, None where none was. Raises :class:`rag.errors.StyleError`."""
    if style is None:
        return None
    from rag.papers.styles.finding import read_style

    return read_style(style)


def style_for(style: str | None, format_: str) -> bytes | None:
    """As :func:`style_of` for an export of answers: where none was named, the one of the settings.

    Pandoc has a style of its own where none is named. Raises :class:`click.UsageError` for records, which have none.
    """
    if style is not None and format_ in ("bibtex", "ris", "csl-json", "json"):
        raise click.UsageError(f"--style is for lists of references, and --format {format_} has none.")
    if style is not None or format_ not in ("markdown", "html", "references"):
        return style_of(style)
    from rag.config import load_settings

    return style_of(load_settings().citation_style)


def scope_of(options: dict[str, Any]) -> tuple[dict[str, Any], ScopeOf]:
    """The other options, and a function that makes the scope of the options above once the library is open."""
    rest, scope_in = library_scope_of(options)
    return rest, lambda pipeline: scope_in(pipeline.library)


def library_scope_of(options: dict[str, Any]) -> tuple[dict[str, Any], Callable[[Library], Scope | None]]:
    """As :func:`scope_of`, for a command that needs the library alone."""
    names = ("since", "until", "venues", "sources", "papers", "tags", "collections")
    chosen = {name: options[name] for name in names}
    since, until = chosen["since"], chosen["until"]
    if since is not None and until is not None and since > until:
        raise click.UsageError(f"--since {since} is later than --until {until}.")
    rest = {name: value for name, value in options.items() if name not in names}
    return rest, lambda library: _scope(chosen, library)


def _scope(chosen: dict[str, Any], library: Library) -> Scope | None:
    """None for all papers. Raises :class:`ScopeError` for a name that is not in the library."""
    from rag.questions.named_scope import named_scope

    if all(value in (None, ()) for value in chosen.values()):
        return None
    return named_scope(library, **chosen)
