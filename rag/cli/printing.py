"""What the commands print. Names, titles and errors come from files of other people: none of them drives a terminal."""

from __future__ import annotations

import json
from typing import Any

import click

from rag.text.unseen import clean, escaped_json


def say(text: str, err: bool = False, nl: bool = True) -> None:
    """``text`` to stdout, or stderr with ``err``, without characters that are not seen; ``nl`` ends the line."""
    click.echo(clean(text), err=err, nl=nl)


def say_json(value: Any) -> None:
    r"""``value`` as JSON to stdout; what is not seen stands in it as ``\u`` escapes, so that nothing is lost."""
    say(escaped_json(json.dumps(value, ensure_ascii=False, indent=2)))
