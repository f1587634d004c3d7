"""Why a server that the user named cannot be reached, in a sentence that says what to do."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from rag.errors import OutboundBlocked

_REFUSED_RETRY_S = 0.3


@dataclass(frozen=True, slots=True)
class ConnectionTrouble:
    """``passing``: the same may succeed in a moment, in ``retry_s`` seconds where that is known."""

    message: str
    passing: bool = False
    retry_s: float | None = None


def connection_trouble(
    error: BaseException, kind: str, place: str, setting: str, said: Callable[[str], str]
) -> ConnectionTrouble:
    """What ``error`` of a connection means: ``kind`` is what the server is ('model server'), ``place`` its host and
    port, ``setting`` the variable that names it. ``said`` makes one line of foreign words, with nothing secret in it.
    """
    cause = first_cause(error)
    server = f"The {kind} at {place}"
    if isinstance(cause, OutboundBlocked):
        return ConnectionTrouble(str(cause))
    if isinstance(cause, ssl.SSLCertVerificationError):
        return ConnectionTrouble(
            f"{server} has a certificate that this computer does not trust ({cause.verify_message}). "
            "Name the file of the authority that signed it in SSL_CERT_FILE."
        )
    if isinstance(cause, ssl.SSLError):
        return ConnectionTrouble(f"{server} does not speak TLS. Write http:// in {setting}.")
    if isinstance(cause, socket.gaierror):
        return ConnectionTrouble(
            f"The name in {place} is not known here. Correct {setting}, or ask who runs the network."
        )
    if isinstance(cause, ConnectionRefusedError):
        return ConnectionTrouble(
            f"{server} does not answer: nothing listens there. Start it, or correct {setting}.",
            passing=True,
            retry_s=_REFUSED_RETRY_S,
        )
    if "Timeout" in type(error).__name__:
        return ConnectionTrouble(
            f"{server} cannot be reached in time. See whether it runs and a firewall lets you through, "
            f"or correct {setting}."
        )
    why = said(str(cause) or type(cause).__name__)
    return ConnectionTrouble(f"The connection to the {kind} at {place} failed ({why}). Ask again.", passing=True)


def first_cause(error: BaseException) -> BaseException:
    """The first cause of an error."""
    seen = error
    while (before := seen.__cause__ or seen.__context__) is not None:
        seen = before
    return seen
