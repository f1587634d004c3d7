"""Footnote on the shipped library: with the built-in writer, or with the same GGUF as the others (``task.gguf``)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.runners.lines import Answer, Task, own_output, serve
from rag import __version__
from rag.config import Settings, with_overrides
from rag.datatypes import Answer as Said
from rag.datatypes import Turn
from rag.factory import open_answerer
from rag.system.offline import enforce_offline


def answer_of(said: Said) -> Answer:
    """The sentences, and the papers behind their footnotes."""
    papers = {evidence.number: evidence.paper.id for evidence in said.evidence}
    numbers = tuple(dict.fromkeys(n for sentence in said.sentences for n in sentence.citations))
    text = "" if said.refusal is not None else " ".join(sentence.text for sentence in said.sentences)
    return Answer(
        text=text,
        shown=said.text,
        cited=tuple(dict.fromkeys(papers[n] for n in numbers if n in papers)),
        written=len(numbers),
        existing=sum(n in papers for n in numbers),
        refused=said.refusal is not None,
    )


def main() -> int:
    """Answer the lines of the standard input."""
    out = own_output()
    task = Task.read(sys.argv[1])
    enforce_offline()
    model = str(Path(task.gguf).absolute()) if task.gguf else "writer"
    settings = with_overrides(Settings(), model=model, threads=task.threads)
    pipeline = open_answerer(settings)
    pipeline.answer("What is it?")  # so that nothing is loaded while the clock runs

    def answer(record: Mapping[str, Any]) -> Answer:
        history = tuple(Turn(turn["role"], turn["content"]) for turn in record.get("history", ()))
        return answer_of(pipeline.answer(record["question"], history))

    serve(out, {"program": "Footnote", "version": __version__}, answer)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
