"""Packed files: what they may hold, what they may cost, and what is wrong with them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.errors import ImportFileError, RecordError
from rag.papers.importers import compression, detect_format, read_papers, source

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gunzip": lambda data: gzip.compress(data, 9),
    "bunzip2": bz2.compress,
    "unxz": lambda data: lzma.compress(data, preset=1),
}
GOOD = b'{"id": "%d", "title": "Good"}\n'


def lines(count: int) -> bytes:
    return b"".join(GOOD % number for number in range(count))


def read(path: Path) -> tuple[list[str], str]:
    """The ids that were read, and what was wrong with the file as a whole."""
    ids: list[str] = []
    errors: list[RecordError] = []
    try:
        for paper in read_papers(path, "jsonl", on_error=errors.append):
            ids.append(paper.id)
    except ImportFileError as error:
        return ids, str(error)
    return ids, ""


@pytest.fixture(params=PACK)
def command(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("content", [b"\n", b"x", b'{"title": "a"}\n', b"@a{\n"])
def test_a_bomb_is_refused_before_any_of_it_is_used(tmp_path: Path, command: str, content: bytes) -> None:
    block = PACK[command](content * (2**20 // len(content)))
    path = tmp_path / "bomb"
    path.write_bytes(block * 64)  # 64 MiB in a few KB
    assert path.stat().st_size < 300_000
    tracemalloc.start()
    with pytest.raises(ImportFileError, match=r"holds more than .* once it is unpacked") as caught:
        detect_format(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20
    assert f"unpack it with '{command}' and import what comes out" in str(caught.value)


@pytest.mark.parametrize("content", [b"\n", b"\r\n", b"x"])
def test_a_bomb_behind_much_text_is_stopped_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(source, "_PROBED_BYTES", 50_000)
    path = tmp_path / "bomb.gz"
    noise = b'{"title": "%s"}\n' % os.urandom(2_000).hex().encode()
    path.write_bytes(gzip.compress(noise, 1) * 80 + gzip.compress(content * (2**20 // len(content))) * 40)
    assert path.stat().st_size > 50_000
    assert detect_format(path) == "jsonl"
    ids, wrong = read(path)
    assert len(ids) == 80
    assert "over 100 times its size" in wrong


def test_no_file_may_unpack_to_more_than_a_total(tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "papers"
    path.write_bytes(PACK[command](lines(40_000)))  # 1.2 MB
    assert len(read(path)[0]) == 40_000
    monkeypatch.setattr(compression, "MOST_UNPACKED", 2**20)
    assert "holds more than 1 MiB once it is unpacked" in read(path)[1]


def test_small_files_may_be_nothing_but_repetition(tmp_path: Path, command: str) -> None:
    path = tmp_path / "papers"
    path.write_bytes(PACK[command](GOOD * 50_000))
    assert len(read(path)[0]) == 50_000


def with_dictionary(data: bytes, size_code: int) -> bytes:
    """``data``, packed by xz, whose first block now asks for a dictionary of another size."""
    changed = bytearray(data)
    header = 12  # the stream's own
    length = (changed[header] + 1) * 4
    assert changed[header + 2 : header + 4] == b"\x21\x01"  # LZMA2, one byte of properties
    changed[header + 4] = size_code
    checked = header + length - 4
    changed[checked : checked + 4] = struct.pack("<I", zlib.crc32(changed[header:checked]))
    return bytes(changed)


@pytest.mark.parametrize(("size_code", "fits"), [(28, True), (30, True), (36, False), (39, False), (40, False)])
def test_xz_may_not_ask_for_all_memory(tmp_path: Path, size_code: int, fits: bool) -> None:
    path = tmp_path / "papers.xz"  # dictionaries of 64 MiB (`xz -9`), 128 MiB, 1 GiB, 3 GiB, 4 GiB
    path.write_bytes(with_dictionary(lzma.compress(lines(3)), size_code))
    ids, wrong = read(path)
    assert ids == (["0", "1", "2"] if fits else [])
    assert fits == (not wrong)
    assert fits or "asks for more than 160 MiB of memory to be unpacked" in wrong


def test_members_after_each_other_are_one_text(tmp_path: Path, command: str) -> None:
    pack, path = PACK[command], tmp_path / "papers"
    text = lines(2_000)
    path.write_bytes(pack(text[:777]) + pack(b"") * 500 + pack(text[777:]) + bytes(512))  # padded as on a tape
    assert read(path) == ([str(number) for number in range(2_000)], "")


@pytest.mark.parametrize(
    "after", [b"\x00" * 70_000 + b"rubbish", b"x", b"rubbish that is longer than any magic number"]
)
def test_what_follows_is_not_passed_over_in_silence(tmp_path: Path, command: str, after: bytes) -> None:
    path = tmp_path / "papers"
    path.write_bytes(PACK[command](lines(3)) + after)
    ids, wrong = read(path)
    assert ids == ["0", "1", "2"]
    assert "damaged or cut off (something else follows the packed data)" in wrong


@pytest.mark.parametrize("broken", ["cut", "second", "bit"])
def test_damage_costs_only_what_stands_behind_it(tmp_path: Path, command: str, broken: str) -> None:
    pack, path = PACK[command], tmp_path / "papers"
    text = b"".join(GOOD % i + b'{"title": "%s"}\n' % os.urandom(300).hex().encode() for i in range(3_000))
    whole = pack(text)  # of bzip2 three blocks, each read or lost as a whole
    if broken == "cut":
        content = whole[:-1000]
    elif broken == "bit":
        content = whole[: len(whole) * 9 // 10] + b"\xff\x00\xff" + whole[len(whole) * 9 // 10 + 3 :]
    else:
        content = whole + pack(text)[:12] + b"\xff" * 60
    path.write_bytes(content)
    assert detect_format(path) == "jsonl"
    ids, wrong = read(path)
    assert "is damaged or cut off" in wrong
    assert "Check its permissions" not in wrong
    assert len(ids) >= (6_000 if broken == "second" else 1_000)


def test_a_file_that_is_damaged_from_the_start_is_not_called_empty(tmp_path: Path, command: str) -> None:
    path = tmp_path / "papers"
    path.write_bytes(PACK[command](lines(3))[:11])
    with pytest.raises(ImportFileError, match="damaged or cut off"):
        detect_format(path)


def test_packed_twice(tmp_path: Path, command: str) -> None:
    path = tmp_path / "papers"
    path.write_bytes(gzip.compress(PACK[command](lines(3))))
    with pytest.raises(ImportFileError, match="is packed twice; unpack it once"):
        detect_format(path)


def test_archives_are_named(tmp_path: Path) -> None:
    path = tmp_path / "papers.tar.gz"
    header = b"papers.jsonl".ljust(257, b"\x00") + b"ustar\x0000"
    path.write_bytes(gzip.compress(header.ljust(512, b"\x00") + lines(9)))
    with pytest.raises(ImportFileError, match="is a tar archive; unpack it"):
        detect_format(path)
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(40))
    with pytest.raises(ImportFileError, match="zstd"):
        detect_format(path)


def test_a_text_that_begins_with_the_letters_of_a_packed_one(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text("BZhang's Title Here\n\n" + "It has many sentences. It needs them all. " * 6 + "\n")
    papers: list[Paper] = list(read_papers(path))
    assert [paper.title for paper in papers] == ["BZhang's Title Here"]


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found: list[str] = []

    def detect() -> None:
        try:
            detect_format(path)
        except ImportFileError as error:
            found.append(str(error))

    thread = threading.Thread(target=detect, daemon=True)
    thread.start()
    thread.join(20)
    assert found == [f"{path} is a pipe or a device. Write what it holds into a file, and name that."]


def test_progress_of_a_packed_file_ends_at_its_size(tmp_path: Path, command: str) -> None:
    path = tmp_path / "papers"
    path.write_bytes(PACK[command](lines(20_000)) + bytes(200_000))
    calls: list[tuple[int, int]] = []
    assert len(list(read_papers(path, on_progress=lambda done, total: calls.append((done, total))))) == 20_000
    assert calls[-1] == (path.stat().st_size,) * 2
