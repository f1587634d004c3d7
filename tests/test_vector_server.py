"""Libraries whose vectors lie in a Chroma server: the real one, on loopback, killed and started again in the middle."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from rag.errors import LibraryError, VectorServerError
from rag.library.library import Library
from rag.library.storage import chroma_server
from rag.library.storage.chroma_server import ChromaConnection, ChromaServer
from rag.library.storage.vector_place import VectorPlace
from rag.system.offline import Attempt
from rag.system.server_address import read_address
from tests.chroma_servers import ChromaProcess, chroma_run, named, proxy_before, self_made_certificate
from tests.library_parts import WordEncoder, made_papers

ID = WordEncoder().id
DAMAGED = "with every passage"  # the warning of a search that does without the index


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaProcess]:
    """One server for all; what a test kills it starts again."""
    with chroma_run(tmp_path_factory.mktemp("chroma")) as process:
        yield process


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is away is not waited for."""
    monkeypatch.setattr(chroma_server, "_PAUSES_S", (0.01,))


def question(text: str) -> np.ndarray:
    return WordEncoder().encode([text])[0]


def make(path: Path, server: ChromaServer | None, count: int = 40) -> Path:
    with Library.create(path, embedder=ID, server=server) as library:
        library.add(made_papers(count), WordEncoder())
    return path


def found(path: Path, server: ChromaServer | None, k: int = 10_000) -> dict[str, float]:
    with Library.open(path, embedder=ID, server=server) as library:
        return {passage.id: round(score, 4) for passage, score in library.dense(question("topic7 matter"), k)}


def collections(server: ChromaServer) -> set[str]:
    connection = ChromaConnection(server)
    try:
        listed = connection.call(lambda api: api.list_collections(tenant=server.tenant, database=server.database))
        return {one.name for one in listed}
    finally:
        connection.close()


def problems(path: Path, server: ChromaServer | None) -> list[str]:
    with Library.open(path, embedder=ID, server=server) as library:
        return library.verify()


# --- the same as in the folder ---


def test_import_search_change_and_remove(tmp_path: Path, chroma: ChromaProcess) -> None:
    server = chroma.server()
    path, local = make(tmp_path / "group", server), make(tmp_path / "own", None)
    assert not (path / "chroma").exists(), "nothing of them lies in the folder"
    with Library.open(path, embedder=ID, server=server) as library:
        assert library.vectors_at == server
    assert found(path, server) == found(local, None)
    for one, where in ((path, server), (local, None)):
        with Library.open(one, embedder=ID, read_only=False, server=where) as library:
            assert library.remove(["made00007", "made00011"]) == 2
            library.add(made_papers(6, start=90), WordEncoder())
    assert found(path, server) == found(local, None)
    assert "made00007#0" not in found(path, server)
    assert problems(path, server) == []


def test_readers_elsewhere_see_what_a_writer_adds(tmp_path: Path, chroma: ChromaProcess) -> None:
    server = chroma.server()
    path = make(tmp_path / "group", server)
    with Library.open(path, embedder=ID, server=server) as reader:
        assert reader.dense(question("topic3"), 3)
        with Library.open(path, embedder=ID, read_only=False, server=server) as writer:
            writer.add(made_papers(5, start=500), WordEncoder())
            writer.rebuild()  # another collection of the same name
        ids = {passage.paper_id for passage, _ in reader.dense(question("topic503 matter"), 10_000)}
        assert {f"made{i:05d}" for i in range(500, 505)} <= ids


def test_libraries_share_a_server_and_each_has_a_collection(tmp_path: Path, chroma: ChromaProcess) -> None:
    server = chroma.server(tenant="sharing", database="libraries")
    first, second = make(tmp_path / "a" / "same name", server, 5), make(tmp_path / "b" / "same name", server, 9)
    assert len(collections(server)) == 2
    assert (len(found(first, server)), len(found(second, server))) == (10, 18)


def test_tenants_and_databases_are_made_and_kept_apart(tmp_path: Path, chroma: ChromaProcess) -> None:
    server = chroma.server(tenant="geology", database="rocks")
    path = make(tmp_path / "group", server, 5)
    assert len(collections(server)) == 1
    assert not {one for one in collections(chroma.server()) if one in collections(server)}
    other = chroma.server(tenant="geology", database="minerals")
    for read_only in (True, False):
        with (
            pytest.raises(LibraryError, match=r"geology/rocks.*geology/minerals.*doctor --repair"),
            Library.open(path, embedder=ID, read_only=read_only, server=other) as library,
        ):
            library.dense(question("topic3"), 3)
    left = Library.repair(path, embedder=ID, server=other)
    assert left is not None and left.collection in collections(server), "what may be another's is left"
    assert len(found(path, other)) == 10 and problems(path, other) == []


def test_the_langchain_store_searches_the_server(tmp_path: Path, chroma: ChromaProcess) -> None:
    server = chroma.server()
    with Library.open(make(tmp_path / "group", server), embedder=ID, server=server) as library:
        documents = library.vectorstore(WordEncoder()).similarity_search("topic7 matter", k=3)
        assert documents[0].page_content


# --- going over ---


def test_an_embedded_library_stays_so_and_says_how_to_go_over(
    tmp_path: Path, chroma: ChromaProcess, caplog: pytest.LogCaptureFixture
) -> None:
    server = chroma.server()
    path = make(tmp_path / "own", None)
    before = found(path, None)
    with caplog.at_level(logging.WARNING):
        assert found(path, server) == before
    assert f"doctor --repair --library {path}" in caplog.text and DAMAGED not in caplog.text
    with Library.open(path, embedder=ID, read_only=False, server=server) as library:
        library.add(made_papers(1, start=700), WordEncoder())
        assert library.vectors_at is None
    assert Library.repair(path, embedder=ID, server=server) is None
    assert not (path / "chroma").exists()
    assert found(path, server).keys() == before.keys() | {"made00700#0", "made00700#1"}
    assert problems(path, server) == []


def test_a_library_of_a_server_says_how_to_come_back(tmp_path: Path, chroma: ChromaProcess) -> None:
    server = chroma.server()
    path = make(tmp_path / "group", server)
    before = found(path, server)
    for read_only in (True, False):
        with pytest.raises(LibraryError, match=r"127\.0\.0\.1.*FOOTNOTE_CHROMA_URL.*doctor --repair"):
            Library.open(path, embedder=ID, read_only=read_only)
    left = Library.repair(path, embedder=ID)
    assert left is not None and left.collection in collections(server)
    assert found(path, None) == before and problems(path, None) == []


def test_nothing_changes_where_the_server_to_go_to_is_away(tmp_path: Path, impatient: None) -> None:
    path = make(tmp_path / "own", None, 5)
    before = found(path, None)
    with pytest.raises(VectorServerError, match="nothing listens there"):
        Library.repair(path, embedder=ID, server=named("http://127.0.0.1:9"))
    assert found(path, None) == before and problems(path, None) == []


def test_an_empty_library_goes_over_by_itself(tmp_path: Path, chroma: ChromaProcess) -> None:
    server = chroma.server()
    path = make(tmp_path / "own", None, 0)
    with Library.open(path, embedder=ID, read_only=False, server=server) as library:
        library.add(made_papers(3), WordEncoder())
        assert library.vectors_at == server


# --- copies and backups ---


def test_a_copied_folder_notices_that_the_original_has_gone_on(
    tmp_path: Path, chroma: ChromaProcess, caplog: pytest.LogCaptureFixture
) -> None:
    server = chroma.server(tenant="copies", database="folders")
    path = make(tmp_path / "group", server)
    copy = Path(shutil.copytree(path, tmp_path / "copy"))
    assert found(copy, server) == found(path, server)
    with Library.open(path, embedder=ID, read_only=False, server=server) as library:
        library.remove(["made00007"])
        library.add(made_papers(2, start=800), WordEncoder())
    with caplog.at_level(logging.WARNING):
        assert "made00007#0" in found(copy, server), "from its own database, not from what the other left"
    assert DAMAGED in caplog.text and "doctor --repair" in caplog.text
    Library.open(copy, embedder=ID, read_only=False, server=server).close()
    caplog.clear()
    assert "made00007#0" in found(copy, server) and "made00800#0" not in found(copy, server)
    assert "made00007#0" not in found(path, server) and "made00800#0" in found(path, server)
    assert DAMAGED not in caplog.text
    assert len(collections(server)) == 2
    assert problems(copy, server) == problems(path, server) == []


def test_two_copies_that_are_open_at_once_part(tmp_path: Path, chroma: ChromaProcess) -> None:
    server = chroma.server()
    path = make(tmp_path / "group", server)
    copy = Path(shutil.copytree(path, tmp_path / "copy"))
    with (
        Library.open(path, embedder=ID, read_only=False, server=server) as one,
        Library.open(copy, embedder=ID, read_only=False, server=server) as two,
    ):
        one.add(made_papers(2, start=800), WordEncoder())
        two.add(made_papers(2, start=900), WordEncoder())
        assert one.verify() == two.verify() == []
    assert not found(path, server).keys() & {"made00900#0"}
    assert not found(copy, server).keys() & {"made00800#0"}


def test_a_collection_that_is_gone_is_made_again_by_the_next_writer(
    tmp_path: Path, chroma: ChromaProcess, caplog: pytest.LogCaptureFixture
) -> None:
    server = chroma.server(tenant="emptied", database="libraries")
    path = make(tmp_path / "group", server)
    before = found(path, server)
    connection = ChromaConnection(server)
    for name in collections(server):
        chroma_server.delete_collection(connection, name)
    connection.close()
    with caplog.at_level(logging.WARNING):
        assert found(path, server) == pytest.approx(before, abs=0.001), "the stored vectors are rounded"
    assert DAMAGED in caplog.text
    Library.open(path, embedder=ID, read_only=False, server=server).close()
    assert problems(path, server) == [] and found(path, server) == before


def test_a_writer_that_dies_between_server_and_database_goes_on(
    tmp_path: Path, chroma: ChromaProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = chroma.server(tenant="dying", database="writers")
    path = make(tmp_path / "group", server)
    before = collections(server)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with Library.open(path, embedder=ID, read_only=False, server=server) as library:
        monkeypatch.setattr(VectorPlace, "write", die)
        with pytest.raises(KeyboardInterrupt):
            library.add(made_papers(4, start=600), WordEncoder())
        monkeypatch.undo()
    with caplog.at_level(logging.WARNING):
        assert {"made00600#0", "made00039#1"} <= found(path, server).keys()
        Library.open(path, embedder=ID, read_only=False, server=server).close()
    assert not caplog.records and collections(server) == before, "the same collection, gone on with"
    assert problems(path, server) == [] and len(found(path, server)) == 88


# --- a server that goes away ---


def test_a_server_that_is_killed_while_somebody_searches(
    tmp_path: Path, chroma: ChromaProcess, impatient: None
) -> None:
    server = chroma.server()
    path = make(tmp_path / "group", server)
    with Library.open(path, embedder=ID, server=server) as library:
        before = library.dense(question("topic7 matter"), 5)
        chroma.kill()
        with pytest.raises(VectorServerError, match=r"Chroma server at 127\.0\.0\.1:\d+ does not answer.*Start it"):
            library.dense(question("topic7 matter"), 5)
        assert library.lexical("topic7 matter", 5), "words need no server"
        assert len(library.papers()) == 40
        chroma.start()
        assert library.dense(question("topic7 matter"), 5) == before


@pytest.mark.parametrize("calls", [4, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3, 5, 6, 7, 8, 9))])
def test_a_server_that_is_killed_during_an_import(
    tmp_path: Path, chroma: ChromaProcess, impatient: None, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """At any step of a batch: what was stored stays, and the next import goes on with it."""
    server = chroma.server()
    path = make(tmp_path / "group", server)
    call, made = ChromaConnection.call, []

    def dying(self: ChromaConnection, work: object) -> object:
        made.append(1)
        if len(made) == calls:
            chroma.kill()
        return call(self, work)  # type: ignore[arg-type]

    with (
        pytest.raises(VectorServerError, match="FOOTNOTE_CHROMA_URL"),
        Library.open(path, embedder=ID, read_only=False, server=server) as library,
    ):
        monkeypatch.setattr(ChromaConnection, "call", dying)
        library.remove(["made00003"])
        library.add(made_papers(140, start=100), WordEncoder())
    monkeypatch.undo()
    with pytest.raises(VectorServerError):
        Library.open(path, embedder=ID, read_only=False, server=server)
    chroma.start()
    assert all(not one.startswith("made00003#") for one in found(path, server))
    encoder = WordEncoder()
    with Library.open(path, embedder=ID, read_only=False, server=server) as library:
        library.remove(["made00003"])
        library.add(made_papers(140, start=100), encoder)
        assert library.count == 179 and library.verify() == []
    assert len(found(path, server)) == 2 * 179


def test_a_server_that_is_started_anew_within_seconds_is_waited_for(tmp_path: Path, chroma: ChromaProcess) -> None:
    server = chroma.server()
    path = make(tmp_path / "group", server, 5)
    with Library.open(path, embedder=ID, read_only=False, server=server) as library:
        chroma.kill()
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            chroma.start()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(chroma_server, "time", SimpleNamespace(sleep=pause))
            library.add(made_papers(3, start=50), WordEncoder())
        assert len(pauses) == 1 and library.verify() == []


# --- token, path, TLS, and what is no Chroma server ---


def test_a_token_is_sent_and_never_shown(tmp_path: Path, chroma: ChromaProcess) -> None:
    token = "s3cr3t-of-the-group"
    with proxy_before(chroma.port, token, path="/chroma") as proxy:
        server = named(proxy.url, token=token)
        path = make(tmp_path / "group", server, 5)
        assert len(found(path, server)) == 10
        assert {one["x-chroma-token"] for one in proxy.asked} == {token}
        assert {one["authorization"] for one in proxy.asked} == {f"Bearer {token}"}
        with pytest.raises(VectorServerError, match="Set FOOTNOTE_CHROMA_TOKEN"):
            found(path, named(proxy.url))
        with pytest.raises(VectorServerError, match="none that it takes") as caught:
            found(path, named(proxy.url, token="an0ther-secret"))
        assert "an0ther-secret" not in str(caught.value) and token not in repr(server)
    assert token.encode() not in (path / "papers.sqlite").read_bytes()


def test_tls_with_a_certificate_of_ones_own(
    tmp_path: Path, chroma: ChromaProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, tls = self_made_certificate(tmp_path)
    with proxy_before(chroma.port, tls=tls) as proxy:
        server = named(proxy.url)
        with pytest.raises(VectorServerError, match="SSL_CERT_FILE"):
            ChromaConnection(server).version()
        with pytest.raises(VectorServerError, match=r"connection|version 1"):
            ChromaConnection(named(proxy.url.replace("https", "http"))).version()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert len(found(make(tmp_path / "group", server, 5), server)) == 10
    with pytest.raises(VectorServerError, match="http://"):
        ChromaConnection(named(chroma.url.replace("http", "https"))).version()


def test_what_is_no_chroma_server_is_called_so(chroma: ChromaProcess, impatient: None) -> None:
    with (
        proxy_before(chroma.port, path="/elsewhere") as proxy,
        pytest.raises(VectorServerError, match=r"not a Chroma server.*404.*FOOTNOTE_CHROMA_URL"),
    ):
        ChromaConnection(named(proxy.url.replace("/elsewhere", ""))).version()
    with pytest.raises(VectorServerError, match="nothing listens there"):
        ChromaConnection(named("http://127.0.0.1:9")).version()


def test_neither_proxies_nor_other_addresses_are_used(
    chroma: ChromaProcess, monkeypatch: pytest.MonkeyPatch, outbound: list[Attempt]
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert ChromaConnection(chroma.server()).version()
    with pytest.raises(VectorServerError, match="refused: Footnote answers without a network"):
        ChromaConnection(ChromaServer(read_address("http://192.0.2.7:8000", "chroma_url"))).version()
    outbound.clear()
