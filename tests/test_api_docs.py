"""docs/api.md and docs/open-webui.md are so: their commands run, their addresses exist, their example works."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.api import sentence
from rag.api import service
from rag.api.limits import MAX_BODY, MAX_UPLOAD
from rag.api.requests import LONGEST_TEXT
from rag.questions.cleaning import MAX_CHARACTERS
from tests.api_parts import OPEN, Served, served
from tests.cli_parts import footnote

DOCS = Path(__file__).parent.parent / "docs"
API, WEBUI = ((DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("api", "open-webui"))
USUAL = "http://127.0.0.1:7860"


def commands(kind: str) -> list[str]:
    found = re.findall(rf"^\$ ({kind} .*)$", API + WEBUI, re.MULTILINE)
    assert found
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def running(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("docs"), shared_home) as one:
        yield one


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize("line", commands("curl"))
def test_the_requests_are_answered(line: str, running: Served, tmp_path: Path) -> None:
    (tmp_path / "refs.bib").write_text("@article{a, title={Bats}, abstract={Bats hang.}}", encoding="utf-8")
    (tmp_path / "more.ris").write_text("TY  - JOUR\nTI  - Owls\nAB  - Owls nap.\nER  - \n", encoding="utf-8")
    words = shlex.split(line.replace(USUAL, running.address))
    words = [("--data" if word == "--json" else word) for word in words]  # an older curl has no --json
    if "--data" in words and "--get" not in words:
        words += ["--header", "content-type: application/json"]
    done = subprocess.run([*words, "--silent", "--fail-with-body", "--noproxy", "*"], capture_output=True, text=True,
                          timeout=600, cwd=tmp_path, check=False)  # fmt: skip
    assert done.returncode == 0 and done.stdout.strip(), done.stdout + done.stderr


def test_the_tokens_are_made_listed_and_removed(tmp_path: Path) -> None:
    for line in commands("footnote tokens"):
        footnote(*shlex.split(line)[1:], home=tmp_path)


@pytest.mark.parametrize("line", commands("footnote serve"))
def test_the_servers_start(line: str, running: Served, open_program: Served) -> None:
    """Both were started by these commands, with a library and a port of their own."""
    words = shlex.split(line)
    assert words[2:4] == ["--library", "~/papers"] and words[-2:] == ["--port", USUAL.rpartition(":")[2]]
    with {(): running, OPEN: open_program}[tuple(words[4:-2])].client() as client:
        assert client.get("/api/v1/health").status_code == 200


def test_the_example_works(running: Served) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", WEBUI, re.MULTILINE | re.DOTALL)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code.replace(USUAL, running.address), {})
    assert "93" in said.getvalue() and "'start'" in said.getvalue()


def test_every_address_of_the_table_is_there(running: Served) -> None:
    with running.client() as client:
        paths: dict[str, Any] = client.get("/api/v1/openapi.json").json()["paths"]
    known = {(method.upper(), re.sub(r"\{.*?\}", "ID", path)) for path, methods in paths.items() for method in methods}
    told = re.findall(r"^\| `([A-Z]+)`?(?:, `([A-Z]+))? ?(/api/\S+?)` \|", API, re.MULTILINE)
    assert {(method, path) for first, second, path in told for method in (first, second) if method} == {
        one for one in known if one[1].startswith("/api/")
    }


def test_the_limits_are_those_of_the_program() -> None:
    for words in (
        f"{MAX_BODY / 1e6:.0f} MB; of an import {MAX_UPLOAD / 1e6:.0f} MB", f"{MAX_CHARACTERS:,} characters",
        f"{LONGEST_TEXT:,} characters", f"at once | {service.ASKING}, and {service.ASKS_WAITING} that",
        f"at once | {service.SEARCHING}, and {service.SEARCHES_WAITING} that",
    ):  # fmt: skip
        assert words in API, words


def test_the_speed_is_that_of_the_newest_results() -> None:
    assert sentence() in " ".join(API.split()), "put what benchmarks.api.sentence() says into docs/api.md"
