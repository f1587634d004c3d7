"""Zotero's libraries from the program itself while it runs, by the API on this computer (Zotero 7 and later).

It answers as Zotero's web API, version 3, does (github.com/zotero/zotero, server_localAPI.js), and only if the user has
allowed it in Zotero's settings: Advanced, Allow other applications on this computer to communicate with Zotero.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any
from urllib.parse import urlsplit

from rag.errors import ImportFileError
from rag.papers.zotero import collections
from rag.papers.zotero.items import NO_PAPERS, ZoteroLibrary

DEFAULT = "http://localhost:23119"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PAGE = 500  # items of one answer
_LARGEST = 200_000_000  # bytes of one answer
_SECONDS = 60.0
_SOON = 3.0  # seconds in which a program on this computer says something


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """An address that Zotero is asked at stays on this computer."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


def read_api(address: str = DEFAULT) -> list[ZoteroLibrary]:
    """The user's library and those of groups. Raises :class:`ImportFileError` where Zotero does not answer so."""
    base = _checked(address)
    groups = [_data(group) for group in _all(base, "users/0/groups")]
    known = sorted((int(group["id"]), str(group.get("name") or group["id"])) for group in groups if "id" in group)
    return [
        _library(base, "users/0", "library", "My Library"),
        *(_library(base, f"groups/{number}", f"groups/{number}", name) for number, name in known),
    ]


def answers(address: str) -> bool:
    """Whether something answers at the address, whatever it says."""
    try:
        _get(f"{_checked(address)}users/0/groups?format=json&start=0&limit=1", _SOON)
    except ImportFileError as error:
        return not isinstance(error.__cause__, OSError) or isinstance(error.__cause__, urllib.error.HTTPError)
    return True


def _checked(address: str) -> str:
    """The address without its path. Raises :class:`ImportFileError` for one that is not of this computer."""
    try:
        parts = urlsplit(address if "//" in address else f"http://{address}")
        fits = parts.scheme == "http" and parts.hostname in _LOOPBACK and parts.username is None
        port = parts.port
    except ValueError:
        fits, port = False, None
    if not fits:
        raise ImportFileError(f"Zotero is asked on this computer alone, as in {DEFAULT}.")
    host = f"[{parts.hostname}]" if parts.hostname == "::1" else parts.hostname
    return f"http://{host}:{port or 23119}/api/"


def _library(base: str, prefix: str, place: str, name: str) -> ZoteroLibrary:
    named: dict[Hashable, tuple[str, Hashable | None]] = {
        one["key"]: (str(one.get("name", "")), one.get("parentCollection") or None)
        for one in map(_data, _all(base, f"{prefix}/collections"))
        if "key" in one and not one.get("deleted")
    }
    paths = collections.paths(named)
    everything = [one for one in map(_data, _all(base, f"{prefix}/items")) if not one.get("deleted")]
    notes = defaultdict(list)
    for one in sorted(everything, key=lambda one: str(one.get("key"))):
        if one.get("itemType") == "note" and one.get("parentItem") and one.get("note"):
            notes[one["parentItem"]].append(one["note"])
    items = tuple(
        {
            **one,
            "tags": sorted(tag["tag"] for tag in one.get("tags", []) if "tag" in tag),
            "collections": sorted(paths[key] for key in one.get("collections", []) if key in paths),
            "notes": notes.get(one.get("key"), []),
        }
        for one in everything
        if one.get("itemType") not in NO_PAPERS
    )
    return ZoteroLibrary(place, name, items)


def _data(entry: Any) -> Mapping[str, Any]:
    data = entry.get("data") if isinstance(entry, dict) else None
    return data if isinstance(data, dict) else {}


def _all(base: str, path: str) -> list[Any]:
    """All entries, page by page."""
    found: list[Any] = []
    while True:
        page = _get(f"{base}{path}?format=json&sort=dateAdded&direction=asc&start={len(found)}&limit={_PAGE}")
        found += page
        if len(page) < _PAGE:
            return found


def _get(address: str, timeout: float = _SECONDS) -> list[Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
    request = urllib.request.Request(address, headers={"Zotero-API-Version": "3", "User-Agent": "footnote"})
    try:
        with opener.open(request, timeout=timeout) as answer:
            content = answer.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ValueError("the answer is too long")
        page = json.loads(content)
        if not isinstance(page, list):
            raise ValueError("no list")
    except urllib.error.HTTPError as error:
        error.close()
        remedy = (
            "Allow other applications to communicate with Zotero in its settings, Advanced."
            if error.code == 403
            else "The API needs Zotero 7 or later; an older one is read from its data folder."
        )
        raise ImportFileError(f"Zotero answers {error.code}. {remedy}") from error
    except OSError as error:
        raise ImportFileError("Zotero does not answer. Start it, or let its data folder be read.") from error
    except (ValueError, RecursionError) as error:
        raise ImportFileError(f"What answers is not Zotero's API. Check the address: Zotero's is {DEFAULT}.") from error
    return page
