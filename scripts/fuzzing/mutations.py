"""One sound file to a broken one. Each mutation takes a source of chance, bytes and the samples, and gives bytes."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from scripts.fuzzing.samples import MOST_BYTES, Sample

Mutation = Callable[[Random, bytes, Sequence[Sample]], bytes]

# What means something to one of the readers, or to what cleans their text.
_TOKENS = [
    b"\n", b"\r", b"\r\n", b" ", b"\t", b"\x00", b"\x0b", b"\x1c", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc2\x85",
    b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xcc\x81", b"{", b"}", b"[", b"]", b"(", b")",
    b'"', b"'", b",", b";", b"|", b"=", b"#", b"@", b"\\", b"$", b"%", b"&", b"<", b">", b"~", b"`", b"^", b"_",
    b"@article{", b"@article{k,", b"@string{a = b # a}\n", b"@comment{", b"@preamble(", b"title = {", b"author = ",
    b" and ", b" AND ", b"TY  - ", b"TY  - JOUR\n", b"ER  - \n", b"ER  -x\n", b"AB  - ", b"AU  - ", b"UR  - ",
    b"title,abstract\n", b"title\tabstract\n", b'""', b'{"title": "T"}\n', b'"title": ', b"NaN", b"-Infinity", b"1e999",
    b"null", b'"\\ud800"', b"\\u0000", b"\\udfff", b"&#xD800;", b"&#0;", b"&amp;", b"<sup>", b"</sup>", b"<p>",
    b"\\frac{", b"\\begin{x}", b"\\end{x}", b"\\verb|", b"$$", b"\\$", b"\\(", b"\\href{http://x}{y}", b"https://",
    b"10.1000/%00%0a", b"10.48550/arXiv.2101.00001", b"arXiv:2101.00001", b"Subscribe", b"0", b"9", b"2019", b"a", b"A",
    b"z", b". ", b"sep=;\n",
]  # fmt: skip
_ODD_VALUES: list[Any] = [
    None, True, -1, 0, 10**400, 1e308, float("inf"), "", " ", "\x00", "\ud800", "\udc00x", [], {}, [[]], [None], [{}],
    {"a": []}, ["a", ["b", {"c": 1}]], {"date-parts": [[2020]]}, {"date-parts": None}, {"name": {}}, "10.1/\ud800",
    "javascript:x", "٢٠١٩", "1499", "2999-99-99", "x" * 3000, ["x"] * 300, "a\u2028b", "\u202e\ufeff",
    "&#xD800;", "%00" * 40, "\x85",
]  # fmt: skip
_ENCODINGS = (
    "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "cp1252", "latin-1", "cp1251", "koi8_r",
    "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "utf-7", "cp037", "iso2022_jp",
)  # fmt: skip


def _span(rng: Random, data: bytes, longest: int = 400) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.randint(0, longest))


def flip(rng: Random, data: bytes, _: Sequence[Sample]) -> bytes:
    """A few bits, or whole bytes."""
    changed = bytearray(data)
    for _i in range(rng.choice((1, 1, 3, 10, 100)) if changed else 0):
        at = rng.randrange(len(changed))
        changed[at] = rng.choice((changed[at] ^ (1 << rng.randrange(8)), rng.randrange(256)))
    return bytes(changed)


def cut(rng: Random, data: bytes, _: Sequence[Sample]) -> bytes:
    """The end, the beginning, or a piece of the middle is lost."""
    start, end = _span(rng, data)
    return rng.choice((data[:start], data[start:], data[:start] + data[end:]))


def repeat(rng: Random, data: bytes, _: Sequence[Sample]) -> bytes:
    """A piece stands there many times."""
    start, end = _span(rng, data)
    times = rng.choice((2, 3, 20, 100, 500, 20_000))
    return data[:end] + (data[start:end] * times)[:MOST_BYTES] + data[end:]


def repeat_line(rng: Random, data: bytes, _: Sequence[Sample]) -> bytes:
    """A line, which may be a field or a record, stands there many times, here or everywhere."""
    lines = data.splitlines(keepends=True) or [b"\n"]
    at = rng.randrange(len(lines))
    lines[at] = (lines[at] * rng.choice((2, 10, 3_000)))[:MOST_BYTES]
    return b"".join(lines)


def pump(rng: Random, data: bytes, _: Sequence[Sample]) -> bytes:
    """A long run of one token, or of two in turn."""
    run = b"".join(rng.choices(_TOKENS, k=rng.choice((1, 1, 1, 2, 3))))
    at = rng.randrange(len(data) + 1)
    return data[:at] + run * (rng.choice((100, 1_000, 3_000, 10_000, 30_000, MOST_BYTES)) // len(run)) + data[at:]


def nest(rng: Random, data: bytes, _: Sequence[Sample]) -> bytes:
    """Brackets within brackets."""
    opening, closing = rng.choice(
        ((b"{", b"}"), (b"[", b"]"), (b'{"a":', b"}"), (b"(", b")"), (b"\\textbf{", b"}"), (b"<b>", b"</b>"),
         (b"$^{", b"}$"), (b"\\frac{1}{", b"}"), (b"\\begin{a}", b"\\end{a}"), (b"@a{b,c={", b"}}"))
    )  # fmt: skip
    depth = rng.choice((5, 39, 41, 300, 990, 5_000, 100_000 // (len(opening) + len(closing))))
    at = rng.randrange(len(data) + 1)
    return data[:at] + opening * depth + rng.choice((b"", b"x", b"1")) + closing * rng.choice((depth, 0, 1)) + data[at:]


def insert(rng: Random, data: bytes, _: Sequence[Sample]) -> bytes:
    """Tokens in odd places."""
    for _i in range(rng.choice((1, 1, 2, 5, 30))):
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.choice(_TOKENS) + data[at:]
    return data


def splice(rng: Random, data: bytes, known: Sequence[Sample]) -> bytes:
    """A piece of another file, which may be of another format, in this one, or at its beginning or end."""
    other = rng.choice(known).content
    start, end = _span(rng, other, rng.choice((40, 400, 5_000)))
    at = rng.choice((0, len(data), rng.randrange(len(data) + 1)))
    return data[:at] + other[start:end] + data[at:]


def line_ends(rng: Random, data: bytes, _: Sequence[Sample]) -> bytes:
    """Other line ends, none, or one after every few bytes."""
    end = rng.choice((b"\r\n", b"\r", b"", b" ", b"\n\n", b"\n\r", b"\x0b", b"\xe2\x80\xa8", b"\x00\n"))
    return data.replace(b"\n", end)


def numbers(rng: Random, data: bytes, _: Sequence[Sample]) -> bytes:
    """Digits become huge, negative, or those of another script."""
    other = rng.choice((b"9" * 5_000, b"9" * 4_300, b"-1", b"1e400", b"0" * 300, "٣".encode(), "²".encode(), b"1.5e-9"))
    return re.sub(rb"\d+", lambda m: other if rng.random() < 0.3 else m[0], data)


def values(rng: Random, data: bytes, _: Sequence[Sample]) -> bytes:
    """Objects of JSON with odd values, odd keys, or fields lost; other lines stay."""
    lines = data.split(b"\n")
    for at, line in enumerate(lines):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and record and rng.random() < 0.7:
            key = rng.choice([*record, "title", "abstract", "authors", "year", "url", "id", "versions"])
            record[key] = rng.choice(_ODD_VALUES)
            lines[at] = json.dumps(record, ensure_ascii=rng.random() < 0.7).encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def one_line(rng: Random, data: bytes, _: Sequence[Sample]) -> bytes:
    """All in one line, or a line that is long."""
    return rng.choice((data.replace(b"\n", b" "), data.replace(b" ", b"x" * 40), data.replace(b"\n", b"") * 20))


def encoding(rng: Random, data: bytes, _: Sequence[Sample]) -> bytes:
    """Another encoding, with or without the mark that belongs to it, or two in one file."""
    text = data.decode("utf-8", "replace")
    encoded = text.encode(rng.choice(_ENCODINGS), "replace")
    marks = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
    chance = rng.random()
    if chance < 0.2:
        return rng.choice(marks) + encoded
    return encoded if chance < 0.8 else data[: rng.randrange(len(data) + 1)] + encoded


MUTATIONS: tuple[Mutation, ...] = (
    flip, cut, repeat, repeat_line, pump, pump, nest, insert, insert, splice, line_ends, numbers, values, values,
    one_line, encoding,
)  # fmt: skip


def mutated(rng: Random, known: Sequence[Sample]) -> tuple[str, bytes]:
    """A sample after one to five mutations, at most 100 KB, and how it came about."""
    sample = rng.choice(known)
    data, names = sample.content, [sample.name]
    for _ in range(rng.choice((1, 1, 2, 2, 3, 5))):
        mutation = rng.choice(MUTATIONS)
        data = mutation(rng, data, known)[:MOST_BYTES]
        names.append(mutation.__name__)
    return " ".join(names), data
