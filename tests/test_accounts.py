"""Accounts: who is let in, what of FOOTNOTE_AUTH is taken, and that no message repeats what may be a password."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from rag.config import Settings, load_settings
from rag.errors import ConfigError
from rag.system.accounts import EDITOR, NOBODY
from rag.system.auth_setting import open_accounts, passed_over, read_pairs
from rag.system.passwords import fault_of, hash_password, is_hash, matches
from rag.system.users_file import UsersFile
from rag.ui.server import open_to_all, serve


def test_pairs_name_users_who_may_edit(tmp_path: Path) -> None:
    accounts = open_accounts("ada:correct horse,ben: with: colon", tmp_path)
    assert accounts.names == ["ada", "ben"]
    ada, ben = accounts.check("ada", "correct horse"), accounts.check("ben", " with: colon")
    assert ada is not None and ada.role == EDITOR
    assert ben is not None and ben.name == "ben"
    for name, password in (
        ("ada", "Correct horse"),
        ("Ada", "correct horse"),
        ("ben", "correct horse"),
        ("nobody", ""),
        ("", ""),
        ("ada", "correct horse \ud83d"),
    ):
        assert accounts.check(name, password) is None, (name, password)


def test_nothing_but_hashes_is_kept(tmp_path: Path) -> None:
    accounts = open_accounts("ada:correct horse", tmp_path)
    ada = accounts.find("ada")
    assert ada is not None and is_hash(ada.hashed)
    assert "correct" not in repr(accounts) and "$2b$" not in repr(ada)


def test_without_accounts_nobody_signs_in(tmp_path: Path) -> None:
    accounts = open_accounts(" ", tmp_path)
    assert not accounts and not NOBODY
    assert accounts.check("", "") is None


def test_the_accounts_of_the_data_folder_count_where_the_setting_names_none(tmp_path: Path) -> None:
    UsersFile(tmp_path / "users.json").add("ada", "correct horse", "reader")
    UsersFile(tmp_path / "others.json").add("ben", "battery staple", "editor")
    assert open_accounts("", tmp_path).names == ["ada"]
    assert open_accounts(str(tmp_path / "others.json"), tmp_path).names == ["ben"]
    assert "not used" in passed_over("ben:battery staple", tmp_path)
    assert "not used" in passed_over(str(tmp_path / "others.json"), tmp_path)
    assert passed_over("", tmp_path) == passed_over(str(tmp_path / "users.json"), tmp_path) == ""


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("ada:short", "fewer than 8"),
        ("ada:long enough,ben:hunter2", "pair 2 of FOOTNOTE_AUTH has a password of fewer"),
        ("hunter2hunter2", "neither pairs nor a file"),
        ("/nowhere/users.json", "neither pairs nor a file"),
        (":hunter2hunter2", "pair 1 of FOOTNOTE_AUTH is not name:password"),
        ("ada:hunter2hunter2,ada:hunter3hunter3", "a name that came before"),
        ("ada:hunter2,hunter2", "fewer than 8"),
        ("hunter2hunter2:hunter2hunter2", "the name as its password"),
        (f"ada:{'hunter' * 13}", "more than 72 bytes"),
        ("ada:hunter2\x00hunter2", "control character"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_without_repeating_it(setting: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        open_accounts(setting, tmp_path)
    assert "hunter" not in str(caught.value)


def test_a_file_without_accounts_is_named(tmp_path: Path) -> None:
    (tmp_path / "users.json").write_text('{"format": 1, "users": {}}', encoding="utf-8")
    (tmp_path / "users.json").chmod(0o600)
    with pytest.raises(ConfigError, match="has no account"):
        open_accounts(str(tmp_path / "users.json"), tmp_path)
    assert not open_accounts("", tmp_path)


def test_plain_text_in_a_file_is_refused_with_the_command_that_hashes_it(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("ada:correct horse\n", encoding="utf-8")
    file.chmod(0o600)
    with pytest.raises(ConfigError, match="footnote users import") as caught:
        open_accounts(str(file), tmp_path)
    assert "correct" not in str(caught.value)


def test_plain_text_in_the_settings_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "footnote.toml"
    file.write_text('auth = "ada:correct horse"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"plain text.*footnote users add") as caught:
        load_settings({"FOOTNOTE_CONFIG": str(file)})
    assert "correct" not in str(caught.value)
    users = tmp_path / "a:b.json"
    UsersFile(users).add("ada", "correct horse", "reader")
    file.write_text(f'auth = "{users}"\n', encoding="utf-8")
    assert open_accounts(load_settings({"FOOTNOTE_CONFIG": str(file)}).auth, tmp_path).names == ["ada"]


def test_passwords_do_not_show_in_what_is_printed(tmp_path: Path) -> None:
    assert "correct" not in repr(Settings(home=tmp_path, auth="ada:correct horse"))
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
    assert not warns or (host in said and "without a password" in said and "footnote users add" in said)


def test_accounts_are_as_good_as_the_setting_against_that_warning(tmp_path: Path) -> None:
    UsersFile(tmp_path / "users.json").add("ada", "correct horse", "reader")
    assert open_to_all(Settings(home=tmp_path, host="0.0.0.0")) == ""


def test_nothing_is_served_with_a_setting_that_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fewer than 8"):
        serve(Settings(home=tmp_path, port=0, auth="ada:short"))


def test_a_proxy_that_is_trusted_is_an_address_or_a_network(tmp_path: Path) -> None:
    Settings(home=tmp_path, trusted_proxies="10.0.0.2, 192.168.0.0/16,::1,")
    for wrong in ("*", "proxy.example", "10.0.0.1/8", "10.0.0.2 10.0.0.3"):
        with pytest.raises(ConfigError, match="trusted_proxies"):
            Settings(home=tmp_path, trusted_proxies=wrong)


# --- passwords ---


def test_bcrypt_would_not_read_the_end_of_a_long_password() -> None:
    longest = "é" * 36
    assert fault_of(longest) == ""
    assert "72 bytes" in fault_of(f"{longest}x")
    hashed = hash_password(longest)
    assert matches(longest, hashed)
    assert not matches(f"{longest}x", hashed)
    assert not matches(longest[:-1], hashed)


def test_a_password_is_the_same_on_every_keyboard() -> None:
    assert matches("cafe\u0301 au lait", hash_password("café au lait"))


def test_what_is_no_hash_of_enough_steps_is_none() -> None:
    assert is_hash(hash_password("correct horse"))
    for text in ("correct horse", "$2b$04$" + "a" * 53, "$2b$31$" + "a" * 53, "$2b$12$" + "a" * 52, "$1$12$x"):
        assert not is_hash(text), text


def test_an_unknown_name_takes_as_long_as_a_known_one(tmp_path: Path) -> None:
    accounts = open_accounts("ada:correct horse", tmp_path)

    def seconds(name: str, password: str) -> float:
        def once() -> float:
            begun = time.thread_time()
            accounts.check(name, password)
            return time.thread_time() - begun

        return statistics.median(once() for _ in range(3))

    known, unknown, long = seconds("ada", "wrong horse"), seconds("eve", "wrong horse"), seconds("ada", "x" * 3000)
    assert 0.5 < known / unknown < 2 and 0.5 < known / long < 2
    assert unknown > 0.02  # the work of a hash, not a look into a table


def test_names_are_checked_as_they_come(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no usable name"):
        read_pairs(f"{'a' * 65}:hunter2hunter2")
