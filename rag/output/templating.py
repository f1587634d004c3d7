"""HTML from Jinja2 templates: the only place that sets them up.

All text is data: it is escaped wherever a template puts it, unless it is HTML already (``markupsafe.Markup``).
Templates are indented for reading. Of a line break with the indentation after it nothing is left beside a tag or a
``{% … %}``, and a blank within text or between attributes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from rag.papers.bibliography import clean, one_line

if TYPE_CHECKING:
    from jinja2 import Environment

_LINE_BREAK = re.compile(r"\n\s*+")


class Template:
    """The macros of ``templates/<name>.html.j2`` in a package, as methods that give HTML.

    A template may import others of its package and those of ``rag.output``.
    """

    def __init__(self, package: str, name: str) -> None:
        self._package, self._file = package, f"{name}.html.j2"

    def __getattr__(self, macro: str) -> Callable[..., str]:
        found = getattr(_environment(self._package).get_template(self._file).module, macro)

        def call(*values: Any, **named: Any) -> str:
            return str.__str__(found(*values, **named))  # plain: added to a str, Markup would escape it

        return call


def html(text: str) -> Any:
    """``text``, which is HTML already, for a template to take as it is."""
    from markupsafe import Markup

    return Markup(text)


@cache
def _environment(package: str) -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def escaped(value: Any) -> Any:
        """Escape as the rest of the program does: Jinja2 by itself writes quotes differently."""
        return value if isinstance(value, Markup) else Markup(escape(clean(str(value))))

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("rag.output")]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=escaped,
    )
    environment.add_extension(_unindenting())
    environment.filters |= {"clean": clean, "one_line": one_line, "thousands": "{:,}".format}
    return environment


def _unindented(line_break: re.Match[str]) -> str:
    """What is left of a line break with the indentation after it."""
    text, start, end = line_break.string, *line_break.span()
    return "" if text[max(0, start - 1) : start] in ("", ">") or text[end : end + 1] in ("", "<") else " "


def _unindenting() -> Any:
    """The extension that takes the indentation of templates out of the page."""
    from jinja2.ext import Extension
    from jinja2.lexer import Token

    class Unindenting(Extension):
        def filter_stream(self, stream: Any) -> Any:
            for token in stream:
                if token.type == "data":
                    token = Token(token.lineno, "data", _LINE_BREAK.sub(_unindented, token.value))
                yield token

    return Unindenting
