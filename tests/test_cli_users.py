"""``footnote users``: what it does, what it says, and that no password is an argument or in its output."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import time
from pathlib import Path

import pytest

from rag.history.models import LibraryMark, Opened
from rag.history.store import ConversationStore
from rag.system.users_file import UsersFile
from rag.ui.conversation import Turn
from rag.ui.conversation_recorder import to_kept
from tests.cli_parts import COMMAND, footnote, program


def add(home: Path, name: str, *more: str, password: str = "correct horse", code: int = 0) -> str:
    return footnote("users", "add", name, "--password-stdin", *more, home=home, input=f"{password}\n", code=code).stderr


def test_users_are_added_listed_changed_and_removed(tmp_path: Path) -> None:
    assert "no accounts" in footnote("users", home=tmp_path).stderr
    assert "without signing in" in add(tmp_path, "ada")
    assert "without signing in" not in add(tmp_path, "ben", "--role", "editor")
    listed = footnote("users", "list", home=tmp_path).stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [["ada", "reader"], ["ben", "editor"]]
    assert stat.S_IMODE((tmp_path / "users.json").stat().st_mode) == 0o600
    footnote("users", "role", "ada", "editor", home=tmp_path)
    before = UsersFile(tmp_path / "users.json").read()["ada"]
    footnote("users", "password", "ada", "--password-stdin", home=tmp_path, input="another word\r\n")
    after = UsersFile(tmp_path / "users.json").read()["ada"]
    assert (before.role, after.role) == ("editor", "editor") and before.hashed != after.hashed
    assert "last account" not in footnote("users", "remove", "ada", home=tmp_path).stderr
    assert "last account" in footnote("users", "remove", "ben", home=tmp_path).stderr


def test_a_password_is_never_an_argument(tmp_path: Path) -> None:
    program("users", "add", "ada", "correct horse", home=tmp_path, code=2)
    footnote("users", "add", "ada", "--password", "correct horse", home=tmp_path, code=2)
    assert not (tmp_path / "users.json").exists()


def test_without_a_terminal_it_says_how_to_send_one(tmp_path: Path) -> None:
    assert "--password-stdin" in footnote("users", "add", "ada", home=tmp_path, input="correct horse\n", code=2).stderr


@pytest.mark.skipif(os.name == "nt", reason="there is no pty")
@pytest.mark.parametrize(("again", "code"), [("correct horse", 0), ("another one", None)])
def test_at_a_terminal_it_is_asked_for_twice_and_not_shown(tmp_path: Path, again: str, code: int | None) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "FOOTNOTE_HOME": str(tmp_path)}
    running = subprocess.Popen([COMMAND, "users", "add", "ada"], stdin=theirs, stdout=theirs, stderr=theirs,
                               env=environment, close_fds=True, start_new_session=True)  # fmt: skip
    os.close(theirs)
    said = b""

    def wait_for(words: bytes) -> None:
        nonlocal said
        end = time.monotonic() + 60
        while words not in said and time.monotonic() < end:
            said += os.read(ours, 1000)
        assert words in said, said

    try:
        wait_for(b"Password")
        os.write(ours, b"correct horse\n")
        wait_for(b"once more")
        os.write(ours, f"{again}\n".encode())
        wait_for(b"may sign in" if code == 0 else b"do not match")
    finally:
        if code is None:
            running.kill()
        running.wait(60)
        os.close(ours)
    assert b"horse" not in said
    assert (tmp_path / "users.json").exists() is (code == 0)


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("ada", "short", "fewer than 8"),
        ("ada", "", "fewer than 8"),
        ("ada", "x" * 73, "72 bytes"),
        ("ada:ben", "correct horse", "a colon"),
        ("Ben", "correct horse", "'ben' already"),
        ("ada-lovelace", "Ada-Lovelace", "the name as its password"),
    ],
)
def test_what_cannot_be_taken_is_said(tmp_path: Path, name: str, password: str, said: str) -> None:
    add(tmp_path, "ben")
    assert said in add(tmp_path, name, password=password, code=1)
    assert [*UsersFile(tmp_path / "users.json").read()] == ["ben"]


def test_nobody_by_that_name(tmp_path: Path) -> None:
    for arguments in (["remove", "eve"], ["role", "eve", "editor"], ["password", "eve", "--password-stdin"]):
        assert "no account 'eve'" in footnote("users", *arguments, home=tmp_path, input="x\n", code=1).stderr


def test_a_file_of_pairs_is_imported_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "pairs"
    file.write_text("# the lab\n\nada:correct horse\n ben : with, comma: colon\n", encoding="utf-8")
    said = footnote("users", "import", file, "--role", "editor", home=tmp_path).stderr
    assert "ada, ben" in said and f"Delete {file}" in said and "horse" not in said
    accounts = UsersFile(tmp_path / "users.json").read()
    assert {name: one.role for name, one in accounts.items()} == {"ada": "editor", "ben": "editor"}
    file.write_text("cem:correct horse\nada:correct horse\n", encoding="utf-8")
    footnote("users", "import", file, home=tmp_path, code=1)
    file.write_text("cem:correct horse\nhunter2hunter2\n", encoding="utf-8")
    said = footnote("users", "import", file, home=tmp_path, code=2).stderr
    assert "line 2" in said and "hunter" not in said
    assert [*UsersFile(tmp_path / "users.json").read()] == ["ada", "ben"]


def test_the_file_that_the_setting_names_is_the_one_that_changes(tmp_path: Path) -> None:
    others = tmp_path / "others.json"
    footnote("users", "add", "ada", "--password-stdin", home=tmp_path, input="correct horse\n",
             FOOTNOTE_AUTH=str(others))  # fmt: skip
    assert [*UsersFile(others).read()] == ["ada"] and not (tmp_path / "users.json").exists()
    said = footnote("users", "list", home=tmp_path, FOOTNOTE_AUTH="ada:correct horse").stderr
    assert "knows those accounts only" in said and "horse" not in said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    add(tmp_path, "ada")
    (tmp_path / "users.json").chmod(0o644)
    assert "chmod 600" in footnote("users", "list", home=tmp_path, code=2).stderr
    assert "chmod 600" in footnote("serve", "--port", "0", home=tmp_path, code=2).stderr


def test_conversations_of_who_is_removed_are_spoken_of(tmp_path: Path) -> None:
    store = ConversationStore(tmp_path)
    store.save(
        "ada", Opened(), [to_kept(Turn("Do crabs learn?", "quote", "quote", error="None."))], LibraryMark("", "", "")
    )
    assert "1 conversation of an earlier 'ada'" in add(tmp_path, "ada")
    assert "1 conversation stays here" in footnote("users", "remove", "ada", home=tmp_path).stderr
    add(tmp_path, "ada")
    assert (
        "1 conversation was deleted"
        in footnote("users", "remove", "ada", "--delete-conversations", home=tmp_path).stderr
    )
    assert store.conversations("ada") == []
    store.close()
