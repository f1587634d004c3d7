"""What the documentation says is so: commands run, paths exist, links lead somewhere, help pages are fresh."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ggufs import write_llama

from benchmarks import several
from benchmarks.workload import load_papers
from rag import factory
from rag.evaluation.report import RESULTS, latest
from scripts.cli_docs import TARGET, page
from tests.cli_parts import COMMAND, WILLING, footnote

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(
    [ROOT / "README.md", ROOT / "data" / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "models").glob("*.md")]
)
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
    folders = "rag|prompts|docs|data|benchmarks|tests|scripts|training"
    for name in re.findall(rf"`((?:{folders})/[\w./-]*|app\.py)`", text):
        assert (ROOT / name).exists(), f"{path.name} names {name}"


def test_every_folder_has_one_line_in_the_table() -> None:
    """A new folder that the README does not show would make it untrue in silence; so would one that is gone."""
    named = re.findall(r"^\| `rag/(\w+)/` \|", README, re.MULTILINE)
    assert sorted(named) == sorted(path.parent.name for path in ROOT.glob("rag/*/__init__.py"))
    assert "docs/architecture.md" in README


def test_figures_of_the_text_are_those_of_the_tables() -> None:
    """What the README praises is what the last evaluation has measured."""
    before, _, rest = README.partition("<!-- eval:begin -->")
    measured, _, after = rest.partition("<!-- eval:end -->")
    told = set(re.findall(r"\b0\.\d{3}\b", " ".join((before + after).split()).replace(several.sentence(), "")))
    assert told
    assert told <= set(re.findall(r"\b0\.\d{3}\b", measured))


# What is written in figures and measures nothing.
NAMES = ("SmolLM2-135M-Instruct", "SmolLM2-135M", "all-MiniLM-L6-v2", "Apache-2.0", "exit code 3")


def running_text() -> str:
    """The README without code, addresses, and the blocks that are generated from results, in one line."""
    text = re.sub(r"^```.*?^```", "", README, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"<!-- (bench:\w+) -->.*?<!-- /\1 -->", "", text, flags=re.DOTALL)
    text = re.sub(r"<!-- eval:begin -->.*?<!-- eval:end -->", "", text, flags=re.DOTALL)
    text = re.sub(r"`[^`\n]*`|\]\([^)]*\)", "", text)
    text = " ".join(text.split())
    return text.replace(several.sentence(), "")  # held to its own results: tests/test_several_figures.py


def answers(model: str) -> dict[str, Any]:
    """The newest result over the development questions of ``model`` in its first mode."""
    records = [json.loads(path.read_text("utf-8")) for path in (ROOT / RESULTS / "answers").glob("*-dev-*.json")]
    own = [one for one in records if one["model"] == model and (model != "writer" or one["mode"] not in MODES_BESIDE)]
    return max(own, key=lambda one: str(one["finished"]))


MODES_BESIDE = ("quote", "free")  # modes of the writer that have to be asked for


def mean(record: dict[str, Any], figure: str) -> float:
    return float(record["systems"][0]["rows"][0]["estimates"][figure]["mean"])


def of_other_libraries(row: str) -> tuple[str, ...]:
    """'16', '30' for '16 of 30': the last column of a row of the refusals in docs/answers.md."""
    text = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
    found = re.search(rf"^\| {row} \|.*\| (\d+) of (\d+) \|$", text, re.MULTILINE)
    assert found, row
    return found.groups()


def in_file(name: str, pattern: str) -> str:
    found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"))
    assert found, (name, pattern)
    return found[1]


def figures() -> list[tuple[str, tuple[str, ...]]]:
    """Every place of the running text that has a figure, as a pattern, and what must stand there."""
    writer = answers("writer")
    collections = latest(ROOT / RESULTS, "retrieval")
    assert collections is not None
    words = ("one", "two", "three", "four", "five", "six", "seven", "eight")
    questions = str(writer["questions"])
    return [
        (r"You need Python ([\d.]+)", (in_file("pyproject.toml", r'requires-python = ">=([\d.]+)"'),)),
        (r"(\d+) abstracts on machine learning", (str(len(load_papers())),)),
        (
            r"(\d+) development questions ([\d.]+) of the cited",
            (questions, f"{mean(writer, 'citation_precision'):.3f}"),
        ),
        (r"(\d+) development questions over the shipped", (questions,)),
        (r"The (\d+) development questions were seen", (questions,)),
        (r"([\d.]+) of the questions without one are refused", (f"{mean(writer, 'true_refusal'):.3f}",)),
        (r"and ([\d.]+) of those with one", (f"{mean(writer, 'false_refusal'):.3f}",)),
        (r"refuses (\d+) of (\d+) questions off its topic", of_other_libraries("off-topic refused")),
        (r"(\d+) of (\d+) whose paper is there but does not say", of_other_libraries("near misses refused")),
        (r"wrongly (\d+) of (\d+) that it can answer", of_other_libraries("answerable refused")),
        (
            r"(\d+) words an answer, lists of papers included",
            (f"{mean(writer, 'words'):.0f}",),
        ),
        (r"a network of (\d+) MB", (f"{(ROOT / 'models' / 'pruning.onnx').stat().st_size / 1e6:.0f}",)),
        (
            r"set to refuse (\d+)% of",
            (f"{float(in_file('training/fit_evidence.py', 'FALSE_REFUSALS = (.+)')):.0%}"[:-1],),
        ),
        (r"and (\w+) public collections", (words[len(collections["collections"]) - 1],)),
    ]


def test_every_figure_of_the_running_text_is_the_newest_one() -> None:
    """What the README praises is what was measured last; a figure that nobody holds to its source is not written."""
    text = running_text()
    for pattern, expected in figures():
        found = re.findall(pattern, text)
        assert found == [expected if len(expected) > 1 else expected[0]], pattern
        text = re.sub(pattern, "", text)
    for name in NAMES:
        text = text.replace(name, "")
    assert not re.findall(r".{0,40}(?<![A-Za-z\d])\d.{0,20}", text)
    assert not re.findall(r"\b(?:half|thirds?|quarters?) of (?:a|an|what)\b.*", text), "write it in digits"


def test_the_answers_of_the_table_are_those_of_the_default_model() -> None:
    newest = latest(ROOT / RESULTS, "answers")
    assert newest is not None
    assert newest["finished"] == answers("writer")["finished"]


def test_help_pages_are_fresh() -> None:
    assert TARGET.read_text(encoding="utf-8") == page(), "run: python scripts/cli_docs.py"


def test_help_pages_can_be_made_by_the_command_they_name(tmp_path: Path) -> None:
    """As a process of its own, whatever the width of the terminal is."""
    code = "import sys; sys.path.insert(0, '.'); from scripts.cli_docs import page; sys.stdout.write(page())"
    environment = {**os.environ, "COLUMNS": "40", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, env=environment, check=True)
    assert done.stdout.decode("utf-8") == TARGET.read_text(encoding="utf-8")
