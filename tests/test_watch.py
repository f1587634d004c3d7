"""``footnote watch``: half-written files, failures, restarts, other writers, folders that go; real imports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag import factory
from rag.factory import embedder_id
from rag.library.library import Library
from rag.library.storage.folder import WATCHED
from rag.library.watching import FolderWatch
from tests.cli_parts import COMMAND, MOTHS, SNOW, footnote, write_lines

OWLS = {"id": "owl", "title": "Naps of owls", "abstract": "Owls nap for 20 minutes.", "year": 2020}


@pytest.fixture(autouse=True, scope="module")
def closed() -> Iterator[None]:
    yield
    factory.close_all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is watched."""
    path = tmp_path / "reading list"
    path.mkdir()
    return path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Where it goes: nothing yet."""
    return tmp_path / "library"


def once(folder: Path, library: Path, code: int = 0) -> str:
    """What one run says, on stdout and stderr."""
    result = footnote("watch", folder, "--once", "--every", "0.1", "--library", library, code=code)
    return f"{result.stdout}{result.stderr}"


def papers(library: Path) -> list[str]:
    with Library.open(library, embedder=embedder_id()) as opened:
        return [paper.id for paper in opened.papers()]


def names(found: list[tuple[Path, object]]) -> list[str]:
    return [path.name for path, _ in found]


def until(holds: Callable[[], bool]) -> None:
    """Wait at most 20 seconds until something holds."""
    for _ in range(400):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never holds")


# What is ready


def test_a_file_is_ready_when_it_has_not_changed_since_the_last_look(folder: Path, library: Path) -> None:
    watch = FolderWatch(folder, library)
    assert watch.ready() == [] and not watch.waiting
    paper = write_lines(folder / "a.jsonl", MOTHS)
    assert watch.ready() == [] and watch.waiting
    with paper.open("a") as file:
        file.write(json.dumps(SNOW) + "\n")
    assert watch.ready() == [] and watch.waiting
    assert names(watch.ready()) == ["a.jsonl"] and not watch.waiting
    assert names(watch.ready()) == ["a.jsonl"]  # until it is said what became of it


def test_a_failed_file_is_tried_again_when_it_has_changed(folder: Path, library: Path) -> None:
    watch = FolderWatch(folder, library)
    path = write_lines(folder / "a.txt", "nothing")
    watch.ready()
    ((found, look),) = watch.ready()
    watch.failed(found, look)
    assert watch.ready() == [] and not watch.waiting
    write_lines(path, MOTHS)
    assert watch.ready() == [] and watch.waiting
    assert names(watch.ready()) == ["a.txt"]


def test_what_is_passed_over(folder: Path, library: Path) -> None:
    """Hidden files, those that a program has not finished, empty ones, what is no file, the library itself."""
    for name in (".hidden", "a.bib.part", "a.bib.crdownload", "b.TMP", "~$list.xlsx", ".~lock.a.csv#", "a.bib~"):
        write_lines(folder / name, MOTHS)
    for inner in (".git", "x.download", "library"):
        (folder / inner).mkdir()
        write_lines(folder / inner / "a.jsonl", MOTHS)
    (folder / "empty.bib").touch()
    (folder / "gone.bib").symlink_to(folder / "nowhere")
    (folder / "circle").symlink_to(folder)
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.bib")
    (folder / "deep" / "er").mkdir(parents=True)
    write_lines(folder / "deep" / "er" / "a.jsonl", MOTHS)
    watch = FolderWatch(folder, folder / "library")
    watch.ready()
    assert [path for path, _ in watch.ready()] == [folder / "deep" / "er" / "a.jsonl"]


def test_a_folder_that_goes(folder: Path, library: Path) -> None:
    watch = FolderWatch(folder, library)
    folder.rename(folder.with_name("away"))
    with pytest.raises(FileNotFoundError):
        watch.ready()


# Imports


def test_what_is_there_is_imported_once(folder: Path, library: Path) -> None:
    write_lines(folder / "a.jsonl", MOTHS)
    (folder / "sub").mkdir()
    (folder / "sub" / "b.bib").write_text("@article{snow, title={Snow depth}, abstract={Snow is deep.}}", "utf-8")
    assert once(folder, library).count("1 added") == 2
    assert len(papers(library)) == 2
    before = (library / WATCHED).read_bytes()
    assert once(folder, library) == ""  # a restart
    assert (library / WATCHED).read_bytes() == before
    assert Library.foreign_files(library) == []


def test_renamed_and_touched_files_are_not_imported_again(folder: Path, library: Path) -> None:
    file = write_lines(folder / "a.jsonl", MOTHS)
    once(folder, library)
    file.rename(folder / "renamed.jsonl")
    assert once(folder, library) == ""
    os.utime(folder / "renamed.jsonl")
    assert once(folder, library) == ""


def test_a_changed_file_is_imported_again_also_when_it_changes_back(folder: Path, library: Path) -> None:
    file = write_lines(folder / "a.jsonl", MOTHS)
    once(folder, library)
    write_lines(file, {**MOTHS, "year": 2022}, SNOW)
    assert "1 added, 1 updated" in once(folder, library)
    write_lines(file, MOTHS)
    assert "0 added, 1 updated" in once(folder, library)
    assert papers(library) == ["moth", "snow"]  # nothing is deleted because a file no longer has it


def test_what_a_user_deleted_stays_deleted(folder: Path, library: Path) -> None:
    write_lines(folder / "a.jsonl", MOTHS, SNOW)
    once(folder, library)
    with Library.open(library, embedder=embedder_id(), read_only=False) as opened:
        opened.remove(["snow"])
    write_lines(folder / "b.jsonl", OWLS)
    assert "1 added" in once(folder, library)
    assert papers(library) == ["moth", "owl"]


def test_a_library_that_was_deleted_is_filled_again(folder: Path, library: Path) -> None:
    import shutil

    write_lines(folder / "a.jsonl", MOTHS)
    once(folder, library)
    shutil.rmtree(library)
    assert "1 added" in once(folder, library)


def test_a_file_that_cannot_be_read_costs_no_other(folder: Path, library: Path) -> None:
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    write_lines(folder / "b.jsonl", MOTHS, {"id": "x"})
    said = once(folder, library, code=1)
    assert said.count("a.png") == 1 and "1 added" in said and "skipped" in said
    assert papers(library) == ["moth"]


def test_only_unreadable_files_make_no_library(folder: Path, library: Path) -> None:
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    once(folder, library, code=1)
    assert not library.exists()


@pytest.mark.parametrize("content", ["", "no JSON", "[]", '{"format": 99, "files": []}', '{"format": 1, "files": [1]}'])
def test_a_damaged_memory_only_means_importing_again(folder: Path, library: Path, content: str) -> None:
    write_lines(folder / "a.jsonl", MOTHS)
    once(folder, library)
    (library / WATCHED).write_text(content, encoding="utf-8")
    assert "0 added, 0 updated, 1 unchanged" in once(folder, library)
    assert once(folder, library) == ""


def test_two_watched_folders_of_one_library(folder: Path, library: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write_lines(folder / "a.jsonl", MOTHS)
    write_lines(other / "b.jsonl", SNOW)
    once(folder, library)
    once(other, library)
    assert once(folder, library) == once(other, library) == ""
    assert papers(library) == ["moth", "snow"]


def test_names_are_data(folder: Path, library: Path) -> None:
    write_lines(folder / "a\x1b[31m\nfootnote: all is lost.jsonl", MOTHS)
    said = once(folder, library)
    assert "\x1b" not in said and "\nfootnote:" not in said and papers(library) == ["moth"]
    assert once(folder, library) == ""


# The program that goes on


@pytest.fixture
def watching(folder: Path, library: Path, shared_home: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts the command; what is left of it ends with the test."""
    children: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        arguments = ["watch", str(folder), "--every", "0.2", "--library", str(library)]
        environment = {**os.environ, "FOOTNOTE_HOME": str(shared_home), "PYTHONUNBUFFERED": "1"}
        child = subprocess.Popen(
            [COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        children.append(child)
        assert child.stderr is not None and child.stderr.readline().startswith("Watching ")
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def end(child: subprocess.Popen[str], how: signal.Signals) -> str:
    child.send_signal(how)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 0 and "Traceback" not in said
    return said


def test_it_goes_on_until_it_is_ended(
    watching: Callable[[], subprocess.Popen[str]], folder: Path, library: Path
) -> None:
    child = watching()
    assert child.stdout is not None
    half = folder / "slow.jsonl"
    lines = [json.dumps({**OWLS, "id": f"owl{i}", "title": f"Naps of {i} owls"}) + "\n" for i in range(8)]

    def slowly() -> None:
        with half.open("w") as file:
            for line in lines:
                file.write(line)
                file.flush()
                time.sleep(0.1)

    writer = threading.Thread(target=slowly)
    writer.start()
    assert "8 added" in child.stdout.readline()  # all of them at once
    writer.join()
    write_lines(folder / "more.jsonl", SNOW)
    assert "1 added" in child.stdout.readline()
    until(lambda: "more.jsonl" in (library / WATCHED).read_text(encoding="utf-8"))
    assert "Stopped." in end(child, signal.SIGINT)
    child = watching()
    write_lines(folder / "last.jsonl", MOTHS)
    assert "last.jsonl: 1 added" in child.stdout.readline()  # and nothing of the others
    end(child, signal.SIGTERM)
    assert len(papers(library)) == 10


def test_it_waits_while_somebody_else_writes_to_the_library(
    watching: Callable[[], subprocess.Popen[str]], folder: Path, library: Path
) -> None:
    with Library.create(library, embedder=embedder_id()):
        child = watching()
        write_lines(folder / "a.jsonl", MOTHS)
        assert child.stderr is not None and child.stdout is not None
        assert "is being written to by" in child.stderr.readline()
        time.sleep(1)
    assert "1 added" in child.stdout.readline()
    until(lambda: not (library / ".lock.json").exists())  # it holds no lock while it waits
    Library.open(library, embedder=embedder_id(), read_only=False).close()
    assert "is being written to" not in end(child, signal.SIGINT)


def test_a_folder_that_goes_and_comes_back(
    watching: Callable[[], subprocess.Popen[str]], folder: Path, library: Path
) -> None:
    child = watching()
    assert child.stderr is not None and child.stdout is not None
    folder.rename(folder.with_name("away"))
    assert "Waiting until it can be read." in child.stderr.readline()
    write_lines(folder.with_name("away") / "a.jsonl", MOTHS)
    folder.with_name("away").rename(folder)
    assert "1 added" in child.stdout.readline()
    end(child, signal.SIGINT)


def test_usage(folder: Path, tmp_path: Path) -> None:
    assert "does not exist" in footnote("watch", tmp_path / "none", code=2).stderr
    assert "is a file" in footnote("watch", write_lines(tmp_path / "f", "x"), code=2).stderr
    assert "0.1" in footnote("watch", folder, "--every", "0", code=2).stderr
