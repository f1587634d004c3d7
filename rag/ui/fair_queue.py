"""One question at a time for each model, in the order in which they came."""

from __future__ import annotations

import threading
from collections import defaultdict


class FairQueue:
    """First come, first served, with a queue for each name. A ticket is taken, waited with, and given back."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tickets: defaultdict[str, list[object]] = defaultdict(list)

    def take(self, name: str) -> object:
        """A ticket at the end of the queue of ``name``."""
        ticket = object()
        with self._changed:
            self._tickets[name].append(ticket)
        return ticket

    def wait(self, name: str, ticket: object, timeout: float) -> int:
        """How many tickets are ahead of ``ticket``: returns once none is, or after ``timeout`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._tickets[name].index(ticket) == 0, timeout)
            return self._tickets[name].index(ticket)

    def give_back(self, name: str, ticket: object) -> None:
        """Leave the queue, from any place in it. Giving back twice does no harm."""
        with self._changed:
            if ticket in self._tickets[name]:
                self._tickets[name].remove(ticket)
            self._changed.notify_all()
