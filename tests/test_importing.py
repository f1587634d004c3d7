"""Imports in a thread of their own, their report, and revising what was typed."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from pathlib import Path

import pytest

from rag.config import Settings
from rag.datatypes import Paper
from rag.errors import FootnoteError, ImportFileError, LibraryLocked
from rag.factory import close_all
from rag.library.import_sources import Upload
from rag.library.importing import ImportJob, Imports
from rag.library.library import Library
from rag.library.remarks import MERGED, SKIPPED, UNREAD, Remark, remarks_csv
from rag.papers.revision import fields_of, revised
from rag.system.accounts import NOBODY
from rag.ui.library_actions import LibraryActions
from rag.ui.render_library import report_html
from rag.ui.roles import require_editor
from rag.ui.uploads import Uploads
from tests.library_parts import WordEncoder, made_papers


class SlowEncoder(WordEncoder):
    """Waits before each batch until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go = threading.Event(), threading.Event()

    def encode_passages(self, papers):  # type: ignore[no-untyped-def]
        self.reached.set()
        assert self.go.wait(20)
        return super().encode_passages(papers)


def write(folder: Path, name: str, papers: list[Paper], *extra: str) -> Upload:
    lines = [json.dumps({"id": p.id, "title": p.title, "abstract": p.abstract}) for p in papers]
    (folder / name).write_text("\n".join([*lines, *extra]), encoding="utf-8")
    return Upload(folder / name, f"shown-{name}")


def make_job(path: Path, uploads: list[Upload], encoder: WordEncoder | None = None) -> ImportJob:
    if not Library.exists(path):
        Library.create(path, embedder=WordEncoder().id).close()
    used = encoder or WordEncoder()
    return ImportJob(uploads, lambda: Library.open(path, embedder=used.id, read_only=False), lambda: used)


def run(job: ImportJob) -> None:
    job.start()
    assert job.wait(60)


def test_an_import_reports_what_became_of_every_record(tmp_path: Path) -> None:
    papers = list(made_papers(10))
    one = write(tmp_path, "one.jsonl", papers, '{"abstract": "no title"}', "{broken")
    two = write(tmp_path, "two.jsonl", [*papers[:3], Paper("other", papers[4].title, papers[4].abstract)])
    (tmp_path / "three.pdf").write_bytes(b"%PDF-1.4 x")
    job = make_job(tmp_path / "library", [one, two, Upload(tmp_path / "three.pdf", "three.pdf")])
    run(job)
    state = job.state
    assert (state.added, state.unchanged, state.merged, state.skipped) == (10, 3, 1, 2)
    assert (state.read, state.total, state.error, state.stage) == (14, 14, "", "end")
    assert {(remark.file, remark.line, remark.outcome) for remark in job.remarks} == {
        ("shown-one.jsonl", 11, SKIPPED), ("shown-one.jsonl", 12, SKIPPED), ("shown-two.jsonl", None, MERGED),
        ("three.pdf", None, UNREAD),
    }  # fmt: skip
    assert all(str(tmp_path) not in remark.reason for remark in job.remarks)
    with Library.open(tmp_path / "library", embedder=WordEncoder().id) as library:
        assert library.count == 10


def test_stop_keeps_what_was_stored_and_the_next_import_goes_on(tmp_path: Path) -> None:
    upload, encoder = write(tmp_path, "many.jsonl", list(made_papers(300))), SlowEncoder()
    job = make_job(tmp_path / "library", [upload], encoder)
    job.start()
    assert encoder.reached.wait(20)
    assert job.state.total == 300
    job.stop()
    assert job.state.stopping and not job.state.finished
    encoder.go.set()
    assert job.wait(30)
    kept = job.state.added
    assert 0 < kept < 300 and job.state.error == ""
    again = make_job(tmp_path / "library", [upload])
    run(again)
    assert (again.state.unchanged, again.state.added) == (kept, 300 - kept)


def test_states_end_with_the_finished_one(tmp_path: Path) -> None:
    job = make_job(tmp_path / "library", [write(tmp_path, "a.jsonl", list(made_papers(5)))])
    job.start()
    states = list(job.states(0.01))
    assert states[-1].finished and [state.finished for state in states].count(True) == 1
    assert states[-1].seconds > 0 and states[-1].rate > 0 and states[-1].remaining_s is None


def test_a_library_that_cannot_be_opened_ends_it_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "library"
    upload = write(tmp_path, "a.jsonl", list(made_papers(2)))
    with Library.create(path, embedder=WordEncoder().id):
        job = make_job(path, [upload])
        run(job)
    assert "being written to" in job.state.error and job.state.finished


def test_an_error_of_the_program_is_a_sentence_too(tmp_path: Path) -> None:
    path = tmp_path / "library"
    Library.create(path, embedder=WordEncoder().id).close()

    def broken() -> WordEncoder:
        raise RuntimeError("secret detail")

    ended: list[bool] = []
    job = ImportJob(
        [write(tmp_path, "a.jsonl", list(made_papers(2)))],
        lambda: Library.open(path, embedder=WordEncoder().id, read_only=False),
        broken,
        lambda: ended.append(True),
    )
    run(job)
    assert "RuntimeError" in job.state.error and "secret" not in job.state.error
    assert ended == [True]
    Library.open(path, embedder=WordEncoder().id, read_only=False).close()


def test_one_import_at_a_time_for_each_library(tmp_path: Path) -> None:
    imports, encoder = Imports(), SlowEncoder()
    upload = write(tmp_path, "a.jsonl", list(made_papers(200)))
    first = make_job(tmp_path / "library", [upload], encoder)
    imports.start(tmp_path / "library", first)
    assert encoder.reached.wait(20)
    with pytest.raises(LibraryLocked, match="are being imported"):
        imports.start(tmp_path / "library", make_job(tmp_path / "library", [upload]))
    with pytest.raises(LibraryLocked):
        imports.check_idle(tmp_path / "library")
    imports.start(tmp_path / "other", make_job(tmp_path / "other", [upload]))
    threading.Timer(0.2, encoder.go.set).start()
    begun = time.monotonic()
    imports.stop_all(20)
    assert first.state.finished and time.monotonic() - begun < 15
    imports.check_idle(tmp_path / "library")
    imports.forget(tmp_path / "library")
    assert imports.get(tmp_path / "library") is None


def test_a_report_opens_safely_in_a_spreadsheet() -> None:
    text = remarks_csv(
        [Remark('=cmd|" /C calc"!A0', 3, SKIPPED, "-1+1, said\nsomebody"), Remark("b", None, MERGED, "x")]
    )
    rows = list(csv.reader(io.StringIO(text)))
    assert rows == [
        ["file", "line", "outcome", "reason"],
        ['\'=cmd|" /C calc"!A0', "3", "skipped", "'-1+1, said somebody"],
        ["b", "", "merged", "x"],
    ]


# --- revising ---

PAPER = Paper(
    "arXiv:1#x", "A title with $x$ and \\alpha", "One.\n\nTwo <b>.", ("Jane Doe", "van der X, J."), 1999, "V",
    "https://a.b/c", "10.1000/x", "s.bib",
)  # fmt: skip


def test_what_was_not_touched_stays_to_the_letter() -> None:
    assert revised(PAPER, fields_of(PAPER)) == PAPER
    assert revised(PAPER, {"abstract": "One.\r\n\r\nTwo <b>.  "}) == PAPER
    changed = revised(PAPER, fields_of(PAPER) | {"year": " 2001 "})
    assert (changed.year, changed.title, changed.abstract, changed.source) == (
        2001,
        PAPER.title,
        PAPER.abstract,
        "s.bib",
    )


def test_what_was_typed_is_cleaned() -> None:
    typed = {
        "authors": "Roe, Richard\n\n Ann Lee ",
        "doi": "https://doi.org/10.1000/NEW",
        "url": "www.a.org",
        "year": "",
    }
    changed = revised(PAPER, typed)
    assert changed.authors == ("Richard Roe", "Ann Lee")
    assert (changed.doi, changed.url, changed.year) == ("10.1000/new", "https://www.a.org", None)


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("title", "  ", "no title"),
        ("year", "19x", "'19x' is not a year"),
        ("year", "in 2019", "is not a year"),
        ("doi", "foo", "'foo' is not a DOI"),
        ("url", "javascript:alert(1)", "is not a web address"),
    ],
)
def test_what_cannot_be_is_named(field: str, text: str, said: str) -> None:
    with pytest.raises(ImportFileError, match=said) as raised:
        revised(PAPER, {field: text})
    assert isinstance(raised.value, FootnoteError)


# --- state, from several threads ---


def test_counts_and_remarks_are_of_one_moment(tmp_path: Path) -> None:
    """As many records are counted as skipped as there are remarks of it, whenever somebody looks."""
    bad = [f'{{"abstract": "no title {i}"}}' for i in range(3000)]
    job = make_job(tmp_path / "library", [write(tmp_path, "bad.jsonl", list(made_papers(3)), *bad)])
    job.start()
    looks = 0
    while not job.state.finished:
        state, remarks = job.snapshot()
        assert state.skipped == sum(remark.outcome == SKIPPED for remark in remarks)
        looks += 1
    assert looks > 10
    state, remarks = job.snapshot()
    assert (state.skipped, len(remarks), state.total, state.added) == (3000, 3000, 3, 3)


def test_a_stop_is_never_forgotten(tmp_path: Path) -> None:
    """What another thread sets while records are counted stays set."""
    for i in range(5):
        job = make_job(tmp_path / f"library{i}", [write(tmp_path, f"many{i}.jsonl", list(made_papers(2000)))])
        job.start()
        while job.state.total < 50:
            time.sleep(0.0005)
        job.stop()
        assert job.wait(60)
        assert job.state.stopping and job.state.finished


def test_an_import_ends_even_where_tidying_fails(tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError("no permission")

    upload, path = write(tmp_path, "one.jsonl", list(made_papers(2))), tmp_path / "library"
    Library.create(path, embedder=WordEncoder().id).close()
    used = WordEncoder()
    job = ImportJob([upload], lambda: Library.open(path, embedder=used.id, read_only=False), lambda: used, fail)
    run(job)
    assert job.state.finished and job.state.added == 2 and "OSError" in job.state.error


def test_reports_leave_no_folders_behind(tmp_path: Path, footnote_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr("rag.ui.library_actions.paper_encoder", lambda threads: WordEncoder())
    monkeypatch.setattr("rag.factory.embedder_id", lambda: WordEncoder().id)
    uploads, editor = Uploads(temporary), require_editor(NOBODY, "")
    actions = LibraryActions(Settings(home=footnote_home, model="quote"), uploads)
    key = str(actions.make(editor, "reported").path)
    for i in range(4):
        upload = write(tmp_path, f"bad{i}.jsonl", list(made_papers(1)), "{broken")
        folder = uploads.cache / str(i)
        folder.mkdir(parents=True)
        sent = upload.path.rename(folder / upload.path.name)
        assert actions.start_import(editor, key, [str(sent)]).wait(60)
        assert "bad" in actions.report(key)["import report.csv"]
    close_all()
    assert not list(temporary.rglob("*.csv")) and not list(temporary.rglob("*.jsonl"))


def test_vectors_of_many_papers_are_left_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.library.importing.AT_ONCE", 5)
    encoder = WordEncoder()
    job = make_job(tmp_path / "library", [write(tmp_path, "many.jsonl", list(made_papers(6)))], encoder)
    run(job)
    assert (job.state.added, job.state.waiting, encoder.embedded) == (6, 6, [])
    assert "6 papers are found by their words until their vectors are" in report_html(job.state, ())
