"""paper-qa, asked through ``Docs.aquery``: ten pieces of evidence, a summary of each, an answer from the best five.

Its agent, which the command ``pqa`` uses, chooses tools by itself; with so small a model it seldom reaches an answer.
Changed settings: the addresses of the models, the time that one request may take, and no look-up of metadata, which
would need a network. An abstract is one text, its citation the title.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from benchmarks.peers.citation_marks import authors_in, numbers_in
from benchmarks.peers.runners.lines import Answer, Task, own_output, papers_of, serve, whole_question
from rag.system.offline import enforce_offline

_KEY = re.compile(r"\bpqac-[a-zA-Z0-9]{8}\b")
_KEYS = re.compile(r"\s?\((?:\s|[,;]|and|pqac-[a-zA-Z0-9]{8}\b)*+\)")


def settings_for(task: Task) -> Any:
    """Its own defaults, with the two models at ``task.address``."""
    from paperqa import Settings

    model = f"openai/{task.model}"
    at = {"api_base": task.address, "api_key": "none"}
    params = {"model": model, "temperature": 0.0, **at}
    models = {
        "model_list": [{"model_name": model, "litellm_params": params}],
        # Its own limit of 60 seconds breaks a long answer off on a slow computer, and asks for it again without end.
        "router_kwargs": {"timeout": task.patience, "num_retries": 0},
    }
    return Settings(
        llm=model,
        llm_config=models,
        summary_llm=model,
        summary_llm_config=models,
        embedding="openai/all-MiniLM-L6-v2",
        embedding_config={"kwargs": {**at, "encoding_format": "float"}},
        parsing={"use_doc_details": False, "multimodal": False},
    )


async def library(task: Task, settings: Any) -> Any:
    """Every abstract as one text of one document."""
    from paperqa import Docs
    from paperqa.types import Doc, Text

    docs = Docs()
    embedding = settings.get_embedding_model()
    for paper in papers_of(task):
        doc = Doc(docname=paper["id"], citation=paper["title"], dockey=paper["id"])
        text = Text(text=f"{paper['title']}\n\n{paper['abstract']}", name=paper["id"], doc=doc)
        await docs.aadd_texts([text], doc, settings, embedding)
    await docs.retrieve_texts(
        "What is it?", 1, settings, embedding
    )  # builds its index, so that no question pays for it
    return docs


def answer_of(session: Any) -> Answer:
    """What it said, with the keys that it wrote before the invented ones were struck out."""
    raw = session.raw_answer
    papers = {context.id: context.text.doc.dockey for context in session.contexts}
    keys = tuple(dict.fromkeys(_KEY.findall(raw)))
    text = _KEY.sub("", _KEYS.sub("", raw)).strip()
    return Answer(
        text=text,
        shown=session.answer,
        cited=tuple(dict.fromkeys(papers[key] for key in keys if key in papers)),
        written=len(keys) + len(numbers_in(text)) + len(authors_in(text)),
        existing=sum(key in papers for key in keys),
        refused=True if _cannot(raw) else None,
    )


def _cannot(text: str) -> bool:
    from paperqa.prompts import CANNOT_ANSWER_PHRASE

    return CANNOT_ANSWER_PHRASE.lower() in text.lower()


def main() -> int:
    """Answer the lines of the standard input."""
    out = own_output()
    task = Task.read(sys.argv[1])
    enforce_offline()
    settings = settings_for(task)
    with asyncio.Runner() as loop:
        docs = loop.run(library(task, settings))

        def answer(record: Mapping[str, Any]) -> Answer:
            query = docs.aquery(whole_question(record), settings)
            return answer_of(loop.run(asyncio.wait_for(query, task.patience)))

        serve(out, {"program": "paper-qa", "version": version("paper-qa")}, answer)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
