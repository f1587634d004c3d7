"""Files that hypothesis writes by the grammar of each format, with what it finds odd in the places of text."""

from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from scripts.fuzzing.samples import MOST_BYTES, Sample

_WORDS = st.sampled_from(
    (
        "a graph of trees and the 97.5% α naïve $x^2$ \\textbf{b} \\'e {X} <sup>2</sup> &amp; 10.1000/x 2101.00001 "
        "Lee, Ann https://x.org/a_b;c 2019 . ! — [ ] ( ) \" ' ` ~ | # _ ^ \\ $ { } @ = ; , <p> & \\href{u}{t} "
        "\\begin{x} İ ﬁ ɑ̈ 中文 עברית"
    ).split(" ")
)
_TEXT = st.one_of(
    st.lists(_WORDS, max_size=60).map(" ".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    st.text(max_size=80),  # half surrogate pairs too
)
_LINE = _TEXT.map(lambda text: text.replace("\n", " "))
_NAMES = st.sampled_from(
    "id _id key title Title abstract text summary authors author year date issued journal booktitle venue url doi "
    "eprint categories versions authors_parsed update_date odd".split()
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES | _TEXT, inner, max_size=4),
    max_leaves=12,
)
_BLANK = st.sampled_from(["", " ", "\n", "\t", "  \n ", "\n\n\n"])
_TAGS = st.sampled_from("TY TI T1 T2 AU A1 PY Y1 DA JO JF AB N2 DO UR ID KW ER XX A9 t1".split())


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@st.composite
def _jsonl(draw: st.DrawFn) -> str:
    records = draw(st.lists(st.dictionaries(_NAMES, _TEXT | _VALUES, max_size=8) | _VALUES, max_size=6))
    return "\n".join(json.dumps(record, ensure_ascii=draw(st.booleans())) for record in records)


@st.composite
def _bibtex(draw: st.DrawFn) -> str:
    parts = []
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["article", "Misc", "string", "comment", "preamble", "é", ""]))
        opening, closing = draw(st.sampled_from([("{", "}"), ("(", ")"), ("{", ""), ("{", "}}"), ("(", "}")]))
        fields = []
        for _field in range(draw(st.integers(0, 6))):
            before, after = draw(
                st.sampled_from([("{", "}"), ('"', '"'), ("{{", "}}"), ("", ""), ('"', "}"), ("{", "")])
            )
            fields.append(f"{draw(_BLANK)}{draw(_NAMES)}{draw(_BLANK)}={draw(_BLANK)}{before}{draw(_TEXT)}{after}")
        key = draw(st.sampled_from(["", "k", "k1", "a:b/c", "a b"]))
        parts.append(f"{draw(_BLANK)}@{kind}{draw(_BLANK)}{opening}{key},{','.join(fields)}{draw(_BLANK)}{closing}")
    return draw(_BLANK).join(parts)


@st.composite
def _ris(draw: st.DrawFn) -> str:
    lines = []
    for _ in range(draw(st.integers(0, 30))):
        gap = draw(st.sampled_from(["  - ", " - ", "  -", "- ", "  -  ", ""]))
        lines.append(f"{draw(_TAGS)}{gap}{draw(_LINE)}" if draw(st.integers(0, 4)) else draw(_LINE))
    return "\n".join(["TY  - JOUR", *lines, "ER  - ", ""])


@st.composite
def _table(draw: st.DrawFn) -> str:
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    rows = [["title", *draw(st.lists(_NAMES, max_size=5))]]
    rows += draw(st.lists(st.lists(_TEXT, max_size=7), max_size=8))
    quote = draw(st.sampled_from([lambda cell: cell, lambda cell: f'"{cell}"', _quoted]))
    return "\n".join(delimiter.join(quote(cell) for cell in row) for row in rows)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@st.composite
def _listing(draw: st.DrawFn) -> str:
    lines = []
    for _ in range(draw(st.integers(0, 12))):
        lines.append(draw(_LINE) * draw(st.sampled_from([1, 1, 5, 30])))
        lines.append(draw(_BLANK))
    return "\n".join(lines)


GRAMMARS: dict[str, Callable[[], st.SearchStrategy[str]]] = {
    "jsonl": _jsonl,
    "bibtex": _bibtex,
    "ris": _ris,
    "table": _table,
    "listing": _listing,
}


def generated(count: int, number: int) -> list[Sample]:
    """About ``count`` files, the same for the same ``number``; hypothesis passes over what it has written before."""
    found: list[Sample] = []
    for name, grammar in GRAMMARS.items():
        found += _examples(name, grammar(), -(-count // len(GRAMMARS)), number)
    return found[:count]


def _examples(name: str, grammar: st.SearchStrategy[str], count: int, number: int) -> list[Sample]:
    found: list[Sample] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(grammar)
    def collect(text: str) -> None:
        found.append(Sample(f"hypothesis {name}", _encoded(text)[:MOST_BYTES]))

    collect()
    return found
