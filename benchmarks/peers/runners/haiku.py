"""haiku.rag, asked through ``HaikuRAG.ask``: an agent that searches and cites by calling tools.

Changed settings: the addresses and names of the two models, and that the model sees no pictures and does not think
aloud. The temperature is that of its default model. An abstract is one chunk under its title; its converter, which
reads files, has nothing to do.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.peers.citation_marks import authors_in, numbers_in
from benchmarks.peers.runners.lines import Answer, Task, own_output, papers_of, serve, whole_question
from rag.system.offline import enforce_offline


def configuration(task: Task) -> Any:
    """Its own defaults, with the two models at ``task.address``."""
    from haiku.rag.config.models import AppConfig, EmbeddingModelConfig, ModelConfig

    config = AppConfig()
    at = {"provider": "openai", "base_url": task.address, "api_key": "none"}
    config.qa.model = ModelConfig(name=task.model, temperature=config.qa.model.temperature, **at)
    config.embeddings.model = EmbeddingModelConfig(name="all-MiniLM-L6-v2", vector_dim=384, **at)
    config.storage.data_dir = Path(task.folder)
    return config


def prepared(paper: Mapping[str, Any]) -> Any:
    """One abstract as a document of one chunk. The paper's id is its address."""
    from docling_core.types.doc.document import DoclingDocument
    from docling_core.types.doc.labels import DocItemLabel
    from haiku.rag.client.documents import DocumentImport
    from haiku.rag.store.models.chunk import Chunk

    document = DoclingDocument(name=paper["id"])
    document.add_title(paper["title"])
    item = document.add_text(label=DocItemLabel.TEXT, text=paper["abstract"])
    about = {"doc_item_refs": [item.self_ref], "headings": [paper["title"]], "labels": ["text"]}
    chunk = Chunk(content=paper["abstract"], metadata=about)
    return DocumentImport(docling_document=document, chunks=[chunk], uri=paper["id"], title=paper["title"])


async def opened(task: Task, config: Any) -> Any:
    """The client over a database that holds every paper; made where it is not there yet."""
    from haiku.rag.client import HaikuRAG

    client = HaikuRAG(Path(task.folder) / "papers.lancedb", config, create=True)
    await client.__aenter__()
    held = await client.count_documents()
    papers = papers_of(task)
    if held != len(papers):
        await client.import_documents([prepared(paper) for paper in papers[held:]])
    await client.search("What is it?", limit=1)
    return client


def answer_of(text: str, citations: Iterable[Any], messages: Iterable[Any]) -> Answer:
    """What it said, and the sources that it registered with its tool ``cite``."""
    cited = tuple(dict.fromkeys(one.document_uri for one in citations))
    asked = _ids_asked_for(messages)
    numbers = numbers_in(text)
    return Answer(
        text=text,
        shown=text,
        cited=cited,
        written=max(len(asked), len(cited)) + sum(n > len(cited) for n in numbers) + len(authors_in(text)),
        existing=len(cited),
    )


def _ids_asked_for(messages: Iterable[Any]) -> set[str]:
    """The different ids of chunks that the model gave to ``cite``."""
    parts = (part for message in messages for part in message.parts if getattr(part, "tool_name", "") == "cite")
    calls = (part.args_as_dict() for part in parts if part.part_kind == "tool-call")
    return {str(i) for call in calls for i in call.get("chunk_ids") or ()}


async def asked(client: Any, question: str) -> Answer:
    """One question through its own door."""
    from pydantic_ai import capture_run_messages

    with capture_run_messages() as messages:
        text, citations = await client.ask(question)
    return answer_of(text, citations, messages)


def main() -> int:
    """Answer the lines of the standard input."""
    out = own_output()
    task = Task.read(sys.argv[1])
    enforce_offline()
    with asyncio.Runner() as loop:
        client = loop.run(opened(task, configuration(task)))

        def answer(record: Mapping[str, Any]) -> Answer:
            return loop.run(asyncio.wait_for(asked(client, whole_question(record)), task.patience))

        serve(out, {"program": "haiku.rag", "version": version("haiku.rag-slim")}, answer)
        loop.run(client.__aexit__(None, None, None))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
