"""``footnote check``: a sentence, a file, a batch, and what cannot be checked.

What is supported here is quoted word for word; a judge that never says anything stands in the place of the network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import factory
from rag.cli.check import MAX_BYTES
from rag.verification import claims, sources
from rag.verification.entailment import Judgement, Thresholds
from tests.cli_parts import MOTHS, SNOW, footnote, json_lines, write_lines

FOUND = "It finds 93% of the moths in a garden at night."
RADAR = "Our radar measures it with an error of 12 cm over the Alps."
BREAD = "Sourdough rises overnight."
CHECKED = {"id", "text", "verdict", "score", "citations"}
CITATION = {"paper_id", "title", "quote", "start", "end", "verdict"}
ABSTRACTS = {paper["id"]: str(paper["abstract"]) for paper in (MOTHS, SNOW)}


@pytest.fixture(autouse=True, scope="module")
def closed() -> Iterator[None]:
    yield
    factory.close_all()


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (claims, sources):
        monkeypatch.setattr(module, "judge_claim", lambda claim, source: Judgement(0.1, 0.1, 0.8))
        monkeypatch.setattr(module, "thresholds", lambda: Thresholds(0.7, 0.3, 0.7))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of two papers, read only."""
    folder = tmp_path_factory.mktemp("own")
    footnote("import", write_lines(folder / "papers.jsonl", MOTHS, SNOW), "--library", folder / "library")
    return folder / "library"


def test_a_sentence_that_a_paper_says(own: Path) -> None:
    result = footnote("check", FOUND, "--library", own)
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        f"✓ {FOUND}  [supported]",
        f"    supported: “{FOUND}”",
        "      Counting moths with microphones (moth)",
    ]


def test_a_sentence_that_no_paper_says_has_exit_code_3(own: Path) -> None:
    assert footnote("check", BREAD, "--library", own, code=3).stdout == f"– {BREAD}  [nothing]\n"


def test_as_json(own: Path) -> None:
    one, other = json.loads(footnote("check", f"{FOUND} {BREAD}", "--json", "--library", own, code=3).stdout)
    assert set(one) == set(other) == CHECKED
    assert (one["id"], one["text"], one["verdict"], one["score"]) == (None, FOUND, "supported", 1.0)
    (citation,) = one["citations"]
    assert set(citation) == CITATION
    assert (citation["paper_id"], citation["title"], citation["verdict"]) == ("moth", MOTHS["title"], "supported")
    assert ABSTRACTS["moth"][citation["start"] : citation["end"]] == citation["quote"] == FOUND
    assert (other["text"], other["verdict"], other["citations"]) == (BREAD, "nothing", [])


def test_a_file_in_markdown(own: Path, tmp_path: Path) -> None:
    draft = tmp_path / "draft.md"
    draft.write_text(f"\ufeff# Moths\n\n{FOUND}\n\n```\nno sentence\n```\n\n- {RADAR}\n", encoding="utf-8")
    checked = json.loads(footnote("check", draft, "--json", "--library", own).stdout)
    assert [(one["text"], one["verdict"]) for one in checked] == [(FOUND, "supported"), (RADAR, "supported")]
    draft.write_text(f"{FOUND} {BREAD}", encoding="utf-8")
    assert footnote("check", draft, "--library", own, code=3).stdout.count("\n✓ ") == 0


@pytest.mark.parametrize("text", ["", " \n", "# Only a heading", "… 12"])
def test_a_text_without_a_sentence_is_an_error(own: Path, text: str) -> None:
    assert "There is no" in footnote("check", text, "--library", own, code=1).stderr


def test_a_file_that_cannot_be_read(own: Path, tmp_path: Path) -> None:
    file = tmp_path / "draft.txt"
    file.write_bytes(b"Caf\xe9 crabs learn.")
    assert f"{file} is not UTF-8 text." in footnote("check", file, "--library", own, code=1).stderr
    with file.open("wb") as big:
        big.truncate(MAX_BYTES + 1)
    assert f"{file} is over 4 MiB. Check it in parts." in footnote("check", file, "--library", own, code=1).stderr
    file.write_bytes(b"")
    assert "There is no text yet" in footnote("check", file, "--library", own, code=1).stderr


@pytest.mark.parametrize("text", ["x/" * 3000, "nul\x00 in it is a sentence.", "many\nlines are here.", "~" * 300])
def test_a_text_that_names_no_file_is_a_text(own: Path, text: str) -> None:
    footnote("check", text, "--library", own, code=(1, 3))


def test_a_batch_over_the_library(own: Path, tmp_path: Path) -> None:
    texts = write_lines(
        tmp_path / "texts.jsonl", {"id": "a", "text": FOUND}, {"id": 2, "text": BREAD}, "", {"id": "c", "text": "?"}
    )
    out = tmp_path / "out.jsonl"
    result = footnote("check", "--batch", texts, "--out", out, "--library", own)
    assert result.stdout == "" and f"3 lines in {out}" in result.stderr
    records = json_lines(out)
    assert all(set(record) == CHECKED for record in records)
    assert [(record["id"], record["verdict"]) for record in records] == [
        ("a", "supported"), ("2", "nothing"), ("c", "nothing")
    ]  # fmt: skip
    assert [citation["paper_id"] for citation in records[0]["citations"]] == ["moth"]


def test_a_batch_with_abstracts_needs_no_library(tmp_path: Path) -> None:
    moth = {"abstract": MOTHS["abstract"], "title": MOTHS["title"], "paper_id": "moth"}
    texts = write_lines(
        tmp_path / "texts.jsonl",
        {"id": "said", "text": FOUND, **moth},
        {"id": "other", "text": RADAR, **moth},
        {"id": "bare", "text": FOUND, "abstract": MOTHS["abstract"], "title": None},
    )
    out = tmp_path / "out.jsonl"
    footnote("check", "--batch", texts, "--out", out, "--library", tmp_path / "none")
    said, other, bare = json_lines(out)
    assert (said["verdict"], said["citations"][0]["quote"], said["citations"][0]["paper_id"]) == (
        "supported", FOUND, "moth"
    )  # fmt: skip
    assert (other["verdict"], other["citations"]) == ("unsupported", [])
    assert (bare["verdict"], bare["citations"][0]["title"]) == ("supported", "")


def test_a_line_without_an_abstract_needs_the_library(tmp_path: Path) -> None:
    texts = write_lines(
        tmp_path / "texts.jsonl", {"id": "a", "text": FOUND}, {"id": "b", "text": FOUND, "abstract": MOTHS["abstract"]}
    )
    out = tmp_path / "out.jsonl"
    result = footnote("check", "--batch", texts, "--out", out, "--library", tmp_path / "none", code=1)
    assert "footnote: a: There is no library in" in result.stderr and "1 of them with an error" in result.stderr
    failed, fine = json_lines(out)
    assert set(failed) == {"id", "text", "error"} and fine["verdict"] == "supported"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"id": "1", "text": FOUND, "abstract": ["a", "list"]}, "'abstract' must be text"),
        ({"id": "1", "text": FOUND, "abstract": 1.5}, "'abstract' must be text"),
        ({"id": "1", "text": FOUND, "abstract": "x", "title": {}}, "'title' must be text"),
        ({"id": "1"}, "a record needs 'id' and 'text'"),
        ("no json", "not JSON"),
    ],
)
def test_an_odd_line_is_named_before_anything_is_checked(tmp_path: Path, line: object, words: str) -> None:
    texts = write_lines(tmp_path / "texts.jsonl", {"id": "0", "text": FOUND, "abstract": MOTHS["abstract"]}, line)
    out = tmp_path / "out.jsonl"
    said = footnote("check", "--batch", texts, "--out", out, code=1).stderr
    assert f"{texts}:2: {words}" in said
    assert not out.exists()


def test_usage(tmp_path: Path) -> None:
    texts = write_lines(tmp_path / "texts.jsonl", {"id": "1", "text": FOUND})
    out = tmp_path / "out.jsonl"
    for arguments, words in (
        ((), "Give either a TEXT"),
        (("x", "--batch", texts, "--out", out), "Give either a TEXT"),
        (("--batch", texts), "--batch and --out go together"),
        (("x", "--out", out), "--batch and --out go together"),
        (("--batch", tmp_path / "none", "--out", out), "does not exist"),
        (("--batch", texts, "--out", texts), "another file than --batch"),
    ):
        assert words in footnote("check", *arguments, code=2).stderr
    assert not out.exists()
