"""``footnote tokens``: tokens are shown once, kept as hashes, and end when they are removed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from rag.errors import ConfigError
from rag.system.tokens_file import PREFIX, TokensFile
from tests.cli_parts import footnote


def test_tokens_are_made_listed_and_removed(tmp_path: Path) -> None:
    assert "no tokens" in footnote("tokens", home=tmp_path).stderr
    made = footnote("tokens", "add", "webui", home=tmp_path)
    token = made.stdout.strip()
    assert token.startswith(PREFIX) and len(token) > 40 and token not in made.stderr
    editor = footnote("tokens", "add", "sync", "--role", "editor", home=tmp_path).stdout.strip()
    listed = footnote("tokens", "list", home=tmp_path)
    assert [line.split()[:2] for line in listed.stdout.splitlines()] == [["sync", "editor"], ["webui", "reader"]]
    assert token not in listed.output
    file = TokensFile(tmp_path)
    found, other = file.find(token), file.find(editor)
    assert found is not None and other is not None
    assert (found.name, found.role, other.role) == ("webui", "reader", "editor")
    assert file.find("") is None and file.find(f"{token}x") is None and file.find(found.hashed) is None
    footnote("tokens", "remove", "webui", home=tmp_path)
    assert file.find(token) is None and file.find(editor) is not None


def test_what_is_kept_is_no_token(tmp_path: Path) -> None:
    token = footnote("tokens", "add", "webui", home=tmp_path).stdout.strip()
    path = tmp_path / "tokens.json"
    assert token not in path.read_text("utf-8") and token.removeprefix(PREFIX) not in path.read_text("utf-8")
    assert os.name == "nt" or stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "Token" in repr(TokensFile(tmp_path).read()) and "hashed" not in repr(TokensFile(tmp_path).read())


def test_what_cannot_be_made_or_removed_is_said(tmp_path: Path) -> None:
    footnote("tokens", "add", "webui", home=tmp_path)
    assert "already" in footnote("tokens", "add", "WebUI", home=tmp_path, code=1).stderr
    assert "1 to 64 characters" in footnote("tokens", "add", "a:b", home=tmp_path, code=1).stderr
    assert "no token 'eve'" in footnote("tokens", "remove", "eve", home=tmp_path, code=1).stderr
    footnote("tokens", "add", "x", "--role", "owner", home=tmp_path, code=2)
    assert [*TokensFile(tmp_path).read()] == ["webui"]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", "null", '{"format": 2, "tokens": {}}', '{"format": 1, "tokens": {"a": {"role": "owner"}}}',
     json.dumps({"format": 1, "tokens": {"a": {"role": "editor", "hash": "plain"}}}), "[" * 100_000],
)  # fmt: skip
def test_a_damaged_file_lets_nobody_in(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(content, "utf-8")
    path.chmod(0o600)
    with pytest.raises(ConfigError):
        TokensFile(tmp_path).find("x")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    footnote("tokens", "add", "webui", home=tmp_path)
    (tmp_path / "tokens.json").chmod(0o640)
    assert "chmod 600" in footnote("tokens", "list", home=tmp_path, code=2).stderr
