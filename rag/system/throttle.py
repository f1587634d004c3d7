"""How often a password may be tried, so that guessing takes long and nobody is locked out by strangers.

Three rules, all over the last hour. An *address* (of IPv6 its /64 network) has five tries; after each further wrong
one it waits: 4 seconds, then twice as long each time, up to 15 minutes. A *name* that was tried wrongly twenty times,
from wherever, makes every address wait 30 seconds before each try of it: guessing from many addresses gets slow, and
whoever owns the name waits these 30 seconds at most, whatever strangers do elsewhere. Where a name has *signed in from
an address* before, neither rule counts for the two together, only five tries and the doubling wait of their own: who
shares an address with a guesser, and whose name is being guessed elsewhere, signs in as ever.

A try counts as wrong from the moment that it is let in until it turns out right, so many at once are no more than many
in turn. The tables are bounded; the entry that was used longest ago goes first.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

WINDOW_S = 3600.0
FREE_TRIES = 5  # of an address, before it has to wait
FIRST_WAIT_S = 4.0
LONGEST_WAIT_S = 900.0
NAME_TRIES = 20  # of a name from all addresses, before each address has to wait for it
NAME_WAIT_S = 30.0
MOST_KEYS = 4096  # of each table
_REMEMBERED = 20  # failures of a key; more change nothing
_KNOWN_S = 30 * 86_400.0  # how long a name is remembered to have signed in from an address


class Throttle:
    """Counts wrong passwords by name and address. Safe to use from several threads. ``now`` gives seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._failures = {kind: _Table() for kind in ("address", "name", "both")}
        self._known: _Table = _Table()  # when a name last signed in from an address
        self._turns: _Table = _Table()  # when a name that is being guessed may next be tried from an address

    def admit(self, name: str, address: str) -> float:
        """0.0 where a password may be tried now, which counts as a wrong one until :meth:`take_back`; else the seconds
        to wait, and nothing is counted."""
        with self._lock:
            now, keys = self._now(), _keys(name, address)
            wait = self._wait(keys, now)
            if wait <= 0.0:
                for kind, key in keys.items():
                    self._failures[kind].add(key, now)
            return max(wait, 0.0)

    def take_back(self, name: str, address: str, right: bool) -> None:
        """The try that was let in was not wrong: the password was ``right``, or it was never checked."""
        with self._lock:
            keys = _keys(name, address)
            for kind, key in keys.items():
                self._failures[kind].drop_last(key)
            if right:
                self._failures["both"].forget(keys["both"])
                self._known.set(keys["both"], (self._now(),))

    def _wait(self, keys: dict[str, Hashable], now: float) -> float:
        both = keys["both"]
        known = self._known.get(both)
        if known and now - known[0] < _KNOWN_S:
            return _doubling(self._failures["both"].get(both), now)
        wait = _doubling(self._failures["address"].get(keys["address"]), now)
        if len(_recent(self._failures["name"].get(keys["name"]), now)) >= NAME_TRIES:
            turn = self._turns.get(both) or (now + NAME_WAIT_S,)
            wait = max(wait, turn[0] - now)
            self._turns.set(both, turn if wait > 0.0 else (now + NAME_WAIT_S,))
        return wait


class _Table:
    """Times by key, the last few of each key, for the keys that were used last."""

    def __init__(self) -> None:
        self._times: OrderedDict[Hashable, tuple[float, ...]] = OrderedDict()

    def get(self, key: Hashable) -> tuple[float, ...]:
        return self._times.get(key, ())

    def set(self, key: Hashable, times: tuple[float, ...]) -> None:
        self._times[key] = times
        self._times.move_to_end(key)
        if len(self._times) > MOST_KEYS:
            self._times.popitem(last=False)

    def add(self, key: Hashable, now: float) -> None:
        self.set(key, (*self.get(key), now)[-_REMEMBERED:])

    def drop_last(self, key: Hashable) -> None:
        if times := self.get(key)[:-1]:
            self._times[key] = times
        else:
            self.forget(key)

    def forget(self, key: Hashable) -> None:
        self._times.pop(key, None)


def _recent(times: tuple[float, ...], now: float) -> list[float]:
    return [one for one in times if now - one < WINDOW_S]


def _doubling(times: tuple[float, ...], now: float) -> float:
    """Seconds until the next try: none for the first five, then 4, 8, 16, … after the last one."""
    recent = _recent(times, now)
    if len(recent) < FREE_TRIES:
        return 0.0
    return recent[-1] + min(FIRST_WAIT_S * 2.0 ** (len(recent) - FREE_TRIES), LONGEST_WAIT_S) - now


def _keys(name: str, address: str) -> dict[str, Hashable]:
    network = network_of(address)
    return {"address": network, "name": name, "both": (name, network)}


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, of IPv6 the network of 64 bits that one household has."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((int(ip) >> 64 << 64, 64)))
