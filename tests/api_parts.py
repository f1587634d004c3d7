"""The page and its API, served on loopback in a process of their own for tests of the API."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.cli_parts import COMMAND, MOTHS, SNOW, WILLING, footnote, write_lines

QUESTION = "How many of the moths does MothEar find?"
OPEN = ("--host", "0.0.0.0")  # how a program is served that others reach
FOUND = "It finds 93% of the moths in a garden at night."


@dataclass(frozen=True)
class Served:
    """A running program. ``home`` is its data folder, ``library`` the one that it was started with."""

    address: str
    home: Path
    library: Path

    def client(self, token: str = "", **headers: str) -> httpx.Client:
        """A client, with a token where one is given."""
        sent = {**headers, **({"authorization": f"Bearer {token}"} if token else {})}
        return httpx.Client(base_url=self.address, headers=sent, timeout=600, trust_env=False)

    def token(self, name: str, role: str) -> str:
        """A new token."""
        return footnote("tokens", "add", name, "--role", role, home=self.home).stdout.strip()


def papers_in(folder: Path) -> Path:
    """A library of two papers in ``folder``."""
    footnote("import", write_lines(folder / "papers.jsonl", MOTHS, SNOW), "--library", folder / "own")
    return folder / "own"


@contextmanager
def served(folder: Path, shared_home: Path, *arguments: str, **variables: str) -> Iterator[Served]:
    """``footnote serve`` over a library of two papers and, beside it, an empty one that may be changed."""
    library, home = papers_in(folder), folder / "home"
    (home / "libraries").mkdir(parents=True)
    (shared_home / "models").mkdir(exist_ok=True)
    (home / "models").symlink_to(shared_home / "models")
    write_lines(folder / "one.jsonl", {"id": "owl", "title": "Naps of owls", "abstract": "Owls nap for 20 minutes."})
    footnote("import", folder / "one.jsonl", "--library", home / "libraries" / "second")
    environment = {**os.environ, "FOOTNOTE_HOME": str(home), "FOOTNOTE_LIBRARY": str(library),
                   "FOOTNOTE_MODEL": "quote", "FOOTNOTE_PORT": "0", "FOOTNOTE_THREADS": "1", **WILLING,
                   **variables}  # fmt: skip
    child = subprocess.Popen([COMMAND, "serve", *arguments], stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert child.stderr is not None
        said = ""
        while not (found := re.search(r"at (http://[^ ]+?)/? \(", said)):
            line = child.stderr.readline()
            assert line, said
            said += line
        yield Served(found[1].replace("0.0.0.0", "127.0.0.1"), home, library)
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.communicate(timeout=120)
        finally:
            child.kill()
