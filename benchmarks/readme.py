"""The speed figures of the README, written from the newest result: ``python -m benchmarks.readme``.

They stand between ``<!-- bench:NAME -->`` and ``<!-- /bench:NAME -->``, where ``NAME`` is one of :data:`BLOCKS`. The
quality figures come from ``footnote eval … --readme README.md``. Tests hold both equal to the newest results.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.stock_chain import CHUNK, OVERLAP, K
from benchmarks.workload import WAYS

README = Path(__file__).parent.parent / "README.md"
Record = Mapping[str, Any]
MISSING = "–"
_WIDTH = 120


def speed(record: Record) -> str:
    """One or two sentences: the default model, and the quotes. A sentence without its figures is left out."""
    sentences = (
        (
            f"On {record['machine']['cores']} cores the first word of an answer comes after {{}}, the last after {{}}, "
            "in {} of memory.",
            (
                _seconds(record, "ours_warm_writer_first_word_s"),
                _seconds(record, "ours_warm_writer_median_s"),
                _megabytes(record, "ours_writer_mb"),
            ),
        ),
        (
            "Quotes (`--model quote`) take {} and {}.",
            (_seconds(record, "ours_warm_quote_median_s"), _megabytes(record, "ours_quote_mb")),
        ),
    )
    return " ".join(text.format(*figures) for text, figures in sentences if MISSING not in figures)


def table(record: Record) -> str:
    """What was measured, how, and a column for each way of answering and one for the stock chain."""
    rows = (
        ("cold: process start to the whole answer", _seconds, "ours_cold_{}_s", "stock_cold_passages_s"),
        ("cold: memory", _megabytes, "ours_{}_mb", "stock_ask_mb"),
        ("warm: first word", _seconds, "ours_warm_{}_first_word_s", ""),
        ("warm: the whole answer", _seconds, "ours_warm_{}_median_s", "stock_warm_median_s"),
    )
    head = ["", *(way.label for way in WAYS), "stock chain, passages alone"]
    lines = [head, ["---"] * len(head)]
    lines += [
        [title, *(show(record, name.format(way.name)) for way in WAYS), show(record, stock) if stock else ""]
        for title, show, name, stock in rows
    ]
    return "\n\n".join(
        (
            wrapped(_how(record)),
            "\n".join("| " + " | ".join(cells) + " |" for cells in lines),
            wrapped(_beside(record)),
            *([f"{MISSING}: not measured in this run."] if any(MISSING in cells for cells in lines) else ()),
        )
    )


def _how(record: Record) -> str:
    return (
        f"Medians of one `make bench` run on {record['machine']['cores']} cores, beside a stock LangChain chain on the "
        f"same {record['papers']} abstracts ({CHUNK}/{OVERLAP} chunks, the same MiniLM weights, Chroma, k = {K}). "
        "'Warm' means that everything is loaded. The stock chain ends with the passages that it finds; with a language "
        "model behind them it stands in the last table."
    )


def _beside(record: Record) -> str:
    place = record["machine"]
    tokens = record["figures"].get("ours_first_word_prompt_tokens")
    first_word = _seconds(record, "ours_first_word_s")
    sentences = [
        f"Import, from process start: {_count(record, 'ours_import_papers_s')} papers a second, the stock chain "
        f"{_count(record, 'stock_import_papers_s')}.",
        f"SmolLM2 alone, given a prompt of {tokens:.0f} tokens: the first word after {first_word}." if tokens else "",
        f"Measured on {record['finished'][:10]} at {record['commit']}: {place['processor']}, {place['cores']} cores.",
    ]
    return " ".join(filter(None, sentences))


Blocks = Mapping[str, Callable[[Record], str]]
BLOCKS: Blocks = {"speed": speed, "table": table}


def blocks(text: str) -> dict[str, str]:
    """What stands between the markers in ``text``, by name."""
    return {name: found.group(2) for name in BLOCKS if (found := _pattern(name).search(text))}


def renewed(text: str, record: Record, written: Blocks = BLOCKS) -> str:
    """``text`` with the figures of ``record`` between its markers. Raises ``ValueError`` where a marker is missing."""
    for name, write in written.items():
        found = _pattern(name).search(text)
        if found is None:
            raise ValueError(f"There is no '<!-- bench:{name} -->' followed by '<!-- /bench:{name} -->'.")
        text = text[: found.end(1)] + _laid_out(found, write(record)) + text[found.start(3) :]
    return text


def renew(readme: Path = README, folder: Path = report.RESULTS) -> None:
    """Put the newest result of ``folder`` into ``readme``. Raises ``ValueError`` where either lacks what is needed."""
    record = report.latest(folder)
    if record is None:
        raise ValueError(f"There are no results in {folder}: run 'make bench'.")
    readme.write_text(renewed(readme.read_text(encoding="utf-8"), record), encoding="utf-8")


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- bench:{name} -->)(.*?)(<!-- /bench:{name} -->)", re.DOTALL)


def _laid_out(found: re.Match[str], text: str) -> str:
    """A block of its own between lines of markers; inside a paragraph wrapped as the paragraph of a list is."""
    begin = found.string.rfind("\n", 0, found.start()) + 1
    before = found.string[begin : found.end(1)]
    if before == found[1]:
        return f"\n{text}\n"
    return textwrap.fill(before + text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)[len(before) :]


def wrapped(text: str) -> str:
    """A paragraph in lines of a readable length."""
    return textwrap.fill(text, _WIDTH, break_on_hyphens=False, break_long_words=False)


def _seconds(record: Record, name: str) -> str:
    """Two digits that count: milliseconds below a tenth of a second, else seconds."""
    value = record["figures"].get(name)
    if value is None:
        return MISSING
    return f"{value * 1000:.0f} ms" if value < 0.1 else f"{float(f'{value:.2g}'):g} s"


def _megabytes(record: Record, name: str) -> str:
    value = record["figures"].get(name)
    return MISSING if value is None else f"{value:.0f} MB"


def _count(record: Record, name: str) -> str:
    value = record["figures"].get(name)
    return MISSING if value is None else f"{value:.0f}"


def main(arguments: Iterable[str] | None = None) -> int:
    """Renew the README; 1 with a sentence on stderr where that is not possible."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readme", type=Path, default=README)
    parser.add_argument("--results", type=Path, default=report.RESULTS)
    options = parser.parse_args(None if arguments is None else list(arguments))
    try:
        renew(options.readme, options.results)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
