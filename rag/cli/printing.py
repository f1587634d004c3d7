"""What the commands print. Names, titles and errors come from files of other people: none of them drives a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Protocol

import click

from rag.text.unseen import clean, escaped_json


class Holder(Protocol):
    """Who may use the program: a user or another program."""

    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def added(self) -> str: ...


def say(text: str, err: bool = False, nl: bool = True) -> None:
    """``text`` to stdout, or stderr with ``err``, without characters that are not seen; ``nl`` ends the line."""
    click.echo(clean(text), err=err, nl=nl)


def say_json(value: Any) -> None:
    r"""``value`` as JSON to stdout; what is not seen stands in it as ``\u`` escapes, so that nothing is lost."""
    say(escaped_json(json.dumps(value, ensure_ascii=False, indent=2)))


def say_holders(holders: Iterable[Holder], none: str) -> None:
    """Name, role and the day on which it was added, a line each, by name; ``none`` to stderr where there are none."""
    known = sorted(holders, key=lambda holder: holder.name)
    width = max((len(holder.name) for holder in known), default=0)
    for holder in known:
        say(f"{holder.name:<{width}}  {holder.role:<6}  {holder.added}".rstrip())
    if not known:
        say(none, err=True)
