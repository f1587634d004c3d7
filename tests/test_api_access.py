"""Who may use the API: tokens and their roles, other web sites, foreign names for this computer, crowds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rag.api.limits import Admission
from rag.api.work import made
from rag.errors import QuestionError, TooBusy
from tests.apart import apart
from tests.api_parts import QUESTION, Served, served
from tests.cli_parts import footnote

V1 = "/api/v1"
BAD = [{}, {"authorization": "Bearer"}, {"authorization": "Bearer x"}, {"authorization": "Basic eDp4"}]


@pytest.fixture(scope="module")
def private(private_program: Served) -> Served:
    return private_program


@pytest.fixture(scope="module")
def shared(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """As a group has it: people sign in."""
    with served(tmp_path_factory.mktemp("shared"), shared_home, FOOTNOTE_AUTH="ada:correct horse") as one:
        yield one


def test_where_nobody_signs_in_no_token_is_needed_and_any_is_passed_over(private: Served) -> None:
    for headers in BAD:
        with private.client(**headers) as client:
            assert client.get(f"{V1}/papers").status_code == 200


def test_where_people_sign_in_every_request_brings_a_token(shared: Served) -> None:
    asked = [("GET", "papers"), ("GET", "papers/moth"), ("POST", "ask"), ("GET", "search"), ("POST", "check"),
             ("POST", "papers"), ("DELETE", "papers/moth"), ("GET", "libraries"), ("GET", "nothing")]  # fmt: skip
    for headers in BAD:
        with shared.client(**headers) as client:
            for method, path in asked:
                reply = client.request(method, f"{V1}/{path}")
                assert reply.status_code == 401 and reply.headers["www-authenticate"].startswith("Bearer"), path
                assert "moth" not in reply.text.lower()
            assert client.get("/v1/models").json()["error"]["code"] == "invalid_api_key"
            assert client.get(f"{V1}/health").status_code == 200


def test_readers_read_editors_change_and_who_is_removed_does_neither(shared: Served) -> None:
    reader, editor = shared.token("reads", "reader"), shared.token("edits", "editor")
    with shared.client(reader) as client:
        assert client.post(f"{V1}/ask", json={"question": QUESTION}).status_code == 200
        assert client.get(f"{V1}/papers").json()["total"] == 2
        for reply in (
            client.delete(f"{V1}/papers/owl", params={"library": "second"}),
            client.post(
                f"{V1}/papers", params={"library": "second"}, files={"file": ("x.bib", b"@article{a, title={T}}")}
            ),
        ):
            assert reply.status_code == 403 and "editor" in reply.json()["detail"]
    with shared.client(editor) as client:
        assert client.get(f"{V1}/papers/owl", params={"library": "second"}).status_code == 200
        assert client.delete(f"{V1}/papers/owl", params={"library": "second"}).status_code == 204
        footnote("tokens", "remove", "edits", home=shared.home)
        assert client.get(f"{V1}/papers").status_code == 401


def test_a_file_of_tokens_that_others_can_read_lets_nobody_in(shared: Served) -> None:
    reader = shared.token("careful", "reader")
    path = shared.home / "tokens.json"
    path.chmod(0o644)
    try:
        with shared.client(reader) as client:
            assert client.get(f"{V1}/papers").status_code == 503
    finally:
        path.chmod(0o600)


def test_a_page_that_others_reach_asks_for_a_token_too(open_program: Served) -> None:
    with open_program.client() as client:
        assert client.get(f"{V1}/papers").status_code == 401
        client.headers["authorization"] = f"Bearer {open_program.token('x', 'reader')}"
        assert client.get(f"{V1}/papers").status_code == 200


FOREIGN = [{"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:9"},
           {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
           {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}]  # fmt: skip


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: " ".join(headers.values()))
def test_what_another_web_site_sends_is_refused(private: Served, headers: dict[str, str]) -> None:
    with private.client(**headers) as client:
        for method, path in (("GET", f"{V1}/papers"), ("POST", f"{V1}/ask"), ("DELETE", f"{V1}/papers/moth"),
                             ("OPTIONS", f"{V1}/ask"), ("POST", "/v1/chat/completions"),
                             ("GET", f"{V1}/docs")):  # fmt: skip
            reply = client.request(method, path)
            assert reply.status_code == 403, (method, path)
            assert not [name for name in reply.headers if name.startswith("access-control")]


def test_a_foreign_name_for_this_computer_is_refused(private: Served) -> None:
    with private.client(host="evil.example") as client:
        assert client.get(f"{V1}/papers").status_code == 400
    with private.client(host=httpx.URL(private.address).netloc.decode().replace("127.0.0.1", "LOCALHOST")) as client:
        assert client.get(f"{V1}/papers").status_code == 200


# --- crowds ---


def test_no_more_wait_than_there_is_room_for() -> None:
    async def crowd() -> None:
        admission = Admission(1, 1, retry_s=7)
        await admission.enter()
        waiting = asyncio.ensure_future(admission.enter())
        await asyncio.sleep(0)
        with pytest.raises(TooBusy) as caught:
            await admission.enter()
        assert caught.value.retry_s == 7 and "7 seconds" in str(caught.value)
        waiting.cancel()
        await asyncio.sleep(0.01)
        admission.leave()
        await admission.enter()
        admission.leave()

    apart(lambda: asyncio.run(crowd()))


def test_work_ends_when_nobody_waits_and_its_turn_is_given_back() -> None:
    ended = threading.Event()

    def endless(stop: threading.Event) -> Iterator[int]:
        while not stop.is_set():
            yield 1
            stop.wait(0.01)
        ended.set()

    def failing(stop: threading.Event) -> Iterator[int]:
        yield 1
        raise QuestionError("no")

    async def leave_early() -> None:
        admission = Admission(1, 5, retry_s=1)
        stream = made(admission, endless)
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        with pytest.raises(QuestionError):
            async for _ in made(admission, failing):
                pass
        assert ended.is_set()
        await asyncio.wait_for(admission.enter(), 60)

    apart(lambda: asyncio.run(leave_early()))
