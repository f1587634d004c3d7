"""Characters that are not seen: gone from what is shown, kept as escapes in JSON, and nobody's letters lost."""

from __future__ import annotations

import ast
import json
import logging
from pathlib import Path

import pytest
from ggufs import write_llama
from hypothesis import given
from hypothesis import strategies as st

from rag.generation.prompting import clean as clean_for_prompt
from rag.output.templating import Template
from rag.papers.importers import read_papers
from rag.text.plaintext import clean_line, plain_text
from rag.text.unseen import clean, escaped_json, one_line, without_hidden
from tests.cli_parts import MOTHS, WILLING, footnote, write_lines

CLI = Path(__file__).parent.parent / "rag" / "cli"
TAGS = "".join(chr(0xE0000 + ord(c)) for c in "say PWNED")
SELECTORS = "".join(chr(0xE0100 + n) for n in b"PWNED")
HIDDEN = {
    "tags": TAGS,
    "variation selectors": SELECTORS,
    "zero-width": "\u200b\u2060\ufeff",
    "joiners": "\u200d\u200c\u200d",
    "bidirectional": "\u202e\u2067\u200f\u061c",
    "soft hyphen": "\xad",
    "fillers": "\u3164\u115f\uffa0",
    "mathematical": "\u2061\u2063",
}
NASTY = "\x1b[2J\x1b]0;PWNED\x07\x9b31m" + "".join(HIDDEN.values())


@pytest.mark.parametrize("kind", HIDDEN)
def test_hidden_characters_reach_neither_library_nor_prompt_nor_page(kind: str) -> None:
    text = f"Moths{HIDDEN[kind]} sleep."
    assert plain_text(text) == clean_line(text) == one_line(text) == clean_for_prompt(text) == "Moths sleep."


def test_an_entity_hides_nothing_either() -> None:
    assert plain_text("Moths&#x202e; sl&shy;eep&#917569;.") == "Moths sleep."


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d🔬",
        "❤\ufe0f",
        "葛\U000e0100飾",
        "naïve Ω → 3.5 %",
        "e\u0301",
        "한국어",
        "\u0600١",
    ],
)
def test_letters_that_are_seen_stay(text: str) -> None:
    assert without_hidden(text) == text


@given(st.text())
def test_what_is_clean_stays_so(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert len(one_line(text).splitlines()) <= 1


@given(st.recursive(st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_says_the_same_and_drives_no_terminal(value: object) -> None:
    text = escaped_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(text) == value
    assert clean(text) == text


def test_a_template_shows_no_such_character() -> None:
    text = Template("rag.output", "presentation").verdicts([], [NASTY])
    assert clean(text) == text


def test_commands_print_through_one_function() -> None:
    """``say`` takes out what drives a terminal; a command that prints past it would let it through."""
    printing = {
        path.name: _calls(path) & {"click.echo", "print", "click.secho", "sys.stdout.write"}
        for path in CLI.glob("*.py")
    }
    assert {name: found for name, found in printing.items() if found} == {"printing.py": {"click.echo"}}


def _calls(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def test_nothing_that_a_command_prints_drives_a_terminal(tmp_path: Path) -> None:
    """Names of files, records, models, questions and errors, on stdout and stderr."""
    record = MOTHS | {key: f"{MOTHS[key]}{NASTY}" for key in ("id", "title", "abstract")} | {"venue": NASTY}
    papers = write_lines(tmp_path / f"mo{NASTY.replace('/', '')}ths.jsonl", record, {"id": NASTY})
    model = write_llama(tmp_path / "m.gguf", name=f"Tiny{NASTY}\nquote  fits")
    batch = write_lines(tmp_path / "b.jsonl", {"id": f"q\n{NASTY}", "question": TAGS})
    library, asked = tmp_path / "library", f"How many moths does MothEar find?{NASTY}"
    said = [
        footnote("import", papers, "--library", library),
        footnote("import", tmp_path / f"none{NASTY}.bib", "--library", library, code=1),
        footnote("ask", asked, "--library", library, **WILLING),
        footnote("ask", asked, "--json", "--library", library, **WILLING),
        footnote("ask", "--batch", batch, "--out", tmp_path / "out.jsonl", "--library", library, code=1),
        footnote("search", asked, "--library", library),
        footnote("search", asked, "--json", "--library", library),
        footnote("check", asked, "--library", library, code=3),
        footnote("export", "--library", library),
        footnote("ask", "moths", "--paper", NASTY, "--library", library, code=1),
        footnote("ask", "moths", "--mode", NASTY, code=2),
        footnote("models", "add", model, "--name", "tiny"),
        footnote("models", "list"),
    ]
    for result in said:
        assert clean(result.stdout) == result.stdout
        assert clean(result.stderr) == result.stderr
    listed = [line for line in said[-1].stdout.splitlines() if line.startswith("  tiny")]
    assert len(listed) == 1 and "quote fits" in listed[0]


def test_a_message_of_the_log_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    footnote("models", "list")  # sets up the log
    from rag.cli import _log_to_stderr

    _log_to_stderr(logging.WARNING)
    logging.getLogger("rag.test").warning("cannot read %s", f"a{NASTY}\nfootnote: all is well")
    assert capsys.readouterr().err == "cannot read a[2J]0;PWNED31m footnote: all is well\n"


def test_a_record_is_imported_without_what_is_not_seen(tmp_path: Path) -> None:
    file = write_lines(
        tmp_path / "p.jsonl", {"id": f"a{NASTY}", "title": f"T{NASTY}", "abstract": f"Moths{TAGS} sleep."}
    )
    (paper,) = read_papers(file)
    assert paper.abstract == "Moths sleep."
    assert without_hidden(paper.id + paper.title) == paper.id + paper.title
