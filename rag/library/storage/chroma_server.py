"""A Chroma server that the user named: the connection to it, and what its errors mean.

Chroma's own client waits without end, believes other authorities than the rest of the program and follows the proxies
of the environment. So the part of it that speaks to a server is used with a connection of ours.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from rag.errors import VectorServerError
from rag.system.connection_trouble import connection_trouble
from rag.system.server_address import ServerAddress
from rag.text.unseen import one_line

if TYPE_CHECKING:
    import httpx

SETTING = "FOOTNOTE_CHROMA_URL"
_CONNECTING_S = 5.0
# A server that was just started reads the graph of a large collection before it answers.
_SILENCE_S = 120.0
_PAUSES_S = (0.3, 1.0, 2.5)  # before the same is tried again: a server that is started anew takes some seconds
_SAID = 200  # characters of a server's own words

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ChromaServer:
    """Where the server is, and which of its tenants and databases holds the collections of the libraries."""

    address: ServerAddress
    token: str = field(default="", repr=False)
    tenant: str = "default_tenant"
    database: str = "default_database"

    @property
    def place(self) -> str:
        """The address, tenant and database as text; the same for two that hold the same collections."""
        return f"{self.address.url} {self.tenant}/{self.database}"

    @property
    def shown(self) -> str:
        """'chroma at 10.0.0.5, yours'."""
        return f"chroma at {self.address.shown_host}, yours"


class CollectionMissing(Exception):
    """The server has no such collection (any more)."""


class ChromaConnection:
    """The connection to one server; made at the first :meth:`call`. Safe to use from several threads."""

    def __init__(self, server: ChromaServer) -> None:
        self.server = server
        self._lock = threading.Lock()
        self._system: Any = None

    def call(self, work: Callable[[Any], Result]) -> Result:
        """What ``work`` gives, to which the ``chromadb.api.ServerAPI`` is passed; repeated where the connection broke.

        So ``work`` must be such that to do it twice does no harm. Raises :class:`CollectionMissing`, and
        :class:`VectorServerError` for all else.
        """
        for pause in (*_PAUSES_S, None):
            try:
                return work(self._api())
            except Exception as error:  # httpx's, Chroma's, and the plain Exception that Chroma's client raises
                trouble = self._trouble(error)
                if pause is None or not (isinstance(trouble, VectorServerError) and trouble.passing):
                    raise trouble from error
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def version(self) -> str:
        """What the server says that it is. Raises :class:`VectorServerError`."""
        return one_line(str(self.call(lambda api: api.get_version())))[:_SAID]

    def create_database(self) -> None:
        """Make tenant and database where the server does not have them."""
        from chromadb.errors import NotFoundError

        server = self.server

        def make(api: Any) -> None:
            try:
                api.get_tenant(server.tenant)
            except NotFoundError:
                api.create_tenant(server.tenant)
            try:
                api.get_database(server.database, tenant=server.tenant)
            except NotFoundError:
                api.create_database(server.database, tenant=server.tenant)

        self.call(make)

    def close(self) -> None:
        """Close the connection; the next :meth:`call` makes another."""
        with self._lock:
            system, self._system = self._system, None
        if system is not None:
            _api_of(system)._session.close()
            system.stop()

    def _api(self) -> Any:
        with self._lock:
            if self._system is None:
                self._system = _connected(self.server)
            return _api_of(self._system)

    def _trouble(self, error: Exception) -> VectorServerError | CollectionMissing:
        import httpx
        from chromadb.errors import ChromaError, NotFoundError

        place = self.server.address.place
        if isinstance(error, NotFoundError):
            return CollectionMissing(self._said(str(error)))
        if isinstance(error, httpx.TransportError):
            found = connection_trouble(error, "Chroma server", place, SETTING, self._said)
            return VectorServerError(found.message, passing=found.passing)
        if isinstance(error, ChromaError):
            return VectorServerError(
                f"The Chroma server at {place} refuses ({self._said(str(error))}). See what it has written to its log."
            )
        status = _status_in(error)
        if status in (401, 403):
            how = "FOOTNOTE_CHROMA_TOKEN is none that it takes" if self.server.token else "Set FOOTNOTE_CHROMA_TOKEN"
            return VectorServerError(f"The Chroma server at {place} lets nobody in without a token ({status}). {how}.")
        if status in (502, 503, 504):
            return VectorServerError(
                f"The Chroma server at {place} is not there just now ({status}). Start it, or try again in a while.",
                passing=True,
            )
        why = f"it answers {status}" if status else self._said(str(error) or type(error).__name__)
        return VectorServerError(
            f"What answers at {place} is not a Chroma server of version 1 ({why}). Correct {SETTING}, or see its log."
        )

    def _said(self, text: str) -> str:
        """One line of a text of the server's, without the token."""
        line = one_line(text.replace(self.server.token, "…") if self.server.token else text).rstrip(".")
        return line if len(line) <= _SAID else line[: _SAID - 1] + "…"


def _api_of(system: Any) -> Any:
    from chromadb.api import ServerAPI

    return system.instance(ServerAPI)


def _connected(server: ChromaServer) -> Any:
    """Chroma's client of the server, with a connection of ours. Asks the server nothing yet."""
    from chromadb.config import Settings, System

    system = System(
        Settings(
            anonymized_telemetry=False,
            chroma_api_impl="chromadb.api.fastapi.FastAPI",
            chroma_server_host=server.address.url,  # a whole address is taken as it is, with its path
            chroma_server_http_port=server.address.port,
        )
    )
    api = _api_of(system)
    replaced, api._session = api._session, _session(server, dict(api._session.headers))
    replaced.close()
    system.start()
    return system


def _session(server: ChromaServer, headers: dict[str, str]) -> httpx.Client:
    """No proxy, no redirection. Chroma knows a token by one header or by the other, so both are sent."""
    import ssl

    import httpx

    # Those that the system trusts, and SSL_CERT_FILE; reading them takes a moment that plain HTTP need not.
    tls = ssl.create_default_context() if server.address.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    token = {"authorization": f"Bearer {server.token}", "x-chroma-token": server.token} if server.token else {}
    return httpx.Client(
        headers=headers | token,
        verify=tls,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(_SILENCE_S, connect=_CONNECTING_S),
    )


def _status_in(error: BaseException) -> int:
    """The status of the answer that an exception of Chroma's client stands for; 0 where there was none."""
    import httpx

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, httpx.HTTPStatusError):
            return seen.response.status_code
        seen = seen.__cause__ or seen.__context__
    return 0


def collection_of(connection: ChromaConnection, name: str) -> Any:
    """The collection of that name as a ``chromadb.Collection``, with its metadata as they are now.

    Raises :class:`CollectionMissing` and :class:`VectorServerError`.
    """
    from chromadb.api.models.Collection import Collection

    server = connection.server

    def find(api: Any) -> Any:
        model = api.get_collection(name, tenant=server.tenant, database=server.database)
        return Collection(client=api, model=model, embedding_function=None)

    return connection.call(find)


def delete_collection(connection: ChromaConnection, name: str) -> None:
    """Delete the collection of that name where there is one. Raises :class:`VectorServerError`."""
    server = connection.server
    with suppress(CollectionMissing):
        connection.call(lambda api: api.delete_collection(name, tenant=server.tenant, database=server.database))
