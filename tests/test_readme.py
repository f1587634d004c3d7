"""What the documentation says is so: commands run, paths exist, links lead somewhere, help pages are fresh."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ggufs import write_llama

from rag import factory
from scripts.cli_docs import TARGET, page
from tests.cli_parts import COMMAND, WILLING, footnote

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "data" / "README.md", *(ROOT / "docs").glob("*.md")])
BIB = """@article{sleep, title={Sleep measured with a wristband}, year={2022}, author={Ada Owl},
abstract={We measured sleep with a wristband in 40 people. It agrees with the laboratory in 88% of the nights.}}"""
RIS = "TY  - JOUR\nTI  - Naps of owls\nAB  - Owls nap for 20 minutes.\nPY  - 2020\nER  - \n"
CSV = "title,abstract,year\nSnoring in bears,Bears snore at 40 dB.,2019\n"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="module")
def user(shipped_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's home folder, with the files in it that the README names."""
    home = tmp_path_factory.mktemp("user")
    (home / "refs.bib").write_text(BIB, encoding="utf-8")
    (home / "more.ris").write_text(RIS, encoding="utf-8")
    (home / "export.csv").write_text(CSV, encoding="utf-8")
    (home / "Downloads").mkdir()
    write_llama(home / "Downloads" / "some-instruct-model.gguf")
    yield home
    footnote("models", "remove", "mine", home=shipped_home, code=(0, 1))
    factory.close_all()


def test_there_are_commands_to_run() -> None:
    assert len(commands()) >= 10
    assert {shlex.split(line)[1] for line in commands()} >= {"ask", "search", "import", "serve", "models"}


@pytest.mark.parametrize("line", commands())
def test_the_commands_run(line: str, user: Path, shipped_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(user)
    monkeypatch.setenv("HOME", str(user))
    name, *arguments = [str(Path(word).expanduser()) if word.startswith("~") else word for word in shlex.split(line)]
    assert name == "footnote"
    if arguments[0] == "serve":
        serve(arguments, shipped_home)
        return
    own = WILLING if "--library" in arguments else {}
    result = footnote(*arguments, home=shipped_home, code=3 if "pizza" in line else 0, **own)
    assert result.stdout.strip()
    if "wristband" in line:
        assert "Sleep measured with a wristband" in result.stdout


def serve(arguments: list[str], home: Path) -> None:
    environment = {**os.environ, "FOOTNOTE_HOME": str(home), "FOOTNOTE_PORT": "0"}
    child = subprocess.Popen([COMMAND, *arguments], stderr=subprocess.PIPE, text=True, env=environment)
    assert child.stderr is not None
    try:
        assert child.stderr.readline().startswith("Footnote is at http://127.0.0.1:")
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.communicate(timeout=20)
        finally:
            child.kill()


def test_make_knows_what_is_named() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {word for page_ in PAGES for word in re.findall(r"(?:^|`)make ([a-z-]+)", page_.read_text("utf-8"), re.M)}
    assert {"run", "test"} <= named <= targets


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    outside = ("http://", "https://", "#", "mailto:")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not link.startswith(outside):
            assert (path.parent / link.partition("#")[0]).exists(), f"{path.name} links to {link}"
    if path.name == "README.md" and path.parent == ROOT:
        for name in re.findall(r"`((?:rag|prompts|docs|data|benchmarks|tests)/[\w./-]*|app\.py)`", text):
            assert (ROOT / name).exists(), f"{path.name} names {name}"


def test_every_module_of_the_flow_is_in_the_table() -> None:
    """A new step that the README does not show would make it untrue in silence."""
    table = "\n".join(line for line in README.splitlines() if line.startswith("|"))
    for step in ("importers", "chunking", "encoders", "library", "retrievers", "evidence", "prompting", "generators"):
        assert f"rag/{step}" in table
    for extra in ("citations", "presentation", "overview", "questions", "factory", "offline"):
        assert f"rag/{extra}.py" in table


def test_figures_of_the_text_are_those_of_the_tables() -> None:
    """What the README praises is what the last evaluation has measured."""
    before, _, rest = README.partition("<!-- eval:begin -->")
    measured, _, after = rest.partition("<!-- eval:end -->")
    told = set(re.findall(r"\b0\.\d{3}\b", before + after))
    assert told
    assert told <= set(re.findall(r"\b0\.\d{3}\b", measured))


def test_help_pages_are_fresh() -> None:
    assert TARGET.read_text(encoding="utf-8") == page(), "run: python scripts/cli_docs.py"


def test_help_pages_can_be_made_by_the_command_they_name(tmp_path: Path) -> None:
    """As a process of its own, whatever the width of the terminal is."""
    code = "import sys; sys.path.insert(0, '.'); from scripts.cli_docs import page; sys.stdout.write(page())"
    environment = {**os.environ, "COLUMNS": "40", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, env=environment, check=True)
    assert done.stdout.decode("utf-8") == TARGET.read_text(encoding="utf-8")
