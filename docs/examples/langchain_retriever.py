"""A LangChain chain that finds papers in a Footnote library and hands them to any model, with their references.

    python docs/examples/langchain_retriever.py ollama:qwen3:4b "Which detectors does the library describe?"

What such a chain writes is not checked; ``footnote check`` or the tool of ``langchain_agent.py`` does that.
"""

from __future__ import annotations

import sys

from langchain.chat_models import init_chat_model
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnablePassthrough

from rag.assistants.langchain import FootnoteRetriever

PROMPT = ChatPromptTemplate.from_template(
    "Answer the question from these papers alone, and name the papers.\n\n{papers}\n\nQuestion: {question}"
)


def as_text(papers: list[Document]) -> str:
    """The papers as the model reads them: reference, then abstract."""
    return "\n\n".join(f"{paper.metadata['reference']}\n{paper.page_content}" for paper in papers)


def library_chain(model: BaseChatModel, retriever: BaseRetriever) -> Runnable[str, str]:
    """A question to a text."""
    found = {"papers": retriever | as_text, "question": RunnablePassthrough()}
    return found | PROMPT | model | StrOutputParser()


def main() -> None:
    """Ask one question on the command line."""
    model, question = sys.argv[1:]
    print(library_chain(init_chat_model(model), FootnoteRetriever(k=5)).invoke(question))


if __name__ == "__main__":
    main()
