"""The abstracts of a run: so many from the beginning of a file, or made of the sentences of the shipped ones."""

from __future__ import annotations

import itertools
import json
import lzma
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.workload import load_papers, make_questions

LATER = 10  # papers that are added once the library is there
QUESTIONS = 400
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_SENTENCE = re.compile(r"(?<=[.?!]) ")
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """``papers``: the file that is imported, ``compared``: its beginning, which the other side gets too, ``later``: ten
    more; ``last``: the last record of ``papers``; ``since`` and ``until``: years of a quarter of the papers or more."""

    papers: Path
    compared: Path
    later: Path
    count: int
    compared_count: int
    last: Record
    questions: list[str]
    since: int
    until: int


def records_of(path: Path) -> Iterator[Record]:
    """Id, title, abstract and year of every record of a JSONL file, ``.xz`` or not; those without a title are left out.

    Raises :class:`OSError`, and ``ValueError`` for a line that is no record.
    """
    with (lzma.open if path.suffix == ".xz" else open)(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            if one.get("title"):
                found = _YEAR.search(str(one.get("year") or one.get("created") or ""))
                abstract = one.get("abstract") or one.get("text") or ""
                year = int(found[0]) if found else None
                yield {"id": str(one["id"]), "title": one["title"], "abstract": abstract, "year": year}


def made_records(seed: int) -> Iterator[Record]:
    """Records without end, each of sentences of four shipped abstracts: words and lengths are those of real ones."""
    chance, papers = random.Random(seed), [one for one in load_papers() if one.get("abstract")]
    for number in itertools.count(1):
        drawn = chance.sample(papers, 4)
        pools = [_SENTENCE.split(one["abstract"]) for one in drawn]
        abstract = " ".join(chance.choice(pool) for pool in (pools * 2)[:7])
        title = f"{_half(drawn[0]['title'], 0)} {_half(drawn[1]['title'], 1)}, part {number}"
        yield {"id": f"made-{number}", "title": title, "abstract": abstract, "year": 1990 + number % 35}


def _half(title: str, which: int) -> str:
    words = title.split()
    middle = (len(words) + 1) // 2
    return " ".join(words[middle:] if which else words[:middle])


def write_part(folder: Path, source: Path | None, count: int, compared: int, seed: int = 0) -> Part:
    """Write the files of a run into ``folder``. ``count`` 0: all of ``source``; None as ``source``: records are made.

    Raises ``ValueError`` where there are too few records, and what :func:`records_of` raises.
    """
    if source is None and not count:
        raise ValueError(
            "Say how many records are to be made: N=5000, or name a file of abstracts: ABSTRACTS=FILE.jsonl."
        )
    records = list(
        itertools.islice(records_of(source) if source else made_records(seed), count + LATER if count else None)
    )
    if len(records) < max(count + LATER, 2 * LATER):
        raise ValueError(f"{source} has {len(records)} records, and {max(count, LATER)} and {LATER} more are needed.")
    papers, later = records[:-LATER], records[-LATER:]
    files = {"papers": papers, "compared": papers[:compared], "later": later}
    folder.mkdir(parents=True, exist_ok=True)
    for name, some in files.items():
        lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in some)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    answerable = [one for one in papers if one["abstract"]]
    years = sorted(one["year"] for one in papers if one["year"]) or [1000, 2999]
    middle = years[len(years) // 4], years[len(years) // 2]
    questions = make_questions(answerable, min(QUESTIONS, len(answerable)), seed)
    paths = {name: folder / f"{name}.jsonl" for name in files}
    return Part(**paths, count=len(papers), compared_count=len(files["compared"]), last=papers[-1], questions=questions,
                since=middle[0], until=middle[1])  # fmt: skip
