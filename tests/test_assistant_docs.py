"""docs/mcp.md, docs/langchain.md and docs/watch.md are so: commands run, configurations start, examples work."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from rag import factory
from rag.assistants.mcp_http import PATH
from rag.cli.mcp import PORT
from tests.apart import apart
from tests.cli_parts import COMMAND, MOTHS, SNOW, WILLING, footnote, write_lines

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
MCP, LANGCHAIN, WATCH = ((DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("mcp", "langchain", "watch"))


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    return [line[2:] for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ ")]


def servers() -> list[dict[str, Any]]:
    """The entries of all configurations, whatever the assistant calls their section."""
    return [
        entry for block in blocks(MCP, "json") for section in json.loads(block).values() for entry in section.values()
    ]


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a library ``papers`` in it."""
    folder = tmp_path_factory.mktemp("user")
    footnote("import", write_lines(folder / "papers.jsonl", MOTHS, SNOW), "--library", folder / "papers")
    yield folder
    factory.close_all()


def test_every_page_has_something_to_run() -> None:
    assert len(servers()) == 4 and len(commands(MCP)) == 2 and len(commands(WATCH)) == 2
    assert blocks(LANGCHAIN, "python")


@pytest.mark.parametrize("entry", [one for one in servers() if "command" in one], ids=lambda one: "-".join(one))
def test_the_configurations_start_a_server(entry: dict[str, Any], user: Path, shared_home: Path) -> None:
    assert entry["command"] == "footnote" and entry["args"][-2:] == ["--library", "/home/me/papers"]
    arguments = [*entry["args"][:-1], str(user / "papers")]
    environment = {**os.environ, **entry.get("env", {}), "FOOTNOTE_HOME": str(shared_home)}

    async def tools() -> set[str]:
        async with Client(StdioServerParameters(command=COMMAND, args=arguments, env=environment)) as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    assert apart(lambda: anyio.run(tools)) == set(re.findall(r"^\| `(\w+)` \|", MCP, re.MULTILINE))


def test_the_address_is_the_usual_one() -> None:
    (entry,) = [one for one in servers() if "url" in one]
    assert entry["url"] == f"http://127.0.0.1:{PORT}{PATH}"


def test_the_commands_of_the_mcp_page(user: Path, shared_home: Path) -> None:
    served, asked = (shlex.split(line) for line in commands(MCP))
    environment = {**os.environ, "FOOTNOTE_HOME": str(shared_home), "FOOTNOTE_LIBRARY": str(user / "papers"), **WILLING}
    arguments = [*served[1:], "--port", "0"]  # the usual one may be taken here
    child = subprocess.Popen([COMMAND, *arguments], stderr=subprocess.PIPE, text=True, env=environment, cwd=user)
    try:
        assert child.stderr is not None and "MCP server is at http://127.0.0.1:" in child.stderr.readline()
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
    assert asked[0] == "python"
    done = subprocess.run(
        [sys.executable, *asked[1:]], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "[1]" in done.stdout and "supported: It finds 93% of the moths" in done.stdout


def test_the_commands_of_the_watch_page(
    user: Path, shared_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reading-list").mkdir()
    write_lines(tmp_path / "reading-list" / "export.jsonl", MOTHS)
    going_on, at_once = (shlex.split(line) for line in commands(WATCH))
    assert "1 added" in footnote(*at_once[1:], home=shared_home).stdout
    environment = {**os.environ, "FOOTNOTE_HOME": str(shared_home)}
    child = subprocess.Popen([COMMAND, *going_on[1:]], stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert child.stderr is not None and child.stderr.readline().startswith("Watching reading-list")
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
    assert child.returncode == 0


def test_the_lines_for_langchain(
    user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(user)
    monkeypatch.setenv("FOOTNOTE_REFUSE", "no")
    (lines,) = blocks(LANGCHAIN, "python")
    program = tmp_path / "lines.py"
    program.write_text(lines, encoding="utf-8")
    runpy.run_path(str(program))
    said = capsys.readouterr().out
    assert "Ada Moth and Ben Lamp (2021)" in said and "93% of the moths" in said and "[1]" in said


def test_the_pages_are_found_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("mcp", "langchain", "watch"):
        assert f"(docs/{name}.md)" in readme
