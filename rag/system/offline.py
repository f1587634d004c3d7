"""Nothing leaves this computer: telemetry off in code, and a guard that refuses outbound connections.

:func:`enforce_offline` is the first thing that the command line and the chat do, before any library
is imported. It overrides the environment, because several libraries report home unless told not to
(Chroma, Gradio, the Hugging Face libraries, LangSmith), and it installs an audit hook (PEP 578)
that makes every connection or name look-up beyond loopback raise :class:`rag.errors.OutboundBlocked`.
The hook stays for the life of the process. :func:`allow_downloads` lets the calling thread past it, and
:func:`let_through` lets all threads reach one port of one host: a server that the user named.

The hook does not see connections that native code opens. The tests therefore also
run import, ask and serve in a network namespace that has nothing but loopback.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from rag.errors import OutboundBlocked
from rag.system.named_servers import NamedServers

# These override the user's environment. Each library reads its variables when it is imported.
OFFLINE_ENVIRONMENT = {
    "ANONYMIZED_TELEMETRY": "False",  # Chroma
    "CHROMA_OTEL_COLLECTION_ENDPOINT": "",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_SHARE": "False",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "LANGCHAIN_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "LANGSMITH_TRACING_V2": "false",
    "OTEL_SDK_DISABLED": "true",
    "POSTHOG_DISABLED": "1",
    "TRANSFORMERS_OFFLINE": "1",
}
_OFFLINE_SWITCHES = ("HF_DATASETS_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
# A proxy on loopback would carry requests outside where the guard cannot see them.
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")

_CONNECTIONS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})
_WATCHED = _CONNECTIONS | _LOOKUPS
_LOCAL_FAMILIES = frozenset(getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK") if hasattr(socket, name))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One refused connection or look-up. ``event`` is the name of the audit event."""

    event: str
    target: str


class _State:
    """What the hook checks. One for the process, because a hook cannot be removed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.installed = False
        self.enforced = False
        self.blocks: list[list[Attempt]] = []  # one list for every open block_outbound()
        self.attempts: deque[Attempt] = deque(maxlen=100)
        self.proxies: dict[str, str] = {}
        self.downloads = 0  # number of open allow_downloads()
        self.before: dict[str, str | None] = {}  # the environment before the first of them
        self.servers = NamedServers()


_state = _State()
_permitted: ContextVar[bool] = ContextVar("footnote_download_permitted", default=False)


def enforce_offline() -> None:
    """Turn telemetry off and refuse connections beyond loopback from now on. Safe to repeat."""
    os.environ.update(OFFLINE_ENVIRONMENT)
    for name in _PROXIES:
        if name in os.environ:
            _state.proxies[name] = os.environ.pop(name)
    # The event loop that uvicorn prefers opens connections in native code, where the hook does not see them.
    sys.modules.setdefault("uvloop", None)  # type: ignore[arg-type]
    _install()
    _state.enforced = True


def let_through(host: str, port: int) -> None:
    """Let every thread reach ``port`` of ``host``, which the user named, and look its name up; safe to repeat.

    Nothing else of that host can be reached, and nothing at all within :func:`block_outbound`."""
    _state.servers.add(host, port)


@contextmanager
def allow_downloads() -> Iterator[None]:
    """Let the calling thread open outbound connections: for a download that the user asked for by name.

    Other threads stay guarded, and so does everything within :func:`block_outbound`. The Hugging Face
    libraries leave their offline mode and the user's proxy settings hold again until the end.
    """
    token = _permitted.set(True)
    with _state.lock:
        if _state.downloads == 0:
            _state.before = {name: os.environ.get(name) for name in (*_OFFLINE_SWITCHES, *_PROXIES)}
            os.environ.update(dict.fromkeys(_OFFLINE_SWITCHES, "0") | _state.proxies)
            _set_hub_offline(False)
        _state.downloads += 1
    try:
        yield
    finally:
        _permitted.reset(token)
        with _state.lock:
            _state.downloads -= 1
            if _state.downloads == 0:
                _restore(_state.before)
                _set_hub_offline(os.environ.get("HF_HUB_OFFLINE") == "1")


@contextmanager
def block_outbound() -> Iterator[list[Attempt]]:
    """Refuse every connection beyond loopback, downloads and named servers included, in all threads; yields what was
    refused. The list grows while the block is open. Blocks may be nested."""
    _install()
    refused: list[Attempt] = []
    with _state.lock:
        _state.blocks.append(refused)
    try:
        yield refused
    finally:
        with _state.lock:
            # By identity: two empty lists are equal.
            _state.blocks = [block for block in _state.blocks if block is not refused]


def blocked_attempts() -> tuple[Attempt, ...]:
    """The last refused attempts of this process, at most 100, oldest first."""
    with _state.lock:
        return tuple(_state.attempts)


def self_test() -> list[str]:
    """Try three kinds of outbound connection; those that were not refused, empty when the guard works.

    The addresses are reserved for documentation (RFC 5737, RFC 3849) and the name for tests (RFC 6761),
    so no host is reached even where the guard fails.
    """
    with block_outbound():
        return [what for what, attempt in _PROBES if not _is_refused(attempt)]


def is_local(host: object) -> bool:
    """Whether an address or name stands for this computer, decided without a look-up."""
    name = _text(host).split("%", 1)[0].rstrip(".").lower()
    if host is None or name in ("", "localhost") or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    # The unspecified address reaches this computer too when it is connected to.
    return bool(mapped.is_loopback or mapped.is_unspecified)


def _install() -> None:
    with _state.lock:
        if not _state.installed:
            sys.addaudithook(_audit)
            for method in ("connect", "connect_ex", "sendto", "sendmsg"):
                setattr(socket.socket, method, _announcing_lookups(getattr(socket.socket, method)))
            socket.getaddrinfo = _state.servers.noting(socket.getaddrinfo)
            _state.installed = True


def _announcing_lookups(method: Callable[..., Any]) -> Callable[..., Any]:
    """A socket method that announces the look-up of a name before it is made.

    Given a name, CPython asks the name server first and raises ``socket.connect`` afterwards.
    """

    @functools.wraps(method)
    def announced(sock: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1] if arguments else None
        if sock.family not in _LOCAL_FAMILIES and isinstance(address, tuple) and address:
            sys.audit("socket.getaddrinfo", *address[:2], sock.family, sock.type, sock.proto)
        return method(sock, *arguments)

    return announced


def _is_let_through(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether the user named what a socket is about to reach, or the host that is about to be looked up."""
    if event == "socket.getaddrinfo":
        return _state.servers.may_look_up(arguments[0])
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return False
    return _state.servers.may_reach(*arguments[1][:2])


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """The audit hook. It runs for every audit event of the process, so the common case comes first."""
    if event not in _WATCHED or not (_state.enforced or _state.blocks):
        return
    if _permitted.get() and not _state.blocks:
        return
    target = _foreign_connection(arguments) if event in _CONNECTIONS else _foreign_lookup(event, arguments)
    if target is None or (not _state.blocks and _is_let_through(event, arguments)):
        return
    attempt = Attempt(event, target)
    with _state.lock:
        _state.attempts.append(attempt)
        for block in _state.blocks:
            block.append(attempt)
    raise OutboundBlocked(
        f"A connection to {target} was refused: Footnote answers without a network. "
        "Only 'footnote models pull NAME' may download, and only servers that the settings name are reached."
    )


def _foreign_connection(arguments: tuple[Any, ...]) -> str | None:
    """The address that a socket is about to reach, or None where it is this computer."""
    sock, address = arguments[0], arguments[1]
    if address is None or sock.family in _LOCAL_FAMILIES:
        return None  # sendmsg on a connected socket names no address: connect was checked
    if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and address:
        return None if is_local(address[0]) else f"{_text(address[0])}:{address[1]}"
    return f"{address!r}"


def _foreign_lookup(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The name that is about to be looked up, or None where that needs no network."""
    host = arguments[0][0] if event == "socket.getnameinfo" else arguments[0]
    if host is None or is_local(host):
        return None
    # A numeric address is parsed, not looked up; a server may be bound to one. The reverse is a look-up.
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and _is_numeric(host):
        return None
    return _text(host)


def _is_numeric(host: object) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(_text(host).split("%", 1)[0]))
    return False


def _text(host: object) -> str:
    if isinstance(host, (bytes, bytearray)):
        return bytes(host).decode("ascii", "replace")
    return str(host)


def _restore(environment: dict[str, str | None]) -> None:
    for name in environment:
        os.environ.pop(name, None)
    os.environ.update({name: value for name, value in environment.items() if value is not None})


def _set_hub_offline(offline: bool) -> None:
    """The library reads the environment once, so a change after its import goes to its constant."""
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        constants.HF_HUB_OFFLINE = offline  # type: ignore[attr-defined]


def _connect(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(0.2)
        sock.connect((address, 9))


_PROBES = (
    ("a connection over IPv4", lambda: _connect(socket.AF_INET, "192.0.2.1")),
    ("a connection over IPv6", lambda: _connect(socket.AF_INET6, "2001:db8::1")),
    ("a name look-up", lambda: socket.getaddrinfo("footnote.invalid", 9)),
)


def _is_refused(attempt: Any) -> bool:
    try:
        attempt()
    except OutboundBlocked:
        return True
    except OSError:
        return False
    return False
