"""What is measured, in order, in processes of their own: by the command line, the API and the page."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.__main__ import Bench, median, percentile95
from benchmarks.api import request, served
from benchmarks.large.importing import Probe, WatchedImport, finds, stop_background
from benchmarks.large.page import page_figures
from benchmarks.large.part import Part
from benchmarks.large.state import State
from benchmarks.measure import ProcessFailed, Sampler

SEARCHES, SCOPED, WARMING, COLD = 200, 50, 20, 3
NO_WORDS_FIRST = "This version stores no records without their vectors: what is answered before them is not measured."
NO_BROWSER = "There is no browser here: the page is not measured."
LATER_MISSING = "Of the ten papers that were added, {found} were found by their titles."


class Steps:
    """``vectors``: wait for those of all papers; else the large library answers by words as far as it has none."""

    def __init__(self, bench: Bench, folder: Path, part: Part, state: State, vectors: bool) -> None:
        self.bench, self.folder, self.part, self.state, self.vectors = bench, folder, part, state, vectors
        self.library = folder / "library"
        self.home = Path(bench.environment["FOOTNOTE_HOME"])
        self.questions = iter(part.questions)

    def all(self) -> None:
        """Every step that is not done yet. Raises :class:`ProcessFailed`."""
        steps: tuple[Callable[[], None], ...] = (
            self.prepare, self.large, self.follow, self.ours, self.stock, self.cold, self.searches, self.page,
            self.later, self.disk,
        )  # fmt: skip
        for step in steps:
            if not self.state.is_done(step.__name__):
                self.bench.say(f"{time.strftime('%H:%M:%S')} {step.__name__}")
                step()
                self.state.finish(step.__name__)

    def prepare(self) -> None:
        """The models and the shipped library, which a first command makes."""
        self.bench.python("-m", "scripts.prepare")

    def large(self) -> None:
        """All papers: the first answer, the last record found, the end, after which vectors may follow."""
        probes = [
            Probe("first_answer_s", lambda: self._answers(self.part.questions[0])),
            Probe("all_found_s", self._finds_last),
        ]
        done = self._import(self.part.papers, self.library, "large", False, probes)
        self.state.keep(large_import_s=done["seconds"], large_import_mb=done["mb"])
        if self._waits():
            self.state.keep(without_vectors_papers_s=self.part.count / done["seconds"])
        else:
            self.state.note(NO_WORDS_FIRST)

    def follow(self) -> None:
        """The vectors of all papers, where an import does not wait for them by itself."""
        stop_background(self.library)
        if self.vectors and self._waits():
            done = self._import(self.part.papers, self.library, "follow", True, [])
            self.state.keep(vectors_s=done["seconds"], vectors_mb=done["mb"])

    def ours(self) -> None:
        """The compared part, from process start to all vectors."""
        library = self.folder / "compared"
        done = self._import(self.part.compared, library, "ours", self._waits(), [])
        self.state.keep(
            ours_papers_s=self.part.compared_count / done["seconds"], ours_import_mb=done["mb"],
            ours_disk_bytes=disk_of(library) / self.part.compared_count,
        )  # fmt: skip

    def stock(self) -> None:
        """The same part by the stock chain, and its cold and warm searches."""
        library = self.folder / "stock"
        stop = ("-m", "benchmarks.stock_chain")
        done = self.bench.python(*stop, "import", str(library), "--papers", str(self.part.compared))
        cold = [self.bench.python(*stop, "ask", str(library), one) for one in self.part.questions[:COLD]]
        self.state.keep(
            stock_papers_s=self.part.compared_count / done.seconds, stock_import_mb=done.peak_mb,
            stock_disk_bytes=disk_of(library) / self.part.compared_count,
            stock_cold_s=median(one.marks["passages"] for one in cold),
            stock_ask_mb=median(one.peak_mb for one in cold),
        )  # fmt: skip

    def cold(self) -> None:
        """Questions to the large library, each in a process of its own."""
        options = ("--json", "--model", "quote", "--library", str(self.library))
        runs = [self.bench.footnote("ask", one, *options) for one in self.part.questions[:COLD]]
        self.state.keep(cold_ask_s=median(one.seconds for one in runs), ask_mb=median(one.peak_mb for one in runs))

    def searches(self) -> None:
        """Searches by the API of a program that has everything loaded, none asked twice."""
        texts = iter(self.part.questions)
        with served(self.home, "--library", str(self.library), "--model", "quote") as (address, program):
            sampler = Sampler(program.pid, every=0.1, marks=True)
            sampler.start()
            connection = HTTPConnection(address, timeout=900)
            years = {"since": self.part.since, "until": self.part.until}
            _searched(connection, texts, WARMING // 2, {})
            _searched(connection, texts, WARMING // 2, years)
            plain, scoped = (
                _searched(connection, texts, SEARCHES, {}),
                _searched(connection, texts, SCOPED, years),
            )
            connection.close()
            sampler.finish()
        self.state.keep(
            search_p50_s=statistics.median(plain), search_p95_s=percentile95(plain),
            scoped_p50_s=statistics.median(scoped), scoped_p95_s=percentile95(scoped), api_mb=sampler.peak / 1e6,
        )  # fmt: skip

    def page(self) -> None:
        """The page in a browser."""
        figures = page_figures(self.home, self.library, self.part.since + 1, common_word(self.part.questions))
        if not figures:
            self.state.note(NO_BROWSER)
        self.state.keep(**figures)

    def later(self) -> None:
        """Ten papers added; that each is found is checked afterwards."""
        done = self.bench.footnote("import", str(self.part.later), "--library", str(self.library))
        found = self._found_by_title(self.part.later)
        if found < 10:
            self.state.note(LATER_MISSING.format(found=found))
        self.state.keep(ten_added_s=done.seconds, ten_found=found)

    def disk(self) -> None:
        """Bytes a paper of the large library."""
        self.state.keep(disk_bytes=disk_of(self.library) / (self.part.count + 10))

    # --- the command line ---

    def _import(self, file: Path, library: Path, name: str, wait: bool, probes: list[Probe]) -> dict[str, float]:
        command = self.bench.command("import", str(file), "--library", str(library), *(["--wait"] if wait else []))
        log = self.folder / f"{name}.log"
        return WatchedImport(command, self.bench.environment, log, self.state, name, probes).run()

    def _waits(self) -> bool:
        return "--wait" in self.bench.footnote("import", "--help").stdout

    def _answers(self, question: str) -> bool:
        return self._try("ask", question, "--json", "--model", "quote") is not None

    def _finds_last(self) -> bool:
        printed = self._try("search", self.part.last["title"], "--json")
        return printed is not None and finds(printed, self.part.last["id"])

    def _try(self, command: str, text: str, *options: str) -> str | None:
        """What a command prints; None where the library is not there yet or says something else is wrong."""
        try:
            return self.bench.footnote(command, text, *options, "--library", str(self.library)).stdout
        except ProcessFailed:
            return None

    def _found_by_title(self, file: Path) -> int:
        """How many of the papers of a file a search for their titles finds."""
        records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        asked, out = self.folder / "titles.jsonl", self.folder / "found.jsonl"
        lines = (json.dumps({"id": one["id"], "text": one["title"]}) + "\n" for one in records)
        asked.write_text("".join(lines), encoding="utf-8")
        self.bench.footnote("search", "--batch", str(asked), "--out", str(out), "--library", str(self.library))
        hits = out.read_text(encoding="utf-8").splitlines()
        return sum(finds(line, one["id"]) for line, one in zip(hits, records, strict=True))


def _searched(connection: HTTPConnection, texts: Any, count: int, scope: dict[str, int]) -> list[float]:
    """Seconds of each of so many searches for the next ones of ``texts``. Raises :class:`ProcessFailed`."""
    seconds = []
    for _, text in zip(range(count), texts, strict=False):
        begun = time.perf_counter()
        status = request(connection, "search", {"query": text, **scope})
        if status != 200:
            raise ProcessFailed(f"A search was answered with {status}.")
        seconds.append(time.perf_counter() - begun)
    return seconds


def common_word(texts: list[str]) -> str:
    """The longish word that most of these texts have, the questions' own words left out."""
    words = (word for text in texts for word in {*text.lower().split()} if word.isalpha() and len(word) > 5)
    asking = {"results", "problem", "approached", "reported", "which", "solve", "find"}
    return Counter(word for word in words if word not in asking).most_common(1)[0][0]


def disk_of(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
