r"""Which answers a model may write in ``cite`` mode, as a GBNF grammar of llama.cpp.

An answer is one to four sentences on one line; a sentence is words, then one or two numbers of evidence that
exist, then its full stop: ``The model has 7 billion parameters [1].`` How it stays sound on real text:

* ``[`` and ``]`` only ever belong to a citation, so no number outside the list can be written.
* A full stop inside a sentence stands before a character (``3.5``, ``a.b.c``) or behind a known abbreviation or an
  initial, with what may follow it: anything behind ``e.g.``, a figure behind ``No.``, no capital behind ``etc.``, for
  there the check that follows would see the end of a sentence without a number. After any other stop only a citation
  can follow (``… parameters. [1]``): a model that closes the sentence first is led to cite it before it begins the
  next. :func:`normalise` puts both forms into one. Ends of sentences are ends in any script (``。 ؟ ।``).
* ``<`` needs a space or a digit behind it (``p <0.05``), so that neither a reasoning block nor the text of a
  chat-template token is an answer.
* Sentences have at most :data:`WORDS` words, so that a model that rambles still arrives at a citation.

GBNF: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Sequence

SENTENCES = 4
WORDS = 45

# What ends in a full stop within a sentence, by what may stand behind it. After any other word it ends the sentence.
_ANYTHING_AFTER = (
    "approx", "Approx", "ca", "cf", "Cf", "Dr", "e.g", "eq", "Eq", "eqs", "Eqs", "fig", "Fig", "figs", "Figs", "i.e",
    "incl", "Mr", "Mrs", "Ms", "Prof", "ref", "Ref", "refs", "Refs", "resp", "St", "viz", "vs",
)  # fmt: skip
_FIGURE_AFTER = ("ch", "no", "No", "nos", "Nos", "p", "pp", "sec", "Sec", "tab", "Tab", "vol", "Vol")
_NO_CAPITAL_AFTER = ("avg", "etc", "max", "min", "w.r.t")
# Behind an initial stands a surname. One that begins like a word that begins sentences ('J. The') would end it.
_SURNAME = (
    "[JKQVXZ] [a-z]", "A [abeghijkoqruvwxyz]", "B [ilrh]", "C [abehilr]", "D [ijmrovw]", "E [bdgikllrs]", "F [ael]",
    "G [aehlorsu]", "H [aiuy]", "I [abgorsv]", "L [eiouy]", "M [ciuy]", "N [aiy]", "O [bcdghklmrtsvz]", "P [aehiou]",
    "R [aiouy]", "S [achklmntvwyz]", "T [aeiou]", "U [lrdt]", "W [aory]", "Y [aiu]",
)  # fmt: skip
_BLANKS = "".join(c for c in map(chr, range(0x3001)) if c.isspace() or c < " ") + "\x7f"
_ENDS = ".!?…。！？؟।｡"
_CLOSERS = "\"'”’»)]}）」』】"  # that belong to the stop before them
_OURS = "<[]"  # of citations and of what templates write
_LAYOUT = ">{}|*#`_\\,;:)/-"  # no sentence begins with it

_RULES = r"""
root ::= " "? answer
answer ::= sentence (" " sentence){0,%(more)d}
sentence ::= head (" " word){0,%(words)d} ((" " trailing)? " " cite stop | end " " cite)
stop ::= [.。।]
end ::= [.!?。！？؟।]
head ::= first rest* | capitals rest* | dotted
word ::= start rest* | capitals rest* | "<" (" " | digit) rest* | "("? dotted
trailing ::= "("? ("et al" | initials | %(no_capital)s) "."
dotted ::= (%(anything)s) "." [),]? | (%(figure)s) "." " " "("? digit rest* | open "." [),] | open "." " " soft | author
open ::= "et al" | initials | %(no_capital)s
soft ::= "("? [a-z] rest*
author ::= "et al." " " "("? digit rest* | initials "." " " (surname rest* | author)
surname ::= %(surname)s
initials ::= [A-Z] ("." [A-Z])*
capitals ::= [A-Z0-9] ("." [A-Z])+
first ::= %(first)s
start ::= %(plain)s | "." digit
rest ::= %(plain)s | [.!?…] inner | capitals | "<" digit
inner ::= %(inner)s
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
        "anything": _either(_ANYTHING_AFTER),
        "figure": _either(_FIGURE_AFTER),
        "no_capital": _either(_NO_CAPITAL_AFTER),
        "surname": " | ".join(f'"{s[0]}" {s[2:]}' if s[0] != "[" else s for s in _SURNAME),
        "first": _all_but(_BLANKS + _ENDS + _OURS + _LAYOUT),
        "plain": _all_but(_BLANKS + _ENDS + _OURS),
        "inner": _all_but(_BLANKS + _ENDS + _OURS + _CLOSERS + string.ascii_uppercase),
        "cites": " | ".join(cites),
    }


def _either(words: Sequence[str]) -> str:
    """One of ``words``. By first letter, for llama.cpp follows every alternative on its own."""
    begins = {word[0]: [w[1:] for w in words if w[0] == word[0]] for word in words}
    return " | ".join(f'"{first}" ({" | ".join(map(_quoted, rests))})' for first, rests in begins.items())


def _quoted(text: str) -> str:
    return f'"{text}"'


def _all_but(excluded: str) -> str:
    """Every character but ``excluded``, as a class of ranges.

    Not as a negated class: of a character whose bytes are several tokens llama.cpp sees a part first, and refuses it
    to a negated class as soon as any character that begins so is excluded. No Arabic letter could be written for '؟'.
    """
    points = sorted({ord(character) for character in excluded})
    ranges = zip([0, *(point + 1 for point in points)], [*(point - 1 for point in points), 0x10FFFF], strict=True)
    kept = [(low, high) for low, high in ranges if low <= high]
    kept.sort(key=lambda r: (not r[0] <= ord("e") <= r[1], r))  # looked through from the first: small letters
    return "[" + "".join(rf"\U{low:08x}-\U{high:08x}" for low, high in kept) + "]"


# A full stop with a citation behind it, and whatever may still become one. In 'et al. [1].' it ends no sentence.
_STOP_THEN_CITE = re.compile(r"([.!?。！？؟।])( (?:\[\d+\])+)(?![\[.!?。！？؟।])")
_PERHAPS = re.compile(r"[.!?。！？؟।](?: (?:\[\d+\])*(?:\[\d*)?)?")


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


_END = re.compile(r"[.!?。！？؟।]")
