"""The programs in docs/examples do what they promise."""

from __future__ import annotations

import runpy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cli_parts import MOTHS, SNOW, footnote, write_lines
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from rag import factory
from rag.config import load_settings
from rag.datatypes import Answer
from rag.pipeline import Pipeline

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"


class Obedient(BaseChatModel):
    """Calls the tool it was given with the user's question, then repeats what the tool says."""

    tools: tuple[str, ...] = ()

    @property
    def _llm_type(self) -> str:
        return "obedient"

    def bind_tools(self, tools: Sequence[Any], **options: Any) -> Obedient:
        return Obedient(tools=tuple(tool.name for tool in tools))

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        last = messages[-1]
        call = {"name": self.tools[0], "args": {"question": last.text}, "id": "1"}
        said = AIMessage(last.text) if isinstance(last, ToolMessage) else AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=said)])


@pytest.fixture
def moths(tmp_path: Path) -> Iterator[Pipeline]:
    """A library of two papers."""
    papers = write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW)
    footnote("import", papers, "--library", tmp_path / "library")
    yield factory.open_answerer(load_settings(library=tmp_path / "library", refuse=False))
    factory.close_all()


def test_an_agent_asks_the_library_and_keeps_the_checked_answer(moths: Pipeline) -> None:
    example = runpy.run_path(str(EXAMPLES / "langchain_agent.py"))
    question = "How many of the moths does MothEar find?"
    messages = example["library_agent"](Obedient(), moths).invoke({"messages": [("user", question)]})["messages"]
    assert "93% of the moths" in messages[-1].text and "[1]" in messages[-1].text
    (answer,) = example["answers_in"](messages)
    assert isinstance(answer, Answer) and answer.question == question
    (citation, *_) = answer.citations
    assert citation.paper_id == "moth" and MOTHS["abstract"][citation.start : citation.end] == citation.quote
