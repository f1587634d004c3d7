"""``footnote tokens``: which programs may use the HTTP API, and which of them may change libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rag.cli.printing import say, say_holders

if TYPE_CHECKING:
    from rag.system.tokens_file import TokensFile

_ROLES = click.Choice(("reader", "editor"))
_name = click.argument("name")


@click.group(invoke_without_command=True)
@click.pass_context
def tokens(ctx: click.Context) -> None:
    """Add, list and remove the tokens of programs that use the HTTP API.

    \b
    A reader asks, searches, checks and reads papers.
    An editor also imports and deletes papers.
    Where the page asks nobody to sign in and listens on this computer only, the API needs no token.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@tokens.command()
@_name
@click.option("--role", type=_ROLES, default="reader", show_default=True)
def add(name: str, role: str) -> None:
    """Make a token for the program NAME and print it, this once: only its hash is kept."""
    token = _file().add(name, role)
    may = "change libraries as well" if role == "editor" else "ask, search, check and read"
    say(f"Whoever sends this token as 'Authorization: Bearer …' may {may}. It is not shown again.", err=True)
    say(token)


@tokens.command("list")
def list_() -> None:
    """Name, role and the day on which it was made, a token a line."""
    file = _file()
    say_holders(file.read().values(), f"There are no tokens in {file.path}. Make one: footnote tokens add NAME")


@tokens.command()
@_name
def remove(name: str) -> None:
    """Take the token of NAME away: its next request is refused."""
    _file().remove(name)
    say(f"The token of {name} is none any more.", err=True)


def _file() -> TokensFile:
    from rag.config import load_settings
    from rag.system.tokens_file import TokensFile

    return TokensFile(load_settings().home)
