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
from rag.assistants.langchain import FootnoteRetriever, footnote_tool
from rag.config import load_settings
from rag.datatypes import Answer
from rag.errors import LibraryNotFound, QuestionError, ScopeError
from rag.pipeline import Pipeline
from tests.apart import apart

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


class Reader(BaseChatModel):
    """Says what it was given to read."""

    @property
    def _llm_type(self) -> str:
        return "reader"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(messages[-1].text))])


def test_a_chain_reads_the_papers_that_the_library_finds(moths: Pipeline) -> None:
    example = runpy.run_path(str(EXAMPLES / "langchain_retriever.py"))
    chain = example["library_chain"](Reader(), FootnoteRetriever(library=moths.library.path, k=1))
    said = chain.invoke("moths in a garden")
    assert MOTHS["abstract"] in said and "Ada Moth and Ben Lamp (2021)" in said and "radar" not in said


def test_the_retriever_gives_papers_with_their_best_sentence(moths: Pipeline) -> None:
    retriever = FootnoteRetriever(library=moths.library.path)
    best, other = retriever.invoke("moths in a garden")
    assert (best.id, other.id) == ("moth", "snow") and best.metadata["score"] > other.metadata["score"]
    assert best.page_content == MOTHS["abstract"]
    assert best.page_content[best.metadata["start"] : best.metadata["end"]] == best.metadata["sentence"]
    assert {name: best.metadata[name] for name in ("title", "year", "doi")} == {
        name: MOTHS[name] for name in ("title", "year", "doi")
    }
    (late,) = FootnoteRetriever(library=moths.library.path, since=2020).invoke("snow")
    assert late.id == "moth"
    with pytest.raises(QuestionError):
        retriever.invoke("  ")


def test_a_paper_without_an_abstract_is_its_title(tmp_path: Path) -> None:
    bare = write_lines(tmp_path / "bare.jsonl", {"id": "bare", "title": "On owls"})
    footnote("import", bare, "--library", tmp_path / "library")
    (found,) = FootnoteRetriever(library=tmp_path / "library").invoke("owls")
    assert found.page_content == "On owls"
    assert found.page_content[found.metadata["start"] : found.metadata["end"]] == found.metadata["sentence"]
    factory.close_all()


def test_the_retriever_works_in_other_tasks(moths: Pipeline) -> None:
    """The methods that LangChain makes of one: several questions at once, and without blocking."""
    import asyncio

    retriever = FootnoteRetriever(library=moths.library.path, k=1)
    assert [found[0].id for found in retriever.batch(["moths", "snow"])] == ["moth", "snow"]
    assert apart(lambda: asyncio.run(retriever.ainvoke("snow depth")))[0].id == "snow"


def test_a_library_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LibraryNotFound):
        FootnoteRetriever(library=tmp_path / "none").invoke("moths")
    said = footnote_tool(library=tmp_path / "none").invoke({"question": "Which moths?"})
    assert "There is no library in" in said


def test_tags_and_collections_say_which_papers_are_used(tmp_path: Path) -> None:
    tagged = MOTHS | {"tags": ["Insects"], "collections": ["Thesis/Chapter 2"]}
    path = tmp_path / "library"
    footnote("import", write_lines(tmp_path / "papers.jsonl", tagged, SNOW), "--library", path)
    for names in ({"with_tags": ["insects"]}, {"in_collections": ["Thesis"]}):
        (found,) = FootnoteRetriever(library=path, **names).invoke("snow depth")
        assert found.id == "moth"
        opened = factory.open_answerer(load_settings(library=path, model="quote", refuse=False))
        for tool in (footnote_tool(library=path, model="quote", refuse=False, **names), footnote_tool(opened, **names)):
            call = {"name": tool.name, "args": {"question": "How deep is the snow?"}, "id": "1", "type": "tool_call"}
            assert {one.paper.id for one in tool.invoke(call).artifact.evidence} <= {"moth"}
    with pytest.raises(ScopeError, match="Near it: Insects"):
        FootnoteRetriever(library=path, with_tags=["insect"]).invoke("moths")
    assert "no collection 'Thesi'" in footnote_tool(library=path, in_collections=["Thesi"]).invoke(
        {"question": "Moths?"}
    )
    factory.close_all()


def test_the_tool_opens_its_library_itself(moths: Pipeline) -> None:
    tool = footnote_tool(library=moths.library.path, model="quote", refuse=False, name="ask_moths")
    assert tool.name == "ask_moths" and "question" in tool.args
    call = {"name": "ask_moths", "args": {"question": "How many moths does it find?"}, "id": "1", "type": "tool_call"}
    message = tool.invoke(call)
    assert "93% of the moths" in message.text and isinstance(message.artifact, Answer)
    assert "question is empty" in tool.invoke({"question": " "})
