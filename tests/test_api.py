"""``/api/v1`` of a served program, asked by ``httpx``: answers, searches, checks, papers, and every kind of error."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api_parts import FOUND, QUESTION, Served
from tests.cli_parts import MOTHS

V1 = "/api/v1"


@pytest.fixture(scope="module")
def running(private_program: Served) -> Served:
    return private_program


@pytest.fixture
def client(running: Served) -> Iterator[httpx.Client]:
    with running.client() as one:
        yield one


def is_problem(reply: httpx.Response, status: int, words: str = "") -> dict[str, Any]:
    """The problem that a reply is."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = reply.json()
    assert problem["status"] == status and problem["type"] == "about:blank" and problem["title"]
    assert words in problem["detail"], problem
    return problem


def events(client: httpx.Client, body: dict[str, Any], **headers: str) -> list[tuple[str, Any]]:
    with client.stream("POST", f"{V1}/ask", json=body, headers=headers) as reply:
        assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/event-stream")
        blocks = [block for block in "".join(reply.iter_text()).split("\n\n") if block and not block.startswith(":")]
    lines = [block.split("\n") for block in blocks]
    return [(head.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for head, data in lines]


# --- asking ---


def test_an_answer_is_what_the_command_line_prints(client: httpx.Client) -> None:
    reply = client.post(f"{V1}/ask", json={"question": QUESTION, "id": "q1"})
    assert reply.status_code == 200, reply.text
    answer = reply.json()
    assert answer["id"] == "q1" and answer["question"] == QUESTION and answer["refusal"] is None
    assert FOUND.rstrip(".") in answer["answer"] and "[1]" in answer["answer"]
    citation = answer["citations"][0]
    assert citation["paper_id"] == "moth"
    assert str(MOTHS["abstract"])[citation["start"] : citation["end"]] == citation["quote"]
    assert answer["trace"]["reading"]["kind"] and answer["evidence"]


def test_the_same_question_gives_the_same_answer_in_every_form(client: httpx.Client) -> None:
    body = {"question": QUESTION}
    whole = client.post(f"{V1}/ask", json=body).json()
    for found in (events(client, body | {"stream": True}), events(client, body, accept="text/event-stream")):
        names = [name for name, _ in found]
        assert names[0] == "stage" and names[-1] == "answer" and set(names) <= {"stage", "draft", "preview", "answer"}
        last = found[-1][1]
        assert [last[key] for key in ("answer", "citations")] == [whole[key] for key in ("answer", "citations")]
    assert (
        "text/event-stream"
        not in client.post(f"{V1}/ask", json=body, headers={"accept": "*/*"}).headers["content-type"]
    )


def test_a_conversation_and_a_scope_are_read(client: httpx.Client) -> None:
    first = client.post(f"{V1}/ask", json={"question": "What is MothEar?"}).json()
    history = [
        {"role": "user", "content": "What is MothEar?"},
        {"role": "assistant", "content": first["answer"], "citations": first["citations"]},
    ]
    answer = client.post(f"{V1}/ask", json={"question": "How much power does it need?", "history": history}).json()
    assert "2 W" in answer["answer"]
    scoped = client.post(f"{V1}/ask", json={"question": "What is measured?", "scope": {"papers": ["snow"]}}).json()
    assert {one["paper_id"] for one in scoped["citations"]} <= {"snow"}


def test_what_goes_wrong_in_a_stream_is_its_last_event(client: httpx.Client) -> None:
    found = events(client, {"question": QUESTION, "library": "nowhere", "stream": True})
    assert [name for name, _ in found] == ["error"]
    assert found[0][1]["status"] == 404 and "no library" in found[0][1]["detail"]


def test_three_ask_at_once_and_none_fails(running: Served) -> None:
    with ThreadPoolExecutor(3) as pool, running.client() as client:
        asked = [pool.submit(client.post, f"{V1}/ask", json={"question": QUESTION}) for _ in range(9)]
        assert [one.result().status_code for one in asked] == [200] * 9


def test_whoever_leaves_gives_the_turn_back(client: httpx.Client) -> None:
    for _ in range(8):
        with client.stream("POST", f"{V1}/ask", json={"question": QUESTION, "stream": True}) as reply:
            next(reply.iter_text())
    assert client.post(f"{V1}/ask", json={"question": QUESTION}).status_code == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "question"), ({"question": "  "}, "empty"), ({"question": "x " * 4000}, "at most"),
        ({"question": 7}, "question"), ({"question": QUESTION, "qestion": ""}, "qestion"),
        ({"question": QUESTION, "kind": "poem"}, "kind"),
        ({"question": QUESTION, "history": [{"role": "king"}]}, "role"),
        ({"question": QUESTION, "scope": {"papers": ["no"]}}, "no paper"),
        ({"question": QUESTION, "scope": {"venues": ["no"]}}, "appeared in"),
        ({"question": QUESTION, "scope": {"tags": ["no"]}}, "has the tag"),
        ({"question": QUESTION, "scope": {"collections": ["no"]}}, "no collection"),
        ({"question": QUESTION, "scope": {"since": 2020, "until": 2010}}, "later"),
        ({"question": QUESTION, "mode": "free"}, "language model"), ({"question": "\ud800"}, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_a_problem_that_says_so(client: httpx.Client, body: Any, words: str) -> None:
    sent = json.dumps(body).encode()
    is_problem(client.post(f"{V1}/ask", content=sent, headers={"content-type": "application/json"}), 422, words)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_a_problem(client: httpx.Client, body: bytes) -> None:
    reply = client.post(f"{V1}/ask", content=body, headers={"content-type": "application/json"})
    assert reply.status_code in (400, 422)
    is_problem(reply, reply.status_code)


@pytest.mark.parametrize("name", ["/etc", "../second", "no", "\x00", "x" * 900])
def test_only_listed_libraries_and_models_have_a_name(client: httpx.Client, name: str) -> None:
    is_problem(client.post(f"{V1}/search", json={"query": "owls", "library": name}), 404, "no library")
    is_problem(client.post(f"{V1}/ask", json={"question": QUESTION, "model": name}), 404, "not in the list")


# --- searching and checking ---


def test_a_search_has_one_hit_per_paper(client: httpx.Client) -> None:
    found = client.get(f"{V1}/search", params={"query": "moths at night", "k": 1}).json()
    assert [hit["paper_id"] for hit in found["hits"]] == ["moth"] and found["hits"][0]["sentence"]
    posted = client.post(f"{V1}/search", json={"query": "moths at night", "k": 1}).json()
    assert posted == found
    assert (
        client.get(f"{V1}/search", params={"query": "moths", "paper": "snow"}).json()["hits"][0]["paper_id"] == "snow"
    )
    assert (
        client.get(f"{V1}/search", params={"query": "naps", "library": "second"}).json()["hits"][0]["paper_id"] == "owl"
    )
    assert client.get(f"{V1}/search", params={"query": "radar", "until": 2019}).json()["hits"][0]["paper_id"] == "snow"


@pytest.mark.parametrize(("k", "status"), [(0, 422), (201, 422), ("x", 422), (200, 200)])
def test_how_many_hits_is_bounded(client: httpx.Client, k: Any, status: int) -> None:
    assert client.get(f"{V1}/search", params={"query": "moths", "k": k}).status_code == status


def test_every_sentence_of_a_text_is_checked(client: httpx.Client) -> None:
    text = f"{FOUND} Sourdough rises overnight."
    found = client.post(f"{V1}/check", json={"text": text}).json()
    assert [one["verdict"] for one in found["sentences"]] == ["supported", "nothing"]
    assert found["verdicts"] == {"supported": 1, "nothing": 1}
    assert found["sentences"][0]["citations"][0]["paper_id"] == "moth"
    alone = client.post(f"{V1}/check", json={"text": FOUND, "abstract": MOTHS["abstract"], "paper_id": "mine"}).json()
    assert alone["sentences"][0]["citations"][0]["paper_id"] == "mine"
    is_problem(client.post(f"{V1}/check", json={"text": "# A heading"}), 422, "no sentence")
    is_problem(client.post(f"{V1}/check", json={"text": "x" * 50_001}), 422, "50000")


# --- papers ---


def test_papers_are_listed_filtered_and_read(client: httpx.Client) -> None:
    listed = client.get(f"{V1}/papers", params={"sort": "year"}).json()
    assert listed["total"] == 2 and [one["id"] for one in listed["papers"]] == ["snow", "moth"]
    assert client.get(f"{V1}/papers", params={"limit": 1, "offset": 1}).json()["papers"][0]["id"] == "snow"
    assert client.get(f"{V1}/papers", params={"text": "microphones"}).json()["total"] == 1
    assert client.get(f"{V1}/papers", params={"since": 2020}).json()["papers"][0]["id"] == "moth"
    assert client.get(f"{V1}/papers", params={"abstract": False}).json()["total"] == 0
    paper = client.get(f"{V1}/papers/moth").json()
    assert (paper["title"], paper["authors"], paper["doi"]) == (MOTHS["title"], MOTHS["authors"], MOTHS["doi"])
    for one in paper["sentences"]:
        assert paper["abstract"][one["start"] : one["end"]] == one["text"]
    is_problem(client.get(f"{V1}/papers/eel"), 404, "no paper")
    is_problem(client.get(f"{V1}/papers", params={"sort": "id; DROP TABLE papers"}), 422)


def upload(client: httpx.Client, *files: tuple[str, bytes], **params: Any) -> httpx.Response:
    sent = [("file", one) for one in files]
    return client.post(f"{V1}/papers", files=sent, params={"library": "second", **params})


def test_files_are_imported_reported_and_deleted(client: httpx.Client) -> None:
    records = [{"id": "a/b", "title": "Bats of caves", "abstract": "Bats hang.", "doi": "10.1234/bats"},
               {"id": "c", "title": "Bats of caves, again", "abstract": "Bats hang.", "doi": "10.1234/bats"},
               {"abstract": "Nobody's."}]  # fmt: skip
    lines = "\n".join(map(json.dumps, records)).encode()
    reply = upload(client, ("../../bats.jsonl", lines), ("none.xyz", b"\x00\x01\x02"))
    assert reply.status_code == 200, reply.text
    report = reply.json()
    assert report["finished"] and report["added"] == 1 and report["merged"] == 1 and report["skipped"] == 1
    assert {one["outcome"] for one in report["remarks"]} == {"merged", "skipped", "not read"}
    assert "/tmp" not in reply.text
    assert client.get(reply.headers["location"]).json() == report
    paper = client.get(f"{V1}/papers/a%2Fb", params={"library": "second"}).json()
    assert paper["source"].endswith("bats.jsonl") and "/" not in paper["source"]
    assert client.delete(f"{V1}/papers/a%2Fb", params={"library": "second"}).status_code == 204
    is_problem(client.delete(f"{V1}/papers/a%2Fb", params={"library": "second"}), 404)


def test_an_import_need_not_be_waited_for(client: httpx.Client) -> None:
    line = json.dumps({"id": "z", "title": "Zebras", "abstract": "Zebras have stripes."}).encode()
    begun = upload(client, ("z.jsonl", line), wait=False)
    assert begun.status_code == 202
    for _ in range(600):
        report = client.get(begun.headers["location"]).json()
        if report["finished"]:
            break
        threading.Event().wait(0.1)
    assert report["error"] is None and report["read"] == 1
    is_problem(client.get(f"{V1}/imports/no"), 404, "no such import")


def test_papers_are_limited_to_tags_and_collections(client: httpx.Client) -> None:
    tagged = {"tags": ["light, “warm”"], "collections": ["Thesis/Chapter 2"]}
    line = json.dumps({"id": "lamp", "title": "Lamps", "abstract": "Lamps draw moths."} | tagged).encode()
    assert upload(client, ("lamp.jsonl", line)).status_code == 200

    def ids(path: str, **chosen: str) -> list[str]:
        found = client.get(f"{V1}/{path}", params={"library": "second", "query": "lamps", **chosen}).json()
        return [one.get("id") or one["paper_id"] for one in found["papers" if path == "papers" else "hits"]]

    for path in ("papers", "search"):
        assert ids(path, tag="Light, “warm”") == ids(path, collection="thesis") == ["lamp"]
        unknown = client.get(f"{V1}/{path}", params={"library": "second", "query": "x", "tag": "light"})
        is_problem(unknown, 422, "Near it: light, “warm”")
    assert ids("papers", tag="") and "lamp" not in ids("papers", tag="")
    sent = {"query": "lamps", "library": "second", "collections": ["Thesis/Chapter 2"]}
    assert [one["paper_id"] for one in client.post(f"{V1}/search", json=sent).json()["hits"]] == ["lamp"]
    scoped = {"question": "What draws moths?", "library": "second", "scope": {"tags": tagged["tags"]}}
    assert "tagged light, “warm”" in client.post(f"{V1}/ask", json=scoped).json()["trace"]["scope"]
    assert client.delete(f"{V1}/papers/lamp", params={"library": "second"}).status_code == 204


def test_what_is_no_upload_is_a_problem(client: httpx.Client) -> None:
    is_problem(client.post(f"{V1}/papers", json={"file": "x"}), 422, "multipart")
    is_problem(client.post(f"{V1}/papers", data={"file": "text"}), 422, "multipart")
    reply = client.post(f"{V1}/papers", files={"file": (None, "text")})
    assert reply.status_code in (400, 422)
    is_problem(reply, reply.status_code)
    reply = client.post(f"{V1}/papers", content=b"--x", headers={"content-type": "multipart/form-data"})
    is_problem(reply, 400)


# --- libraries, health, description ---


def test_libraries_have_names_and_no_paths(client: httpx.Client, running: Served) -> None:
    reply = client.get(f"{V1}/libraries")
    listed = {one["name"]: one for one in reply.json()["libraries"]}
    assert [*listed] == ["own", "second"] and listed["own"]["default"] and listed["own"]["papers"] == 2
    assert listed["second"]["writable"] and listed["second"]["usable"]
    assert str(running.home) not in reply.text
    assert client.get(f"{V1}/health").json()["status"] == "ok"


def test_the_description_is_served_from_here(client: httpx.Client) -> None:
    document = client.get(f"{V1}/openapi.json").json()
    assert document["openapi"].startswith("3.")
    paths = {
        f"{V1}/{name}" for name in ("ask", "search", "check", "papers", "papers/{paper_id}", "libraries", "health")
    }
    assert paths <= set(document["paths"]) and "/v1/chat/completions" in document["paths"]
    page = client.get(f"{V1}/docs")
    assert page.status_code == 200 and "content-security-policy" in page.headers
    for path in document["paths"]:
        assert path in page.text
    assert "<script" not in page.text and "http://" not in page.text and "https://" not in page.text


def test_the_page_is_still_there(client: httpx.Client) -> None:
    assert "<gradio-app" in client.get("/").text
    assert client.get("/apis").status_code == 404 and client.get("/docs").status_code == 404


@pytest.mark.parametrize("path", ["/api", "/api/v1", "/api/v2/ask", f"{V1}/nothing", f"{V1}/ask/"])
def test_what_is_not_there_is_a_problem(client: httpx.Client, path: str) -> None:
    is_problem(client.post(path, json={"question": QUESTION}), 404, "nothing at this address")


def test_another_method_is_a_problem(client: httpx.Client) -> None:
    assert "allow" in client.get(f"{V1}/ask").headers
    is_problem(client.get(f"{V1}/ask"), 405, "method")
    is_problem(client.put(f"{V1}/papers"), 405)


def test_too_much_is_a_problem_whatever_it_says_of_itself(client: httpx.Client) -> None:
    much = b'{"question": "' + b"x" * 1_100_000 + b'"}'
    kind = {"content-type": "application/json"}
    is_problem(client.post(f"{V1}/ask", content=much, headers=kind), 413, "1 MB")
    is_problem(client.post(f"{V1}/ask", content=iter([much]), headers=kind), 413, "1 MB")


def test_half_surrogates_come_back_as_escapes(client: httpx.Client) -> None:
    reply = client.get(f"{V1}/search", params={"query": "moths \u202e\u2028 night"})
    assert reply.status_code == 200 and reply.content.isascii()


# --- exporting ---


def test_papers_are_exported_whole_filtered_and_chosen(client: httpx.Client) -> None:
    whole = client.get(f"{V1}/export")
    assert whole.status_code == 200 and whole.headers["content-disposition"] == 'attachment; filename="papers.bib"'
    assert whole.text.count("@") == client.get(f"{V1}/papers").json()["total"] > 1
    chosen = client.get(f"{V1}/export", params={"format": "csl-json", "paper": ["moth", "moth"]})
    assert [item["id"] for item in chosen.json()] == ["moth"]
    assert client.get(f"{V1}/export", params={"format": "ris", "text": "nosuchword"}).text == ""


def test_lists_of_references_have_the_style_that_is_named(client: httpx.Client) -> None:
    def listed(**wanted: str) -> str:
        return client.get(f"{V1}/export", params={"paper": "moth", **wanted}).text

    assert listed(format="text", style="vancouver").startswith("1. ")
    assert listed(format="text") == listed(format="text", style="apa") != listed(format="text", style="mla")
    html = client.get(f"{V1}/export", params={"format": "html", "paper": "moth"})
    assert html.headers["content-type"].startswith("text/html") and "attachment" in html.headers["content-disposition"]
    for name in ("nope", "../../../../etc/passwd", "apa.csl"):
        reply = client.get(f"{V1}/export", params={"format": "text", "style": name})
        is_problem(reply, 422, "is not a citation style. The styles that come with the program: apa,")
    is_problem(client.get(f"{V1}/export", params={"paper": "gone"}), 422, "There is no paper 'gone'")
    is_problem(client.get(f"{V1}/export", params={"format": "docx"}), 422)
