"""Settings from file, environment and command line; what is wrong is named with its place and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.config import Settings, load_settings, with_overrides
from rag.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def environment(file: Path, **variables: str) -> dict[str, str]:
    return {"FOOTNOTE_CONFIG": str(file), **{f"FOOTNOTE_{name.upper()}": value for name, value in variables.items()}}


def test_defaults_ask_nothing_of_the_user(file: Path) -> None:
    file.touch()
    settings = load_settings(environment(file, home="/data"))
    assert settings == Settings(home=Path("/data"))
    assert settings.is_shipped_library
    assert settings.library_path == Path("/data/libraries/shipped")
    assert (settings.model, settings.mode, settings.host) == ("writer", None, "127.0.0.1")


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(file: Path) -> None:
    file.write_text('papers = 3\nsentences = 4\nseed = 5\nhome = "/from/file"\n', encoding="utf-8")
    settings = load_settings(environment(file, sentences="6", seed="7"), seed=8, port=None)
    assert (settings.papers, settings.sentences, settings.seed, settings.port) == (3, 6, 8, 7860)
    assert settings.home == Path("/from/file")
    assert load_settings(environment(file, home="/from/environment")).home == Path("/from/environment")


def test_values_of_every_kind_from_the_environment(file: Path) -> None:
    file.touch()
    settings = load_settings(
        environment(file, refuse="no", temperature="0.5", library="~/papers", model="smollm2", threads="2", mode="")
    )
    assert (settings.refuse, settings.temperature, settings.threads) == (False, 0.5, 2)
    assert settings.library == Path.home() / "papers" and not settings.is_shipped_library
    assert settings.mode is None, "an empty variable is none"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("paper = 3", ["'paper'", "settings.toml", "papers"]),
        ('papers = "many"', ["papers is 'many'", "int"]),
        ("papers = 2.5", ["papers is 2.5", "int"]),
        ("papers = true", ["papers is True", "int"]),
        ("papers = 0", ["papers is 0", "from 1 to 50"]),
        ("temperature = nan", ["temperature is nan", "from 0 to 2"]),
        ('refuse = "perhaps"', ["refuse is 'perhaps'", "bool"]),
        ("model = 3", ["model is 3", "text"]),
        ('mode = "chat"', ["mode is 'chat'", "quote, shorten, cite, free"]),
        ('unsupported = "hide"', ["unsupported is 'hide'", "drop or mark"]),
        ('library = ""', ["no path", "leave the setting out"]),
        ('library = "a\\u0000b"', ["no path"]),
        ("library = 3", ["library is 3", "Path"]),
        ('library = "~nobody-of-that-name/x"', ["~nobody-of-that-name/x", "not a path"]),
        ("papers = ", ["not valid TOML", "Correct it"]),
        ("[ask]\npapers = 3", ["'ask'", "not a setting"]),
    ],
)
def test_a_wrong_file_is_named_with_the_remedy(file: Path, text: str, words: list[str]) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_settings({"FOOTNOTE_CONFIG": str(file)})
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_file_that_is_no_text(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_settings({"FOOTNOTE_CONFIG": str(file)})


def test_a_file_that_was_named_must_be_there(file: Path) -> None:
    with pytest.raises(ConfigError, match="Create it or unset"):
        load_settings({"FOOTNOTE_CONFIG": str(file)})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("modell", "x", "'modell' \\(FOOTNOTE_MODELL\\)"),
        ("port", "http", "port is 'http' \\(FOOTNOTE_PORT\\)"),
        ("port", "99999", "from 0 to 65535|from 0 to 65,535"),
        ("home", "~nobody-of-that-name", "not a path"),
    ],
)
def test_a_wrong_variable_is_named(file: Path, name: str, value: str, words: str) -> None:
    file.touch()
    with pytest.raises(ConfigError, match=words):
        load_settings(environment(file, **{name: value}))


def test_overrides_are_checked_too() -> None:
    settings = Settings(home=Path("/data"))
    assert with_overrides(settings, model="smollm2", mode=None).model == "smollm2"
    for wrong in ({"mode": "chat"}, {"colour": "red"}, {"papers": 0}):
        with pytest.raises(ConfigError):
            with_overrides(settings, **wrong)


@given(st.sampled_from(sorted(Settings.__dataclass_fields__)), st.text(max_size=20).filter(lambda t: "\0" not in t))
def test_no_variable_fails_in_any_other_way(name: str, value: str) -> None:
    variables: dict[str, Any] = {"FOOTNOTE_HOME": "/data", f"FOOTNOTE_{name.upper()}": value}
    try:
        assert isinstance(load_settings(variables), Settings)
    except ConfigError as error:
        assert error.exit_code == 2


# A model server


def test_who_names_a_server_wants_its_model(tmp_path: Path) -> None:
    named = {"FOOTNOTE_LLM_URL": "http://10.0.0.5:8080/v1"}
    file = tmp_path / "footnote.toml"
    file.write_text('model = "quote"\n', encoding="utf-8")
    assert load_settings({"FOOTNOTE_CONFIG": str(file)} | named).model == "server"
    assert load_settings({"FOOTNOTE_CONFIG": str(file), "FOOTNOTE_MODEL": "writer"} | named).model == "writer"
    assert load_settings({"FOOTNOTE_CONFIG": str(file)} | named, model="quote").model == "quote"
    file.write_text('llm_url = "http://10.0.0.5:8080"\n', encoding="utf-8")
    assert load_settings({"FOOTNOTE_CONFIG": str(file)}).model == "server"
    assert load_settings({"FOOTNOTE_CONFIG": str(file), "FOOTNOTE_MODEL": "quote"}).model == "quote"


def test_the_server_without_an_address_says_what_to_set() -> None:
    with pytest.raises(ConfigError, match="FOOTNOTE_LLM_URL"):
        load_settings({}, model="server")


@pytest.mark.parametrize(
    "url",
    [
        "10.0.0.5:8080", "localhost", "ftp://10.0.0.5", "http://", "http://a b", "http://x:99999", "http://x:0",
        "http://[::1", "http://x?key=1", "http://x/v1#a", "file:///etc/passwd", "http:\\\\x",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="llm_url"):
        load_settings({"FOOTNOTE_LLM_URL": url})


def test_no_secret_is_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"FOOTNOTE_LLM_URL": "http://me:sesame@10.0.0.5"})
    assert "sesame" not in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        load_settings({"FOOTNOTE_LLM_KEY": "sk-sesame\n"})
    assert "sesame" not in str(caught.value)
    assert "sesame" not in repr(load_settings({"FOOTNOTE_LLM_KEY": "sk-sesame"}))
