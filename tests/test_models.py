"""The registry of GGUFs: what a file is and is called, the bundled model, and a download from a hub on loopback."""

from __future__ import annotations

import contextlib
import http.server
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from ggufs import truncated, write_llama
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import ModelError, ModelNotFound, OutboundBlocked
from rag.generation.models import (
    BUNDLED,
    Offer,
    add_model,
    fits,
    inspect_gguf,
    list_models,
    memory_available,
    memory_needed,
    prepare_bundled,
    pull_model,
    recommended,
    remove_model,
    resolve_model,
)
from rag.generation.models import bundled as bundled_module
from rag.generation.models.bundled import packaged_model
from rag.system.hashing import sha256_of


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_llama(tmp_path_factory.mktemp("ggufs") / "Tiny Model.gguf", context=512)


# What a file is


def test_a_header_says_what_the_model_is(tiny: Path) -> None:
    info = inspect_gguf(tiny)
    assert (info.architecture, info.name, info.version) == ("llama", "Tiny", 3)
    assert info.context == 512
    assert info.has_chat_template
    assert info.quantisation == "F32"
    assert info.size == tiny.stat().st_size
    assert info.kv_bytes == 2 * 2 * 64 * 2  # keys and values, layers, width, bytes a number


def test_the_header_agrees_with_llama_cpp(shared_home: Path) -> None:
    import llama_cpp

    path = prepare_bundled(shared_home)
    info = inspect_gguf(path)
    llama = llama_cpp.Llama(str(path), n_ctx=64, vocab_only=False, verbose=False)
    assert info.parameters == llama_cpp.llama_model_n_params(llama.model)
    assert info.context == llama_cpp.llama_model_n_ctx_train(llama.model)
    assert info.quantisation == "Q4_0"
    llama.close()


def test_a_header_is_read_quickly_however_large_the_file(tiny: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.gguf"
    large.write_bytes(tiny.read_bytes())
    with large.open("r+b") as file:
        file.truncate(4_000_000_000)  # sparse
    begun = time.perf_counter()
    assert inspect_gguf(large).size == 4_000_000_000
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda t, tiny: t / "none.gguf", "There is no file"),
        (lambda t, tiny: t, "is a folder"),
        (lambda t, tiny: _with(t / "a.gguf", b""), "too short"),
        (lambda t, tiny: _with(t / "a.gguf", b"PK\3\4" + bytes(100)), "not a GGUF file"),
        (lambda t, tiny: _with(t / "a.gguf", b"GGUF\x01" + bytes(100)), "version 1"),
        (lambda t, tiny: _with(t / "a.gguf", b"GGUF\x03\0\0\0" + bytes(100)), "holds no weights"),
        (lambda t, tiny: _with(t / "a.gguf", b"GGUF\x03\0\0\0" + b"\xff" * 100), "damaged"),
        (lambda t, tiny: truncated(tiny, t / "a.gguf", 0.9), "was cut off: 0.0 MB are missing"),
        (lambda t, tiny: truncated(tiny, t / "a.gguf", 0.01), "damaged or was cut off within its header"),
        (lambda t, tiny: write_llama(t / "a.gguf", architecture="bert"), "does not write text"),
        (lambda t, tiny: write_llama(t / "a.gguf", architecture="clip", kind="mmproj"), "does not write text"),
        (lambda t, tiny: write_llama(t / "a.gguf", architecture="oddity"), "'oddity', which is not supported"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, tiny: Path, make: Callable[[Path, Path], Path], said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        inspect_gguf(make(tmp_path, tiny))


def _with(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_header_is_a_model_error_or_harmless(tiny: Path, tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(tiny.read_bytes()[:9000])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.gguf"
    path.write_bytes(bytes(raw))
    with contextlib.suppress(ModelError):  # a damage may also make another model of it
        assert inspect_gguf(path).size == len(raw)


# Names


def test_a_model_is_registered_where_it_lies(footnote_home: Path, tiny: Path) -> None:
    added = add_model(footnote_home, tiny)
    assert added.name == "tiny-model"
    assert added.path == tiny.resolve()
    assert added.sha256 == sha256_of(tiny)
    assert list_models(footnote_home) == [added] == [resolve_model(footnote_home, "tiny-model")]
    assert add_model(footnote_home, tiny) == added
    assert [p.suffix for p in (footnote_home / "models").iterdir() if p.suffix == ".gguf"] == []
    remove_model(footnote_home, "tiny-model")
    assert list_models(footnote_home) == []
    with pytest.raises(ModelNotFound, match="'tiny-model' is not registered"):
        remove_model(footnote_home, "tiny-model")


def test_a_path_is_a_model_too(footnote_home: Path, tiny: Path) -> None:
    assert resolve_model(footnote_home, str(tiny)).sha256 == sha256_of(tiny)
    assert list_models(footnote_home) == []
    with pytest.raises(ModelError, match="There is no file"):
        resolve_model(footnote_home, str(tiny.parent / "other.gguf"))


def test_an_unknown_name_lists_the_known_ones(footnote_home: Path, tiny: Path) -> None:
    add_model(footnote_home, tiny, "mine")
    with pytest.raises(ModelNotFound, match="Known are: mine, quote, smollm2"):
        resolve_model(footnote_home, "thine")


def test_a_recommended_model_that_is_not_here_says_how_to_get_it(footnote_home: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"footnote models pull qwen2\.5-0\.5b"):
        resolve_model(footnote_home, "qwen2.5-0.5b")


@pytest.mark.parametrize("name", ["smollm2", "quote", "../x", "Ä", "a b", "-x"])
def test_a_name_that_cannot_be(footnote_home: Path, tiny: Path, name: str) -> None:
    with pytest.raises(ModelError, match="cannot be the name"):
        add_model(footnote_home, tiny, name)


def test_a_name_belongs_to_one_file(footnote_home: Path, tiny: Path, tmp_path: Path) -> None:
    add_model(footnote_home, tiny, "mine")
    with pytest.raises(ModelError, match="already the name of"):
        add_model(footnote_home, write_llama(tmp_path / "b.gguf"), "mine")


def test_a_base_model_is_not_registered(footnote_home: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no chat template"):
        add_model(footnote_home, write_llama(tmp_path / "base.gguf", template=None))


def test_a_changed_file_is_noticed(footnote_home: Path, tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf")
    before = add_model(footnote_home, path)
    write_llama(path, seed=1)
    os.utime(path, ns=(1, 1))
    assert "has changed" in list_models(footnote_home)[0].problem
    after = resolve_model(footnote_home, "m")
    assert after.sha256 == sha256_of(path) != before.sha256
    assert list_models(footnote_home)[0].problem == ""
    path.unlink()
    assert list_models(footnote_home)[0].problem == "its file is gone"
    with pytest.raises(ModelError, match="There is no file"):
        resolve_model(footnote_home, "m")


def test_an_unchanged_file_is_not_read_again(footnote_home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_model(footnote_home, tiny, "mine")
    monkeypatch.setattr("rag.system.hashing.file_digest", None)
    assert resolve_model(footnote_home, "mine").name == "mine"
    assert resolve_model(footnote_home, str(tiny)).name == "mine"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 9, "models": {}}', '{"format": 1, "models": {"a": {}}}'])
def test_a_damaged_list_of_models_says_what_to_do(footnote_home: Path, text: str) -> None:
    (footnote_home / "models").mkdir()
    (footnote_home / "models" / "registry.json").write_text(text)
    with pytest.raises(ModelError, match="Delete it and add your models again"):
        list_models(footnote_home)


def test_models_added_at_once_are_all_kept(footnote_home: Path, tmp_path: Path) -> None:
    paths = [write_llama(tmp_path / f"m{n}.gguf", seed=n) for n in range(4)]
    workers = [multiprocessing.get_context("fork").Process(target=add_model, args=(footnote_home, p)) for p in paths]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [m.name for m in list_models(footnote_home)] == ["m0", "m1", "m2", "m3"]
    assert not list((footnote_home / "models").glob("*.tmp"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to(footnote_home: Path, tiny: Path) -> None:
    footnote_home.chmod(0o500)
    with pytest.raises(ModelError, match="cannot be written to"):
        add_model(footnote_home, tiny)


def test_a_home_that_is_a_file_is_an_error(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(ModelError, match="cannot be written to"):
        add_model(tmp_path / "home", tiny)
    with pytest.raises(ModelError, match="cannot be prepared"):
        prepare_bundled(tmp_path / "home")


# The bundled model


def test_the_bundled_model_is_prepared_once(shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = prepare_bundled(shared_home)
    made = path.stat().st_mtime_ns
    monkeypatch.setattr("rag.system.hashing.file_digest", None)
    assert prepare_bundled(shared_home) == path
    assert path.stat().st_mtime_ns == made
    model = resolve_model(shared_home, BUNDLED)
    assert (model.path, model.info.quantisation) == (path, "Q4_0")
    assert not list(path.parent.glob(".*.tmp"))


def test_a_bundled_model_that_was_touched_is_hashed_and_one_that_was_damaged_is_made_again(
    footnote_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = prepare_bundled(footnote_home)
    digest = sha256_of(path)
    inode = path.stat().st_ino
    os.utime(path, ns=(1, 1))
    assert prepare_bundled(footnote_home).stat().st_ino == inode
    path.write_bytes(path.read_bytes()[:1000])
    prepare_bundled(footnote_home)
    assert sha256_of(path) == digest
    assert capfd.readouterr() == ("", "")


def test_a_packaged_file_that_is_not_the_published_one_is_refused(
    footnote_home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundled_module, "packaged_model", lambda: tiny)
    with pytest.raises(ModelError, match="not the published file"):
        prepare_bundled(footnote_home)


def test_an_installation_without_the_package_says_so(footnote_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled_module, "PACKAGE", "no_such_package_at_all")
    assert packaged_model() is None
    with pytest.raises(ModelError, match="make install"):
        prepare_bundled(footnote_home)


# Memory


def test_what_is_needed_grows_with_the_context() -> None:
    assert memory_needed(10, 100, 4096) - memory_needed(10, 100, 2048) == 100 * 2048
    assert memory_available() > 0
    assert fits(1000, 100)
    assert not fits(10**15, 100)


# Recommended models and the download


def test_recommended_models_say_all_that_a_user_must_know() -> None:
    offers = recommended()
    assert len({o.name for o in offers}) == len(offers) >= 4
    assert [o.size for o in offers] == sorted(o.size for o in offers)
    for offer in offers:
        assert offer.command == f"footnote models pull {offer.name}"
        assert offer.licence == "Apache-2.0"
        assert offer.memory > offer.size
        assert len(offer.sha256) == 64
        assert len(offer.revision) == 40
        assert offer.repository.count("/") == 1


@pytest.fixture
def hub(tiny: Path) -> Iterator[tuple[str, list[str]]]:
    """A hub on loopback that has one file, and what was asked of it."""
    data, asked = tiny.read_bytes(), []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            asked.append(f"{self.command} {self.path}")
            if not self.path.startswith("/owner/repo/resolve/main/tiny.gguf"):
                self.send_error(404)
                return
            begin = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(data) - begin))
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
            self.send_header("ETag", f'"{sha256(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.end_headers()
            if body:
                self.wfile.write(data[begin:])

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def offer(tiny: Path) -> Offer:
    data = tiny.read_bytes()
    digest = sha256(data).hexdigest()
    return Offer("tiny", "Tiny", "owner/repo", "tiny.gguf", "main", len(data), digest, "MIT", 100, "")


def test_a_model_is_downloaded_verified_and_registered(
    footnote_home: Path, hub: tuple[str, list[str]], offer: Offer
) -> None:
    model = pull_model(footnote_home, "tiny", offers=(offer,), endpoint=hub[0])
    assert (model.name, model.sha256) == ("tiny", offer.sha256)
    assert model.path == footnote_home / "models" / "tiny.gguf"
    assert resolve_model(footnote_home, "tiny") == model
    assert sorted(p.name for p in (footnote_home / "models").iterdir() if p.suffix != ".lock") == [
        "registry.json",
        "tiny.gguf",
    ]
    before = len(hub[1])
    assert pull_model(footnote_home, "tiny", offers=(offer,), endpoint=hub[0]) == model
    assert len(hub[1]) == before, "a complete file is not asked for again"


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size": 17}])
def test_a_file_that_is_not_the_published_one_is_thrown_away(
    footnote_home: Path, hub: tuple[str, list[str]], offer: Offer, wrong: dict[str, object]
) -> None:
    with pytest.raises(ModelError, match="not the file that was chosen"):
        pull_model(footnote_home, "tiny", offers=(replace(offer, **wrong),), endpoint=hub[0])  # type: ignore[arg-type]
    assert list_models(footnote_home) == []
    assert not list(footnote_home.rglob("*.gguf"))


def test_without_a_network_the_download_says_so(footnote_home: Path, offer: Offer) -> None:
    with pytest.raises(ModelError, match="Check the network and repeat"):
        pull_model(footnote_home, "tiny", offers=(offer,), endpoint="http://127.0.0.1:9")
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_a_file_that_the_hub_does_not_have(footnote_home: Path, hub: tuple[str, list[str]], offer: Offer) -> None:
    with pytest.raises(ModelError, match="could not be downloaded"):
        pull_model(footnote_home, "tiny", offers=(replace(offer, file="none.gguf"),), endpoint=hub[0])


def test_a_full_disk_is_said_before_the_download(footnote_home: Path, hub: tuple[str, list[str]], offer: Offer) -> None:
    with pytest.raises(ModelError, match="Free some space"):
        pull_model(footnote_home, "tiny", offers=(replace(offer, size=10**16),), endpoint=hub[0])
    assert hub[1] == []


def test_only_recommended_models_can_be_downloaded(footnote_home: Path) -> None:
    with pytest.raises(ModelNotFound, match="these can: smollm2-360m"):
        pull_model(footnote_home, "gpt-9")


def test_the_guard_still_holds_where_downloads_are_refused(
    footnote_home: Path, offer: Offer, outbound: list[object]
) -> None:
    """What blocks outbound connections stands above a download, here the fixture of all tests."""
    with pytest.raises((ModelError, OutboundBlocked)):
        pull_model(footnote_home, "tiny", offers=(offer,), endpoint="http://192.0.2.1")
    assert outbound
    outbound.clear()


def test_the_registry_is_plain_json(footnote_home: Path, tiny: Path) -> None:
    add_model(footnote_home, tiny, "mine")
    stored = json.loads((footnote_home / "models" / "registry.json").read_text())
    assert stored["format"] == 1
    assert stored["models"]["mine"]["info"]["architecture"] == "llama"
