"""The measuring of other programs: what they wrote is read fairly, nothing is lost, the pages say what was measured."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.peers import scoring, tables
from benchmarks.peers.asking import PROGRAMS, Program, RunnerFailed, answered, ask
from benchmarks.peers.citation_marks import authors_in, numbers_in, says_no_answer, titles_in
from benchmarks.peers.environments import HAIKU, REQUIREMENTS, CannotInstall, Environment, made
from benchmarks.peers.gateway import LONGEST, Gateway, forwarded, handler
from benchmarks.peers.runners.lines import Task
from benchmarks.peers.servers import ROOT
from benchmarks.peers.tool_calls import calls_in, without_calls
from benchmarks.workload import load_papers
from rag.datatypes import Turn
from rag.evaluation.datasets import EvalQuestion

SEARCH = {"name": "search", "arguments": {"query": "owls"}}


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "search", "arguments": {"query": "owls"}}\n</tool_call>',
        'I will look.\n<tool_call>{"name": "search", "arguments": {"query": "owls"}}',
        '```json\n{"name": "search", "arguments": {"query": "owls"}}\n```',
        '{"name": "search", "parameters": {"query": "owls"}}',
        '{"name": "search", "arguments": "{\\"query\\": \\"owls\\"}"}',
    ],
)
def test_calls_of_tools_are_read_the_ways_small_models_write_them(text: str) -> None:
    assert calls_in(text, ["search", "cite"]) == [SEARCH]


@pytest.mark.parametrize(
    "text",
    [
        "Owls hunt at night.",
        '{"name": "order_pizza", "arguments": {}}',
        'An example is {"name": "search", "arguments": {}}.',
        '<tool_call>{"name": "search", "arguments"',
        "{" * 5000,
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert calls_in(text, ["search"]) == []


def test_several_calls_keep_their_order_and_go_back_as_they_were_written() -> None:
    written = "\n".join(f'<tool_call>\n{{"name": "{n}", "arguments": {{}}}}\n</tool_call>' for n in ("search", "cite"))
    calls = calls_in(written, ["cite", "search"])
    assert [call["name"] for call in calls] == ["search", "cite"]
    sent = [{"function": {"name": call["name"], "arguments": json.dumps(call["arguments"])}} for call in calls]
    assert without_calls({"role": "assistant", "content": None, "tool_calls": sent})["content"] == written


def test_a_request_is_put_into_what_the_server_knows() -> None:
    parts = [{"type": "text", "text": "What"}, {"type": "text", "text": "is it?"}]
    asked = forwarded({"messages": [{"role": "user", "content": parts}], "store": True, "temperature": 0.3})
    user = {"role": "user", "content": "What\nis it?"}
    assert asked == {"messages": [user], "temperature": 0.3, "max_tokens": LONGEST}
    assert forwarded({"messages": [], "max_completion_tokens": 5})["max_tokens"] == 5
    system = forwarded({"messages": [{"role": "developer", "content": "Be short."}]})["messages"]
    assert system == [{"role": "system", "content": "Be short."}]


class Upstream(BaseHTTPRequestHandler):
    """Says always the same, as ``llama_cpp.server`` would."""

    said = json.dumps(SEARCH)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": self.said}
        body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def address(shared_home: Path) -> Iterator[str]:
    """A gateway before :class:`Upstream`, both on loopback."""
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    gateway = Gateway(f"http://127.0.0.1:{upstream.server_port}", shared_home / "models", threads=1)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(gateway))
    for one in (upstream, server):
        threading.Thread(target=one.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    for one in (server, upstream):
        one.shutdown()
        one.server_close()


def test_the_gateway_answers_as_clients_expect(address: str) -> None:
    tools = [{"type": "function", "function": {"name": "search", "parameters": {}}}]
    asked = {"model": "local", "messages": [{"role": "user", "content": "Owls?"}]}
    with httpx.Client(base_url=address) as client:
        choice = client.post("/chat/completions", json=asked | {"tools": tools}).json()["choices"][0]
        plain = client.post("/chat/completions", json=asked).json()["choices"][0]
        vectors = client.post("/embeddings", json={"input": ["Owls hunt at night.", "Owls hunt."]}).json()["data"]
        assert client.post("/chat/completions", json=asked | {"stream": True}).status_code == 400
        assert client.post("/completions", json={}).status_code == 404
    function = choice["message"]["tool_calls"][0]["function"]
    assert (choice["finish_reason"], function["name"], json.loads(function["arguments"])) == (
        "tool_calls", "search", {"query": "owls"},
    )  # fmt: skip
    assert (plain["finish_reason"], plain["message"]["content"]) == ("stop", Upstream.said)
    assert [len(one["embedding"]) for one in vectors] == [384, 384]
    assert sum(a * b for a, b in zip(*(one["embedding"] for one in vectors), strict=True)) > 0.7


def test_refusals_and_citations_in_running_text() -> None:
    for text in (
        "",
        "I cannot answer.",
        "The knowledge base doesn't contain relevant information.",
        "No results.",
        "I can't assist with that.",
    ):
        assert says_no_answer(text), text
    assert not says_no_answer("Owls do not hunt by day.")
    assert titles_in(
        'In the paper "Deep Owls, Revisited," and a study titled “Bats at Night” we find "no such thing".'
    ) == (
        "Deep Owls, Revisited",
        "Bats at Night",
    )
    assert numbers_in("So it is [2], [1, 2] and [x].") == (2, 1)
    assert authors_in("As Smith et al. (2020) and (Jones, 1999) show, in 2021.") == (
        "Smith et al. (2020)",
        "(Jones, 1999)",
    )


QUESTIONS = tuple(EvalQuestion(f"q{n}", "fact", f"Question {n}?", (Turn("user", "Before?"),)) for n in range(4))
RUNNER = """
import os, sys
from benchmarks.peers.runners.lines import Answer, Task, own_output, serve, whole_question
out = own_output()
print("a banner that is no line")
task = Task.read(sys.argv[-1])
def answer(record):
    if record["id"] == "q1":
        raise ValueError("it went wrong")
    if record["id"] == os.environ.get("DIE"):
        os._exit(3)
    return Answer(whole_question(record), task.model, ("a",), 1, 1)
serve(out, {"program": "rehearsal", "version": "1"}, answer)
"""


@pytest.fixture
def rehearsed(tmp_path: Path) -> tuple[Path, Task, Path]:
    """An interpreter that runs :data:`RUNNER` whatever it is told to, its task, and a file for its answers."""
    (tmp_path / "runner.py").write_text(RUNNER, encoding="utf-8")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path}/runner.py "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return python, Task("", str(tmp_path / "own"), "", "local", 5, 1), tmp_path / "answers" / "one.jsonl"


def test_a_run_goes_on_where_it_stopped(rehearsed: tuple[Path, Task, Path]) -> None:
    python, task, answers = rehearsed
    program = Program("one", "One", "one")
    first = list(ask(program, python, task, None, QUESTIONS[:2], answers, time.time() + 60))
    assert [(line["text"], line["error"]) for line in first] == [
        ("Before? Question 0?", ""), ("", "ValueError: it went wrong"),
    ]  # fmt: skip
    assert first[0]["version"] == "1" and first[0]["peak_mb"] > 1 and first[0]["cpu_seconds"] >= 0
    with answers.open("a", encoding="utf-8") as file:
        file.write('{"id": "q2", "te')  # killed while it wrote
    assert not list(ask(program, python, task, None, QUESTIONS, answers, time.time() - 1)), "its time is over"
    rest = list(ask(program, python, task, None, QUESTIONS, answers, time.time() + 60))
    assert [line["id"] for line in rest] == ["q2", "q3"]
    assert answered(answers).keys() == {q.id for q in QUESTIONS}


def test_a_program_that_dies_loses_nothing_and_is_named(
    rehearsed: tuple[Path, Task, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    python, task, answers = rehearsed
    monkeypatch.setenv("DIE", "q2")
    with pytest.raises(RunnerFailed, match=r"ended with 3:\n.*a banner"):
        list(ask(Program("one", "One", "one"), python, task, None, QUESTIONS, answers, time.time() + 60))
    assert answered(answers).keys() == {"q0", "q1"}


def line(**changed: Any) -> dict[str, Any]:
    return {
        "text": "", "shown": "", "cited": [], "written": 0, "existing": 0, "refused": None, "error": "",
        "seconds": 2.0, "cpu_seconds": 1.0, "peak_mb": 100.0,
        "program": "rehearsal", "version": "1",
    } | changed  # fmt: skip


def test_figures_are_over_the_questions_that_all_have_answered() -> None:
    paper, other = load_papers()[:2]
    asked = (
        EvalQuestion("a", "fact", "?", (), (paper["title"],), ("four|4",)),
        EvalQuestion("b", "unanswerable", "?"),
        EvalQuestion("c", "fact", "?", (), (paper["title"],), ("four",)),
    )
    text = f'There are four, says the paper "{paper["title"]}", and not the paper "A Survey of Owls".'
    said = line(text=text, cited=[paper["id"], other["id"]], written=4, existing=2)
    answers = {
        "one": {"a": said, "b": line(text="It is not mentioned."), "c": line(error="TimeoutError: ")},
        "two": {"a": line(text="I cannot answer.", refused=True), "b": line(text="Five.", seconds=4.0)},
        "three": {},
    }
    programs = [Program(key, key.title(), key) for key in answers]
    record = scoring.record(asked, answers, programs, {"model": "m", "threads": 1, "seed": 0})
    assert (record["common"], record["types"], record["programs"]["three"]["figures"]) == (
        2, {"fact": 1, "unanswerable": 1}, None,
    )  # fmt: skip
    one, two = (record["programs"][key]["figures"] for key in ("one", "two"))
    assert (one["key_facts"], one["citation_precision"], one["citations_exist_of"]) == (1.0, 0.5, [3, 6])
    assert (one["true_refusal_of"], one["false_refusal_of"], one["failed_of"]) == ([1, 1], [0, 1], [0, 2])
    assert (two["key_facts"], two["citation_precision"], two["citations_exist_of"]) == (0.0, None, [0, 0])
    assert (two["true_refusal_of"], two["false_refusal_of"], two["seconds"]) == ([0, 1], [1, 1], 3.0)
    shown = tables.table(record)
    assert "| refused as it should be | 1 of 1 | 0 of 1 | – |" in shown
    assert "| questions answered | 3 of 3 | 2 of 3 | 0 of 3 |" in shown
    told = " ".join(tables.how(record).split())
    assert "rehearsal 1. Measured" in told and "rehearsal" not in tables.how(record, whole=False)
    assert "2 of 3 questions that all of them have answered (1 fact, 1 unanswerable)" in told


def test_an_error_counts_as_refused_and_a_citation_as_an_answer() -> None:
    assert scoring.refused(line(error="TimeoutError: "))
    assert not scoring.refused(line(text="Its size is not mentioned, but it is fast.", cited=["a"]))
    assert not scoring.refused(line(text="I cannot answer.", refused=False))


def test_what_is_installed_is_pinned_and_what_cannot_be_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in REQUIREMENTS.glob("*.txt"):
        for requirement in path.read_text(encoding="utf-8").split():
            assert re.fullmatch(r"[\w.-]+==[\w.+!-]+", requirement), (path.name, requirement)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        CannotInstall, match=r"haiku needs Python 9\.0 or newer, and none of python3\.0.*Name one with --python"
    ):
        made(Environment(HAIKU.name, (9, 0)), tmp_path)


def test_every_program_has_its_runner() -> None:
    for program in PROGRAMS:
        assert (ROOT / "benchmarks" / "peers" / "runners" / f"{program.runner}.py").is_file()


def test_the_pages_say_what_was_measured() -> None:
    record = scoring.latest()
    for path, whole in ((tables.README, False), (tables.PAGE, True)):
        text = path.read_text(encoding="utf-8")
        assert tables.renewed(text, record, whole) == text, "run: python -m benchmarks.peers --write"
    with pytest.raises(ValueError, match="There is no '<!-- bench:peers -->'"):
        tables.renewed("nothing", record, True)
