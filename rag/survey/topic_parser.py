"""The topic of a count to an expression: 'noise or speech, but not music', '“neural network” by Hinton'.

Words side by side must all occur. 'and' binds closer than 'or'; 'but', 'without', 'except' and a relative clause
('that use …') concern everything before them. What is denied reaches over 'or' ('without noise or speech' has
neither); behind 'without', 'except' and 'neither' also over a plain 'and'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag.survey.expressions import All, AnyOf, Expression, Not
from rag.survey.topic_lexer import QUOTES, YEARS_TAKEN_OUT, Lexer, Token, tidied

__all__ = ["QUOTES", "YEARS_TAKEN_OUT", "parse"]

_DEEPEST = 16  # brackets within brackets; the parser calls itself for each


def parse(topic: str, is_author: Callable[[str], bool] | None) -> Expression | None:
    """The expression that a topic means; None where it names nothing to look for.

    ``is_author`` says of a lower-case word whether it is part of the name of some author in the library; without it,
    names behind 'by' are words like any others.
    """
    parser = _Parser(_balanced(tidied(list(Lexer(topic, is_author).tokens()))))
    return parser.top()


def _balanced(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without brackets that have no partner or stand deeper than ``_DEEPEST``."""
    partners: dict[int, int] = {}
    waiting: list[int] = []
    for at, token in enumerate(tokens):
        if token.kind == "open":
            waiting.append(at)
        elif token.kind == "close" and waiting:
            opened = waiting.pop()
            if len(waiting) < _DEEPEST:
                partners |= {opened: at, at: opened}
    return [token for at, token in enumerate(tokens) if token.kind not in ("open", "close") or at in partners]


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def _kind(self) -> str:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else ""

    def _take(self) -> Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def top(self) -> Expression | None:
        """Everything up to the end or a closing bracket."""
        parts: list[Expression] = []
        while self._kind and self._kind != "close":
            if self._kind in ("break", "and", "or", "both"):
                self._take()
                continue
            if self._kind in ("not", "without") and self._denies_both():
                self._at += 2
                if parts and isinstance(parts[-1], AnyOf):
                    parts.append(Not(All(parts[-1].parts)))
                continue
            part = self._alternatives()
            if part is not None:
                parts.append(part)
        return _joined(All, parts)

    def _denies_both(self) -> bool:
        return self._at + 1 < len(self._tokens) and self._tokens[self._at + 1].kind == "both"

    def _alternatives(self) -> Expression | None:
        parts = [self._conjunction()]
        while self._kind == "or":
            self._take()
            parts.append(self._conjunction())
        return _joined(AnyOf, parts)

    def _conjunction(self) -> Expression | None:
        parts = [self._operand()]
        while self._kind in ("and", "term", "open", "not") and not self._denies_both():
            if self._kind == "and":
                self._take()
            parts.append(self._operand())
        return _joined(All, parts)

    def _operand(self) -> Expression | None:
        if self._kind not in ("not", "without"):
            return self._side_by_side()
        widely = False
        while self._kind in ("not", "without"):
            widely = self._take().kind == "without" or widely
        parts = [self._side_by_side()]
        while self._kind == "or" or (widely and self._kind == "and" and self._goes_on()):
            self._take()
            if self._kind == "not":  # 'neither noise nor speech'
                self._take()
            parts.append(self._side_by_side())
        denied = _joined(AnyOf, parts)
        return None if denied is None else Not(denied)

    def _goes_on(self) -> bool:
        return not self._tokens[self._at].explicit and self._tokens[self._at + 1].kind in ("term", "open")

    def _side_by_side(self) -> Expression | None:
        parts: list[Expression | None] = []
        while self._kind in ("term", "open"):
            token = self._take()
            if token.kind == "term":
                parts.append(token.value)
            else:
                parts.append(self.top())
                if self._kind == "close":
                    self._take()
        return _joined(All, parts)


def _joined(kind: type[All] | type[AnyOf], parts: Sequence[Expression | None]) -> Expression | None:
    """The parts that there are as one expression, nested ones of the same kind dissolved."""
    found: list[Expression] = []
    for part in parts:
        found += part.parts if isinstance(part, kind) else [part] if part is not None else []
    found = list(dict.fromkeys(found))
    return found[0] if len(found) == 1 else kind(tuple(found)) if found else None
