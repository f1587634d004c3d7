"""Which user a browser tab belongs to.

Gradio keeps what belongs to one tab, its conversation among it, under a name that the browser makes up and sends along.
The first user who sends a name owns it: with somebody else's, nothing is answered.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from typing import Any

LONGEST_BODY = 4_000_000  # bytes of what a handler is given; files to import are uploaded, and are not read here
MOST_TABS = 20_000
_IN_PATH = re.compile(r"/gradio_api/(?:heartbeat|stream)/([^/]+)")


class TabOwners:
    """The owners of the tabs that were used last."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()

    def admit(self, tab: str, user: str) -> bool:
        """Whether ``tab`` is ``user``'s, which it becomes where it is nobody's yet."""
        owner = self._owners.setdefault(tab, user)
        self._owners.move_to_end(tab)
        if len(self._owners) > MOST_TABS:
            self._owners.popitem(last=False)
        return owner == user


def tabs_named(path: str, query: Any, body: bytes) -> set[str]:
    """The names of tabs that a request has: in its address, or in the JSON that it sends."""
    named = {*_IN_PATH.findall(path), *query.getlist("session_hash")}
    try:
        sent = json.loads(body) if body else None
    except ValueError:  # refused by whoever wants to read it
        sent = None
    if isinstance(sent, dict) and sent.get("session_hash") is not None:
        named.add(str(sent["session_hash"]))
    return named
