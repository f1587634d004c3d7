"""``footnote users``: who may sign in to the page, and who of them may change libraries and models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag.cli.printing import say, say_holders
from rag.errors import AccountError

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.system.users_file import UsersFile

_ROLES = click.Choice(("reader", "editor"))
_name = click.argument("name")
_password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, without its line break."
)


@click.group(invoke_without_command=True)
@click.pass_context
def users(ctx: click.Context) -> None:
    """Add, list and remove those who may sign in to the page.

    \b
    A reader asks questions, reads, exports and keeps conversations.
    An editor also changes libraries, papers and models.
    Once there is an account, 'footnote serve' lets nobody in who does not sign in.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@users.command("list")
def list_() -> None:
    """Name, role and the day on which it was added, an account a line."""
    file = _file()
    say_holders(file.read().values(), f"There are no accounts in {file.path}. Add one: footnote users add NAME")


@users.command()
@_name
@click.option("--role", type=_ROLES, default="reader", show_default=True)
@_password_stdin
def add(name: str, role: str, password_stdin: bool) -> None:
    """Let NAME sign in, with a password that is asked for twice."""
    from rag.system.accounts import EDITOR, checked_name, checked_password

    file, name = _file(), checked_name(name)
    file.check_free(name)
    is_first = not file.read()
    file.add(name, checked_password(_ask(password_stdin), name), role)
    may = "change libraries and models as well" if role == EDITOR else "ask, read and export"
    say(f"{name} may sign in, and may {may}.", err=True)
    if is_first:
        say("From its next start on, 'footnote serve' lets nobody in without signing in.", err=True)
    if kept := _conversations(name):
        say(
            f"{_counted(kept)} of an earlier '{name}' {'is' if kept == 1 else 'are'} here for this account to read. "
            f"'footnote conversations list --user {name}' shows what.",
            err=True,
        )


@users.command()
@_name
@_password_stdin
def password(name: str, password_stdin: bool) -> None:
    """Give NAME another password; whoever is signed in as NAME is signed out."""
    from rag.system.accounts import checked_password

    file = _file()
    file.check_known(name)
    file.set_password(name, checked_password(_ask(password_stdin), name))
    say(f"{name} has another password.", err=True)


@users.command()
@_name
@click.argument("role", type=_ROLES)
def role(name: str, role: str) -> None:
    """Make NAME a reader or an editor, at once."""
    _file().set_role(name, role)
    say(f"{name} is {'an editor' if role == 'editor' else 'a reader'} now.", err=True)


@users.command()
@_name
@click.option("--delete-conversations", is_flag=True, help="Delete the conversations that NAME has kept as well.")
def remove(name: str, delete_conversations: bool) -> None:
    """Let NAME sign in no more; whoever is signed in as NAME is signed out."""
    left = _file().remove(name)
    kept = _conversations(name, delete=delete_conversations)
    say(f"{name} may not sign in any more.", err=True)
    if kept and delete_conversations:
        say(f"{_counted(kept)} {'was' if kept == 1 else 'were'} deleted.", err=True)
    elif kept:
        say(
            f"{_counted(kept)} {'stays' if kept == 1 else 'stay'} here: "
            f"'footnote conversations list --user {name}' shows what. An account added under this name gets them.",
            err=True,
        )
    if not left:
        say("That was the last account: from its next start on, the page lets everybody in.", err=True)


@users.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--role", type=_ROLES, default="reader", show_default=True)
def import_(file: Path, role: str) -> None:
    """Add the users of FILE, which has a name:password pair on each line; all of them or none."""
    from rag.system.auth_setting import read_pair_lines

    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise AccountError(f"{file} is not UTF-8 text. Save it as UTF-8.") from error
    passwords = read_pair_lines(text, file)
    if not passwords:
        raise AccountError(f"{file} holds no name and password. Write a name:password pair on each line.")
    _file().add_all(passwords, role)
    say(f"Added as {role}: {', '.join(sorted(passwords))}. Delete {file}: it holds the passwords.", err=True)


def _file() -> UsersFile:
    from rag.system.auth_setting import holds_pairs, users_path
    from rag.system.users_file import UsersFile

    settings = _settings()
    if holds_pairs(settings.auth):
        say("FOOTNOTE_AUTH holds pairs: while it does, the page knows those accounts only.", err=True)
    return UsersFile(users_path(settings.auth, settings.home))


def _settings() -> Settings:
    from rag.config import load_settings

    return load_settings()


def _ask(from_stdin: bool) -> str:
    """The new password: never an argument, which other users of the computer could see."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for a password. Send it to --password-stdin.")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt="The same once more", err=True))


def _counted(conversations: int) -> str:
    return f"{conversations} conversation{'' if conversations == 1 else 's'}"


def _conversations(name: str, delete: bool = False) -> int:
    """How many conversations ``name`` has kept."""
    from rag.factory import open_history
    from rag.history.store import NAME

    settings = _settings()
    if not (settings.home / NAME).exists():
        return 0
    store = open_history(settings)
    kept = store.conversations(name, limit=1_000_000)
    for info in kept if delete else ():
        store.delete(name, info.id)
    return len(kept)
