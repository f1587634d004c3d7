"""TOML and environment into one frozen :class:`Settings`. Unknown keys are rejected.

Precedence, strongest first: explicit overrides (command line), ``FOOTNOTE_*`` environment
variables, the TOML file, the defaults below. The file is ``$FOOTNOTE_CONFIG``, else
``footnote.toml`` in the user's configuration folder; a missing default file is no error.
"""

from __future__ import annotations

import ipaddress
import os
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from rag.errors import ConfigError
from rag.system.auth_setting import holds_pairs
from rag.system.server_address import read_address

SERVER = "server"  # the name of the model that the server at ``llm_url`` runs
MODES = ("quote", "shorten", "cite", "free")
SENTENCE_SELECTORS = ("measured", "model")
_OF_NAMES = f"{string.ascii_letters}{string.digits}.-_"
WRITING_PROMPTS = ("measured", "answer", "compose")


def _platform_dir(kind: str) -> Path:
    import platformdirs

    return Path(getattr(platformdirs, f"user_{kind}_dir")("footnote", appauthor=False))


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """Where libraries and models live: ``$FOOTNOTE_HOME``, else the user's data folder."""
    if environ.get("FOOTNOTE_HOME"):
        return _path(environ["FOOTNOTE_HOME"], "FOOTNOTE_HOME")
    return _platform_dir("data")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the program. ``model`` is ``writer``, ``quote``, ``server``, a registered name or a path."""

    home: Path = field(default_factory=home)
    library: Path | None = None  # None: the shipped abstracts, under ``home``
    model: str = "writer"
    mode: str | None = None  # None: that of the model: ``quote``, ``shorten`` or ``cite``
    seed: int = 0
    temperature: float = 0.0
    max_tokens: int = 220  # of an answer
    context: int = 2048  # tokens of prompt and answer together
    threads: int = 0  # 0: from the cores that are free
    papers: int = 5  # papers that go into the evidence
    depth: int = 100  # passages from each retriever before fusion
    sentences: int = 3  # sentences of a quoted answer
    unsupported: str = "drop"  # or ``mark``: what happens to a sentence that the check rejects
    sentence_selector: str = (
        "measured"  # who chooses quotes: a model measured to be better than the ranker, or ``model``
    )
    # How a language model is asked: as measured of it or by its size, to repeat the sentence that answers (``answer``),
    # or to answer from several papers (``compose``).
    prompt: str = "measured"
    patience: int = 15  # seconds to a model's first word: how much it is given to read
    citation_style: str = "apa"  # of lists of references: a name, or the path of a .csl file
    refuse: bool = True  # False: answer even where the evidence is thin
    read_only: bool = False  # True: libraries are read and never written to, also where that could be done
    # A server that speaks as OpenAI's does; the model ``server`` is the one that it runs.
    llm_url: str = ""  # http://127.0.0.1:8080; '' for none
    llm_key: str = field(default="", repr=False)  # where it asks for one
    llm_model: str = ""  # which of its models; '' where it has one
    llm_timeout: int = 120  # seconds that it may be silent
    # A Chroma server that holds the vectors of libraries in place of their folders.
    chroma_url: str = ""  # http://127.0.0.1:8000; '' for none
    chroma_token: str = field(default="", repr=False)  # where it, or what stands before it, asks for one
    chroma_tenant: str = "default_tenant"
    chroma_database: str = "default_database"
    host: str = "127.0.0.1"
    port: int = 7860
    # Who may sign in to the page: see rag/system/auth_setting.py. Empty: those of ``footnote users``, else everybody.
    auth: str = field(default="", repr=False)
    zotero: str = ""  # the folder of Zotero's data, or the address of its API, http://localhost:23119; empty: found
    trusted_proxies: str = ""  # addresses or networks, with commas, whose X-Forwarded-For is believed

    def __post_init__(self) -> None:
        if self.mode is not None and self.mode not in MODES:
            raise ConfigError(f"mode is '{self.mode}'; use one of {', '.join(MODES)}.")
        if self.unsupported not in ("drop", "mark"):
            raise ConfigError(f"unsupported is '{self.unsupported}'; use drop or mark.")
        if self.sentence_selector not in SENTENCE_SELECTORS:
            raise ConfigError(
                f"sentence_selector is '{self.sentence_selector}'; use {' or '.join(SENTENCE_SELECTORS)}."
            )
        if self.prompt not in WRITING_PROMPTS:
            raise ConfigError(f"prompt is '{self.prompt}'; use {', '.join(WRITING_PROMPTS)}.")
        bounds = {
            "papers": (1, 50),
            "patience": (1, 3600),
            "llm_timeout": (1, 3600),
            "depth": (1, 10_000),
            "sentences": (1, 10),
            "threads": (0, 1024),
            "max_tokens": (16, 4096),
            "context": (256, 131_072),
            "port": (0, 65_535),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} is {value}; use a number from {low} to {high}.")
        for name in filter(None, map(str.strip, self.trusted_proxies.split(","))):
            _check_network(name)
        if not 0.0 <= self.temperature <= 2.0:
            raise ConfigError(f"temperature is {self.temperature}; use a number from 0 to 2.")
        _check_server(self)
        _check_chroma(self)

    @property
    def library_path(self) -> Path:
        """The library folder that is meant."""
        return self.library if self.library is not None else self.home / "libraries" / "shipped"

    @property
    def is_shipped_library(self) -> bool:
        """Whether the library is the one that is built from the shipped abstracts."""
        return self.library is None


def load_settings(environ: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Settings from file, environment and ``overrides`` (those that are not None).

    Raises :class:`ConfigError` for an unknown key or a value of the wrong type, naming where it
    stands and what is allowed.
    """
    values: dict[str, Any] = {"home": _platform_dir("data")}
    commanded = [("command line", {key: value}) for key, value in overrides.items() if value is not None]
    for level in (_file_values(environ), _environment_values(environ), commanded):
        named = {key: _convert(key, value, where) for where, raw in level for key, value in raw.items()}
        # Who names a server and no model beside it wants that server's.
        values |= ({"model": SERVER} if named.get("llm_url") else {}) | named
    return Settings(**values)


def with_overrides(settings: Settings, **overrides: Any) -> Settings:
    """A copy with the overrides that are not None."""
    return replace(settings, **{k: _convert(k, v, "override") for k, v in overrides.items() if v is not None})


def _file_values(environ: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    named = environ.get("FOOTNOTE_CONFIG")
    path = _path(named, "FOOTNOTE_CONFIG") if named else _platform_dir("config") / "footnote.toml"
    if not path.is_file():
        if named:
            raise ConfigError(f"FOOTNOTE_CONFIG names {path}, which is not a file. Create it or unset the variable.")
        return []
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML ({error}). Correct it or remove it.") from error
    if isinstance(values.get("auth"), str) and holds_pairs(values["auth"]):
        raise ConfigError(
            f"auth in {path} holds passwords in plain text. Take it out and add each user: footnote users add NAME"
        )
    return [(str(path), values)]


# Variables that say where settings are; they are none.
_OTHER_VARIABLES = {"FOOTNOTE_CONFIG"}


def _environment_values(environ: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    prefix = "FOOTNOTE_"
    return [
        (key, {key.removeprefix(prefix).lower(): value})
        for key, value in sorted(environ.items())
        if key.startswith(prefix) and key not in _OTHER_VARIABLES and value != ""
    ]


_SECRET = ("auth", "llm_key", "chroma_token")
_KINDS: dict[str, str] = {f.name: str(f.type) for f in fields(Settings)}


def _convert(key: str, value: Any, where: str) -> Any:
    if key not in _KINDS:
        raise ConfigError(f"'{key}' ({where}) is not a setting. Settings are: {', '.join(sorted(_KINDS))}.")
    kind = _KINDS[key]
    try:
        if kind.startswith("Path"):
            return _path(value, f"{key}, {where}")
        if kind == "bool":
            return _boolean(value)
        if kind == "int":
            return _integer(value)
        if kind == "float":
            return float(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{key} is {value!r} ({where}); it must be of type {kind}.") from error
    if not isinstance(value, str):
        said = "set" if key in _SECRET else repr(value)  # a password is not repeated
        raise ConfigError(f"{key} is {said} ({where}); it must be text.")
    return value


def _check_server(settings: Settings) -> None:
    if settings.llm_url:
        read_address(settings.llm_url, "llm_url")
    elif settings.model == SERVER:
        raise ConfigError(
            "model is 'server' and no server is named. Set FOOTNOTE_LLM_URL, for example to http://127.0.0.1:8080."
        )
    _check_key(settings.llm_key, "llm_key", "key")


def _check_chroma(settings: Settings) -> None:
    if settings.chroma_url:
        read_address(settings.chroma_url, "chroma_url")
    _check_key(settings.chroma_token, "chroma_token", "token")
    for name in ("chroma_tenant", "chroma_database"):
        value = getattr(settings, name)
        # A part of the addresses that the server is asked at.
        if len(value) < 3 or not value.isascii() or not value[0].isalnum() or value.strip(_OF_NAMES):
            raise ConfigError(f"{name} is '{value}'; use three or more letters, digits, dots, hyphens and underscores.")


def _check_key(text: str, setting: str, kind: str) -> None:
    if not all("!" <= character <= "~" for character in text):
        raise ConfigError(f"{setting} holds a blank or a character that no {kind} has. Copy the {kind} again.")


def _check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigError(f"trusted_proxies has '{text}', which is no address or network ({error}).") from error


def _path(value: Any, where: str) -> Path:
    if value == "" or "\0" in str(value):
        raise ConfigError(f"{value!r} ({where}) is no path. Name a folder or a file, or leave the setting out.")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # '~name' of a user who does not exist
        raise ConfigError(f"{value} ({where}) is not a path on this computer: {error}") from error


def _integer(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(value)
    return int(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    return words[str(value).strip().lower()] if str(value).strip().lower() in words else _raise(value)


def _raise(value: Any) -> bool:
    raise ValueError(value)
