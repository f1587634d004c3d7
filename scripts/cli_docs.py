"""Writes docs/cli.md: the ``--help`` page of every command. A test compares.

python scripts/cli_docs.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "cli.md"
_WIDTH = 100
_HEAD = """# The command line

Made by `python scripts/cli_docs.py` from the program itself.

Answers go to stdout, progress and notes to stderr. Exit codes: 0 answered, 1 error, 2 usage, 3 refused; 130 after
Ctrl+C. Every setting can also stand in the environment (`FOOTNOTE_PAPERS=8`) or in `footnote.toml` in the user's
configuration folder (`papers = 8`): the command line wins over the environment, the environment over the file.
"""


def page() -> str:
    """The whole text of ``docs/cli.md``."""
    from rag.cli import main

    return "\n".join([_HEAD, _settings(), *_sections(main, "footnote", None)])


def _settings() -> str:
    from dataclasses import MISSING, fields

    from rag.config import Settings

    defaults = {field.name: field.default for field in fields(Settings)}
    none = (None, MISSING, "")
    shown = {name: "" if value in none else f"`{str(value).lower()}`" for name, value in defaults.items()}
    rows = [f"| `{name}` | {value} |" for name, value in shown.items()]
    return "\n".join(["What each means stands in `rag/config.py`.\n", "| setting | default |", "|---|---|", *rows, ""])


def _sections(command: object, name: str, parent: object) -> Iterator[str]:
    import click

    assert isinstance(command, click.Command)
    assert parent is None or isinstance(parent, click.Context)
    context = click.Context(
        command, info_name=name, parent=parent, terminal_width=_WIDTH, max_content_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )  # fmt: skip
    yield f"## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"
    for child in sorted(command.commands) if isinstance(command, click.Group) else ():
        yield from _sections(command.commands[child], child, context)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    TARGET.write_text(page(), encoding="utf-8")
