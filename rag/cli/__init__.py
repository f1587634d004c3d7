"""The command line. Answers go to stdout, progress and notes to stderr.

Exit codes: 0 answered, 1 error, 2 usage, 3 refused. Each command lives with its kin in a module of
this package and loads what it needs when it runs, so that ``footnote --help`` is immediate.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import click

from rag import __version__
from rag.errors import FootnoteError
from rag.offline import enforce_offline


class FootnoteGroup(click.Group):
    """A group whose commands report expected errors as one sentence and the right exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; the only place of the command line that catches errors."""
        try:
            return super().invoke(ctx)
        except FootnoteError as error:
            click.echo(f"footnote: {error}", err=True)
            ctx.exit(error.exit_code)
        except BrokenPipeError:  # the reader of our output has gone, as in 'footnote search … | head'
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(130)
        except OSError as error:
            if error.errno is None:
                raise
            click.echo(f"footnote: {error.filename or 'a file'}: {error.strerror}. {_REMEDY}", err=True)
            ctx.exit(1)


_REMEDY = "Check that the path is right, writable and that the disk has space."


@click.group(cls=FootnoteGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="footnote")
@click.option("-v", "--verbose", is_flag=True, help="Show what the program does on stderr.")
def main(verbose: bool) -> None:
    """Answer questions about a library of paper abstracts, offline, with a footnote on every sentence."""
    enforce_offline()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO if verbose else logging.ERROR, format="%(message)s")


def _register() -> None:
    from rag.cli.asking import COMMANDS as ASKING
    from rag.cli.evaluating import COMMANDS as EVALUATING
    from rag.cli.importing import COMMANDS as IMPORTING
    from rag.cli.inspecting import COMMANDS as INSPECTING
    from rag.cli.modelling import COMMANDS as MODELLING

    for command in (*IMPORTING, *ASKING, *MODELLING, *EVALUATING, *INSPECTING):
        main.add_command(command)


_register()
