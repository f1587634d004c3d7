"""The questions that readings are taught on and measured on: ``python -m training.reading.make``.

Writes ``questions.jsonl`` beside itself, one object a line: ``id``, ``split`` (``taught`` or ``held-out``), ``field``,
``origin`` (``phrasing``, ``written`` or ``collected``), the ``phrasing`` where it was made from one, ``unseen``
(what of a held-out question was never taught: ``field``, ``phrasing``, ``both``, or ``question`` where it was
collected), ``question``, ``kind`` and ``filters``. The same input gives the same file. Collected are questions that
stand in other files of ``training/``, their kinds from what those files say.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rag.datatypes import Intent
from rag.questions.kinds import kind_of
from training.jsonl import lines

HERE = Path(__file__).parent
TAUGHT, HELD_OUT = "taught", "held-out"
FIELDS_EACH = 4  # fields in which a taught phrasing is filled in
HELD_OUT_FIELDS_EACH = 2
_YEARS = range(1985, 2024)
_ASKED_FOR = frozenset("List Compare Summarise Find Show Explain Give Count".split())  # 'please' may stand before these
# Collected questions after several papers that set named things side by side; the others of their type ask for papers.
_COMPARES = frozenset("c043 c047 c050 c052 c056 c057 c058 e074 e082 e090 v066 v068 v069".split())
_REVIEWS = frozenset(
    "x106 x107 x110 z121 z124 z127 z131 y106 y108 w121 w122 w124 w131 w135 v131 v134 fit-broad-02 fit-broad-07 "
    "held-out-broad-03".split()
)
_PAPERS = frozenset(
    "x108 x109 x113 x114 x115 x117 x118 z123 z125 z126 z128 z130 z132 z133 z134 z135 y107 y109 y119 w129 w130 v132 "
    "v133 v135 v136 v137 v138 v139 v141 v143 v145 fit-broad-04 fit-broad-06 fit-broad-12 fit-broad-19 fit-broad-28 "
    "fit-broad-31 held-out-broad-12 held-out-broad-21 blind-broad-01 blind-broad-04".split()
)


class Field(NamedTuple):
    """A field of research with what phrasings are filled with, by slot."""

    name: str
    split: str
    lists: dict[str, list[str]]


def fields() -> list[Field]:
    """What stands in ``fields.txt``."""
    found: list[Field] = []
    for line in rows("fields.txt"):
        if line.startswith("="):
            name, split = line[1:].split()
            found.append(Field(name, split, {}))
        else:
            slot, _, rest = line.partition(":")
            found[-1].lists[slot] = [one.strip() for one in rest.split(";")]
    return found


def rows(name: str) -> Iterator[str]:
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


# --- phrasings filled in ---


def filled(
    phrasing: str, filters: dict[str, Any], field: Field, rng: random.Random
) -> tuple[str, dict[str, Any]] | None:
    """A phrasing with its slots filled from a field, and its filters; None where the field has nothing that fits."""
    pairs = [pair.split(" / ") for pair in field.lists["AB"]]
    named = [pair for pair in pairs if all(any(c.isupper() for c in one) for one in pair)]
    plain = [pair for pair in pairs if not any(any(c.isupper() for c in one) for one in pair)]
    needed = plain if "{a}" in phrasing else named if "{CA}" in phrasing else pairs
    if not needed:
        return None
    one, other = rng.choice(needed)
    cause, effect = rng.choice(field.lists["E"]).split(" / ")
    done, counted = rng.choice(field.lists["W"]), rng.choice(field.lists["H"])
    was = f"{'were' if any(word.endswith('s') for word in done.split()[1:3]) else 'was'} {done}"
    noun = " ".join(counted.split()[: 3 if counted.split()[1] == "of" else 1])
    year = rng.choice(_YEARS)
    values = {
        "A": one, "B": other, "a": one, "b": other, "CA": one, "CB": other, "E1": cause, "E2": effect, "H": counted,
        "H:noun": noun, "W:was": was, "W:by": f"{was} by", "Y": str(year), "Z": str(year + rng.randint(2, 6)),
        **{slot: rng.choice(field.lists[slot]) for slot in "TMNPCRV"},
    }  # fmt: skip
    text = re.sub(r"\{([\w:]+)\}", lambda slot: values[slot[1]], phrasing)
    return text[:1].upper() + text[1:] if phrasing[0] == "{" and phrasing[1] in "AT" else text, {
        name: _value(value, values) for name, value in filters.items()
    }


def _value(value: str, values: dict[str, str]) -> str | int:
    if value in values:
        return int(values[value]) if value in "YZ" else values[value]
    if value in ("Y-1", "Y+1"):
        return int(values["Y"]) + int(value[1:])
    return int(value) if value.isdigit() else value


def _filters(column: str) -> dict[str, str]:
    return {} if column == "-" else dict(part.split("=", 1) for part in column.split(","))  # type: ignore[arg-type, misc]


def typed(text: str, rng: random.Random) -> str:
    """As people type: sometimes without capital and question mark, sometimes politely."""
    chance = rng.random()
    if chance < 0.2 and len(text.split()) > 2:
        return text.rstrip("?.") if text[:2].isupper() else text[:1].lower() + text[1:].rstrip("?.")
    if chance < 0.26 and text.split()[0] in (
        "List",
        "Compare",
        "Summarise",
        "Find",
        "Show",
        "Explain",
        "Give",
        "Count",
    ):
        return f"{rng.choice(('Please', 'Can you', 'Could you please'))} {text[:1].lower()}{text[1:]}"
    return text


def from_phrasings(rng: random.Random) -> Iterator[dict[str, Any]]:
    """Each phrasing filled in for several fields."""
    known = fields()
    for line in rows("phrasings.tsv"):
        kind, split, column, phrasing = line.split("\t")
        if "{" not in phrasing:
            unseen = {} if split == TAUGHT else {"unseen": "phrasing"}
            yield {"split": split, "field": "any", "origin": "phrasing", **unseen, "question": phrasing, "kind": kind,
                   "filters": {}}  # fmt: skip
            continue
        taught = rng.sample([field for field in known if field.split == TAUGHT], FIELDS_EACH if split == TAUGHT else 4)
        held = rng.sample([field for field in known if field.split == HELD_OUT], HELD_OUT_FIELDS_EACH)
        for field in (*taught, *held):
            made = filled(phrasing, _filters(column), field, rng)
            if made is None:
                continue
            both = {field.split, split}
            unseen = {} if both == {TAUGHT} else {
                "unseen": "both" if both == {HELD_OUT} else "field" if split == TAUGHT else "phrasing"
            }  # fmt: skip
            yield {"split": HELD_OUT if unseen else TAUGHT, "field": field.name, "origin": "phrasing",
                   **unseen, "phrasing": phrasing, "question": typed(made[0], rng), "kind": kind,
                   "filters": made[1]}  # fmt: skip


# --- written and collected ---


def written() -> Iterator[dict[str, Any]]:
    """What stands in ``written.tsv``."""
    splits = {field.name: field.split for field in fields()} | {"languages": TAUGHT, "languages-2": HELD_OUT}
    for line in rows("written.tsv"):
        kind, field, column, question = line.split("\t")
        filters = {k: int(v) if v.isdigit() else v for k, v in _filters(column).items()}
        split = splits[field]
        unseen = {} if split == TAUGHT else {"unseen": "both"}
        yield {"split": split, "field": field, "origin": "written", **unseen, "question": question, "kind": kind,
               "filters": filters}  # fmt: skip


def _fresh() -> Iterator[dict[str, Any]]:
    """What stands in ``fresh.tsv``."""
    for line in rows("fresh.tsv"):
        kind, field, column, question = line.split("\t")
        filters = {k: int(v) if v.isdigit() else v for k, v in _filters(column).items()}
        yield {"split": HELD_OUT, "field": field, "origin": "fresh", "unseen": "fresh", "question": question,
               "kind": kind, "filters": filters}  # fmt: skip


def collected(rng: random.Random) -> Iterator[dict[str, Any]]:
    """Questions of the other training files whose kind those files tell, and one-paper questions of the writer's."""
    for name in ("answerable_questions", "other_questions", "refusal_questions"):
        for record in lines(HERE.parent / f"{name}.jsonl"):
            kind = _kind_of(record)
            if kind and not record.get("history"):
                yield _collected(record["question"], kind, name, TAUGHT if record["split"] == "fit" else HELD_OUT)
    asked = [record for record in lines(HERE.parent / "writer" / "asked.jsonl") if record["split"] == "fit"]
    for at, record in enumerate(rng.sample(asked, 200)):
        yield _collected(record["question"], "answer", "writer", TAUGHT if at < 150 else HELD_OUT)


def _kind_of(record: dict[str, Any]) -> str:
    one = record["id"]
    if record.get("type") == "multi":
        return "compare" if one in _COMPARES else "papers"
    if record.get("kind") == "broad":
        return "review" if one in _REVIEWS else "papers" if one in _PAPERS else ""
    if one.split("-")[0] in ("fit", "blind", "held") and record["kind"] == "near-miss":
        return ""  # some of these ask for several papers
    if record.get("kind") in ("near-miss", "off-topic") and kind_of(record["question"])[0] is not Intent.FACT:
        return ""  # 'Are there papers on autism?'
    # One in three of those whose kind is plain, so that they do not outnumber the others.
    return "answer" if record.get("type") != "followup" and int(re.sub(r"\D", "", one) or 0) % 3 == 0 else ""


def _collected(question: str, kind: str, field: str, split: str) -> dict[str, Any]:
    unseen = {} if split == TAUGHT else {"unseen": "question"}
    return {"split": split, "field": field, "origin": "collected", **unseen, "question": question, "kind": kind,
            "filters": None}  # fmt: skip


def made() -> list[dict[str, Any]]:
    """All questions, each once, those that are taught winning."""
    rng = random.Random(18)
    every = [*from_phrasings(rng), *written(), *_fresh(), *collected(rng)]
    every.sort(key=lambda record: record["split"] != TAUGHT)
    once = {record["question"].casefold(): record for record in reversed(every)}
    return [{"id": f"k{n:04}", **record} for n, record in enumerate(reversed(once.values()), start=1)]


def main() -> None:
    """Write the file."""
    with (HERE / "questions.jsonl").open("w", encoding="utf-8") as file:
        for record in made():
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
