"""``footnote eval`` on real parts: Chroma, llama.cpp, torch, LangChain, over a dozen hand-written abstracts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rag.cli import main
from rag.evaluation import report
from rag.evaluation.ranking_measures import MEASURES

SAMPLES = Path(__file__).parent / "samples" / "eval"
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def run(shared_home: Path) -> Run:
    """The command line with a home folder that these tests share."""

    def run(*arguments: object) -> Result:
        home = {"FOOTNOTE_HOME": str(shared_home)}
        return CliRunner().invoke(main, ["eval", *map(str, arguments)], env=home, catch_exceptions=False)

    return run


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def retrieval(run: Run, out: Path) -> dict[str, Any]:
    """The record of one run with every baseline."""
    done = run("retrieval", SAMPLES / "tiny", "--out", out, "--threads", 1)
    assert done.exit_code == 0, done.output
    record = report.latest(out, "retrieval")
    assert record is not None
    return record


@pytest.fixture(scope="module")
def library(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dozen abstracts as a user's library."""
    path = tmp_path_factory.mktemp("libraries") / "tiny"
    home = {"FOOTNOTE_HOME": str(shared_home)}
    done = CliRunner().invoke(
        main, ["import", str(SAMPLES / "tiny" / "corpus.jsonl"), "--library", str(path), "--threads", "1"], env=home
    )
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture(scope="module")
def answers(run: Run, out: Path, library: Path) -> dict[str, Any]:
    """The record of one run of the quotes with every baseline."""
    done = run("answers", SAMPLES / "questions.jsonl", "--library", library, "--out", out, "--threads", 1)
    assert done.exit_code == 0, done.output
    record = report.latest(out, "answers")
    assert record is not None
    return record


def files(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.glob(f"*{suffix}"))


def test_retrieval_measures_all_systems_on_the_same_queries(retrieval: dict[str, Any]) -> None:
    (collection,) = retrieval["collections"]
    assert [s["name"] for s in collection["systems"]] == ["footnote", "bm25", "minilm", "fusion", "stock"]
    for system in collection["systems"]:
        assert set(system["estimates"]) == set(MEASURES)
        assert all(e["n"] == 6 and e["low"] <= e["mean"] <= e["high"] for e in system["estimates"].values())
        assert system["query_ms"] > 0 and system["index_seconds"] >= 0
        assert bool(system["against"]) == (system["name"] != "footnote")
    # Twelve abstracts on twelve subjects: whoever cannot find them is broken.
    means = {s["name"]: s["estimates"]["MRR@10"]["mean"] for s in collection["systems"]}
    assert min(means.values()) > 0.7, means
    assert means["footnote"] == 1.0


def test_a_merged_record_is_found_with_its_paper_and_that_is_said(retrieval: dict[str, Any]) -> None:
    (collection,) = retrieval["collections"]
    assert any("merged 1 records" in note and "1 relevance judgements" in note for note in collection["notes"])
    systems = {s["name"]: s for s in collection["systems"]}
    assert systems["footnote"]["estimates"]["Recall@100"]["mean"] == 1.0
    assert systems["minilm"]["estimates"]["Recall@100"]["mean"] == 1.0


def test_every_query_is_written_down(retrieval: dict[str, Any], out: Path) -> None:
    (path,) = files(out / "retrieval", ".jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 5 * 6
    ours = [line["nDCG@10"] for line in lines if line["system"] == "footnote"]
    mean = retrieval["collections"][0]["systems"][0]["estimates"]["nDCG@10"]["mean"]
    assert sum(ours) / len(ours) == pytest.approx(mean, abs=1e-4)


def test_the_next_run_embeds_nothing_and_finds_the_same(
    run: Run, retrieval: dict[str, Any], shared_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache,) = (shared_home / "eval").glob("tiny-*")
    before = {p: p.stat().st_mtime_ns for p in cache.iterdir() if p.suffix in (".json", ".npy")}
    assert len(before) == 4, sorted(before)
    from rag.encoding.paper_encoder import PaperEncoder

    def refuse(self: object, texts: object) -> object:
        raise AssertionError("papers are embedded again")

    monkeypatch.setattr(PaperEncoder, "encode", refuse)
    monkeypatch.setattr(PaperEncoder, "encode_passages", refuse)
    done = run("retrieval", SAMPLES / "tiny", "--out", tmp_path, "--baselines", "minilm, bm25")
    assert done.exit_code == 0, done.output
    again = report.latest(tmp_path, "retrieval")
    assert again is not None
    systems = {s["name"]: s for s in retrieval["collections"][0]["systems"]}
    assert [s["name"] for s in again["collections"][0]["systems"]] == ["footnote", "bm25", "minilm"]
    for system in again["collections"][0]["systems"]:
        assert system["estimates"] == systems[system["name"]]["estimates"]
        assert system["against"] == systems[system["name"]]["against"], "seeded"
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_the_report_shows_machine_seed_intervals_and_a_picture(retrieval: dict[str, Any], out: Path) -> None:
    (page,) = files(out / "retrieval", ".md")
    (picture,) = files(out / "retrieval", ".png")
    text = page.read_text()
    assert f"commit {retrieval['commit']}" in text and "Seed 0" in text and "Python 3." in text
    assert "| Footnote | " in text and "| stock LangChain retriever | " in text and "(p" in text
    assert picture.name in text
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_answers_of_the_quotes_and_their_baselines(answers: dict[str, Any]) -> None:
    assert [s["name"] for s in answers["systems"]] == ["footnote", "stock", "lead"]
    assert (answers["model"], answers["mode"], answers["questions"]) == ("built-in quotes", "quote", 5)
    footnote, stock, lead = (s["rows"][0] for s in answers["systems"])
    assert footnote["estimates"]["right_paper_5"]["mean"] == 1.0
    assert footnote["estimates"]["supported"]["mean"] == 1.0, "quotes are supported by what they quote"
    assert footnote["estimates"]["key_facts"]["mean"] >= lead["estimates"]["key_facts"]["mean"]
    assert footnote["refusals"]["unanswerable"] == 1 and footnote["refusals"]["answerable"] == 4
    assert stock["refusals"]["unanswerable_refused"] == lead["refusals"]["unanswerable_refused"] == 0
    assert "evidence_2" in footnote["estimates"] and "evidence_2" not in stock["estimates"]
    assert {r["type"] for r in answers["systems"][0]["rows"]} == {
        "all", "fact", "name", "multi", "followup", "unanswerable",
    }  # fmt: skip
    for system in answers["systems"]:
        p50, p95 = system["rows"][0]["times"]["total_ms"]
        assert 0 < p50 <= p95


def test_every_reply_is_written_down(answers: dict[str, Any], out: Path) -> None:
    (path,) = files(out / "answers", ".jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 3 * 5
    fact = next(line for line in lines if line["id"] == "e1" and line["system"] == "footnote")
    assert "78%" in " ".join(s["text"] for s in fact["sentences"])
    assert fact["figures"]["key_facts"] == 1.0
    assert path.name.endswith("questions-built-in-quotes-quote.jsonl")


def test_a_trust_card_of_the_bundled_model(run: Run, library: Path, out: Path) -> None:
    done = run("model", "smollm2", "--library", library, "--count", 5, "--out", out, "--threads", 1)
    assert done.exit_code == 0, done.output
    card = report.latest(out, "models")
    assert card is not None
    assert [m["mode"] for m in card["modes"]] == ["quote", "cite", "free"]
    assert card["generated"] is True and card["questions"] == 5
    assert card["suits"] in ("quote", "cite", "free") and card["reason"]
    assert card["memory_mb"] > 100 and card["size"] > 50e6
    quotes, *written = card["modes"]
    assert quotes["speed"] == {"read": None, "written": None, "answers": 0}
    for one in written:
        assert one["speed"]["answers"] >= 1
        assert one["speed"]["read"] > 1 and one["speed"]["written"] > 1
    assert f"**Suits: {card['suits']}.**" in done.output
    assert card["choosing"]["mode"] == "quote" and card["choosing"]["speed"]["read"] > 1
    assert card["chooses"] is None, "questions made from titles name no supporting sentence"
    assert "Whether it chooses quotes better is not known." in done.output


def test_the_readme_is_renewed_between_its_markers(
    run: Run, retrieval: dict[str, Any], answers: dict[str, Any], out: Path, tmp_path: Path
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"# Before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.renew(readme, out)
    text = readme.read_text()
    assert text.startswith("# Before\n") and text.endswith("\nafter\n") and "old" not in text
    block = report.marked_block(text)
    assert block == report.readme_block(out)
    assert "| nDCG@10 | tiny (6 queries) |" in block and "| key facts found |" in block
    readme.write_text("# No markers\n")
    with pytest.raises(report.EvaluationError, match="has no lines"):
        report.renew(readme, out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("retrieval", "nowhere"), "nowhere is not a folder"),
        (("retrieval", SAMPLES / "tiny", "--baselines", "bm26"), "you gave bm26"),
        (("answers", "nowhere.jsonl"), "nowhere.jsonl is not a file"),
        (("answers", SAMPLES / "questions.jsonl", "--baselines", ","), "you gave nothing"),
        (("model", "nowhere.gguf"), "nowhere.gguf"),
        (("model", "quote", "--questions", SAMPLES / "questions.jsonl"), "are no model"),
    ],
)
def test_what_cannot_be_evaluated_is_said_in_one_line(run: Run, arguments: tuple[object, ...], said: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 1
    assert said in done.output and len(done.output.strip().splitlines()) == 1


def test_two_folders_of_one_name_are_refused(run: Run, tmp_path: Path) -> None:
    other = shutil.copytree(SAMPLES / "tiny", tmp_path / "tiny")
    done = run("retrieval", SAMPLES / "tiny", other)
    assert done.exit_code == 1 and "Two folders are called tiny" in done.output


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "x.json").write_text("{}")
    with pytest.raises(report.EvaluationError, match=r"x\.json is no result"):
        report.latest(tmp_path, "answers")
    with pytest.raises(report.EvaluationError, match="There are no results"):
        report.readme_block(tmp_path / "none")
