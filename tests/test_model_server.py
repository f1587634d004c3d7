"""Servers that speak as OpenAI's does: what they are, what their models write, and every way in which they fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.datatypes import Evidence, GenerationRequest, Message, Paper, Sentence
from rag.errors import GenerationCancelled, QuestionError, ServerError
from rag.generation.generators.grammar import cite_grammar
from rag.generation.generators.server import MeasuredServer, ServerGenerator
from rag.generation.models import measure, packaged_model, speeds
from rag.generation.prompting import load_prompt
from rag.generation.served import measure_server, readable_by_server, server_identity, server_label, server_prompt
from rag.generation.servers import ModelServer, shown_name
from rag.generation.servers.about import parameters_in
from rag.generation.servers.open_servers import OpenServers
from rag.system.server_address import read_address
from tests.model_servers import (
    END,
    OPENAI,
    Reply,
    chat,
    event,
    free_port,
    in_turn,
    llama_cpp_server,
    page,
    says,
    serving,
    streams,
)

KEY = "sk-open-sesame"
MESSAGES = [Message("system", "Cite."), Message("user", "How long do cats sleep?")]
LLAMA_SERVER = {
    "/v1/models": says({"data": [{"id": "m.gguf", "owned_by": "llamacpp", "meta": {"n_params": 494_000_000}}]}),
    "/props": says({"default_generation_settings": {"n_ctx": 1024}, "total_slots": 1}),
}


def server(url: str, **options: Any) -> ModelServer:
    return ModelServer(read_address(url, "llm_url"), **options)


def written(url: str, grammar: str | None = None, **options: Any) -> str:
    made = server(url, **options)
    try:
        return "".join(piece.text for piece in made.pieces(MESSAGES, max_tokens=50, grammar=grammar))
    finally:
        made.close()


def fault(replies: dict[str, Reply], **options: Any) -> str:
    """What is said of a server; every sentence names it and says what to do, and none holds the key."""
    with serving(replies) as fake, pytest.raises(ServerError) as caught:
        written(fake.url, key=KEY, **options)
    said = str(caught.value)
    assert f"127.0.0.1:{fake.port}" in said and KEY not in said and "\n" not in said and said.endswith(".")
    return said


# --- what is sent, what comes ---


def test_messages_go_out_and_pieces_come_back() -> None:
    with serving(chat(streams("Cats ", "sleep ", ": ping\n\n", "16 hours ", "[1]."))) as fake:
        assert written(fake.url, key=KEY) == "Cats sleep 16 hours [1]."
    path, headers, body = fake.asked[-1]
    assert path == "/v1/chat/completions" and headers["authorization"] == f"Bearer {KEY}"
    assert body["model"] == "big-7b" and body["stream"] is True and body["max_tokens"] == 50
    assert body["messages"] == [{"role": m.role, "content": m.content} for m in MESSAGES]
    assert body["temperature"] == 0 and body["seed"] == 0 and "grammar" not in body


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_an_address_may_be_written_in_any_usual_way(path: str) -> None:
    with serving(chat(streams("Yes."))) as fake:
        assert written(fake.url + path) == "Yes."


def test_an_address_with_another_path_is_kept() -> None:
    replies = {"/api/x/models": says(OPENAI), "/api/x/chat/completions": streams("Yes.")}
    with serving(replies) as fake:
        assert written(fake.url + "/api/x") == "Yes."


def test_an_answer_that_is_not_streamed_is_taken() -> None:
    whole = {"choices": [{"message": {"role": "assistant", "content": "All at once."}, "finish_reason": "stop"}]}
    with serving(chat(says(whole))) as fake:
        assert written(fake.url) == "All at once."


def test_odd_forms_of_a_stream_are_read() -> None:
    parts = event(delta={"content": [{"type": "text", "text": "Löwen "}]}) + event(delta={"role": "assistant"})
    crlf = event("schlafen.").replace("\n", "\r\n").replace("data: ", "data:")
    usage = 'data: {"choices": [], "usage": {"prompt_tokens": 3}}\n\n'
    with serving(
        chat(streams(parts, crlf, usage, 'data: {"choices": [{"delta": {"content": "\\ud83d"}}]}\n\n'))
    ) as fake:
        assert written(fake.url) == "Löwen schlafen.?"
    with serving(chat(streams("No ", "DONE.", end=event(finish_reason="length")))) as fake:
        assert written(fake.url) == "No DONE."
    with serving(chat(page(event("Plain.") + END, kind="text/plain"))) as fake:
        assert written(fake.url) == "Plain."


def test_who_writes_without_end_is_left() -> None:
    with serving(chat(streams(*["word " * 100] * 1000))) as fake:
        assert 1000 < len(written(fake.url)) < 10_000


# --- what a server is ---


def test_llama_server_is_known_by_its_props_and_gets_the_grammar() -> None:
    with serving({**LLAMA_SERVER, "/v1/chat/completions": streams("16 hours [1].")}) as fake:
        made = server(fake.url)
        about = made.about()
        assert (about.kind, about.grammar, about.context, about.parameters) == ("llama-server", True, 1024, 494_000_000)
        generator = ServerGenerator(made, context=2048, render=load_prompt("answer").render)
        assert "".join(generator.stream(request(), threading.Event())) == "16 hours [1]."
        assert generator.account("cite") == {"server": f"llama-server at 127.0.0.1:{fake.port}", "grammar": "sent"}
    (body,) = fake.bodies()
    assert body["grammar"] == cite_grammar([1], 4)
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize(
    ("owner", "kind"), [("library", "Ollama"), ("vllm", "vLLM"), ("organization_owner", "LM Studio")]
)
def test_other_servers_get_no_grammar_and_the_trace_says_so(owner: str, kind: str) -> None:
    listing = says({"data": [{"id": "qwen2.5:0.5b", "owned_by": owner, "max_model_len": 4096}]})
    with serving(chat(streams("Cats sleep. [1]"), listing)) as fake:
        generator = ServerGenerator(server(fake.url), context=2048, render=load_prompt("answer").render)
        assert "".join(generator.stream(request(), threading.Event())) == "Cats sleep [1]."
        assert generator.account("cite")["grammar"] == "none: the server takes none"
        assert generator.account("cite")["server"] == f"{kind} at 127.0.0.1:{fake.port}"
        assert generator.model == "qwen2.5:0.5b" and generator.server.last.parameters == 500_000_000
    assert "grammar" not in fake.bodies()[0]


def test_a_grammar_that_is_refused_is_left_out_and_the_trace_says_so() -> None:
    refuses = says({"error": {"code": 400, "message": "Failed to parse grammar"}}, 400)
    with serving({**LLAMA_SERVER, "/v1/chat/completions": in_turn(refuses, streams("Yes [1]."))}) as fake:
        generator = ServerGenerator(server(fake.url), context=2048, render=load_prompt("answer").render)
        assert "".join(generator.stream(request(), threading.Event())) == "Yes [1]."
        assert generator.account("cite")["grammar"] == "none: the server takes none"
    assert ["grammar" in body for body in fake.bodies()] == [True, False]


def test_a_server_without_a_list_of_models_is_asked_all_the_same() -> None:
    with serving({"/v1/chat/completions": streams("Yes.")}) as fake:
        assert written(fake.url, model="mine") == "Yes." and written(fake.url) == "Yes."
    assert [body["model"] for body in fake.bodies()] == ["mine", "default"]


def test_which_model_is_meant() -> None:
    listing = says({"data": [{"id": "llama3.2:latest"}, {"id": "qwen2.5:7b"}, {"id": "/srv/tiny-1b.gguf"}, {"no": 1}]})
    with serving(chat(streams("Yes."), listing)) as fake:
        assert written(fake.url, model="llama3.2") == written(fake.url, model="tiny-1b") == "Yes."
        with pytest.raises(ServerError, match=r"FOOTNOTE_LLM_MODEL to one of: llama3.2:latest, qwen2.5:7b"):
            written(fake.url)
        with pytest.raises(ServerError, match=r"has no model 'gpt'.*qwen2.5:7b"):
            written(fake.url, model="gpt")
    assert [body["model"] for body in fake.bodies()] == ["llama3.2:latest", "/srv/tiny-1b.gguf"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", 500_000_000), ("llama3.2:3b", 3_000_000_000),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", 135_000_000), ("gpt-4o", 0), ("mistral", 0), ("", 0), ("b2b-b", 0),
    ],
)  # fmt: skip
def test_a_name_may_say_how_large_the_model_is(name: str, parameters: int) -> None:
    assert parameters_in(name) == parameters


def test_a_model_is_called_by_its_name() -> None:
    assert shown_name("/home/me/qwen2.5-0.5b.gguf") == shown_name("C:\\m\\qwen2.5-0.5b.gguf") == "qwen2.5-0.5b"
    assert shown_name("Qwen/Qwen2.5") == "Qwen/Qwen2.5" and len(shown_name("x" * 500)) == 60
    made = server("http://10.0.0.5:8080", model="qwen2.5")
    assert server_label(made) == "qwen2.5 at 10.0.0.5, yours"  # nothing is asked: the guard would fail this test
    assert server_prompt(server("http://10.0.0.5", model="x-135M")).prompt == "answer"
    assert server_prompt(server("http://10.0.0.5", model="x-7b")).prompt == "compose"
    assert server_prompt(server("http://10.0.0.5", model="x-7b"), "answer").prompt == "answer"


# --- what goes wrong ---


def test_nobody_listens() -> None:
    begun = time.monotonic()
    with pytest.raises(ServerError, match=r"nothing listens there. Start it, or correct FOOTNOTE_LLM_URL"):
        written(f"http://127.0.0.1:{free_port()}")
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_known(status: int) -> None:
    refuses = says({"error": {"message": f"Incorrect API key provided: {KEY}"}}, status)
    said = fault(chat(streams("Never."), refuses))
    assert "FOOTNOTE_LLM_KEY is not a key that it takes" in said
    assert "FOOTNOTE_LLM_KEY" in fault(chat(refuses))
    with serving(chat(refuses)) as fake, pytest.raises(ServerError, match="Set its key as FOOTNOTE_LLM_KEY"):
        written(fake.url)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"error": {"message": "The model `gpt` does not exist", "code": "model_not_found"}}),
        (404, {"error": {"message": 'model "big-7b" not found, try pulling it first', "type": "not_found_error"}}),
        (404, {"object": "error", "message": "The model `big` does not exist."}),
        (400, {"error": "model not found"}),
    ],
)
def test_a_model_that_the_server_does_not_have(status: int, body: Any) -> None:
    assert "FOOTNOTE_LLM_MODEL to one of: big-7b" in fault(chat(says(body, status)))


@pytest.mark.parametrize(
    "reply",
    [
        page("<html><title>Router</title></html>"),
        page("<h1>Not Found</h1>", 404),
        page("", 405),
        page("Moved", 302),
        page("Hello", 200, "text/plain"),
    ],
)
def test_something_else_answers(reply: Reply) -> None:
    said = fault({"/v1/models": reply, "/v1/chat/completions": reply})
    assert "not a server that speaks as OpenAI's does" in said and "FOOTNOTE_LLM_URL" in said


@pytest.mark.parametrize(
    "body",
    [
        "data: {not json\n\n", "data: []\n\n", 'data: {"choices": {}}\n\n', 'data: {"choices": [{"delta": [1]}]}\n\n',
        'data: {"choices": [{"delta": {"content": 7}}]}\n\n', 'data: {"hello": 1}\n\n', "data: " + "x" * 2**21,
        "data: " + "[" * 100_000 + "\n\n",
    ],
)  # fmt: skip
def test_garbage(body: str) -> None:
    assert "wrote" in fault(chat(streams(body)))


def test_json_of_another_kind_is_garbage() -> None:
    assert "JSON without 'choices'" in fault(chat(says({"hello": 1})))


@pytest.mark.parametrize("end", ["", "data: ", event("half a")])
def test_a_stream_that_is_cut_keeps_what_came(end: str) -> None:
    with serving(chat(streams("Cats sleep [1]. ", "They", end=end))) as fake:
        came: list[str] = []
        with pytest.raises(ServerError, match=r"broke off in the middle|wrote text that is no JSON"):
            came.extend(piece.text for piece in server(fake.url).pieces(MESSAGES, max_tokens=50))
        made = server(fake.url)
        with pytest.raises(ServerError):
            for piece in made.pieces(MESSAGES, max_tokens=50):
                came.append(piece.text)
        assert "".join(came).startswith("Cats sleep [1]. They")
    assert len(fake.bodies()) == 2  # once each: what has begun is not begun anew


def test_an_error_in_the_midst_of_a_stream() -> None:
    report = 'data: {"error": {"message": "out of memory"}}\n\n'
    assert "broke off: out of memory" in fault(chat(streams("Cats ", report)))


def test_what_a_server_says_is_one_short_line_without_the_key() -> None:
    said = fault(chat(says({"error": {"message": f"bad\n\x1b[31m{KEY} " + "x" * 5000}}, 400)))
    assert len(said) < 500 and "\x1b" not in said


def test_a_prompt_that_is_too_long() -> None:
    body = {
        "error": {"code": 400, "message": "exceeds the available context size", "type": "exceed_context_size_error"}
    }
    assert "FOOTNOTE_CONTEXT" in fault(chat(says(body, 400)))


def test_a_silent_server_is_left_in_time() -> None:
    said = fault(chat(streams("Cats ", 30.0)), silence=0.3)
    assert "wrote nothing for" in said and "FOOTNOTE_LLM_TIMEOUT" in said
    pings = [part for _ in range(100) for part in (0.1, ": ping\n\n")]
    assert "wrote nothing for" in fault(chat(streams(*pings)), silence=0.5)


def test_a_stream_whose_text_has_ended_need_not_end() -> None:
    with serving(chat(streams("Yes.", event(finish_reason="stop"), 60.0))) as fake:
        begun = time.monotonic()
        assert written(fake.url, silence=60.0) == "Yes."
        assert time.monotonic() - begun < 20


# --- again, and no longer ---


def test_a_busy_server_is_asked_again() -> None:
    busy = says({"error": {"message": "Loading model", "code": 503}}, 503, retry_after="0")
    with serving(chat(in_turn(busy, busy, streams("Yes.")))) as fake:
        assert written(fake.url) == "Yes."
    assert len(fake.bodies()) == 3
    with serving(chat(busy)) as fake, pytest.raises(ServerError, match="Loading model"):
        written(fake.url)
    assert len(fake.bodies()) == 3


def test_what_cannot_help_is_not_tried_again() -> None:
    with serving(chat(says({"error": "no"}, 500))) as fake, pytest.raises(ServerError, match="refuses"):
        written(fake.url)
    assert len(fake.bodies()) == 1


def test_a_server_that_comes_back_is_found_out_anew() -> None:
    port = free_port()
    made = server(f"http://127.0.0.1:{port}")
    with pytest.raises(ServerError):
        made.about()
    with serving(chat(streams("Yes.")), port):
        assert "".join(piece.text for piece in made.pieces(MESSAGES, max_tokens=9)) == "Yes."
    with pytest.raises(ServerError):
        list(made.pieces(MESSAGES, max_tokens=9))
    with serving({**LLAMA_SERVER, "/v1/chat/completions": streams("Again.")}, port):
        assert "".join(piece.text for piece in made.pieces(MESSAGES, max_tokens=9)) == "Again."
        assert made.last.kind == "llama-server"


# --- stop ---


@pytest.mark.parametrize("before", [(), ("Cats ",)])
def test_stop_leaves_the_server_at_once(before: tuple[str, ...]) -> None:
    with serving(chat(streams(*before, 60.0))) as fake:
        stop = threading.Event()

        def stop_once_it_is_asked() -> None:
            while not fake.bodies():
                time.sleep(0.02)
            time.sleep(0.3)
            stop.set()

        threading.Thread(target=stop_once_it_is_asked, daemon=True).start()
        begun = time.monotonic()
        with pytest.raises(GenerationCancelled):
            list(server(fake.url).pieces(MESSAGES, max_tokens=9, stop=stop))
        assert time.monotonic() - begun < 30
        assert fake.gone.wait(30), "the connection stayed open"


def test_stop_also_ends_the_wait_for_a_busy_server() -> None:
    with serving(chat(says({}, 503, retry_after="10"))) as fake:
        stop = threading.Event()
        threading.Timer(0.3, stop.set).start()
        begun = time.monotonic()
        with pytest.raises(GenerationCancelled):
            list(server(fake.url).pieces(MESSAGES, max_tokens=9, stop=stop))
        assert time.monotonic() - begun < 8


def test_closing_ends_what_is_written() -> None:
    with serving(chat(streams("Cats ", 60.0))) as fake:
        servers = OpenServers()
        made = servers.get(read_address(fake.url, "llm_url"), "", "", 60)
        assert servers.get(read_address(fake.url, "llm_url"), "", "", 60) is made
        threading.Timer(0.3, servers.close).start()
        with pytest.raises(GenerationCancelled):
            list(made.pieces(MESSAGES, max_tokens=9))
        assert servers.get(read_address(fake.url, "llm_url"), "", "", 60) is not made


# --- the generator ---


def request(mode: str = "cite", abstract: str = "Cats sleep 16 hours a day.", **values: Any) -> GenerationRequest:
    sentence = Sentence(abstract, 0, len(abstract))
    item = Evidence(1, Paper("p", "Sleep of cats", abstract), (sentence,), 1.0, (1.0,))
    return GenerationRequest("How long do cats sleep?", (item,), mode=mode, **values)


def test_reasoning_is_not_part_of_the_answer() -> None:
    thought = event(delta={"reasoning_content": "Cats? "})
    with serving(chat(streams(thought, "<thi", "nk>Hm.</think>", "16 hours [1]."))) as fake:
        generator = ServerGenerator(server(fake.url), context=2048, render=load_prompt("answer").render)
        assert "".join(generator.stream(request("free"), threading.Event())) == "16 hours [1]."
        assert generator.account("free")["grammar"] == "none: the mode has none"
        assert generator.complete(MESSAGES) == "16 hours [1]."


def test_the_prompt_fits_the_context_of_the_server() -> None:
    with serving({**LLAMA_SERVER, "/v1/chat/completions": streams("Yes.")}) as fake:
        generator = ServerGenerator(server(fake.url), context=4096, render=load_prompt("answer").render)
        assert generator.context() == 1024
        bare = ServerGenerator(server(fake.url), context=4096)
        with pytest.raises(QuestionError, match="no room"):
            bare.fit(request(messages=(Message("user", "Why? " * 1000),)))
        assert ServerGenerator(server(fake.url), context=512).context() == 512


def test_how_fast_a_server_reads_is_measured_once(footnote_home: Path) -> None:
    words = [0.2, *["word "] * 40]
    usage = 'data: {"choices": [], "usage": {"prompt_tokens": 400, "completion_tokens": 40}}\n\n'
    with serving(chat(streams(*words, usage))) as fake:
        made = server(fake.url)
        generator = ServerGenerator(made, context=2048, render=load_prompt("compose").render)
        tokens = readable_by_server(generator, load_prompt("compose"), footnote_home, 1, 220)
        speed = speeds(footnote_home)[server_identity(made)]
        assert 100 < speed.reading < 2000 and speed.prompt_tokens == 400 and speed.processor == made.address.place
        assert tokens <= max(200, speed.reading)
        asked = len(fake.bodies())
        assert readable_by_server(generator, load_prompt("compose"), footnote_home, 1, 220) == tokens
        assert len(fake.bodies()) == asked
        measure_server(made, 2048, footnote_home)
        texts = [body["messages"][-1]["content"] for body in fake.bodies()]
        assert texts[0][:30] != texts[-1][:30]  # a server keeps what it has read
    nobody = ServerGenerator(server(f"http://127.0.0.1:{free_port()}"), context=2048)
    assert readable_by_server(nobody, load_prompt("compose"), footnote_home, 1, 220) == 0


# --- the real one ---


@pytest.fixture(scope="module")
def real() -> Iterator[str]:
    """llama-cpp-python's own server; it wants a key."""
    model = packaged_model()
    assert model is not None
    with llama_cpp_server(model, "--api_key", KEY, "--n_ctx", "1024") as url:
        yield url


def test_the_server_of_llama_cpp_is_found_out_and_takes_the_grammar(real: str) -> None:
    made = server(real, key=KEY)
    about = made.about()
    assert (about.kind, about.grammar, shown_name(about.model)) == (
        "llama_cpp.server",
        True,
        "SmolLM2-135M-Instruct.Q4_1",
    )
    text = "".join(
        piece.text for piece in made.pieces(MESSAGES, max_tokens=12, grammar='root ::= ("ab " | "cd ")+ "[1]."')
    )
    assert text and set(text) <= set("abcd [1].")
    generator = ServerGenerator(made, context=1024, render=load_prompt("answer").render)
    assert "".join(generator.stream(request(max_tokens=16), threading.Event())) is not None
    assert generator.account("cite")["grammar"] == "sent"
    made.close()


def test_the_server_of_llama_cpp_refuses_other_keys(real: str) -> None:
    for key in ("", "sk-other"):
        with pytest.raises(ServerError, match="FOOTNOTE_LLM_KEY") as caught:
            written(real, key=key)
        assert "sk-other" not in str(caught.value)


def test_the_server_of_llama_cpp_is_stopped_and_measured(real: str) -> None:
    made = server(real, key=KEY)
    stop = threading.Event()
    with pytest.raises(GenerationCancelled):
        for _ in made.pieces(MESSAGES, max_tokens=900, grammar='root ::= "ab "+', stop=stop):
            stop.set()
    engine = MeasuredServer(ServerGenerator(made, context=1024))
    speed = measure(engine, processor="here", cores=0, load=0.0, today="2026-11-30", mark="1")
    assert speed.reading > 1 and speed.written_tokens >= 12
    made.close()
