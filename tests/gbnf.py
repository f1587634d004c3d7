"""Texts drawn from a GBNF grammar, without a model: what the grammar admits, however unlikely a model is to write it;
and what llama.cpp says of a whole text.

Only what the grammars of this project use: literals, character classes, groups, ``|``, ``?``, ``*`` and ``{m,n}``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from contextlib import ExitStack

from rag.generation.generators.engine import Engine

Draw = Callable[[random.Random], str]
# Drawn where a class admits it: ends of sentences, what looks like them, quotes, brackets, and letters of all kinds.
NASTY = "....!?。！？…,;:()\"'”’“‘«»-–—%/&*•#|_{}^~\\=+<>[]0123456789abcdeIVXyzAFGNPéßΩЖ中文अ،؟।\u00a0\u200b😀"
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|\{\d+,\d+\}|[\w-]+|[()|?*])')


def texts(grammar: str) -> Draw:
    """A function that draws one text of ``root`` at a time."""
    rules: dict[str, Draw] = {}
    for name, body in re.findall(r"^([\w-]+) ::= (.*)$", grammar, re.MULTILINE):
        tokens = _TOKEN.findall(body)
        rules[name] = _alternatives(tokens, rules)
        assert not tokens, f"not understood: {tokens}"
    return rules["root"]


def _alternatives(tokens: list[str], rules: dict[str, Draw]) -> Draw:
    choices = [_sequence(tokens, rules)]
    while tokens and tokens[0] == "|":
        tokens.pop(0)
        choices.append(_sequence(tokens, rules))
    return lambda chance: chance.choice(choices)(chance)


def _sequence(tokens: list[str], rules: dict[str, Draw]) -> Draw:
    parts: list[Draw] = []
    while tokens and tokens[0] not in (")", "|"):
        parts.append(_repeated(_atom(tokens, rules), tokens))
    return lambda chance: "".join(part(chance) for part in parts)


def _repeated(one: Draw, tokens: list[str]) -> Draw:
    if tokens and tokens[0] == "?":
        low, high = 0, 1
    elif tokens and tokens[0] == "*":
        low, high = 0, 6
    elif tokens and tokens[0].startswith("{"):
        low, high = (int(n) for n in tokens[0][1:-1].split(","))
        high = min(high, low + 8)  # long sentences find nothing that short ones do not
    else:
        return one
    tokens.pop(0)
    return lambda chance: "".join(one(chance) for _ in range(chance.randint(low, high)))


def _atom(tokens: list[str], rules: dict[str, Draw]) -> Draw:
    token = tokens.pop(0)
    if token == "(":
        inner = _alternatives(tokens, rules)
        assert tokens.pop(0) == ")"
        return inner
    if token.startswith('"'):
        return lambda chance: _unescaped(token[1:-1])
    if token.startswith("["):
        admitted = [c for c in NASTY if re.match(token, c)] or [c for c in map(chr, range(128)) if re.match(token, c)]
        return lambda chance: chance.choice(admitted)
    return lambda chance: rules[token](chance)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text)


def admits(engine: Engine, grammar: str, text: str) -> bool:
    """Whether ``grammar`` admits the whole of ``text``, asked of llama.cpp token by token."""
    import llama_cpp

    from rag.generation.generators.sampling import sampler

    with ExitStack() as stack:
        llama = stack.enter_context(engine.held()).model.llama
        tokens = [*llama.tokenize(text.encode(), add_bos=False, special=False), llama.token_eos()]
        constrained = stack.enter_context(sampler(llama.model, 0.0, 0, grammar))
        for token in tokens:
            if not constrained._allows(token):
                return False
            if token != tokens[-1]:
                llama_cpp.llama_sampler_accept(constrained._grammar, token)
    return True
