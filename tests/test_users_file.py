"""The file of accounts: its modes, its changes by several processes, and what it refuses to be."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rag.errors import AccountError, ConfigError
from rag.system.accounts import Accounts
from rag.system.users_file import UsersFile

needs_modes = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


@pytest.fixture
def file(tmp_path: Path) -> UsersFile:
    return UsersFile(tmp_path / "users.json")


def test_an_account_is_added_changed_and_removed(file: UsersFile) -> None:
    assert file.read() == {}
    file.add(" ada ", "correct horse", "reader")
    file.add("Bjørn", "battery staple", "editor")
    assert {name: one.role for name, one in file.read().items()} == {"ada": "reader", "Bjørn": "editor"}
    before = file.read()["ada"].hashed
    file.set_role("ada", "editor")
    file.set_password("ada", "another word")
    assert file.read()["ada"].role == "editor" and file.read()["ada"].hashed != before
    assert file.remove("ada") == 1 and file.remove("Bjørn") == 0
    assert file.read() == {}


def test_no_password_is_in_it(file: UsersFile) -> None:
    file.add("ada", "correct horse", "reader")
    text = file.path.read_text(encoding="utf-8")
    assert "correct" not in text and json.loads(text)["users"]["ada"]["hash"].startswith("$2b$12$")


@needs_modes
def test_it_is_for_its_owner_only_whatever_the_mask(file: UsersFile) -> None:
    before = os.umask(0)
    try:
        file.add("ada", "correct horse", "reader")
        file.set_role("ada", "editor")
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


@needs_modes
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o610])
def test_one_that_others_can_open_is_refused(file: UsersFile, mode: int) -> None:
    file.add("ada", "correct horse", "reader")
    accounts = Accounts(file)
    file.path.chmod(mode)
    for read in (file.read, UsersFile(file.path).read, lambda: accounts.find("ada")):
        with pytest.raises(ConfigError, match=f"chmod 600 {file.path}"):
            read()
    with pytest.raises(ConfigError, match="chmod 600"):
        file.set_role("ada", "editor")
    file.path.chmod(0o600)
    assert file.read()["ada"].role == "reader"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("ada:correct horse\n", "footnote users import"),
        ("", "footnote users import"),
        ("[]", "is damaged"),
        ('{"format": 1}', "is damaged"),
        ('{"format": 2, "users": {}}', "has format 2"),
        ('{"format": 1, "users": {"ada": {"role": "reader", "hash": "correct horse"}}}', "is damaged"),
        ('{"format": 1, "users": {"ada": {"role": "owner", "hash": "correct horse"}}}', "is damaged"),
        ('{"format": 1, "users": {"ada": "correct horse"}}', "is damaged"),
        ('{"format": 1, "users": {"a:da": {"role": "reader", "hash": "correct horse"}}}', "is damaged"),
    ],
)
def test_what_is_no_file_of_accounts_is_refused_and_kept(file: UsersFile, content: str, said: str) -> None:
    file.path.write_text(content, encoding="utf-8")
    file.path.chmod(0o600)
    for act in (file.read, lambda: file.add("eve", "correct horse", "reader")):
        with pytest.raises(ConfigError, match=said) as caught:
            act()
        assert "correct" not in str(caught.value)
    assert file.path.read_text(encoding="utf-8") == content


def test_names_and_passwords_that_cannot_be_taken(file: UsersFile) -> None:
    file.add("ada", "correct horse", "reader")
    for name in ("", "  ", "a:b", "a,b", "a\nb", "a" * 65, "ada", "Ada"):
        with pytest.raises(AccountError):
            file.add(name, "correct horse", "reader")
    for password in ("short", "x" * 73, "with\ttab here", "eve-eve-eve"):
        with pytest.raises(AccountError):
            file.add("eve-eve-eve", password, "reader")
    for change in (lambda: file.remove("eve"), lambda: file.set_role("eve", "editor")):
        with pytest.raises(AccountError, match="no account 'eve'"):
            change()
    assert [*file.read()] == ["ada"]


def test_all_of_many_are_added_or_none(file: UsersFile) -> None:
    file.add("ada", "correct horse", "reader")
    with pytest.raises(AccountError, match="'ada' already"):
        file.add_all({"ben": "battery staple", "ada": "battery staple"}, "reader")
    assert [*file.read()] == ["ada"]
    file.add_all({"ben": "battery staple"}, "editor")
    assert [*file.read()] == ["ada", "ben"]


def test_a_change_by_another_process_is_seen(file: UsersFile) -> None:
    accounts = Accounts(file)
    file.add("ada", "correct horse", "reader")
    assert accounts.find("ada") is not None
    UsersFile(file.path).set_role("ada", "editor")
    ada = accounts.find("ada")
    assert ada is not None and ada.role == "editor"
    file.path.unlink()
    assert accounts.find("ada") is None


def test_several_processes_add_without_losing_one(file: UsersFile) -> None:
    program = (
        "import sys; from pathlib import Path; from rag.system.users_file import UsersFile\n"
        "UsersFile(Path(sys.argv[1])).add(sys.argv[2], 'correct horse', 'reader')"
    )
    added = [
        subprocess.Popen([sys.executable, "-c", program, str(file.path), f"user{i}"], cwd=Path(__file__).parents[1])
        for i in range(6)
    ]
    assert [one.wait(60) for one in added] == [0] * 6
    assert sorted(file.read()) == [f"user{i}" for i in range(6)]
    assert {path.name for path in file.path.parent.iterdir()} <= {"users.json", "users.json.lock"}


@needs_modes
@pytest.mark.skipif(os.name != "nt" and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_named(file: UsersFile) -> None:
    file.path.parent.chmod(0o500)
    try:
        with pytest.raises(AccountError, match="cannot be written"):
            file.add("ada", "correct horse", "reader")
    finally:
        file.path.parent.chmod(0o700)
