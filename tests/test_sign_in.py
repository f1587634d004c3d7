"""Signing in over HTTP, against a page that is really served: the door, the throttle, sessions and their end."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rag.system.accounts import Accounts
from rag.system.throttle import FREE_TRIES, NAME_TRIES
from rag.system.users_file import UsersFile
from rag.ui.page import build_app
from rag.ui.server import start
from rag.ui.sessions import IDLE_S, LONGEST_S, MOST_OF_ONE, Sessions
from rag.ui.tab_owners import MOST_TABS, TabOwners
from tests.browser.fakes import CHOICES, FakeAnswerer
from tests.page_client import PageClient, Reply

WORD = "correct horse"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> UsersFile:
    """Accounts whose hashes are made once."""
    users = UsersFile(tmp_path_factory.mktemp("users") / "users.json")
    users.add_all(dict.fromkeys(("ada", "ben", "cem"), WORD), "reader")
    return users


@pytest.fixture
def users(kept: UsersFile, tmp_path: Path) -> UsersFile:
    path = tmp_path / "users.json"
    path.write_bytes(kept.path.read_bytes())
    path.chmod(0o600)
    return UsersFile(path)


@pytest.fixture
def serve(users: UsersFile) -> Iterator[Callable[..., str]]:
    """Start a page; its address. Each has a throttle of its own."""
    apps: list[Any] = []

    def serve(**more: Any) -> str:
        accounts = Accounts(users)
        app = build_app(FakeAnswerer().open, CHOICES, model="quote", mode="quote", accounts=accounts)
        start(app, "127.0.0.1", 0, accounts, **more)
        apps.append(app)
        return str(app.local_url)

    yield serve
    for app in apps:
        app.close(verbose=False)


# --- the door ---


def test_nothing_is_shown_to_whoever_has_not_signed_in(serve: Callable[..., str]) -> None:
    client = PageClient(serve())
    for method, path in (
        ("GET", "/"), ("GET", "/config"), ("GET", "/gradio_api/info"), ("GET", "/gradio_api/queue/data?session_hash=x"),
        ("POST", "/gradio_api/queue/join"), ("POST", "/gradio_api/run/predict"), ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/cancel"), ("POST", "/gradio_api/reset"), ("GET", "/gradio_api/heartbeat/x"),
        ("GET", "/gradio_api/file=/etc/hostname"), ("GET", "/theme.css"), ("GET", "/logins"), ("GET", "//"),
        ("GET", "/login/../config"), ("GET", "/gradio_api/startup-events/../info"), ("GET", "/static/img/logo.svg"),
    ):  # fmt: skip
        reply = client.request(method, path)
        assert reply.status in (401, 404), (method, path, reply.status)  # 404: a route that the page does not have
        assert "fn-box" not in reply.text and "gradio_config" not in reply.text, path
    assert "Sign in" in client.request("GET", "/").words
    assert "no-store" in client.request("GET", "/").headers["cache-control"]


def test_the_right_password_lets_in_until_signing_out(serve: Callable[..., str]) -> None:
    address = serve()
    client = PageClient(address)
    reply = client.sign_in("ada", WORD)
    assert (reply.status, reply.headers["location"]) == (303, "./")
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "secure" not in cookie and "max-age" not in cookie
    assert client.config["username"] == "ada"
    token = dict(client.cookies)
    assert client.request("GET", "/logout").status == 303  # a link on another site signs nobody out
    assert client.request("GET", "/config").status == 200
    assert client.request("POST", "/logout").status == 303
    client.cookies = token
    assert client.request("GET", "/config").status == 401


def test_a_wrong_name_and_a_wrong_password_are_told_apart_by_nobody(serve: Callable[..., str]) -> None:
    client = PageClient(serve())
    replies = [client.sign_in(*typed) for typed in (("ada", "battery staple"), ("eve", WORD))]
    assert [reply.status for reply in replies] == [401, 401]
    said = [re.sub('value="(ada|eve)"', "", reply.text) for reply in replies]
    assert said[0] == said[1] and "wrong" in said[0]
    assert not client.cookies


def test_what_was_typed_comes_back_as_text(serve: Callable[..., str]) -> None:
    reply = PageClient(serve()).sign_in('"><script>alert(1)</script>', "x")
    assert "<script" not in reply.text


@pytest.mark.parametrize(
    "body", ["", "username=ada", "password=x", "x" * 5000, "a=1&" * 200, "username=%ff%00&password="]
)
def test_a_form_that_is_none_is_a_wrong_password(serve: Callable[..., str], body: str) -> None:
    client = PageClient(serve())
    assert client.request("POST", "/login", body, content_type="application/x-www-form-urlencoded").status == 401


# --- guessing ---


def wrong_until_refused(try_once: Callable[[int], Reply]) -> tuple[int, Reply]:
    """How many wrong passwords are checked until one is not, and what is said then. On a slow machine the first waits
    are over before the next try."""
    for tries in range(FREE_TRIES + 8):
        reply = try_once(tries)
        if reply.status != 401:
            return tries, reply
    raise AssertionError(f"{tries + 1} guesses were checked")


def test_an_address_that_guesses_has_to_wait_and_is_told_how_long(serve: Callable[..., str]) -> None:
    client = PageClient(serve())
    tries, refused = wrong_until_refused(lambda i: client.sign_in(f"name {i}", "a guess"))
    assert tries >= FREE_TRIES and refused.status == 429
    wait = int(refused.headers["retry-after"])
    assert f"Try again in {wait} second" in refused.words
    assert client.sign_in("ada", WORD).status == 429
    time.sleep(wait)
    assert client.sign_in("ada", WORD).status == 303


def test_guesses_at_once_are_no_more_than_guesses_in_turn(serve: Callable[..., str]) -> None:
    address = serve()
    with ThreadPoolExecutor(30) as pool:
        said = list(pool.map(lambda i: PageClient(address).sign_in("ada", f"guess {i}").status, range(30)))
    assert {*said} == {401, 429} and said.count(401) <= FREE_TRIES + 3


def test_a_name_that_is_guessed_from_everywhere_makes_strangers_wait_and_its_owner_not(
    serve: Callable[..., str],
) -> None:
    address = serve()
    owner = PageClient(address, source="127.0.0.9")
    assert owner.sign_in("ada", WORD).status == 303
    for i in range(NAME_TRIES):
        assert PageClient(address, source=f"127.0.1.{i + 1}").sign_in("ada", "a guess").status == 401
    stranger = PageClient(address, source="127.0.2.1").sign_in("ada", WORD)
    assert stranger.status == 429 and "30 seconds" in stranger.words
    assert PageClient(address, source="127.0.2.1").sign_in("ben", WORD).status == 303
    assert owner.sign_in("ada", WORD).status == 303


def test_a_header_that_anybody_can_send_gives_no_other_address(serve: Callable[..., str]) -> None:
    address = serve()

    def pretend(i: int) -> Reply:
        return PageClient(address, {"x-forwarded-for": f"203.0.113.{i}"}).sign_in("ada", "a guess")

    assert wrong_until_refused(pretend)[1].status == 429


def test_a_proxy_that_is_trusted_says_who_it_passes_on(serve: Callable[..., str]) -> None:
    address = serve(trusted_proxies="127.0.0.1, 10.0.0.0/8")

    def guess(name: str, passed_on: str, source: str = "127.0.0.1") -> Reply:
        headers = {"x-forwarded-for": passed_on, "x-forwarded-proto": "https"}
        return PageClient(address, headers, source).sign_in(name, "a guess")

    assert [guess("ada", f"203.0.113.{i}").status for i in range(FREE_TRIES + 8)] == [401] * (FREE_TRIES + 8)
    # What a client itself wrote stands before what the proxy has seen, and counts for nothing.
    assert wrong_until_refused(lambda i: guess("ben", f"198.51.100.{i}, 192.0.2.1"))[1].status == 429
    # Nor does it for somebody who comes past the proxy.
    assert wrong_until_refused(lambda i: guess("cem", f"203.0.113.{i}", "127.0.0.2"))[1].status == 429
    reply = PageClient(address, {"x-forwarded-for": "192.0.2.9", "x-forwarded-proto": "https"}).sign_in("ben", WORD)
    assert reply.status == 303 and "secure" in reply.headers["set-cookie"].lower()


def test_the_page_answers_others_while_passwords_are_checked(serve: Callable[..., str]) -> None:
    address = serve()
    client = PageClient(address)
    client.sign_in("ada", WORD)
    with ThreadPoolExecutor(5) as pool:
        guesses = [
            pool.submit(PageClient(address, source=f"127.0.3.{i + 1}").sign_in, "ben", "a guess") for i in range(5)
        ]
        answered = 0
        while not all(one.done() for one in guesses):
            assert client.request("GET", "/gradio_api/app_id").status == 200
            answered += 1
    assert answered > 5


# --- sessions ---


def test_a_session_ends_with_its_account_and_with_its_password(serve: Callable[..., str], users: UsersFile) -> None:
    address = serve()
    clients = {name: PageClient(address) for name in ("ada", "ben", "cem")}
    for name, client in clients.items():
        client.sign_in(name, WORD)
    users.remove("ada")
    users.set_password("ben", "another word")
    users.set_role("cem", "editor")
    assert [client.request("GET", "/config").status for client in clients.values()] == [401, 401, 200]
    assert PageClient(address).sign_in("ada", WORD).status == 401
    assert PageClient(address).sign_in("ben", "another word").status == 303


def test_a_page_without_a_single_account_left_stays_closed(serve: Callable[..., str], users: UsersFile) -> None:
    client = PageClient(serve())
    users.path.unlink()
    assert client.request("GET", "/config").status == 401
    assert client.sign_in("", "").status == 401


def test_sessions_end_by_themselves(users: UsersFile) -> None:
    accounts, now = Accounts(users), [0.0]
    sessions = Sessions(accounts, lambda: now[0])
    ada = accounts.find("ada")
    assert ada is not None
    token = sessions.begin(ada)
    while now[0] <= LONGEST_S:  # in use all the time
        assert sessions.account(token) == ada
        now[0] += IDLE_S * 0.9
    assert sessions.account(token) is None
    token = sessions.begin(ada)
    now[0] += IDLE_S + 1
    assert sessions.account(token) is None
    assert sessions.account("") is None


def test_sessions_and_tabs_do_not_grow_for_ever(users: UsersFile) -> None:
    accounts = Accounts(users)
    sessions, ada = Sessions(accounts), accounts.find("ada")
    assert ada is not None
    tokens = [sessions.begin(ada) for _ in range(MOST_OF_ONE + 5)]
    assert [sessions.account(token) is not None for token in tokens] == [False] * 5 + [True] * MOST_OF_ONE
    tabs = TabOwners()
    for i in range(MOST_TABS + 5):
        assert tabs.admit(f"tab {i}", "ada")
    assert len(tabs._owners) == MOST_TABS
