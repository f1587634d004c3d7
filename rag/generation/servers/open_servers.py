"""The servers that this process speaks to: one for each address, key and model."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rag.system.offline import let_through
from rag.system.server_address import ServerAddress

if TYPE_CHECKING:
    from rag.generation.servers.model_server import ModelServer


class OpenServers:
    """Made when they are first wanted, and kept until :meth:`close`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[tuple[ServerAddress, str, str, int], ModelServer] = {}

    def get(self, address: ServerAddress, key: str, model: str, silence: int) -> ModelServer:
        """The server, to which the offline guard lets connections through from here on. Nothing is sent to it yet."""
        from rag.generation.servers.model_server import ModelServer

        which = (address, key, model, silence)
        with self._lock:
            if which not in self._servers:
                let_through(address.host, address.port)
                self._servers[which] = ModelServer(address, key=key, model=model, silence=silence)
            return self._servers[which]

    def close(self) -> None:
        """Close all of them; what they write ends. The next :meth:`get` makes another."""
        with self._lock:
            servers = list(self._servers.values())
            self._servers.clear()
        for server in servers:
            server.close()
