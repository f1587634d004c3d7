"""A LangChain agent that may ask a Footnote library: any chat model that can call tools, with footnotes to check it by.

Footnote itself needs neither. With a model server on this computer, for example Ollama:

    pip install langchain-ollama
    python docs/examples/langchain_agent.py ollama:qwen3:4b "Which detectors does the library describe?"
"""

from __future__ import annotations

import sys
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, ToolMessage

from rag.assistants.langchain import footnote_tool
from rag.datatypes import Answer, Answerer
from rag.output.presentation import to_plain

INSTRUCTIONS = (
    "Answer questions about papers with the tool ask_library and from what it says alone. Keep its [1], [2] where they "
    "stand. Where it refuses, say so."
)


def library_agent(model: BaseChatModel | str, pipeline: Answerer | None = None) -> Any:
    """An agent whose ``invoke({"messages": [("user", question)]})`` returns all the messages, the answer last."""
    return create_agent(model, [footnote_tool(pipeline)], system_prompt=INSTRUCTIONS)


def answers_in(messages: list[BaseMessage]) -> list[Answer]:
    """The checked answers that the agent was given on its way, with quotes and offsets in the abstracts."""
    return [message.artifact for message in messages if isinstance(message, ToolMessage) and message.artifact]


def main() -> None:
    """Ask one question on the command line."""
    model, question = sys.argv[1:]
    messages = library_agent(model).invoke({"messages": [("user", question)]})["messages"]
    print(messages[-1].text)
    for answer in answers_in(messages):
        print(f"\n--- {answer.question}\n{to_plain(answer)}")


if __name__ == "__main__":
    main()
