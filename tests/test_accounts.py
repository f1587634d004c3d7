"""FOOTNOTE_AUTH: who is let in, and that no message repeats what may be a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.config import Settings, load_settings
from rag.errors import ConfigError
from rag.system.accounts import Accounts, read_accounts
from rag.ui.server import open_to_all, serve


def test_pairs_and_a_file_name_the_same_users(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("# the lab\n\nada:correct horse\n ben : with, comma: colon\n", encoding="utf-8")
    accounts = read_accounts(str(file))
    assert accounts.names == ["ada", "ben"]
    assert accounts.admits("ada", "correct horse")
    assert accounts.admits("ben", " with, comma: colon")
    pairs = read_accounts("ada:correct horse,ben:battery staple")
    assert pairs.admits("ben", "battery staple")
    assert not pairs.admits("ben", "correct horse")


def test_only_the_right_name_with_its_password_is_let_in() -> None:
    accounts = read_accounts("ada:correct horse")
    assert not accounts.admits("ada", "Correct horse")
    assert not accounts.admits("Ada", "correct horse")
    assert not accounts.admits("nobody", "")
    assert not accounts.admits("", "")
    assert not accounts.admits("ada", "correct horse \ud83d")


def test_no_setting_means_that_nobody_signs_in() -> None:
    assert not read_accounts(" ")
    assert not Accounts().admits("", "")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("ada:short", "fewer than 8"),
        ("ada:long enough,ben:hunter2", "pair 2 of FOOTNOTE_AUTH has a password of fewer"),
        ("hunter2hunter2", "neither pairs nor a file"),
        (":hunter2hunter2", "pair 1 of FOOTNOTE_AUTH is not name:password"),
        ("ada:hunter2hunter2,ada:hunter3hunter3", "a name that came before"),
        ("ada:hunter2,hunter2", "fewer than 8"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_without_repeating_it(setting: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        read_accounts(setting)
    assert "hunter" not in str(caught.value)


def test_a_file_without_users_is_named(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("# none\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no name"):
        read_accounts(str(tmp_path / "users"))


def test_passwords_do_not_show_in_what_is_printed(tmp_path: Path) -> None:
    assert "correct" not in repr(Settings(home=tmp_path, auth="ada:correct horse"))
    assert "correct" not in repr(read_accounts("ada:correct horse"))
    file = tmp_path / "footnote.toml"
    file.write_text('auth = ["ada:correct horse"]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"auth is set.*must be text") as caught:
        load_settings({"FOOTNOTE_CONFIG": str(file)})
    assert "correct" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "auth", "warns"),
    [("127.0.0.1", "", False), ("::1", "", False), ("0.0.0.0", "", True), ("192.168.1.2", "ada:correct horse", False)],
)
def test_listening_elsewhere_without_a_password_is_warned_of(host: str, auth: str, warns: bool, tmp_path: Path) -> None:
    said = open_to_all(Settings(home=tmp_path, host=host, auth=auth))
    assert bool(said) is warns
    assert not warns or (host in said and "without a password" in said and "FOOTNOTE_AUTH" in said)


def test_nothing_is_served_with_a_setting_that_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fewer than 8"):
        serve(Settings(home=tmp_path, port=0, auth="ada:short"))
