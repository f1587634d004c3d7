r"""Which answers a model may write in ``cite`` mode, as a GBNF grammar of llama.cpp.

An answer is one to four sentences on one line; a sentence is words, then one or two numbers of evidence that
exist, then its full stop: ``The model has 7 billion parameters [1].`` How it stays sound on real text:

* ``[`` and ``]`` only ever belong to a citation, so no number outside the list can be written.
* A full stop inside a sentence stands before a character (``3.5``, ``e.g.,``) or behind a known abbreviation or
  an initial (``et al. 2020``). After any other only a citation can follow (``… parameters. [1]``): a model that
  closes the sentence first is led to cite it before it begins the next. :func:`normalise` puts both forms into one.
* ``<`` needs a space or a digit behind it (``p <0.05``), so that neither a reasoning block nor the text of a
  chat-template token is an answer.
* Sentences have at most :data:`WORDS` words, so that a model that rambles still arrives at a citation.

GBNF: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

SENTENCES = 4
WORDS = 45

# What ends in a full stop within a sentence. After any other word a full stop ends the sentence.
_ABBREVIATIONS = (
    "al", "approx", "Appx", "ca", "cf", "Dr", "e.g", "eq", "Eq", "Eqs", "etc", "Fig", "fig", "Figs", "i.e", "incl",
    "max", "min", "No", "no", "Prof", "Ref", "resp", "Sec", "St", "vol", "vs", "w.r.t",
)  # fmt: skip

_RULES = r"""
root ::= " "? sentence (" " sentence){0,%(more)d}
sentence ::= head (" " word){0,%(words)d} (" " cite stop | end " " cite)
stop ::= [.。]
end ::= [.!?。！？]
head ::= first rest* | abbreviation "."
word ::= start rest* | "<" (" " | digit) rest* | "("? abbreviation "." [),]?
abbreviation ::= [A-Z] ("." [A-Z])* | %(abbreviations)s
first ::= [^ \t\n\r.!?。！？<>\[\]{}|*#`_\\,;:)/-]
start ::= [^ \t\n\r.!?。！？<>\[\]] | ">" | "." digit
rest ::= [^ \t\n\r.!?。！？<>\[\]] | "." plain | [!?] plain | ">" | "<" digit
plain ::= [^ \t\n\r.!?。！？<>\[\]"'”’)]
digit ::= [0-9]
cite ::= %(cites)s
"""


def cite_grammar(numbers: Sequence[int], sentences: int = SENTENCES) -> str:
    """The grammar for evidence ``numbers`` (at least one), for at most ``sentences`` sentences.

    Two numbers behind a sentence come in ascending order, so that none is said twice.
    """
    ordered = sorted(set(numbers))
    if not ordered:
        raise ValueError("a grammar for citations needs at least one number")
    cites = []
    for at, number in enumerate(ordered):
        later = " | ".join(f'"[{other}]"' for other in ordered[at + 1 :])
        cites.append(f'"[{number}]"' + (f" ({later})?" if later else ""))
    return _RULES % {
        "more": sentences - 1,
        "words": WORDS - 1,
        "abbreviations": " | ".join(f'"{a}"' for a in _ABBREVIATIONS),
        "cites": " | ".join(cites),
    }


# A full stop with a citation behind it, and whatever may still become one.
_STOP_THEN_CITE = re.compile(r"([.!?。！？])( (?:\[\d+\])+)(?!\[)")
_PERHAPS = re.compile(r"[.!?。！？](?: (?:\[\d+\])*(?:\[\d*)?)?")


def normalise(pieces: Iterable[str]) -> Iterator[str]:
    """``… parameters. [1]`` becomes ``… parameters [1].``; holds back only what may still change."""
    held = ""
    for piece in pieces:
        done, held = _swap(held + piece, last=False)
        if done:
            yield done
    done, _ = _swap(held, last=True)
    if done:
        yield done


def _swap(text: str, last: bool) -> tuple[str, str]:
    """What is decided of ``text``, in its normal form, and the rest that is not decided yet."""
    done: list[str] = []
    at = 0
    for end in _END.finditer(text):
        if end.start() < at:
            continue
        if not last and _PERHAPS.fullmatch(text, end.start()):
            return "".join([*done, text[at : end.start()]]), text[end.start() :]
        match = _STOP_THEN_CITE.match(text, end.start())
        if match:
            done += [text[at : end.start()], match[2], match[1]]
            at = match.end()
    return "".join([*done, text[at:]]), ""


_END = re.compile(r"[.!?。！？]")
