"""compose.yaml and Containerfile name only commands, options, paths and variables that there are.

Nothing here builds or starts a container: that needs a network and an engine.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest

from rag.cli import main
from rag.config import load_settings

ROOT = Path(__file__).parent.parent
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = importlib.import_module("yaml").safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
COMMANDS = [SERVICES[name]["command"] for name in SERVICES] + [
    shlex.split(line.replace(",", " ").strip("[]"))
    for line in re.findall(r"^CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE)
]


def options_of(command: list[str]) -> set[str]:
    """The long options that a command has, asked of the program itself."""
    if command[0] == "footnote":
        found: click.Command = main
        for word in command[1:2]:
            assert isinstance(found, click.Group)
            found = found.commands[word]
        return {name for parameter in found.params for name in parameter.opts}
    if command[0] == "chroma":
        run = "import sys, chromadb_rust_bindings; chromadb_rust_bindings.cli(['chroma', *sys.argv[1:]])"
        asked = [sys.executable, "-c", run, command[1], "--help"]
    else:
        assert command[:2] == ["python", "-m"] and importlib.util.find_spec(command[2]) is not None
        asked = [sys.executable, *command[1:3], "--help"]
    help_ = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=True).stdout
    return set(re.findall(r"--[a-z_-]++", help_))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_commands_and_their_options_exist(command: list[str]) -> None:
    scripts = {script.name for script in entry_points(group="console_scripts")}
    assert command[0] == "python" or command[0] in scripts
    assert {word for word in command if word.startswith("--")} <= options_of(command)


def test_the_variables_are_settings_and_their_values_fit() -> None:
    for service in SERVICES.values():
        named = service.get("environment", {})
        assert all(name.startswith("FOOTNOTE_") for name in named)
        settings = load_settings(named)
        assert not named or (settings.model == "server" and settings.chroma_url)
    in_image = dict(
        word.split("=") for line in re.findall(r"^ENV (.+)$", CONTAINERFILE, re.MULTILINE) for word in line.split()
    )
    del in_image["PATH"]
    load_settings(in_image)


def test_the_addresses_are_those_of_the_services() -> None:
    for name, value in SERVICES["page"]["environment"].items():
        if name.endswith("_URL"):
            address = urlsplit(value)
            command = SERVICES[str(address.hostname)]["command"]
            assert command[command.index("--port") + 1] == str(address.port)
            assert command[command.index("--host") + 1] == "0.0.0.0"
            assert address.hostname in SERVICES["page"]["depends_on"]
    outside, _, inside = SERVICES["page"]["ports"][0].rpartition(":")
    assert outside.startswith("127.0.0.1:") and inside in SERVICES["page"]["command"]


def test_the_paths_are_those_that_are_mounted_and_copied() -> None:
    for service in SERVICES.values():
        mounted = {volume.rsplit(":ro")[0].rpartition(":")[2] for volume in service["volumes"]}
        used = {word for word in service["command"] if word.startswith("/")}
        used |= {value for value in service.get("environment", {}).values() if value.startswith("/")}
        assert used == mounted
        assert service["image"] == SERVICES["page"]["image"]
        for volume in service["volumes"]:
            assert volume.startswith("${MODEL") or volume.partition(":")[0] in COMPOSE["volumes"]
    assert (ROOT / SERVICES["page"]["build"]["dockerfile"]).is_file()
    for line in re.findall(r"^COPY (?!--)(.+)$", CONTAINERFILE, re.MULTILINE):
        assert all((ROOT / name).exists() for name in line.split()[:-1]), line


def test_the_image_holds_what_the_wheel_is_made_of() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    copied = {
        name for line in re.findall(r"^COPY (?!--)(.+)$", CONTAINERFILE, re.MULTILINE) for name in line.split()[:-1]
    }
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {path.partition("/")[0] for path in (*wheel["packages"], *wheel["force-include"])}
    assert needed | {"pyproject.toml", "constraints.txt", project["project"]["readme"]} <= copied
    extras = re.search(r"'\.\[([a-z,]+)\]'", CONTAINERFILE)
    assert extras is not None and set(extras[1].split(",")) <= set(project["project"]["optional-dependencies"])
