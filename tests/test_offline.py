"""Nothing leaves this computer: the guard itself, and import, ask and serve under it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag.errors import FootnoteError, OutboundBlocked
from rag.system import offline
from rag.system.offline import Attempt, allow_downloads, block_outbound, enforce_offline, is_local, self_test

DOCUMENTATION_V4, DOCUMENTATION_V6 = "192.0.2.1", "2001:db8::1"  # RFC 5737, RFC 3849: nobody is there


def udp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def connect_asynchronously() -> None:
    async def connect() -> None:
        await asyncio.get_running_loop().sock_connect(nonblocking(), (DOCUMENTATION_V4, 80))

    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(connect())).result()


def nonblocking() -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    return sock


WAYS_OUT: dict[str, Callable[[], object]] = {
    "connect": lambda: socket.socket().connect((DOCUMENTATION_V4, 80)),
    "connect_ex": lambda: socket.socket().connect_ex((DOCUMENTATION_V4, 80)),
    "connect by name": lambda: socket.socket().connect(("footnote.invalid", 80)),
    "sendto by name": lambda: udp().sendto(b"x", 0, ("footnote.invalid", 9)),
    "connect IPv6": lambda: socket.socket(socket.AF_INET6).connect((DOCUMENTATION_V6, 80)),
    "create_connection": lambda: socket.create_connection((DOCUMENTATION_V4, 80), timeout=1),
    "asyncio": connect_asynchronously,
    "UDP connect": lambda: udp().connect((DOCUMENTATION_V4, 9)),
    "sendto": lambda: udp().sendto(b"x", (DOCUMENTATION_V4, 9)),
    "sendmsg": lambda: udp().sendmsg([b"x"], [], 0, (DOCUMENTATION_V4, 9)),
    "getaddrinfo": lambda: socket.getaddrinfo("footnote.invalid", 80),
    "getaddrinfo of bytes": lambda: socket.getaddrinfo(b"footnote.invalid", 80),
    "gethostbyname": lambda: socket.gethostbyname("footnote.invalid"),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex("footnote.invalid"),
    "gethostbyaddr": lambda: socket.gethostbyaddr(DOCUMENTATION_V4),
    "getnameinfo": lambda: socket.getnameinfo((DOCUMENTATION_V4, 80), 0),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("way", WAYS_OUT)
def test_every_way_out_is_refused_and_recorded(way: str, outbound: list[Attempt]) -> None:
    with pytest.raises(OutboundBlocked, match="answers without a network"):
        WAYS_OUT[way]()
    assert len(outbound) == 1
    assert outbound[0].target.split(":80")[0].split(":9")[0] in (DOCUMENTATION_V4, DOCUMENTATION_V6, "footnote.invalid")
    assert outbound[0] == offline.blocked_attempts()[-1]
    outbound.clear()


def test_refusal_is_an_oserror_for_libraries_and_a_sentence_for_people(outbound: list[Attempt]) -> None:
    with pytest.raises(OSError, match=r"example\.org"):
        socket.create_connection(("example.org", 443))
    assert issubclass(OutboundBlocked, FootnoteError)
    outbound.clear()


def test_this_computer_can_be_reached(outbound: list[Attempt]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            with socket.create_connection((host, port)) as client:
                client.sendall(b"x")
                with server.accept()[0] as accepted:
                    assert accepted.recv(1) == b"x"
    left, right = socket.socketpair()
    left.close()
    right.close()
    assert socket.getaddrinfo("192.0.2.7", 80, flags=socket.AI_NUMERICHOST), "parsing an address needs no network"
    assert outbound == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.8.9.1", "localhost", "LOCALHOST.", "a.localhost", "::1", "::ffff:127.0.0.1", "", "0.0.0.0"],
)
def test_local_hosts(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "192.168.1.5",
        "128.0.0.1",
        "::ffff:192.0.2.1",
        "fe80::1%eth0",
        "localhost.example.org",
        "none",
        "1270.0.0.1",
    ],
)
def test_other_hosts(host: str) -> None:
    assert not is_local(host)


def test_environment_is_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user's environment says does not matter; a proxy on loopback would lead outside unseen."""
    for name in offline.OFFLINE_ENVIRONMENT:
        monkeypatch.setenv(name, "True")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    monkeypatch.setattr(offline._state, "proxies", {})
    enforce_offline()
    assert {name: os.environ[name] for name in offline.OFFLINE_ENVIRONMENT} == offline.OFFLINE_ENVIRONMENT
    assert "HTTPS_PROXY" not in os.environ


def test_block_holds_even_while_a_download_is_allowed(outbound: list[Attempt]) -> None:
    with allow_downloads(), pytest.raises(OutboundBlocked):
        socket.create_connection((DOCUMENTATION_V4, 80))
    outbound.clear()


def test_nested_blocks_each_see_the_attempt(outbound: list[Attempt]) -> None:
    with block_outbound() as inner:
        with pytest.raises(OutboundBlocked):
            socket.getaddrinfo("footnote.invalid", 1)
        assert inner == outbound == [Attempt("socket.getaddrinfo", "footnote.invalid")]
        outbound.clear()
    with pytest.raises(OutboundBlocked):
        socket.getaddrinfo("footnote.invalid", 1)
    assert len(inner) == 1
    outbound.clear()


def test_self_test_holds_and_would_notice_a_hole(monkeypatch: pytest.MonkeyPatch, outbound: list[Attempt]) -> None:
    assert self_test() == []
    monkeypatch.setattr(offline, "_PROBES", (*offline._PROBES, ("a hole", lambda: None)))
    assert self_test() == ["a hole"]
    outbound.clear()


# In processes of their own, where the guard is what the program itself installs.


def python(code: str, *, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def test_download_is_allowed_to_the_thread_that_asked_only() -> None:
    """Not 'does it connect' (nobody is there) but 'who refuses': the guard, or the network."""
    done = python(f"""
        import os, socket, threading
        from rag.errors import OutboundBlocked
        from rag.system.offline import allow_downloads, enforce_offline
        os.environ["https_proxy"] = "http://127.0.0.1:3128"
        enforce_offline()

        def refused():
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.connect(("{DOCUMENTATION_V4}", 9))  # UDP: nothing is sent
            except OutboundBlocked:
                return True
            except OSError:
                pass
            return False

        assert refused()
        with allow_downloads():
            assert not refused()
            assert os.environ["HF_HUB_OFFLINE"] == "0"
            assert os.environ["https_proxy"]
            others = []
            other = threading.Thread(target=lambda: others.append(refused()))
            other.start()
            other.join()
            assert others == [True]
        assert refused()
        assert os.environ["HF_HUB_OFFLINE"] == "1"
        assert "https_proxy" not in os.environ
    """)
    assert done.returncode == 0, done.stderr


def test_hugging_face_libraries_follow_the_switch() -> None:
    done = python("""
        from rag.system.offline import allow_downloads, enforce_offline
        enforce_offline()
        from huggingface_hub import constants
        assert constants.HF_HUB_OFFLINE and constants.HF_HUB_DISABLE_TELEMETRY
        with allow_downloads():
            assert not constants.is_offline_mode()
        assert constants.is_offline_mode()
    """)
    assert done.returncode == 0, done.stderr


PAPERS = [
    {
        "id": "moth",
        "title": "Counting moths with microphones",
        "abstract": "Moths are counted by hand today. We present a microphone array that counts moths at night. "
        "It finds 93% of the moths in a field test with 40 nights.",
    },
    {
        "id": "snow",
        "title": "Snow depth from satellite radar",
        "abstract": "Snow depth matters for water supply. We estimate snow depth from satellite radar with an error "
        "of 12 cm over the Alps.",
    },
]

# Runs in a network namespace of its own. The kernel counts what found no route, native code included.
DRIVER = """
import fcntl, json, os, signal, socket, struct, subprocess, sys, time, urllib.request

footnote, papers, library = sys.argv[1], sys.argv[2], sys.argv[3]
if len(sys.argv) > 4:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: loopback up and running

def unroutable():
    with open("/proc/self/net/snmp") as lines:
        names, values = [line.split() for line in lines if line.startswith("Ip:")]
    with open("/proc/self/net/snmp6") as lines:
        six = [line.split()[1] for line in lines if line.startswith("Ip6OutNoRoutes")]
    return int(values[names.index("OutNoRoutes")]) + sum(map(int, six))

def run(*arguments):
    done = subprocess.run([footnote, *arguments, "--library", library], capture_output=True, text=True, timeout=100)
    sys.stderr.write(f"$ footnote {' '.join(arguments)}\\n{done.stdout}{done.stderr}\\n")
    assert done.returncode == 0, arguments
    return done.stdout

counts = [unroutable()] if len(sys.argv) > 4 else []
run("import", papers)
answer = json.loads(run("ask", "How many of the moths does the microphone array find?", "--json"))
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
server = subprocess.Popen([footnote, "serve", "--port", str(port), "--library", library], stderr=subprocess.PIPE)
try:
    for _ in range(300):
        assert server.poll() is None, server.stderr.read().decode()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
                html = page.read().decode()
                break
        except OSError:
            time.sleep(0.2)
    else:
        raise AssertionError("the chat did not come up")
finally:
    server.send_signal(signal.SIGINT)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
counts += [unroutable()] if len(sys.argv) > 4 else []
print(json.dumps({"answer": answer, "html": html, "counts": counts}))
"""


def footnote_command() -> str:
    return str(Path(sys.executable).parent / "footnote")


def no_network_prefix() -> list[str]:
    """How to run a command with nothing but loopback, empty where this system does not offer it."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return []
    prefix = ["unshare", "--net", "--map-root-user"]
    return prefix if subprocess.run([*prefix, "true"], capture_output=True, timeout=10).returncode == 0 else []


def drive(tmp_path: Path, prefix: list[str]) -> dict[str, object]:
    papers = tmp_path / "papers.jsonl"
    papers.write_text("".join(json.dumps(paper) + "\n" for paper in PAPERS), encoding="utf-8")
    arguments = [footnote_command(), str(papers), str(tmp_path / "library"), *(["namespace"] if prefix else [])]
    done = subprocess.run(
        [*prefix, sys.executable, "-c", DRIVER, *arguments], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout)
    return result


@pytest.mark.slow
def test_import_ask_and_serve_without_a_network(tmp_path: Path) -> None:
    """The whole program where only loopback exists, and the kernel counts every packet that found no way.

    Where the system has no network namespaces (macOS), the program runs under its own guard alone.
    """
    prefix = no_network_prefix()
    result = drive(tmp_path, prefix)
    answer = result["answer"]
    assert isinstance(answer, dict)
    assert answer["refusal"] is None
    assert answer["citations"][0]["paper_id"] == "moth"
    assert "93%" in answer["answer"]
    assert "gradio" in str(result["html"]).lower()
    if prefix:
        assert result["counts"] == [0, 0], "something tried to leave this computer"


@pytest.mark.skipif(not no_network_prefix(), reason="this system has no network namespaces for users")
def test_the_kernel_counts_what_the_guard_cannot_see() -> None:
    """The instrument of the test above shows an attempt when there is one."""
    code = (
        DRIVER[: DRIVER.index("def run(")]
        + f"""
before = unroutable()
try:
    socket.socket().connect(("{DOCUMENTATION_V4}", 80))
except OSError:
    pass
print(unroutable() - before)
"""
    )
    done = subprocess.run(
        [*no_network_prefix(), sys.executable, "-c", code, "", "", "", "namespace"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout.strip() == "1", done.stderr


def test_guard_costs_next_to_nothing() -> None:
    """A hook that slowed every import and every opened file down would be noticed by the user."""
    enforce_offline()
    calls = 20_000
    begin = time.perf_counter()
    for _ in range(calls):
        sys.audit("open", "file", "r", 0)
    assert (time.perf_counter() - begin) / calls < 20e-6


def test_the_page_runs_on_an_event_loop_that_the_guard_sees() -> None:
    """uvloop looks names up and connects in native code; a request to the page must not get out through it."""
    code = (
        "from rag.system.offline import enforce_offline; enforce_offline()\n"
        "from uvicorn.config import Config\n"
        "from rag.errors import OutboundBlocked\n"
        "factory = Config(lambda: None).get_loop_factory()\n"
        "loop = factory()\n"
        "for way in (loop.getaddrinfo('footnote.invalid', 80), loop.create_connection(object, '192.0.2.1', 80)):\n"
        "    try:\n"
        "        loop.run_until_complete(way)\n"
        "    except OutboundBlocked:\n"
        "        print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["refused", "refused"], done.stderr


# Servers that the user named


def tried(named: str, events: str) -> list[str]:
    """What the guard says of each of ``events`` (a list of ``sys.audit`` arguments) in a process that named a server.

    The events are raised as Python raises them before it connects, so that no packet is sent.
    """
    code = f"""
        import socket, sys
        from rag.errors import OutboundBlocked
        from rag.system.offline import block_outbound, enforce_offline, let_through
        enforce_offline()
        let_through(*{named})
        four, six = socket.socket(), socket.socket(socket.AF_INET6)
        for event in {" ".join(events.split())}:
            try:
                sys.audit(*event)
                print("through")
            except OutboundBlocked:
                print("refused")
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=60
    )
    return run.stdout.split()


def test_a_named_address_is_reached_at_its_port_alone() -> None:
    events = """[
        ("socket.connect", four, ("192.0.2.1", 8080)),
        ("socket.connect", four, ("192.0.2.1", 80)),
        ("socket.connect", four, ("192.0.2.2", 8080)),
        ("socket.sendto", four, ("192.0.2.1", 8080)),
        ("socket.getaddrinfo", "192.0.2.1", 8080, 0, 0, 0),
        ("socket.getaddrinfo", "footnote.invalid", 8080, 0, 0, 0),
    ]"""
    assert tried('("192.0.2.1", 8080)', events) == ["through", "refused", "refused", "refused", "through", "refused"]


def test_a_named_ipv6_address_is_the_same_however_it_is_written() -> None:
    events = """[
        ("socket.connect", six, ("2001:db8:0:0::1", 443, 0, 0)),
        ("socket.connect", six, ("2001:db8::2", 443, 0, 0)),
    ]"""
    assert tried('("2001:DB8::1", 443)', events) == ["through", "refused"]


def test_a_named_host_is_looked_up_and_reached_at_what_was_found() -> None:
    events = """[
        ("socket.connect", four, ("192.0.2.1", 8080)),
        ("socket.getaddrinfo", "Box.invalid.", 8080, 0, 0, 0),
        ("socket.gethostbyaddr", "192.0.2.1"),
    ]"""
    assert tried('("box.invalid", 8080)', events) == ["refused", "through", "refused"]

    from rag.system.named_servers import NamedServers

    servers = NamedServers()
    servers.add("box.invalid", 8080)
    look_up = servers.noting(lambda host, *rest: [(2, 1, 6, "", ("192.0.2.1", 8080))])
    look_up("other.invalid", 8080)
    assert not servers.may_reach("192.0.2.1", 8080)
    look_up(b"BOX.invalid", 8080)
    assert servers.may_reach("192.0.2.1", 8080)
    assert not servers.may_reach("192.0.2.1", 22)


def test_within_a_block_a_named_server_is_refused_too() -> None:
    run = subprocess.run(
        [
            sys.executable, "-c",
            "import socket\n"
            "from rag.system.offline import block_outbound, enforce_offline, let_through\n"
            "enforce_offline(); let_through('192.0.2.1', 8080)\n"
            "with block_outbound():\n    socket.socket().connect(('192.0.2.1', 8080))",
        ],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "OutboundBlocked" in run.stderr
