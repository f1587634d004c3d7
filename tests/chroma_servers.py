"""Chroma servers for tests, on loopback: the real one, as ``chroma run`` starts it, and a proxy before it."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rag.library.storage.chroma_server import ChromaServer
from rag.system.server_address import read_address

# What the script ``chroma`` runs, without the second that the import of chromadb takes.
_RUN = "import sys, chromadb_rust_bindings; chromadb_rust_bindings.cli(['chroma', *sys.argv[1:]])"


class ChromaProcess:
    """``chroma run`` over one folder, always on the same port."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def server(self, **more: str) -> ChromaServer:
        """The server as the settings name it."""
        return named(self.url, **more)

    def start(self) -> None:
        self.kill()
        command = [sys.executable, "-c", _RUN, "run", "--path", str(self._folder), "--host", "127.0.0.1"]
        self._process = subprocess.Popen(
            [*command, "--port", str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.url}/api/v2/heartbeat", timeout=5).close()
                return
            except OSError:
                assert self._process.poll() is None, "chroma run ended at once"
                time.sleep(0.1)
        raise AssertionError("chroma run does not answer")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def named(url: str, **more: str) -> ChromaServer:
    """The server at ``url`` as the settings name it."""
    return ChromaServer(read_address(url, "chroma_url"), **more)


@contextmanager
def chroma_run(folder: Path) -> Iterator[ChromaProcess]:
    """The real server."""
    process = ChromaProcess(folder)
    process.start()
    try:
        yield process
    finally:
        process.kill()


class Proxy:
    """Passes requests on to a server where they bring the token. ``asked`` holds their headers."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.url = ""


@contextmanager
def proxy_before(port: int, token: str = "", tls: ssl.SSLContext | None = None, path: str = "") -> Iterator[Proxy]:
    """A proxy on loopback before the server at ``port``, which knows it under ``path``."""
    proxy = Proxy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            proxy.asked.append(headers)
            if token and token not in (headers.get("x-chroma-token"), headers.get("authorization", "")[7:]):
                self._reply(401, b"who are you, " + headers.get("x-chroma-token", "nobody").encode())
            elif not self.path.startswith(f"{path}/"):
                self._reply(404, b"no such page")
            else:
                self._pass_on(body)

        def _pass_on(self, body: bytes) -> None:
            onward = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            onward.request(self.command, self.path[len(path) :], body, {"content-type": "application/json"})
            answer = onward.getresponse()
            self._reply(answer.status, answer.read())
            onward.close()

        do_GET = do_POST = do_PUT = do_DELETE = _handle

        def _reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "https" if tls is not None else "http"
    proxy.url = f"{scheme}://127.0.0.1:{server.server_address[1]}{path}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def self_made_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that only itself vouches for: its file, and what a server shows it with."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a group's own")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, secret = folder / "group.pem", folder / "group.key"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, secret)
    return public, context
