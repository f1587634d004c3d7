"""The hand-written questions beside this file, and the libraries that they are asked of.

``answerable_questions.jsonl`` and ``refusal_questions.jsonl`` are over the shipped abstracts; ``other_questions.jsonl``
over five libraries of some 600 papers that ``other_libraries.json`` names one by one: two of arXiv abstracts of fields
that the shipped library has not and one of like fields (CC0), and two of biomedical ones from SciFact's corpus (ODC-By
1.0). The papers themselves are read from the folder of training data. What is fitted on one library only would be
fitted to its field; the questions over ``arxiv-learning`` are never fitted on.

``several_questions.jsonl`` has 120 questions after several papers, over the shipped abstracts and two libraries of
``several_libraries.json`` (:mod:`training.fit.groups`), each with all papers that fit and a key fact of each, by a
large language model that read the libraries. Half of them are ``closed``: looked at when nothing is tuned any more.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from rag.datatypes import Paper
from training.jsonl import lines

HERE = Path(__file__).parent
ANSWERABLE = HERE / "answerable_questions.jsonl"
REFUSED = HERE / "refusal_questions.jsonl"
OTHER = HERE / "other_questions.jsonl"
LIBRARIES = HERE / "other_libraries.json"
SEVERAL = HERE / "several_questions.jsonl"
SEVERAL_LIBRARIES = HERE / "several_libraries.json"
SHIPPED = HERE.parent / "data" / "papers.jsonl"


def other_libraries() -> list[str]:
    """The names of the libraries other than the shipped one."""
    return list(json.loads(LIBRARIES.read_text(encoding="utf-8")))


def other_library(name: str, data: Path) -> list[Paper]:
    """The papers of one of :func:`other_libraries`, from the folder of training data.

    Raises :class:`ValueError` where papers of the list are missing there.
    """
    listed = json.loads(LIBRARIES.read_text(encoding="utf-8"))[name]
    wanted, read = set(listed["ids"]), {"arxiv": _arxiv, "scifact": _scifact}[listed["corpus"]]
    papers = _papers(read(data), wanted)
    if len(papers) != len(wanted):
        raise ValueError(f"{data} has {len(papers)} of the {len(wanted)} papers of the library '{name}'")
    return papers


def several_libraries(data: Path) -> dict[str, list[Paper]]:
    """The papers of the three libraries that ``several_questions.jsonl`` asks, by name."""
    listed = json.loads(SEVERAL_LIBRARIES.read_text(encoding="utf-8"))
    found = {"shipped": [Paper(r["id"], r["title"], r["abstract"]) for r in lines(SHIPPED)]}
    for name, one in listed.items():
        found[name] = _papers({"arxiv": _arxiv, "scifact": _scifact}[one["corpus"]](data), set(one["ids"]))
    return found


def other_questions(name: str, papers: list[Paper]) -> Iterator[dict[str, Any]]:
    """The questions over that library; gold as titles, evidence as title and sentence, as in the other files."""
    known = {p.id: p for p in papers}
    for record in lines(OTHER):
        if record["library"] == name:
            evidence = [
                {"title": known[e["paper"]].title, "sentence": known[e["paper"]].abstract[e["start"] : e["end"]]}
                for e in record.get("evidence", ())
            ]
            yield {**record, "gold": [known[i].title for i in record["gold"]], "evidence": evidence}


def arxiv_papers(data: Path, wanted: Set[str]) -> list[Paper]:
    """Those of the arXiv papers in the folder of training data whose ids are wanted."""
    return _papers(_arxiv(data), wanted)


def _papers(records: Iterator[dict[str, Any]], wanted: Set[str]) -> list[Paper]:
    return [Paper(r["id"], r["title"].strip(), " ".join(r["text"].split())) for r in records if r["id"] in wanted]


def _arxiv(data: Path) -> Iterator[dict[str, Any]]:
    with lzma.open(data / "arxiv" / "cs_abstracts.jsonl.xz", "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def _scifact(data: Path) -> Iterator[dict[str, Any]]:
    for record in lines(data / "collections" / "scifact" / "corpus.jsonl"):
        yield {**record, "id": str(record["id"])}
