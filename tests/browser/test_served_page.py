"""What the server sends, without a browser: where the page may go, and who may ask for it."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import Answerers


def get(address: str, path: str, **headers: str) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=10)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read().decode("utf-8", "replace")
    connection.close()
    return response, body


def test_the_browser_is_told_to_speak_to_nobody_else(served: tuple[str, Answerers]) -> None:
    response, _ = get(served[0], "/")
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert not re.search(r"https?:|\*", policy)
    assert response.headers["referrer-policy"] == "no-referrer"


def test_the_page_loads_nothing_from_elsewhere(served: tuple[str, Answerers]) -> None:
    _, body = get(served[0], "/")
    loaded = re.findall(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["']([^"']+)""", body)
    assert loaded
    assert not [address for address in loaded if re.match(r"(https?:)?//", address)]
    config = json.loads(get(served[0], "/config")[1])
    assert config["analytics_enabled"] is False
    assert not [sheet for sheet in config["stylesheets"] if sheet.startswith("http")]
    assert not config["run_history"]


def test_a_foreign_name_for_this_computer_is_refused(served: tuple[str, Answerers]) -> None:
    """DNS rebinding: a site of somebody else whose name is made to point to loopback."""
    response, body = get(served[0], "/", Host="evil.example")
    assert response.status == 400
    assert "gradio_config" not in body


def test_no_handler_is_offered_as_an_api(served: tuple[str, Answerers]) -> None:
    info = json.loads(get(served[0], "/gradio_api/info")[1])
    assert info["named_endpoints"] == {}
    assert info["unnamed_endpoints"] == {}


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/gradio_api/runs", "/monitoring"])
def test_pages_that_nobody_asked_for_are_not_there(served: tuple[str, Answerers], path: str) -> None:
    response, body = get(served[0], path)
    assert response.status in (403, 404) or "gradio_config" not in body, (response.status, body[:200])
