"""The address of a server that the user names in a setting: checked, and shown with nothing secret in it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from rag.errors import ConfigError

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """``scheme`` is http or https, ``host`` a name or an address without brackets; ``path`` ends in no slash."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def place(self) -> str:
        """``host:port``, as messages name the server."""
        return f"{self.shown_host}:{self.port}"

    @property
    def shown_host(self) -> str:
        """The host alone; an IPv6 address in its brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def url(self) -> str:
        """The whole address, without a slash at its end."""
        return f"{self.root}{self.path}"

    @property
    def root(self) -> str:
        """The address without its path."""
        return f"{self.scheme}://{self.place}"


def read_address(text: str, setting: str) -> ServerAddress:
    """The address in ``text``, the value of ``setting``.

    Raises :class:`ConfigError` where it is none, or holds a user, a password, a query or a fragment. The message does
    not repeat what may be a password.
    """
    example = "Write it as http://127.0.0.1:8080 or https://name."
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{setting} is not the address of a server ({error}). {example}") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{setting} holds a user or a password. Take it out; keys have a setting of their own.")
    if parts.query or parts.fragment:
        raise ConfigError(f"{setting} has a '?' or a '#' in it. {example}")
    if parts.scheme not in _PORTS or not _is_host(parts):
        raise ConfigError(f"{setting} is '{text}', which is not the address of a server. {example}")
    if port == 0:
        raise ConfigError(f"{setting} names port 0, where nothing listens. {example}")
    return ServerAddress(parts.scheme, parts.hostname or "", port or _PORTS[parts.scheme], parts.path.rstrip("/"))


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    return bool(host) and host.isprintable() and not any(c.isspace() or c in "\\%<>\"'" for c in host + parts.path)
