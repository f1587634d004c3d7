"""Which servers the user named, so that the offline guard lets connections to them through, and to nothing else."""

from __future__ import annotations

import functools
import ipaddress
import threading
from collections.abc import Callable
from typing import Any


class NamedServers:
    """Hosts and ports that may be reached, and the addresses that the hosts were found to have."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ports: dict[str, set[int]] = {}  # by the host as the user wrote it
        self._addresses: set[tuple[str, int]] = set()

    def add(self, host: str, port: int) -> None:
        """Let ``port`` of ``host`` be reached."""
        with self._lock:
            self._ports.setdefault(_plain(host), set()).add(port)

    def may_look_up(self, host: object) -> bool:
        """Whether the user named this host."""
        return _plain(host) in self._ports

    def may_reach(self, host: object, port: int) -> bool:
        """Whether the user named this host with this port, or one that was found at this address."""
        plain = _plain(host)
        return port in self._ports.get(plain, ()) or (plain, port) in self._addresses

    def noting(self, lookup: Callable[..., Any]) -> Callable[..., Any]:
        """``socket.getaddrinfo``, where the addresses of named hosts become known here."""

        @functools.wraps(lookup)
        def noted(host: Any, *arguments: Any, **named: Any) -> Any:
            found = lookup(host, *arguments, **named)
            ports = self._ports.get(_plain(host)) if self._ports else None
            if ports:
                with self._lock:
                    self._addresses |= {(_plain(address[0]), port) for *_, address in found for port in ports}
            return found

        return noted


def _plain(host: object) -> str:
    """A host in the form in which it is compared: small letters, an address in its shortest."""
    text = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else str(host)
    name = text.rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name
