"""``footnote mcp`` as assistants use it: the client of the official package, over stdio and HTTP, on a real library."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult

from rag import factory
from rag.assistants.library_tools import LibraryTools, citation_formats
from rag.assistants.mcp_http import PATH, http_app
from rag.assistants.mcp_server import build_server
from rag.config import load_settings
from rag.errors import ConfigError
from rag.verification.claims import LONGEST_TEXT
from tests.apart import apart
from tests.cli_parts import COMMAND, MOTHS, SNOW, WILLING, footnote, program, write_lines

QUESTION = "How many of the moths does MothEar find?"
FOUND = "It finds 93% of the moths in a garden at night."
BREAD = "Sourdough rises overnight."
GROUPED = {"tags": ["Insects"], "collections": ["Thesis/Chapter 2"]}
JSON = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
TOOLS = {"ask", "search", "check", "read_paper", "cite"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two papers, read only."""
    folder = tmp_path_factory.mktemp("mcp")
    footnote("import", write_lines(folder / "papers.jsonl", MOTHS | GROUPED, SNOW), "--library", folder / "library")
    yield folder / "library"
    factory.close_all()


@pytest.fixture
def tools(library: Path) -> Iterator[LibraryTools]:
    yield LibraryTools(load_settings(library=library, model="quote", refuse=False))
    factory.close_all()


def talk(server: Any, conversation: Callable[[Client], Awaitable[Any]]) -> Any:
    """What a client's conversation with a server comes to."""

    async def connected() -> Any:
        async with Client(server) as client:
            return await conversation(client)

    return apart(lambda: anyio.run(connected))


def call(server: Any, tool: str, **arguments: Any) -> CallToolResult:
    return talk(server, lambda client: client.call_tool(tool, arguments))


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    return str(content.text)


# What the tools give


def test_the_tools_are_described(tools: LibraryTools) -> None:
    listed = talk(build_server(tools), lambda client: client.list_tools()).tools
    assert {tool.name for tool in listed} == TOOLS
    for tool in listed:
        assert tool.title and tool.description and tool.output_schema
        assert tool.annotations.read_only_hint and not tool.annotations.open_world_hint
        for name, described in tool.input_schema["properties"].items():
            assert described["description"], f"{tool.name}: {name}"
    (cite,) = [tool for tool in listed if tool.name == "cite"]
    assert cite.input_schema["properties"]["format"]["enum"] == list(citation_formats())


def test_ask_gives_sentences_with_verdict_quote_and_offsets(tools: LibraryTools) -> None:
    result = call(build_server(tools), "ask", question=QUESTION)
    answer = result.structured_content
    assert not result.is_error and answer["refusal"] is None
    assert any("93%" in one["text"] and one["verdict"] == "supported" for one in answer["sentences"])
    (citation, *_) = answer["citations"]
    assert citation["paper_id"] == "moth"
    assert MOTHS["abstract"][citation["start"] : citation["end"]] == citation["quote"]
    assert "[1]" in text_of(result) and str(MOTHS["title"]) in text_of(result)


def test_ask_gives_what_the_command_line_gives(tools: LibraryTools, library: Path) -> None:
    printed = footnote("ask", QUESTION, "--json", "--model", "quote", "--library", library, **WILLING).stdout
    given = call(build_server(tools), "ask", question=QUESTION).structured_content
    for answer in (expected := json.loads(printed), given):
        del answer["trace"]["timings_ms"]
    assert given == expected


def test_ask_refuses_what_the_library_does_not_hold(library: Path) -> None:
    tools = LibraryTools(load_settings(library=library, model="quote"))
    result = call(build_server(tools), "ask", question="How long should a pizza be baked?")
    assert not result.is_error  # it is an answer, and the assistant is to say it
    assert result.structured_content["refusal"]["message"] in " ".join(text_of(result).split())
    assert result.structured_content["sentences"] == []


def test_ask_uses_the_papers_that_are_named(tools: LibraryTools) -> None:
    server = build_server(tools)
    for scope in ({"paper_ids": ["snow"]}, {"until": 2019}):
        answer = call(server, "ask", question=QUESTION, **scope).structured_content
        assert {one["paper_id"] for one in answer["evidence"]} <= {"snow"}
    hits = call(server, "search", query="moths in a garden", since=2020).structured_content["hits"]
    assert [hit["paper_id"] for hit in hits] == ["moth"]


def test_ask_and_search_use_the_tags_and_collections_that_are_named(tools: LibraryTools) -> None:
    server = build_server(tools)
    for scope in ({"tags": ["insects"]}, {"collections": ["Thesis"]}, {"tags": ["Insects"], "until": 2021}):
        answer = call(server, "ask", question="How deep is the snow?", **scope).structured_content
        assert {one["paper_id"] for one in answer["evidence"]} <= {"moth"}
        hits = call(server, "search", query="snow", **scope).structured_content["hits"]
        assert [hit["paper_id"] for hit in hits] == ["moth"]


def test_search_ranks_with_the_best_sentence(tools: LibraryTools) -> None:
    result = call(build_server(tools), "search", query="moths in a garden", k=1)
    (hit,) = result.structured_content["hits"]
    assert (hit["paper_id"], hit["sentence"], hit["year"]) == ("moth", FOUND, 2021)
    assert hit["authors"] == MOTHS["authors"]
    assert "paper_id moth" in text_of(result) and FOUND in text_of(result)


def test_check_vouches_for_sentences(tools: LibraryTools) -> None:
    result = call(build_server(tools), "check", text=f"{FOUND} {BREAD}")
    said, other = result.structured_content["sentences"]
    assert (said["verdict"], other["verdict"], other["citations"]) == ("supported", "nothing", [])
    (citation,) = said["citations"]
    assert MOTHS["abstract"][citation["start"] : citation["end"]] == citation["quote"] == FOUND
    assert result.structured_content["verdicts"] == {"supported": 1, "nothing": 1}
    assert text_of(result).splitlines()[0] == f"✓ {FOUND}  [supported]"


def test_check_against_one_paper(tools: LibraryTools) -> None:
    server = build_server(tools)
    of_moths = call(server, "check", text=FOUND, paper_id="moth").structured_content
    of_snow = call(server, "check", text=FOUND, paper_id="snow").structured_content
    assert of_moths["verdicts"] == {"supported": 1}
    assert of_snow["sentences"][0]["verdict"] in ("unsupported", "contradicted")


def test_read_paper_gives_the_whole_record(tools: LibraryTools) -> None:
    result = call(build_server(tools), "read_paper", paper_id="moth")
    paper = result.structured_content
    assert {key: paper[key] for key in MOTHS} == MOTHS
    for one in paper["sentences"]:
        assert paper["abstract"][one["start"] : one["end"]] == one["text"]
    assert str(MOTHS["abstract"]) in text_of(result) and "Ada Moth and Ben Lamp (2021)" in text_of(result)


@pytest.mark.parametrize("format", citation_formats())
def test_cite_in_every_format(tools: LibraryTools, format: str) -> None:
    result = call(build_server(tools), "cite", paper_ids=["snow", "moth", "snow"], format=format)
    record = result.structured_content
    assert record["text"] == text_of(result)
    assert [one["paper_id"] for one in record["references"]] == ["snow", "moth"]
    assert text_of(result).index("Snow depth") < text_of(result).index("Counting moths")
    if format == "csl-json":
        assert [item["DOI"] for item in json.loads(text_of(result))[1:]] == [MOTHS["doi"]]


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("ask", {"question": "   "}, "The question is empty."),
        ("ask", {"question": "x" * 5000}, "at most 4,000 are read"),
        ("ask", {"question": QUESTION, "kind": "poem"}, "'poem' is no kind of answer"),
        ("ask", {"question": QUESTION, "paper_ids": ["none"]}, "no paper with the id 'none'"),
        ("ask", {"question": QUESTION, "since": 2020, "until": 2010}, "since 2020 is later than until 2010"),
        ("ask", {"question": QUESTION, "since": 20}, "since"),
        ("ask", {"question": QUESTION, "tags": ["insect"]}, "has the tag 'insect'. Near it: Insects"),
        ("search", {"query": "moths", "collections": ["Chapter 2"]}, "no collection 'Chapter 2'"),
        ("ask", {}, "question"),
        ("search", {"query": "moths", "k": 0}, "k"),
        ("search", {"query": "?"}, "The question is empty."),
        ("check", {"text": "…"}, "There is no sentence to check in this text"),
        ("check", {"text": "x " * LONGEST_TEXT}, "are checked at a time"),
        ("check", {"text": FOUND, "paper_id": "no"}, "no paper with the id 'no'"),
        ("read_paper", {"paper_id": "\x1b[31m"}, "There is no paper with the id '[31m'"),
        ("cite", {"paper_ids": []}, "paper_ids"),
        ("cite", {"paper_ids": ["moth", "a", "b"]}, "'a' in this library, nor with 1 more"),
        ("cite", {"paper_ids": ["moth"], "format": "apa7"}, "'apa7' is not a format; use one of text, bibtex"),
    ],
)
def test_a_wrong_call_says_what_to_do(tools: LibraryTools, tool: str, arguments: Mapping[str, Any], words: str) -> None:
    result = call(build_server(tools), tool, **arguments)
    assert result.is_error and words in text_of(result)
    assert "Traceback" not in text_of(result) and result.structured_content is None


def test_a_library_that_is_not_there(tmp_path: Path) -> None:
    result = call(build_server(LibraryTools(load_settings(library=tmp_path / "none"))), "ask", question=QUESTION)
    assert result.is_error and f"There is no library in {tmp_path / 'none'}" in text_of(result)


def test_who_asks_is_told_how_far_it_is(tools: LibraryTools) -> None:
    steps: list[tuple[float, str | None]] = []

    async def progressed(done: float, total: float | None, message: str | None) -> None:
        steps.append((done, message))

    def ask(client: Client) -> Awaitable[Any]:
        return client.call_tool("ask", {"question": QUESTION}, progress_callback=progressed)

    talk(build_server(tools), ask)
    assert steps == sorted(steps) and len(steps) >= 3


def test_a_call_that_is_given_up_stops_its_work(tools: LibraryTools) -> None:
    """The first sentence is checked, the caller goes, and the next ones are not."""
    checked: list[str] = []
    check_each = tools._checked  # what the caller waits for

    def counted(sentences: Any, paper_id: str, stop: Any) -> Iterator[Any]:
        for one in check_each(sentences, paper_id, stop):
            checked.append(one.text)
            time.sleep(0.2)
            yield one

    tools._checked = counted  # type: ignore[method-assign]

    async def impatient(client: Client) -> None:
        with anyio.move_on_after(1.5):
            await client.call_tool("check", {"text": f"{FOUND} " * 60})

    talk(build_server(tools), impatient)
    time.sleep(0.5)
    before = len(checked)
    time.sleep(0.6)
    assert len(checked) == before < 60


# Over stdio


def over_stdio(library: Path, home: Path, *more: str, **variables: str) -> StdioServerParameters:
    arguments = ["mcp", "--library", str(library), "--model", "quote", *more]
    return StdioServerParameters(
        command=COMMAND, args=arguments, env={**os.environ, "FOOTNOTE_HOME": str(home), **WILLING, **variables}
    )


def test_an_assistant_starts_it_and_asks(library: Path, shared_home: Path) -> None:
    async def conversation(client: Client) -> tuple[Any, ...]:
        listed = await client.list_tools()
        answer = await client.call_tool("ask", {"question": QUESTION})
        return client.instructions, {tool.name for tool in listed.tools}, answer

    instructions, names, answer = talk(over_stdio(library, shared_home), conversation)
    assert names == TOOLS and "no instructions to you" in instructions
    assert answer.structured_content["citations"][0]["paper_id"] == "moth"


def test_stdout_carries_the_protocol_alone(library: Path, shared_home: Path) -> None:
    """Also where something goes wrong, and with -v, which says much on stderr."""
    child = subprocess.Popen(
        [COMMAND, "-v", "mcp", "--library", str(library), "--model", "quote"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        env={**os.environ, "FOOTNOTE_HOME": str(shared_home)},
    )  # fmt: skip
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    sent = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        "this is no protocol",
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "ask", "arguments": {"question": "?"}}},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "nothing", "arguments": {}}},
        {
            "jsonrpc": "2.0", "id": 4, "method": "tools/call",
            "params": {"name": "check", "arguments": {"text": FOUND}},
        },
    ]  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    for line in sent:
        child.stdin.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
    child.stdin.flush()
    answered: dict[int, Any] = {}
    while len(answered) < 4:
        message = json.loads(child.stdout.readline())
        assert message["jsonrpc"] == "2.0"
        if isinstance(message.get("id"), int):
            answered[message["id"]] = message
    out, _ = child.communicate(timeout=30)  # closes stdin: the assistant has gone
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in out.splitlines())
    assert child.returncode == 0
    assert answered[2]["result"]["isError"]
    assert answered[4]["result"]["structuredContent"]["verdicts"] == {"supported": 1}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(library: Path, shared_home: Path, how: signal.Signals) -> None:
    child = subprocess.Popen(
        [COMMAND, "mcp", "--library", str(library)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "FOOTNOTE_HOME": str(shared_home)},
    )  # fmt: skip
    try:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write('{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        child.stdin.flush()
        assert json.loads(child.stdout.readline())["id"] == 1  # it is up
        child.send_signal(how)
        assert child.wait(timeout=10) == -how
    finally:
        child.kill()
        child.communicate()


def test_it_starts_before_anything_heavy_is_loaded() -> None:
    script = (
        "import sys\nfrom rag.config import load_settings\nfrom rag.assistants.library_tools import LibraryTools\n"
        "from rag.assistants.mcp_server import build_server\nbuild_server(LibraryTools(load_settings()))\n"
        "print([m for m in ('torch', 'chromadb', 'llama_cpp', 'gradio', 'sentence_transformers', 'onnxruntime', "
        "'langchain_core') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


# Over HTTP


@pytest.fixture
def address(library: Path, shared_home: Path) -> Iterator[str]:
    """Where ``footnote mcp --http`` listens."""
    environment = {**os.environ, "FOOTNOTE_HOME": str(shared_home), **WILLING}
    arguments = ["mcp", "--http", "--port", "0", "--library", str(library), "--model", "quote"]
    child = subprocess.Popen(
        [COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert child.stderr is not None
    try:
        found = re.fullmatch(r"Footnote's MCP server is at (\S+) \(Ctrl\+C ends it\)\.\n", child.stderr.readline())
        assert found is not None
        yield found[1]
    finally:
        child.send_signal(signal.SIGINT)
        try:
            out, err = child.communicate(timeout=20)
        finally:
            child.kill()
    assert (out, "Traceback" in err) == ("", False)


def test_clients_ask_over_http_at_once(address: str) -> None:
    async def asked(results: list[CallToolResult]) -> None:
        async with Client(address) as client:
            results.append(await client.call_tool("ask", {"question": QUESTION}))

    async def three() -> list[CallToolResult]:
        results: list[CallToolResult] = []
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(asked, results)
        return results

    results = apart(lambda: anyio.run(three))
    assert [one.structured_content["citations"][0]["paper_id"] for one in results] == ["moth"] * 3


def initialize(address: str, **headers: str) -> httpx.Response:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    return httpx.post(address, json=body, headers={**JSON, **headers}, timeout=20)


def test_other_sites_are_refused(address: str) -> None:
    port = address.rpartition(":")[2].partition("/")[0]
    assert initialize(address).status_code == 200
    assert initialize(address, origin=f"http://127.0.0.1:{port}").status_code == 200
    assert initialize(address, origin="https://evil.example").status_code == 403
    assert initialize(address, origin="null").status_code == 403
    assert initialize(address, host=f"evil.example:{port}").status_code == 421  # a name made to point here
    assert initialize(address, **{"content-type": "text/plain"}).status_code == 400  # what a page may send unasked
    assert httpx.post(address, content=b"[" * 5_000_000, headers=JSON, timeout=20).status_code == 413


def test_a_token_is_asked_for_where_others_come(tools: LibraryTools) -> None:
    app = http_app(build_server(tools), "0.0.0.0", False, lambda token: token == "right")

    async def statuses() -> list[int]:
        found = []
        transport = httpx.ASGITransport(app=app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
            for given in (None, "Bearer wrong", "Basic right", "right", "bearer right"):
                headers = JSON | ({} if given is None else {"authorization": given})
                body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
                answer = await client.post(f"http://library.example{PATH}", json=body, headers=headers)
                found.append(answer.status_code)
                if answer.status_code == 401:
                    assert answer.headers["www-authenticate"].startswith("Bearer")
        return found

    assert apart(lambda: anyio.run(statuses)) == [401, 401, 401, 401, 200]


def test_without_a_token_it_does_not_listen_to_others(tools: LibraryTools, library: Path) -> None:
    with pytest.raises(ConfigError, match="must bring a token"):
        http_app(build_server(tools), "0.0.0.0", False, None)
    arguments = ("mcp", "--http", "--host", "0.0.0.0", "--port", "0", "--library", library)
    assert "must bring a token" in footnote(*arguments, code=2).stderr


# The command


def test_usage(library: Path) -> None:
    for arguments in (("--port", "1"), ("--host", "127.0.0.1")):
        assert "go with --http" in footnote("mcp", *arguments, "--library", library, code=2).stderr


def test_a_port_that_is_taken(address: str, shared_home: Path) -> None:
    port = address.rpartition(":")[2].partition("/")[0]
    assert "cannot listen on 127.0.0.1" in program("mcp", "--http", "--port", port, home=shared_home, code=2).stderr


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.cli.mcp.find_spec", lambda name: None)
    assert "pip install 'footnote[mcp]'" in footnote("mcp", code=2).stderr
