"""``footnote conversations``: what was kept of the chat on the page."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag.cli.options import style_for, style_option
from rag.cli.printing import say, say_json
from rag.errors import ConversationNotFound
from rag.system.whole_files import write_whole
from rag.text.unseen import one_line

if TYPE_CHECKING:
    from rag.history.models import Conversation, ConversationInfo
    from rag.history.store import ConversationStore

_FORMATS = ("markdown", "pandoc", "html", "references", "bibtex", "ris", "csl-json", "json")
_user = click.option("--user", default="", metavar="NAME", help="Whose (default: nobody's, as without a password).")
_id = click.argument("conversation", metavar="ID")


@click.group(invoke_without_command=True)
@click.pass_context
def conversations(ctx: click.Context) -> None:
    """List, show, export and delete the conversations that the page has kept."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@conversations.command("list")
@click.argument("search", required=False, default="")
@_user
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_(search: str = "", user: str = "", as_json: bool = False) -> None:
    """List those that hold all words of SEARCH, the last changed first; all without it."""
    from rag.history.serialisation import to_record

    store = _store()
    found = store.conversations(user, search)
    if as_json:
        say_json([to_record(info) for info in found])
        return
    for info in found:
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(info.changed))
        say(f"{info.id[:8]}  {day}  {info.turns:3}  {one_line(info.title)}")
    if not found:
        others = [name for name in store.users() if name != user]
        hint = f" Others have some: --user {', --user '.join(others)}." if others else ""
        say(f"There are no conversations{' with these words' if search else ''} here.{hint}", err=True)


@conversations.command()
@_id
@_user
def show(conversation: str, user: str) -> None:
    """Print a conversation with its references. ID may be cut to its first letters."""
    from rag.output.presentation import to_plain

    found = _conversation(conversation, user)
    for turn in found.turns:
        say(f"> {one_line(turn.question)}\n")
        said = f"No answer: {one_line(turn.error)}\n" if turn.error else "Stopped.\n"
        say(said if turn.answer is None else to_plain(turn.answer))


@conversations.command()
@_id
@_user
@click.option("--format", "format_", type=click.Choice(_FORMATS), default="markdown", show_default=True)
@style_option
@click.option("--turn", type=click.IntRange(1), help="Only the answer of this number, counted from 1.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Folder for the files.")
def export(conversation: str, user: str, format_: str, style: str | None, turn: int | None, out: Path | None) -> None:
    """Write a conversation to stdout, or as files into --out (which Pandoc's two files need)."""
    from rag.output import exports

    chosen = style_for(style, format_)
    found = _conversation(conversation, user)
    if turn is not None:
        if turn > len(found.turns):
            raise click.UsageError(f"The conversation has {len(found.turns)} turns; --turn {turn} is none of them.")
        found = exports.only(found, found.turns[turn - 1].id)
    files = exports.export(found, format_, style=chosen)
    if out is None:
        if len(files) > 1:
            raise click.UsageError(f"Format {format_} makes {len(files)} files. Name a folder for them: --out DIR")
        say(next(iter(files.values())), nl=False)
        return
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_whole(out / name, text, errors="replace")
        say(str(out / name), err=True)


@conversations.command()
@_id
@_user
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(conversation: str, user: str, yes: bool) -> None:
    """Delete a conversation with its ratings and notes."""
    store = _store()
    info = _info(store, conversation, user)
    if not yes:
        click.confirm(f"Delete '{one_line(info.title)}' ({info.turns} questions)?", abort=True, err=True)
    store.delete(user, info.id)
    say(f"Deleted '{one_line(info.title)}'.", err=True)


@conversations.command()
@_user
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Default: stdout.")
def rated(user: str, out: Path | None) -> None:
    """Write the answers that were marked good as questions for 'footnote eval answers'."""
    from rag.history.feedback import evaluation_set

    made = evaluation_set(_store().rated(user))
    if out is None:
        say(made.text, nl=False)
    else:
        write_whole(out, made.text, errors="replace")
    left = f"; {made.bad} marked bad left out, as they do not say what is right" if made.bad else ""
    say(f"{len(made.questions)} questions{left}", err=True)


def _store() -> ConversationStore:
    from rag.config import load_settings
    from rag.factory import open_history

    return open_history(load_settings())


def _info(store: ConversationStore, id: str, user: str) -> ConversationInfo:
    """The conversation whose id begins with ``id``. Raises :class:`ConversationNotFound`."""
    found = [info for info in store.conversations(user, limit=1_000_000) if id and info.id.startswith(id.lower())]
    if len(found) != 1:
        problem = (
            f"{len(found)} conversations have ids that begin" if found else "No conversation has an id that begins"
        )
        raise ConversationNotFound(f"{problem} with '{id}'. 'footnote conversations list' names those there are.")
    return found[0]


def _conversation(id: str, user: str) -> Conversation:
    store = _store()
    return store.conversation(user, _info(store, id, user).id)
