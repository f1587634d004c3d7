"""Every command with its output and its exit code: 0 answered, 1 error, 2 usage, 3 refused."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ggufs import write_llama

from rag import __version__, factory
from rag.cli import main
from rag.cli.chat import Conversation
from rag.config import load_settings
from rag.datatypes import Event, Stage, StopSignal, Turn
from rag.errors import GenerationCancelled
from rag.library import shipped
from rag.system.offline import Attempt
from tests.cli_parts import MOTHS, SNOW, WILLING, footnote, json_lines, write_lines

SPINENET = "What is SpineNet?"
MOTH_QUESTION = "How many of the moths does the microphone array find?"
PIZZA = "What is the best pizza in Naples?"
SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(autouse=True, scope="module")
def closed() -> Iterator[None]:
    yield
    factory.close_all()


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of two papers, read only."""
    folder = tmp_path_factory.mktemp("own")
    footnote("import", write_lines(folder / "papers.jsonl", MOTHS, SNOW), "--library", folder / "library")
    return folder / "library"


def test_all_commands_are_there() -> None:
    assert footnote("--version").stdout == f"footnote, version {__version__}\n"
    listed = footnote("--help").stdout
    for command in ("ask", "chat", "check", "doctor", "eval", "export", "import", "models", "search", "serve"):
        assert f"  {command} " in listed
        assert "Usage: " in footnote(command, "--help").stdout
    assert set(main.commands["models"].commands) == {"list", "add", "pull", "remove"}  # type: ignore[attr-defined]
    assert "No such command 'aks'" in footnote("aks", code=2).stderr


# --- ask ---

ANSWER = {"id", "question", "answer", "refusal", "sentences", "citations", "evidence", "trace"}
SENTENCE = {"text", "citations", "verdict"}
CITATION = {"number", "paper_id", "title", "quote", "start", "end", "verdict"}
TRACE = {"reading", "generator", "model", "model_sha256", "mode", "seed", "prompt_sha256", "library", "timings_ms"}


def check_answer(record: dict[str, Any]) -> None:
    """The JSON that other programs rely on, key by key."""
    from_papers = record["refusal"] is None and record["trace"]["reading"]["kind"] not in ("library", "record", "talk")
    assert ANSWER | ({"coverage"} if from_papers else set()) <= set(record) <= ANSWER | {"coverage", "lead", "closing"}
    # What failed the check of a model's words is said in notes; quotes have none.
    by_model = record["trace"]["generator"] == "llama"
    assert TRACE <= set(record["trace"]) <= TRACE | ({"notes"} if by_model else set())
    for sentence in record["sentences"]:
        assert SENTENCE <= set(sentence) <= SENTENCE | {"section", "against"}
    if from_papers:
        covered = record["coverage"]
        assert set(covered) == {"considered", "fitting", "cited", "not_cited"}
        assert covered["cited"] == len({c["paper_id"] for c in record["citations"]}) >= 1
        assert covered["considered"] >= covered["fitting"] == covered["cited"] + len(covered["not_cited"])
        assert all(set(paper) == {"paper_id", "title"} for paper in covered["not_cited"])
    assert all(set(citation) == CITATION for citation in record["citations"])
    assert all(set(item) == {"number", "paper_id", "sentences", "score"} for item in record["evidence"])
    if record["refusal"] is None:
        assert record["sentences"] and all(sentence["citations"] for sentence in record["sentences"])
        numbers = {item["number"]: item["paper_id"] for item in record["evidence"]}
        assert all(numbers[c["number"]] == c["paper_id"] for c in record["citations"])
    else:
        assert set(record["refusal"]) == {"grade", "message"} and "coverage" not in record
        assert record["answer"] == record["refusal"]["message"]


def test_ask_prints_the_answer_and_nothing_else(shipped_home: Path) -> None:
    result = footnote("ask", SPINENET, home=shipped_home)
    assert result.stderr == ""
    answer, references = result.stdout.split("\n\n", 1)
    assert "scale-permuted" in answer and answer.rstrip().endswith("[1]")
    assert references.startswith("[1] SpineNet: Learning Scale-Permuted Backbone")
    assert max(map(len, result.stdout.splitlines())) <= 88


def test_ask_as_json(shipped_home: Path) -> None:
    result = footnote("ask", SPINENET, "--json", home=shipped_home)
    record = json.loads(result.stdout)
    check_answer(record)
    assert (record["id"], record["question"], record["refusal"]) == (None, SPINENET, None)
    assert (record["trace"]["generator"], record["trace"]["mode"]) == ("quote", "quote")
    assert all("section" not in sentence for sentence in record["sentences"]) and "lead" not in record
    again = json.loads(footnote("ask", SPINENET, "--json", home=shipped_home).stdout)
    for one in (record, again):
        del one["trace"]["timings_ms"]
    assert record == again


def test_a_refusal_has_exit_code_3_and_the_nearest_papers(shipped_home: Path) -> None:
    result = footnote("ask", PIZZA, code=3, home=shipped_home)
    assert result.stdout.startswith("Nothing in this library is about it.\n\nNearest papers:\n  - ")
    record = json.loads(footnote("ask", PIZZA, "--json", code=3, home=shipped_home).stdout)
    check_answer(record)
    assert record["refusal"]["grade"] == "nothing"


def test_ask_a_language_model(shipped_home: Path) -> None:
    record = json.loads(footnote("ask", SPINENET, "--model", "smollm2", "--json", home=shipped_home).stdout)
    check_answer(record)
    trace = record["trace"]
    assert (trace["generator"], trace["model"], trace["mode"]) == ("llama", "smollm2", "cite")
    assert len(trace["model_sha256"]) == len(trace["prompt_sha256"]) == 64
    quoted = json.loads(
        footnote("ask", SPINENET, "--model", "smollm2", "--mode", "quote", "--json", home=shipped_home).stdout
    )
    assert quoted["trace"]["generator"] == "quote"


def test_a_batch_of_questions(shipped_home: Path, tmp_path: Path) -> None:
    said = footnote("ask", SPINENET, home=shipped_home).stdout
    questions = write_lines(
        tmp_path / "questions.jsonl",
        {"id": "1", "question": SPINENET},
        "",
        {"id": 2, "question": PIZZA, "history": None, "extra": "ignored"},
        {
            "id": "3",
            "question": "How much does it improve on iNaturalist?",
            "history": [{"role": "user", "content": SPINENET}, {"role": "assistant", "content": said}],
        },
        {"id": "4", "question": "How many papers mention ImageNet?"},
    )
    out = tmp_path / "answers.jsonl"
    result = footnote("ask", "--batch", questions, "--out", out, home=shipped_home)
    assert result.stdout == "" and "4 lines in" in result.stderr
    answers = json_lines(out)
    for answer in answers:
        check_answer(answer)
    assert [answer["id"] for answer in answers] == ["1", "2", "3", "4"]
    assert [answer["refusal"] is None for answer in answers] == [True, False, True, True]
    assert answers[2]["evidence"][0]["paper_id"] == answers[0]["evidence"][0]["paper_id"]
    assert "checked 459 of 459" in answers[3]["answer"]


def test_a_question_that_cannot_be_asked_costs_no_other(shipped_home: Path, tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    questions.write_text(
        '{"id": "blank", "question": " \\u0000 "}\n'
        f'{{"id": "half", "question": "{chr(92)}ud800 {"x" * 5000}"}}\n'
        f'{{"id": "good", "question": "{SPINENET}"}}\n',
        encoding="utf-8",
    )
    out = tmp_path / "a.jsonl"
    result = footnote("ask", "--batch", questions, "--out", out, code=1, home=shipped_home)
    assert "footnote: blank: The question is empty." in result.stderr
    assert "3 lines in" in result.stderr and "2 of them with an error" in result.stderr
    blank, half, good = json_lines(out)
    assert set(blank) == ANSWER | {"error"} and "empty" in blank["error"] and blank["answer"] == ""
    assert "at most 4,000" in half["error"] and half["question"].startswith("\ud800")
    check_answer(good)


# --- search ---


def test_search(shipped_home: Path) -> None:
    result = footnote("search", "vision transformers on small datasets", "--k", "3", home=shipped_home)
    lines = result.stdout.splitlines()
    assert result.stderr == "" and len(lines) == 6
    assert [line[:5] for line in lines[::2]] == ["  1. ", "  2. ", "  3. "]


def test_search_as_json_and_in_a_batch(shipped_home: Path, tmp_path: Path) -> None:
    record = json.loads(footnote("search", SPINENET, "--json", home=shipped_home).stdout)
    assert set(record) == {"id", "query", "hits"}
    assert (record["id"], record["query"], len(record["hits"])) == (None, SPINENET, 10)
    assert all(set(hit) == {"paper_id", "title", "score", "sentence"} for hit in record["hits"])
    scores = [hit["score"] for hit in record["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert len({hit["paper_id"] for hit in record["hits"]}) == 10
    assert record["hits"][0]["title"].startswith("SpineNet")

    queries = write_lines(tmp_path / "q.jsonl", {"id": "a", "text": SPINENET}, {"id": "b", "text": "?"})
    out = tmp_path / "hits.jsonl"
    assert (
        "b: The question is empty"
        in footnote("search", "--batch", queries, "--out", out, code=1, home=shipped_home).stderr
    )
    first, second = json_lines(out)
    assert first == {**record, "id": "a"}
    assert second["hits"] == [] and "empty" in second["error"]


@pytest.mark.parametrize("command", ["ask", "search"])
def test_usage_of_questions_and_batches(command: str, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "q.jsonl", {"id": "1", "question": "x", "text": "x"})
    out = tmp_path / "out.jsonl"
    for arguments, words in (
        ((), "Give either a"),
        (("x", "--batch", file, "--out", out), "Give either a"),
        (("--batch", file), "--batch and --out go together"),
        (("x", "--out", out), "--batch and --out go together"),
        (("--batch", tmp_path / "none", "--out", out), "does not exist"),
        (("--batch", file, "--out", file), "another file than --batch"),
        (("--batch", file, "--out", tmp_path / "no" / "out"), "does not exist. Make it"),
        (("x", "--library", ""), "the name of the folder is empty"),
        (("x", "--colour"), "No such option"),
    ):
        assert words in footnote(command, *arguments, code=2).stderr
    assert not out.exists() and json_lines(file)


# --- import and export ---


def test_import_twice_changes_nothing(papers: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    first = footnote("import", papers, "--library", library)
    counts = "{} added, {} updated, {} unchanged, 0 duplicates merged, 0 skipped; the library holds 2 papers.\n"
    assert first.stdout == f"{papers}: {counts.format(2, 0, 0)}"
    before = {path: path.read_bytes() for path in sorted(library.rglob("*")) if path.is_file()}
    assert footnote("import", papers, "--library", library).stdout == f"{papers}: {counts.format(0, 0, 2)}"
    after = {path: path.read_bytes() for path in sorted(library.rglob("*")) if path.is_file()}
    assert after.keys() == before.keys() and after[library / "manifest.json"] == before[library / "manifest.json"]

    write_lines(papers, {**MOTHS, "abstract": "MothEar finds 95% of the moths."}, SNOW)
    assert footnote("import", papers, "--library", library).stdout == f"{papers}: {counts.format(0, 1, 1)}"
    answer = footnote("ask", MOTH_QUESTION, "--library", library, **WILLING).stdout
    assert "95%" in answer and "93%" not in answer


def test_import_of_many_files_says_what_became_of_each_record(tmp_path: Path) -> None:
    library = tmp_path / "library"
    bad = write_lines(
        tmp_path / "bad.jsonl", MOTHS, {"abstract": "No title."}, "[1, 2]", {**MOTHS, "id": "again"}, SNOW
    )
    files = [SAMPLES / name for name in ("refs.bib", "refs.ris", "zotero.csv", "page.txt", "arxiv.jsonl")]
    result = footnote("import", bad, tmp_path / "none.bib", *files, "--library", library, code=1)
    lines = result.stdout.splitlines()
    assert len(lines) == 6 and lines[0].startswith(f"{bad}: 2 added, 0 updated, 0 unchanged, 1 duplicates merged, 2 ")
    assert f"skipped: {bad}:2: " in result.stderr and f"skipped: {bad}:3: " in result.stderr
    assert "merged: again, the same DOI as moth\n" in result.stderr
    assert f"footnote: {tmp_path / 'none.bib'} does not exist. Check the name and the folder." in result.stderr
    assert footnote("export", "--library", library).stderr.endswith(f"{lines[-1].split()[-2]} papers\n")


def test_strict_stops_at_the_first_bad_record(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "bad.jsonl", MOTHS, "[1, 2]", SNOW)
    result = footnote("import", file, "--strict", "--library", tmp_path / "library", code=1)
    assert f"footnote: {file}:2: " in result.stderr and "What came before it is kept" in result.stderr
    assert result.stdout == ""
    assert footnote("export", "--library", tmp_path / "library").stderr == "1 papers\n"


def test_the_format_can_be_named(tmp_path: Path) -> None:
    odd = tmp_path / "table.txt"
    odd.write_text("title;abstract\nA study of owls;Owls see 80% of mice.\n", encoding="utf-8")
    library = tmp_path / "library"
    assert "1 added" in footnote("import", odd, "--format", "csv", "--library", library).stdout
    assert "use one of arxiv, " in footnote("import", odd, "--format", "xml", code=2).stderr
    wrong = footnote("import", odd, "--format", "ris", "--library", library, code=1)
    assert f"{odd} holds no paper that can be used" in wrong.stderr
    assert "Missing argument" in footnote("import", code=2).stderr


@pytest.mark.parametrize(
    ("format", "sign"),
    [
        ("bibtex", "@misc{moth"),
        ("ris", "TY  - "),
        ("csl-json", '"title"'),
        ("markdown", "Moth, A."),
        ("text", "Moth, A."),
        ("html", "<li"),
    ],
)
def test_export_in_every_format(own: Path, tmp_path: Path, format: str, sign: str) -> None:
    result = footnote("export", "--format", format, "--library", own)
    assert sign.lower() in result.stdout.lower() and "Counting moths" in result.stdout
    assert result.stderr == "2 papers\n"
    out = tmp_path / "out"
    assert footnote("export", "--format", format, "--library", own, "--out", out).stdout == ""
    assert out.read_text(encoding="utf-8").strip() == result.stdout.strip()
    if format in ("bibtex", "ris"):  # and it can be read back
        again = footnote("import", out, "--library", tmp_path / "again")
        assert "2 added" in again.stdout


def test_export_of_what_answers_cited(own: Path, tmp_path: Path, shipped_home: Path) -> None:
    question = MOTH_QUESTION
    one = tmp_path / "one.json"
    one.write_text(footnote("ask", question, "--json", "--library", own, **WILLING).stdout, encoding="utf-8")
    many = tmp_path / "many.jsonl"
    questions = write_lines(tmp_path / "q.jsonl", {"id": "1", "question": question}, {"id": "2", "question": "!"})
    footnote("ask", "--batch", questions, "--out", many, "--library", own, code=1, **WILLING)
    for answers in (one, many):
        result = footnote("export", "--answers", answers, "--library", own)
        assert "Counting moths" in result.stdout and "Snow" not in result.stdout
        assert result.stderr == "1 papers\n"
    other = footnote("export", "--answers", one, home=shipped_home)
    assert other.stdout.strip() == "" and "1 cited papers are not in this library (moth" in other.stderr


def test_export_of_a_scope(own: Path) -> None:
    for arguments in (
        ("--paper", "moth"),
        ("--since", "1990", "--paper", "moth"),
        ("--paper", "moth", "--style", "ieee"),
    ):
        result = footnote("export", "--library", own, *arguments)
        assert "counting moths" in result.stdout.lower() and result.stderr == "1 papers\n"
    assert footnote("export", "--library", own, "--since", "2999").stderr == "0 papers\n"
    assert "is later than --until" in footnote("export", "--since", "2001", "--until", "2000", code=2).stderr
    assert "footnote: " in footnote("export", "--library", own, "--venue", "Nowhere", code=1).stderr


def test_references_in_a_style(own: Path, tmp_path: Path) -> None:
    numbered = footnote("export", "--library", own, "--style", "vancouver").stdout
    assert numbered.startswith("1. ") and numbered.count("\n") == 2
    usual = footnote("export", "--library", own, "--format", "text").stdout
    assert usual == footnote("export", "--library", own, "--style", "apa").stdout != numbered
    own_file = tmp_path / "own.csl"
    own_file.write_text(
        '<style xmlns="http://purl.org/net/xbiblio/csl" version="1.0"><bibliography><layout prefix="* ">'
        '<text variable="title"/></layout></bibliography></style>',
        encoding="utf-8",
    )
    assert "* Counting moths" in footnote("export", "--library", own, "--style", own_file).stdout
    # The settings name the style that is used where none is named.
    assert (
        footnote("export", "--library", own, "--format", "text", FOOTNOTE_CITATION_STYLE="vancouver").stdout == numbered
    )
    unknown = footnote("export", "--library", own, "--style", "nope", code=2).stderr
    assert "'nope' is not a citation style" in unknown and "apa, american-medical-association" in unknown
    for arguments in (("export", "--format", "ris"), ("ask", MOTH_QUESTION, "--json")):
        assert "--style is for" in footnote(*arguments, "--library", own, "--style", "apa", code=2).stderr


def test_an_answer_has_its_references_in_a_style(own: Path) -> None:
    plain = footnote("ask", MOTH_QUESTION, "--library", own, **WILLING).stdout
    styled = footnote("ask", MOTH_QUESTION, "--library", own, "--style", "apa", **WILLING).stdout
    assert "Moth, A." in styled and "Moth, A." not in plain
    assert styled.split("[1] ")[0] == plain.split("[1] ")[0]
    assert "is not a citation style" in footnote("ask", MOTH_QUESTION, "--style", "nope", code=2).stderr


@pytest.mark.parametrize(
    "text", ["", "no json", "[]x", '{"citations": 3}', '{"citations": [3]}', "3", "\udcff", "[" * 9999]
)
def test_export_of_what_is_no_answer(own: Path, tmp_path: Path, text: str) -> None:
    file = tmp_path / "answers.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = footnote("export", "--answers", file, "--library", own, code=0 if not text else 1)
    assert not text or ("holds no answers" in result.stderr and "'ask --json'" in result.stderr)


# --- models ---


def test_models_are_listed_with_what_fits_and_what_can_be_had(footnote_home: Path) -> None:
    for arguments in (("models",), ("models", "list")):
        result = footnote(*arguments)
        assert "quote             built-in quotes" in result.stdout
        assert "smollm2           SmolLM2-135M-Instruct, comes with the installation" in result.stdout
        assert "footnote models pull qwen2.5-0.5b" in result.stdout and "Apache-2.0" in result.stdout
    assert [path.name for path in footnote_home.iterdir()] == ["footnote.toml"], "listing makes nothing"


def test_a_model_is_added_asked_listed_and_removed(own: Path, tmp_path: Path) -> None:
    file = write_llama(tmp_path / "tiny.gguf")
    added = footnote("models", "add", file, "--name", "mine")
    assert added.stdout.startswith("mine: llama, ") and 'footnote ask --model mine "…"' in added.stdout
    assert "  mine              Tiny, " in footnote("models", "list").stdout
    # Its text is noise, so nothing of it passes the check.
    result = footnote("ask", MOTH_QUESTION, "--model", "mine", "--library", own, **WILLING)
    assert "93%" in result.stdout and "Note: Nothing of the model's answer passed the check" in result.stdout
    factory.close_all()
    file.write_bytes(file.read_bytes()[:-100])
    assert "mine" in footnote("models", "list").stdout and "has changed; add it again" in footnote("models").stdout
    assert footnote("models", "remove", "mine").stdout == "mine is no longer registered.\n"
    assert "'mine' is not registered" in footnote("models", "remove", "mine", code=1).stderr
    assert file.exists()


def test_a_download_is_only_of_what_was_chosen_and_needs_a_network(outbound: list[Attempt]) -> None:
    assert "these can: smollm2-360m" in footnote("models", "pull", "gpt-9", code=1).stderr
    assert not outbound
    assert "Check the network and repeat" in footnote("models", "pull", "smollm2-360m", code=1).stderr
    assert outbound, "this one did ask the hub"
    outbound.clear()


# --- chat ---


def test_chat_keeps_the_conversation(shipped_home: Path) -> None:
    result = footnote(
        "chat",
        home=shipped_home,
        input=f"{SPINENET}\nHow much does it improve on iNaturalist?\n/papers\n/papers [1]\n/papers 9\n/smile\n\n  \n"
        f"/new\n/papers 1\n{PIZZA}\n?\n/quit\n{SPINENET}\n",
    )
    assert result.stderr.startswith("Built-in quotes answer. Nothing leaves this computer.")
    assert "There is no /smile: /papers N shows" in result.stderr
    assert result.stderr.endswith("footnote: The question is empty. Type a question about the papers of the library.\n")
    first, rest = result.stdout.split("\n\n[1] SpineNet", 1)
    assert "SpineNet, a backbone" in first
    follow_up, rest = rest.split("[1] SpineNet: Learning Scale-Permuted Backbone for Recognition and Localization\n", 1)
    assert "[1] SpineNet" in follow_up, "the follow-up was answered from the same paper"
    assert rest.count("»") == rest.count("«") >= 1
    assert "There is no footnote 9 in the last answer; there are:\n[1] SpineNet" in rest
    assert "The last answer cites no paper." in rest
    assert rest.count("SpineNet, a backbone") <= 2, "nothing is answered after /quit"
    assert "Nothing in this library is about it." in rest


def test_chat_ends_with_its_input_and_takes_odd_bytes(shipped_home: Path) -> None:
    assert footnote("chat", home=shipped_home, input="").stdout == ""
    result = footnote("chat", home=shipped_home, input=b"What is \xff\xfe SpineNet?\x00\n")
    assert "SpineNet" in result.stdout


class Endless:
    """A pipeline that writes until it is told to stop."""

    def __init__(self) -> None:
        self.histories: list[Sequence[Turn]] = []

    def stream(
        self, question: str, history: Sequence[Turn], stop: StopSignal, scope: object, wanted: object
    ) -> Iterator[Event]:
        self.histories.append(list(history))
        yield Stage("write")
        os.kill(os.getpid(), signal.SIGINT)
        if not threading.Event().wait(0.05) and stop.is_set():
            raise GenerationCancelled("Stopped.")
        raise AssertionError("Ctrl+C did not reach the pipeline")


def test_ctrl_c_stops_an_answer_and_not_the_chat(capsys: pytest.CaptureFixture[str]) -> None:
    pipeline = Endless()
    conversation = Conversation(pipeline)  # type: ignore[arg-type]
    before = signal.getsignal(signal.SIGINT)
    conversation.take("one")
    conversation.take("two")
    assert capsys.readouterr().err == "Stopped.\nStopped.\n"
    assert pipeline.histories == [[], []], "what was stopped was not said"
    assert signal.getsignal(signal.SIGINT) is before


# --- doctor ---


def test_doctor_finds_everything_in_order(shipped_home: Path, outbound: list[Attempt]) -> None:
    result = footnote("doctor", home=shipped_home)
    outbound.clear()  # its self-test tries to leave
    assert result.stdout.endswith("Everything is in order.\n")
    for words in ("torch 2.13", "weights are the published ones", "459 papers", "a connection beyond this computer is"):
        assert words in result.stdout


def test_doctor_names_what_is_wrong(own: Path, tmp_path: Path, footnote_home: Path, outbound: list[Attempt]) -> None:
    assert "not built yet; the first question builds it" in footnote("doctor").stdout
    assert "problem: There is no library in" in footnote("doctor", "--library", tmp_path / "no", code=1).stdout
    footnote("models", "add", write_llama(tmp_path / "tiny.gguf"))
    (tmp_path / "tiny.gguf").unlink()
    result = footnote("doctor", "--library", own, code=1)
    assert "problem: model tiny: its file is gone\n1 problem.\n" in result.stdout
    assert "2 papers, fingerprint " in result.stdout
    outbound.clear()


def test_doctor_repairs_the_indexes(papers: Path, tmp_path: Path, outbound: list[Attempt]) -> None:
    library = tmp_path / "library"
    footnote("import", papers, "--library", library)
    for file in (*library.glob("bm25/*"), library / "chroma" / "chroma.sqlite3"):
        file.write_bytes(b"nothing")
    assert "word index" in footnote("doctor", "--library", library, code=1).stdout
    assert (
        "were made again from its papers, the vectors in its folder"
        in footnote("doctor", "--repair", "--library", library).stdout
    )
    assert footnote("doctor", "--library", library).stdout.endswith("Everything is in order.\n")
    outbound.clear()  # its self-test tries to leave


# --- the shipped library at first use ---


def test_the_first_question_builds_the_library_and_says_so(
    tmp_path: Path, footnote_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "shipped_papers", lambda: write_lines(tmp_path / "p.jsonl", MOTHS, SNOW))
    result = footnote("ask", MOTH_QUESTION, **WILLING)
    assert "93%" in result.stdout
    assert result.stderr == "Building the library of the shipped abstracts; this happens once.\n"
    assert footnote("ask", MOTH_QUESTION, **WILLING).stderr == ""
    third = write_lines(tmp_path / "more.jsonl", {"title": "Owls at dusk", "abstract": "Owls hunt 3 hours a night."})
    assert "holds 3 papers" in footnote("import", third).stdout
    assert load_settings().library_path.is_dir()
