"""The command line. Answers go to stdout, progress and notes to stderr.

Exit codes: 0 answered, 1 error, 2 usage, 3 refused. Each command has a module of its name, which imports what it needs
when the command runs, so that ``footnote --help`` is immediate. No rule about papers or answers stands here: a command
asks :mod:`rag.factory` for what it needs. Read first: ``ask.py``.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import Any

import click

from rag import __version__
from rag.cli.printing import say
from rag.errors import FootnoteError
from rag.system.offline import enforce_offline
from rag.text.unseen import clean, one_line

logger = logging.getLogger(__name__)

_REMEDY = "Check that the path is right, writable and that the disk has space."


class FootnoteGroup(click.Group):
    """A group whose commands report errors as one sentence and the right exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; the only place of the command line that catches errors."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # here, where a reader that has gone or a full disk can still be told
            return result
        except FootnoteError as error:
            _say(str(error))
            ctx.exit(error.exit_code)
        except BrokenPipeError:  # the reader of our output has gone, as in 'footnote search … | head'
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(1)
        except KeyboardInterrupt:
            say("Stopped.", err=True)
            ctx.exit(130)
        except click.UsageError as error:  # it repeats names of files
            raise click.UsageError(clean(error.format_message()), error.ctx) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except OSError as error:
            _say(f"{error.filename or 'a file'}: {error.strerror or error}. {_REMEDY}")
            ctx.exit(1)
        except Exception as error:
            logger.info("where it happened:", exc_info=True)
            _say(
                f"unexpected {type(error).__name__}: {error}. This is a fault of the program; "
                "'footnote -v …' shows where, so that you can report it."
            )
            ctx.exit(1)


def _say(message: str) -> None:
    say(f"footnote: {message}", err=True)


@click.group(cls=FootnoteGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="footnote")
@click.option("-v", "--verbose", is_flag=True, help="Show what the program does on stderr.")
def main(verbose: bool) -> None:
    """Answer questions about a library of paper abstracts, offline, with a footnote on every sentence.

    \b
    Answers go to stdout, progress and notes to stderr.
    Exit codes: 0 answered, 1 error, 2 usage, 3 refused.
    """
    enforce_offline()
    _prepare_streams()
    _log_to_stderr(logging.INFO if verbose else logging.WARNING)


def _prepare_streams() -> None:
    """A character that a stream cannot carry is written as an escape and read as a replacement, never an error."""
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


class _ToStderr(logging.Handler):
    """Writes to what is stderr now. Of other packages only errors: their warnings are not for the user."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.name.partition(".")[0] == "rag":
            say(self.format(record), err=True)


class _OneLine(logging.Formatter):
    """A message is one line, whatever names it holds, so that none can pass for another; a traceback has its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return one_line(super().formatMessage(record))


def _log_to_stderr(level: int) -> None:
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, _ToStderr)]
    handler = _ToStderr()
    handler.setFormatter(_OneLine())
    root.addHandler(handler)
    logging.getLogger("rag").setLevel(level)


def _register() -> None:
    """Long because every command has a line of its own."""
    from rag.cli.ask import ask
    from rag.cli.chat import chat
    from rag.cli.check import check
    from rag.cli.conversations import conversations
    from rag.cli.doctor import doctor
    from rag.cli.eval import evaluate
    from rag.cli.export import export
    from rag.cli.import_ import import_
    from rag.cli.mcp import mcp
    from rag.cli.merges import merges
    from rag.cli.models import models
    from rag.cli.retractions import retractions
    from rag.cli.review import review
    from rag.cli.search import search
    from rag.cli.serve import serve
    from rag.cli.tokens import tokens
    from rag.cli.users import users
    from rag.cli.vectors import vectors
    from rag.cli.watch import watch
    from rag.cli.zotero import zotero

    for command in (
        import_,
        export,
        ask,
        review,
        search,
        check,
        serve,
        chat,
        conversations,
        models,
        evaluate,
        doctor,
        users,
        tokens,
        mcp,
        watch,
        retractions,
        merges,
        zotero,
        vectors,
    ):
        main.add_command(command)


_register()
