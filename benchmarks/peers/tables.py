"""The figures of a results file as Markdown: a small table for the README, all of them for ``docs/peers.md``.

They stand between ``<!-- bench:peers -->`` and ``<!-- /bench:peers -->``; a test holds both equal to the newest
results.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
README, PAGE = ROOT / "README.md", ROOT / "docs" / "peers.md"
MISSING = "–"
_BLOCK = re.compile(r"(<!-- bench:peers -->\n).*?(<!-- /bench:peers -->)", re.DOTALL)
Record = Mapping[str, Any]


def _share(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2f}"


def _of(value: list[int] | None) -> str:
    return MISSING if not value or not value[1] else f"{value[0]} of {value[1]}"


def _seconds(value: float | None) -> str:
    return MISSING if value is None else f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def _megabytes(value: float | None) -> str:
    return MISSING if value is None else f"{value:,.0f} MB"


def _count(value: float | None) -> str:
    return MISSING if value is None else f"{value:.0f}"


# Figure, heading, how it is written, and whether it stands in the README too.
ROWS: tuple[tuple[str, str, Callable[[Any], str], bool], ...] = (
    ("key_facts", "key facts found", _share, True),
    ("cites", "answers that cite a paper", _share, True),
    ("citation_precision", "right papers among the cited", _share, True),
    ("citation_recall", "right papers cited", _share, False),
    ("citations_exist_of", "citations that exist", _of, True),
    ("true_refusal_of", "refused as it should be", _of, True),
    ("false_refusal_of", "refused though answerable", _of, True),
    ("failed_of", "ended with an error", _of, False),
    ("words", "words in an answer, median", _count, False),
    ("seconds", "seconds, median", _seconds, False),
    ("cpu_seconds", "seconds of computing, median", _seconds, True),
    ("peak_mb", "memory, with the servers it asks", _megabytes, True),
)


def table(record: Record, whole: bool = True) -> str:
    """A column for each program, a row for each figure; without ``whole`` those of the README."""
    programs = record["programs"].values()
    lines = [["", *(one["label"] for one in programs)], ["---"] * (len(programs) + 1)]
    for key, heading, written, small in ROWS:
        if whole or small:
            lines.append([heading, *(written((one["figures"] or {}).get(key)) for one in programs)])
    if whole:
        lines.append(["questions answered", *(f"{one['answered']} of {record['asked']}" for one in programs)])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def how(record: Record, whole: bool = True) -> str:
    """One paragraph: what was asked, of which model and (with ``whole``) which versions, on which machine."""
    place = record["machine"]
    kinds = ", ".join(f"{count} {name}" for name, count in record["types"].items())
    versions = ", ".join(dict.fromkeys(one["version"] for one in record["programs"].values() if one["version"]))
    made_of = f" {versions}." if whole else ""
    text = (
        f"Over the {record['common']} of {record['asked']} questions that all of them have answered ({kinds}). Model: "
        f"{record['model']}, on {_threads(record['threads'])}.{made_of} Measured on {record['finished'][:10]} "
        f"at {record['commit']}: {place['processor']}, {place['cores']} cores, load {place['load']}."
    )
    return textwrap.fill(text, 120, break_on_hyphens=False, break_long_words=False)


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def renewed(text: str, record: Record, whole: bool) -> str:
    """``text`` with the figures between its markers. Raises ``ValueError`` where they are missing."""
    if _BLOCK.search(text) is None:
        raise ValueError("There is no '<!-- bench:peers -->' followed by '<!-- /bench:peers -->'.")
    block = f"{table(record, whole)}\n\n{how(record, whole)}\n"
    return _BLOCK.sub(lambda found: f"{found[1]}{block}{found[2]}", text)


def renew(record: Record) -> None:
    """Put the figures into the README and the page. Raises ``ValueError`` as :func:`renewed`."""
    for path, whole in ((README, False), (PAGE, True)):
        path.write_text(renewed(path.read_text(encoding="utf-8"), record, whole), encoding="utf-8")
