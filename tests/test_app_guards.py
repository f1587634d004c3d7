"""The served page asked by what is no page of it: other sites, forged names and paths, too large bodies. Over HTTP."""

from __future__ import annotations

import ast
import json
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from rag.config import Settings
from rag.encoding.packaged_weights import gguf_weights
from rag.errors import LibraryError, ModelNotFound
from rag.factory import close_all
from rag.generation.models import add_model
from rag.ui import bodies, uploads
from rag.ui.named import NO_SUCH_MODEL, NamedByRequest
from rag.ui.server import launch
from tests.browser.small_library import make_library
from tests.ggufs import write_llama
from tests.page_requests import API, MULTIPART, Visitor, multipart

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
NAME, PASSWORD = "ada", "correct horse"


@dataclass(frozen=True)
class Served:
    address: str
    settings: Settings
    files: Path  # of others on this computer: 'secret.gguf' is a model, 'secret.txt' is none

    def visitor(self) -> Visitor:
        """Somebody who may use the page."""
        visitor = Visitor(self.address)
        if self.settings.auth:
            visitor.sign_in(NAME, PASSWORD)
        return visitor


def serve(folder: Path, shared_home: Path, **settings: Any) -> Iterator[Served]:
    home, files = folder / "home", folder / "files"
    gguf_weights(shared_home / "models")  # slow to prepare: the encoder is made once
    shutil.copytree(shared_home / "models", home / "models")
    (home / "models" / "registry.json").unlink(missing_ok=True)
    files.mkdir()
    (files / "secret.txt").write_text("for nobody else")
    write_llama(files / "secret.gguf", seed=1)
    make_library(files / "foreign")
    make_library(home / "libraries" / "second")
    add_model(home, write_llama(folder / "tiny.gguf"), "tiny")
    known = Settings(home=home, library=make_library(folder / "own"), port=0, threads=1, model="quote", **settings)
    app = launch(known)
    yield Served(f"http://127.0.0.1:{urlsplit(app.local_url).port}", known, files)
    app.close(verbose=False)
    close_all()


@pytest.fixture(scope="module")
def private(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page as its owner has it: on loopback, without a password."""
    yield from serve(tmp_path_factory.mktemp("private"), shared_home)


@pytest.fixture(scope="module")
def shared(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page as a group has it: on all addresses, with a password."""
    yield from serve(tmp_path_factory.mktemp("shared"), shared_home, host="0.0.0.0", auth=f"{NAME}:{PASSWORD}")


@pytest.fixture(params=["private", "shared"])
def page(request: pytest.FixtureRequest) -> Served:
    served: Served = request.getfixturevalue(request.param)
    return served


# --- other sites ---

ROUTES = [
    ("GET", "/"), ("GET", "/?deep_link=x"), ("GET", "/config"), ("GET", "/theme.css"), ("GET", "/logout"),
    ("GET", "/nothing"), ("GET", f"{API}/info"), ("GET", f"{API}/queue/data?session_hash=x"),
    ("GET", f"{API}/heartbeat/x"), ("GET", f"{API}/file=/etc/passwd"), ("HEAD", "/"), ("POST", "/login"),
    ("POST", f"{API}/upload"), ("POST", f"{API}/queue/join"), ("POST", f"{API}/run/predict"),
    ("POST", f"{API}/cancel"), ("OPTIONS", f"{API}/upload"), ("OPTIONS", f"{API}/queue/join"),
]  # fmt: skip
FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "https://evil.example", "Cookie": "access-token-unsecure-x=y"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:9"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "chrome-extension://abcdef"},
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"},
    {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors", "Origin": "http://evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: " ".join(headers.values()))
def test_what_another_site_sends_is_refused_on_every_route(page: Served, headers: dict[str, str]) -> None:
    visitor = page.visitor()
    asked = {"Access_Control_Request_Method": "POST"} | headers
    for method, path in ROUTES:
        reply = visitor.request(method, path, "{}" if method == "POST" else None, **asked)
        assert reply.status == 403, (method, path, reply)
        assert method == "HEAD" or "another web site" in reply.text
        assert not [name for name in reply.headers if name.startswith("access-control")], reply
        assert "content-security-policy" in reply.headers


@pytest.mark.parametrize("path", ["/config", "/logout", f"{API}/info", f"{API}/startup-events"])
def test_a_link_of_another_site_leads_to_the_page_and_nowhere_else(page: Served, path: str) -> None:
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    assert page.visitor().request("GET", "/", **link).status == 200
    assert page.visitor().request("POST", "/", "x", **link).status == 403
    assert page.visitor().request("GET", path, **link).status == 403


def test_the_page_itself_and_programs_are_let_in(page: Served) -> None:
    visitor = page.visitor()
    for headers in ({}, {"Origin": page.address}, {"Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}):
        reply = visitor.request("GET", "/config", **headers)
        assert reply.status == 200, headers
        assert "access-control-allow-origin" not in reply.headers


def test_the_name_that_a_proxy_is_asked_under_is_that_of_the_page(shared: Served) -> None:
    visitor = shared.visitor()

    def status(**headers: str) -> int:
        return visitor.request("GET", "/config", **headers).status

    assert status(Host="papers.example", Origin="https://papers.example") == 200
    assert status(Host="papers.example:443", Origin="https://Papers.example") == 200
    assert status(Host="10.0.0.7:7860", X_Forwarded_Host="papers.example", Origin="https://papers.example") == 200
    # The port that the browser used has got lost on the way: the browser itself says that it is the same site.
    assert status(Host="papers.example", Origin="https://papers.example:8443", Sec_Fetch_Site="same-origin") == 200
    assert status(Host="papers.example", Origin="https://papers.example:8443") == 403
    assert status(Host="papers.example", Origin="https://other.example") == 403
    assert status(Host="papers.example", Origin="https://papers.example.evil.example") == 403


def test_there_are_no_websockets(page: Served) -> None:
    at = urlsplit(page.address)
    for path in ("/", f"{API}/queue/join"):
        with socket.create_connection((at.hostname, at.port), timeout=20) as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            assert connection.recv(64).startswith(b"HTTP/1.1 403")


def test_a_foreign_name_for_this_computer_is_refused(private: Served) -> None:
    assert private.visitor().request("GET", "/config", Host="evil.example").status == 400


# --- routes ---

UNUSED = [
    "/docs", "/openapi.json", "/monitoring", "/pwa_icon", f"{API}/deep_link?session_hash=x", f"{API}/file=/etc/passwd",
    f"{API}/file/etc/passwd", f"{API}/file=http://example.org/x", f"{API}/proxy=http://example.org/x",
    f"{API}/component_server", f"{API}/process_recording", f"{API}/vibe-edit", f"{API}/runs", f"{API}/token",
    f"{API}/custom_component/x/client/y/z", f"{API}/dev/reload", f"{API}/call/x", "/static/../../etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("path", UNUSED)
def test_what_the_page_does_not_use_is_not_there(page: Served, path: str) -> None:
    for method in ("GET", "POST"):
        reply = page.visitor().request(method, path, "{}" if method == "POST" else None)
        assert reply.status in (403, 404, 405), (method, reply)
        assert "root:" not in reply.text


def test_no_file_of_the_program_can_be_fetched(page: Served) -> None:
    visitor, home = page.visitor(), page.settings.home
    uploaded = visitor.uploaded("papers.bib", b"@article{a, title={T}}")
    kept = [home / "conversations.sqlite", page.settings.library_path / "papers.sqlite", page.files / "secret.txt"]
    for path in [uploaded, *map(str, kept)]:
        for route in (f"{API}/file={path}", f"{API}/file{path}", f"/static{path}", f"/assets{path}"):
            assert visitor.request("GET", route).status in (403, 404), route


# --- names of models ---


def alike(answer: Callable[[str], str], *names: str) -> str:
    """What is said of each of ``names``, which must be the same; the names themselves do not count."""
    said = {answer(name).replace(json.dumps(name)[1:-1], "NAME") for name in names}
    assert len(said) == 1, said
    return said.pop()


def sentences(answers: str) -> str:
    """The first output of a handler, step by step: how long it took is no answer."""
    return json.dumps([answer["data"][0] for answer in json.loads(answers)])


def said_of_model(visitor: Visitor, action: str, name: str) -> str:
    """The sentences above the list of models after a click on one of the buttons of a model."""
    return sentences(visitor.call("fn-models-here", "select", [None], {"action": action, "name": name}))


def no_models(page: Served) -> tuple[str, ...]:
    """Names that are none of a model: files that are there, one of them a model, and such that are not."""
    files = page.files
    return tuple(map(str, (files / "secret.gguf", files / "secret.txt", files, files / "no.gguf", "/no/such")))


@pytest.mark.parametrize("action", ["measure", "use", "remove"])
def test_a_path_in_the_place_of_a_model_says_nothing_of_the_file(page: Served, action: str) -> None:
    visitor = page.visitor()
    alike(lambda name: said_of_model(visitor, action, name), *no_models(page))


def test_a_registered_model_is_measured_over_http(private: Served) -> None:
    assert "tokens a second" in said_of_model(private.visitor(), "measure", "tiny")
    assert NO_SUCH_MODEL in said_of_model(private.visitor(), "measure", str(private.files / "secret.gguf"))


def test_no_other_model_than_one_of_the_list_is_chosen_or_answers(page: Served) -> None:
    visitor = page.visitor()
    chosen = alike(lambda name: visitor.call("Model", "change", [name, None]), *no_models(page))
    asked = alike(lambda name: visitor.call("fn-box", "submit", ["Crabs?", None, name, "quote", None, None]),
                  *no_models(page))  # fmt: skip
    assert "not in the list" in chosen and "not in the list" in asked


def test_whoever_signs_in_cannot_name_a_path(shared: Served) -> None:
    visitor = shared.visitor()

    def added(path: str) -> str:
        return sentences(visitor.call("fn-models-add", "click", [path, "", "quote"]))

    assert "takes no paths" in alike(added, *no_models(shared))


def test_a_page_with_a_password_takes_no_paths_on_loopback_either(tmp_path: Path) -> None:
    from rag.system.auth_setting import open_accounts
    from rag.ui.page_context import PageContext

    opened: Any = None
    assert PageContext(opened, ()).takes_paths
    accounts = open_accounts(f"{NAME}:{PASSWORD}", tmp_path)
    assert not PageContext(opened, (), accounts=accounts).takes_paths
    assert not PageContext(opened, (), private=False).takes_paths


# --- names of libraries and papers ---


def no_libraries(page: Served) -> tuple[str, ...]:
    """Names that are none of a library: one that lies elsewhere, other folders and files, and what is not there."""
    files, home = page.files, page.settings.home
    inside = home / "libraries"
    return tuple(map(str, (files / "foreign", files, files / "secret.txt", "/etc", "/no/such", inside, inside / "no",
                           f"{inside}/second/", f"{inside}/./second", f"{inside}/../../files/foreign", "second",
                           "\0")))  # fmt: skip


def test_only_listed_libraries_have_settings(page: Served) -> None:
    named = NamedByRequest(page.settings)
    own, second = page.settings.library_path, page.settings.home / "libraries" / "second"
    assert named.library("") is page.settings
    assert named.library(str(own)) is page.settings
    assert named.library(str(second)).library_path == second
    for key in no_libraries(page):
        with pytest.raises(LibraryError, match="has gone") as caught:
            named.library(key)
        assert key.rpartition("/")[0] in ("", ".") or key.rpartition("/")[0] not in str(caught.value)


def test_only_listed_models_have_settings(page: Served) -> None:
    named = NamedByRequest(page.settings)
    assert named.answering("tiny", "cite", "").model == "tiny"
    assert named.answering("quote", "quote", "").model == "quote"
    assert named.model("tiny").model == "tiny"
    for name in ("quote", *no_models(page)):
        with pytest.raises(ModelNotFound) as caught:
            named.model(name)
        assert str(caught.value) == NO_SUCH_MODEL


def test_names_become_settings_in_one_place_of_the_page() -> None:
    """Whatever else made settings of a name could be handed one that a request sent."""
    made = set()
    for file in (ROOT / "rag" / "ui").rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            if name in ("resolve_model", "Settings", "load_settings"):
                made.add((file.name, name))
            if name == "with_overrides" and any(ast.unparse(word.value) != "QUOTE" for word in call.keywords):
                made.add((file.name, name))
    assert made == {("named.py", "with_overrides")}


def test_a_forged_library_is_not_opened(page: Served) -> None:
    visitor = page.visitor()
    said = alike(lambda key: visitor.call("Library", "input", [key]), *no_libraries(page))
    assert "not in the list of choices" in said


@pytest.mark.parametrize("id", ["no", "../../x", "/etc/passwd", "' OR 1=1 --", "crab00' --", "\0", "x" * 5000])
def test_a_forged_paper_is_not_shown(page: Served, id: str) -> None:
    visitor = page.visitor()
    said = visitor.call("fn-library-table", "select", [None], {"paper": id})
    assert "has been deleted" in said and "Hermit crabs" not in said
    assert "Hermit crabs" not in visitor.call("fn-map-view", "select", [None, None], {"id": id})
    assert "Hermit crabs" not in visitor.call("fn-panel", "select", [None, None], {"paper": id})


def test_a_paper_of_the_library_is_shown(page: Served) -> None:
    assert "Hermit crabs" in page.visitor().call("fn-library-table", "select", [None], {"paper": "crab00"})


# --- uploads ---


CALLS = ("queue/join", "run/predict", "api/x", "run/predict/")


def importing(visitor: Visitor, path: str) -> str:
    """What the page says to a file of that path being imported."""
    body = {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "papers.bib", "size": 3, "url": None}
    return visitor.call("fn-library-files", "upload", [None, [body]])


def test_only_what_was_uploaded_is_imported(page: Served) -> None:
    visitor = page.visitor()
    cache = uploads.uploads_of_this_process().cache
    (cache.parent / "beside.bib").write_text("@article{a, title={T}}")
    (cache / "link.bib").unlink(missing_ok=True)
    (cache / "link.bib").symlink_to(page.files / "secret.txt")
    paths = [*no_models(page), "/etc/passwd", str(cache), f"{cache}/../beside.bib", str(cache / "link.bib"), "\0",
             "http://127.0.0.1:9/x.bib", "https://example.org/x.bib", "file:///etc/passwd"]  # fmt: skip

    def reply(handler: int, route: str, path: str) -> tuple[int, bool]:
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        call = {"fn_index": handler, "session_hash": visitor.session, "data": [[{"deep": file}]]}
        said = visitor.request("POST", f"{API}/{route}", json.dumps(call), Content_Type="application/json")
        return said.status, "not uploaded here" in said.text

    assert {reply(0, route, path) for path in paths for route in CALLS} == {(403, True)}
    handlers = json.loads(visitor.request("GET", "/config").text)["dependencies"]
    assert {reply(handler["id"], CALLS[0], "/etc/passwd") for handler in handlers} == {(403, True)}


def test_an_uploaded_file_is_imported_and_goes(private: Served) -> None:
    visitor = private.visitor()
    path = visitor.uploaded("papers.txt", b"no papers at all")
    assert Path(path).is_file()
    said = importing(visitor, path)
    assert "error" not in said, said
    ends = time.monotonic() + 60
    while Path(path).exists() and time.monotonic() < ends:  # the import goes on behind the answer
        time.sleep(0.1)
    assert not Path(path).exists(), said


@pytest.mark.parametrize(
    "name", ["../../evil.bib", "..", "../", "a/../../../evil.bib", "C:\\..\\evil.bib", "\0.bib", "."]
)
def test_no_name_leads_out_of_the_folder_of_uploads(page: Served, name: str) -> None:
    cache = uploads.uploads_of_this_process().cache
    reply = page.visitor().upload((name, b"@article{a, title={T}}"))
    assert reply.status in (200, 400), reply
    if reply.status == 200:
        assert [Path(path).resolve().parents[1] for path in json.loads(reply.text)] == [cache.resolve()]
    assert not list(cache.parent.glob("evil*")) and not list(cache.parent.parent.glob("evil*"))


def refused(visitor: Visitor, path: str, content: Any, length: int | None, **headers: str) -> tuple[int, str]:
    """The answer to a body of which only the beginning may be sent; ``length`` is what is said of it."""
    said = {} if length is None else {"Content_Length": str(length)}
    reply = visitor.request("POST", path, content, **(said | headers))
    return reply.status, reply.text


def test_an_upload_that_says_it_is_too_large_is_refused_unread(page: Served) -> None:
    status, text = refused(page.visitor(), f"{API}/upload", b"", uploads.MAX_UPLOAD + 1, Content_Type=MULTIPART)
    assert status == 413
    assert "500 MB" in text and "footnote import" in text


def test_an_upload_that_turns_out_too_large_is_refused_and_leaves_nothing(
    page: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MAX_UPLOAD", 3_000_000)
    cache = uploads.uploads_of_this_process().cache
    before = set(cache.rglob("*"))
    for files in ([("one.bib", b"x" * 4_000_000)], [(f"{i}.bib", bytes([i]) * 1_000_000) for i in range(4)]):
        stream = iter(list(multipart(*files)))
        status, text = refused(page.visitor(), f"{API}/upload", stream, None, Content_Type=MULTIPART)
        assert (status, "footnote import" in text) == (413, True), text
        assert set(cache.rglob("*")) == before


def test_a_text_in_an_upload_is_refused(page: Served) -> None:
    body = b"".join(multipart(("a.bib", b"x"))).replace(b'; filename="a.bib"', b"")
    reply = page.visitor().request("POST", f"{API}/upload", body, Content_Type=MULTIPART)
    assert (reply.status, reply.text) == (400, "Refused: an upload holds files and nothing else.")


@pytest.mark.parametrize(
    "path", ["/login", "/config", "/nothing", f"{API}/queue/join", f"{API}/run/predict", f"{API}/cancel"]
)
def test_any_other_body_has_a_small_limit(page: Served, path: str) -> None:
    form = "x-www-form-urlencoded" if path == "/login" else "json"
    visitor, kind = page.visitor(), {"Content_Type": f"application/{form}"}
    status, text = refused(visitor, path, b"", bodies.MAX_BODY + 1, **kind)
    assert (status, "1 MB" in text) == ((404, False) if path == "/nothing" else (413, True))
    pieces = (b" " * 100_000 for _ in range(11))
    status, text = refused(visitor, path, pieces, None, **kind)
    # Where it is no body that ends the request: no such route, no such method, a form read to its limit only.
    assert status in {"/nothing": (404,), "/config": (405, 413), "/login": (401, 413)}.get(path, (413,)), text


def test_the_longest_text_to_check_fits(private: Served) -> None:
    said = private.visitor().call("fn-check-start", "click", ["\N{CRAB}" * 50_000, None])
    assert "413" not in said and "error" in said  # that it is no sentence


def test_what_waits_to_be_imported_is_bounded(page: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = page.visitor()
    monkeypatch.setattr(uploads, "MAX_WAITING", uploads.uploads_of_this_process().size + 10_000)
    assert visitor.upload(("fits.bib", b"f" * 5_000)).status == 200
    reply = visitor.upload(("more.bib", b"m" * 9_000))
    assert (reply.status, "waiting to be imported" in reply.text) == (503, True)
    monkeypatch.setattr(uploads, "MAX_AGE_S", -1.0)  # all of it is old now
    assert visitor.upload(("more.bib", b"m" * 9_000)).status == 200
