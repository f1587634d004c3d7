"""Exports of a conversation: what other programs make of them, and what nothing in a paper can do to them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import bibtexparser
import pytest
import rispy
from markdown_it import MarkdownIt

from rag.datatypes import Trace, Verdict
from rag.errors import ConversationNotFound, FootnoteError
from rag.evaluation.answer_scoring import has_fact
from rag.evaluation.datasets import read_questions
from rag.history.feedback import evaluation_set, key_facts
from rag.history.models import Conversation, ConversationInfo, KeptTurn, LibraryMark
from rag.history.serialisation import from_record
from rag.output.exports import FORMATS, export, file_stem, only, sources
from rag.papers.styles.finding import find_style
from tests.browser.fakes import BY_ID, FASTER, HOSTILE, MOVES, PAPERS, make_answer, make_hostile_answer, make_refusal
from tests.test_presentation import Markup

WHEN = 1_700_000_000.0


def conversation(*turns: KeptTurn, title: str = "Do crabs learn?") -> Conversation:
    info = ConversationInfo("c1", title, LibraryMark("/home/ada/papers", "papers", "f" * 8), WHEN, WHEN, len(turns))
    return Conversation(info, turns)


def swapped(question: str) -> KeptTurn:
    """An answer that cites the second paper first: as [1]."""
    answer = make_answer(question)
    first = replace(answer.evidence[1], number=1)
    second = replace(answer.evidence[0], number=2)
    return KeptTurn(
        question,
        answer=replace(
            answer,
            text="Shells move. [1]",
            sentences=(replace(answer.sentences[2], text="Shells move.", citations=(1,)),),
            citations=(replace(answer.citations[2], number=1, sentence=0),),
            evidence=(first, second),
        ),
    )


WHOLE = conversation(
    swapped("Do shells move?"),
    KeptTurn("Do crabs learn?", "quote", "quote", make_answer(), seconds=0.3, rating=1, note="good"),
    KeptTurn("Who won the match?", answer=make_refusal()),
    KeptTurn("And then?", error="The model is missing. Add one."),
)
HOSTILE_WHOLE = conversation(
    KeptTurn(HOSTILE, answer=make_hostile_answer(HOSTILE)),
    KeptTurn("x", error=HOSTILE),
    KeptTurn("y", answer=replace(make_refusal(), refusal=replace(make_refusal().refusal, nearest=("p3",)))),  # type: ignore[type-var]
    title=f'{HOSTILE} " --- \\ @smith',
)


def single(format: str, whole: Conversation = WHOLE) -> str:
    files = export(whole, format, BY_ID)
    assert len(files) == 1
    return next(iter(files.values()))


def test_papers_are_numbered_once_for_the_whole_conversation() -> None:
    found = sources(WHOLE)
    assert [(s.number, s.paper.id) for s in found] == [(1, "p2"), (2, "p1")]
    assert found[0].quotes == [MOVES.text]
    assert FASTER.text in found[1].quotes


def test_markdown_has_numbered_references() -> None:
    text = single("markdown")
    assert "Shells move. [1]" in text
    assert "Crabs that watched a neighbour chose a fitting shell 31% faster. [2]" in text
    assert "**Not answered.** Nothing in this library is about it." in text
    assert "- Dilek Aydın (2019). Shell Vacancy" in text  # the nearest paper of the refusal
    assert "No answer: The model is missing. Add one." in text
    references = text.split("## References")[1]
    assert re.findall(r"^\[(\d)\] (\w+)", references, re.MULTILINE) == [("1", "Aydın"), ("2", "Strand")]
    assert f"> {MOVES.text}" in references
    html = MarkdownIt("commonmark").render(text)
    assert html.count("<h2>") == 5


def test_pandoc_markdown_cites_keys_that_its_bibliography_holds() -> None:
    files = export(WHOLE, "pandoc", BY_ID)
    assert sorted(files) == ["do-crabs-learn.bib", "do-crabs-learn.md"]
    text = files["do-crabs-learn.md"]
    assert 'bibliography: "do-crabs-learn.bib"' in text
    entries = bibtexparser.parse_string(files["do-crabs-learn.bib"]).entries
    keys = {entry.key for entry in entries}
    assert len(keys) == 2  # the cited papers, no others
    used = {key for group in re.findall(r"(?<!\\)\[(@[^\]]+)\]", text) for key in re.findall(r"@([\w-]+)", group)}
    assert used == keys
    assert re.search(r"31% faster \[@\w+\]\.", text)


def test_references_are_in_the_style_that_was_chosen() -> None:
    vancouver = find_style("vancouver")
    text = next(iter(export(WHOLE, "markdown", BY_ID, vancouver).values()))
    assert re.findall(r"^\[(\d)\] (\w+ \w)\b", text.split("## References")[1], re.MULTILINE) == [
        ("1", "Aydın D"), ("2", "Strand A"),
    ]  # fmt: skip
    page = Markup(next(iter(export(WHOLE, "html", BY_ID, vancouver).values())))
    assert "[1] Aydın D." in page.text
    listed = next(iter(export(WHOLE, "references", BY_ID, vancouver).values()))
    assert listed.startswith("1. Aydın D.") and "\n2. Strand A" in listed
    assert single("references") == single("references", WHOLE) and single("references").startswith("Aydın, D.")


def test_pandoc_gets_the_style_that_was_chosen() -> None:
    files = export(WHOLE, "pandoc", BY_ID, find_style("ieee"))
    assert sorted(files) == ["do-crabs-learn.bib", "do-crabs-learn.csl", "do-crabs-learn.md"]
    assert 'csl: "do-crabs-learn.csl"' in files["do-crabs-learn.md"]
    assert files["do-crabs-learn.csl"].encode() == find_style("ieee")


@pytest.mark.parametrize("format", ["ris", "csl-json", "bibtex"])
def test_bibliographies_hold_the_cited_papers_only(format: str) -> None:
    text = single(format)
    if format == "ris":
        titles = [record["title"] for record in rispy.loads(text)]
    elif format == "csl-json":
        titles = [item["title"] for item in json.loads(text)]
    else:
        titles = [entry["title"].strip("{}") for entry in bibtexparser.parse_string(text).entries]
    assert titles == [PAPERS[1].title, PAPERS[0].title]


@pytest.mark.parametrize("format", ["ris", "csl-json", "bibtex", "pandoc", "references"])
def test_a_bibliography_of_nothing_says_what_to_choose(format: str) -> None:
    with pytest.raises(FootnoteError, match=r"cites a paper.*Choose Markdown or HTML"):
        export(conversation(KeptTurn("Who?", answer=make_refusal())), format)


def test_json_holds_the_whole_trace() -> None:
    record = json.loads(single("json"))
    assert record["library"]["name"] == "papers"
    assert record["created"] == "2023-11-14T22:13:20Z"
    turn = record["turns"][1]
    assert (turn["rating"], turn["note"], turn["seconds"]) == (1, "good", 0.3)
    assert turn["answer"]["citations"][0]["quote"] == FASTER.text
    assert from_record(Trace, turn["answer"]["trace"]) == make_answer().trace
    assert record["turns"][3]["answer"] is None


def test_the_page_needs_nothing_else_and_runs_nothing() -> None:
    page = Markup(single("html"))
    names = [name for name, _ in page.tags]
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(names)
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'")
    targets = {attributes["id"] for _, attributes in page.tags if attributes.get("id")}
    links = [a["href"] or "" for name, a in page.tags if name == "a"]
    assert {link[1:] for link in links if link.startswith("#")} == targets == {"source-1", "source-2"}
    assert names.count("mark") == 3  # the cited sentences, in their abstracts
    assert "31% faster" in page.text


@pytest.mark.parametrize("format", ["html", "markdown", "pandoc", "json"])
def test_nothing_in_a_paper_a_question_or_an_error_becomes_markup(format: str) -> None:
    text = "".join(text for name, text in export(HOSTILE_WHOLE, format, BY_ID).items() if not name.endswith(".bib"))
    if format == "json":
        assert json.loads(text)["turns"][1]["error"] == HOSTILE
        return
    html = text if format == "html" else MarkdownIt("commonmark").render(text.split("---\n", 2)[-1])
    page = Markup(html)
    assert not {"script", "img"} & {name for name, _ in page.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "javascript:" not in " ".join(a.get("href") or "" for _, a in page.tags)
    assert "<script>" in page.text  # it is there, as text


def test_pandoc_takes_nothing_for_a_citation_that_is_none() -> None:
    turn = KeptTurn("Ask @smith about x^2^", answer=make_answer())
    text = export(conversation(turn, title="@smith: yes"), "pandoc")
    body = next(text for name, text in text.items() if name.endswith(".md"))
    assert not re.search(r"(?<!\\)@smith", body.replace("\\\\", "\\"))
    assert "x\\^2\\^" in body


def test_what_narrowed_the_question_is_said() -> None:
    turn = KeptTurn("Do crabs learn?", answer=make_answer(scope="2021 or later"))
    assert "*Only papers: 2021 or later*" in single("markdown", conversation(turn))
    assert "Only papers: 2021 or later" in Markup(single("html", conversation(turn))).text


def test_an_unsupported_sentence_is_flagged_in_every_text() -> None:
    answer = make_answer()
    bad = replace(answer, sentences=(replace(answer.sentences[0], verdict=Verdict.UNSUPPORTED), *answer.sentences[1:]))
    for format in ("markdown", "pandoc", "html"):
        text = "".join(export(conversation(KeptTurn("q", answer=bad)), format).values())
        assert "(not supported)" in text


def test_one_answer_alone() -> None:
    alone = only(WHOLE, WHOLE.turns[1].id)
    assert alone.info.title == "Do crabs learn?"
    assert [s.paper.id for s in sources(alone)] == ["p1", "p2"]
    with pytest.raises(ConversationNotFound):
        only(WHOLE, "gone")


def test_an_unknown_format_is_named_with_those_there_are() -> None:
    with pytest.raises(FootnoteError, match=r"'docx'.*markdown, pandoc"):
        export(WHOLE, "docx")
    assert list(FORMATS) == ["markdown", "pandoc", "html", "references", "bibtex", "ris", "csl-json", "json"]


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("Do crabs learn?", "do-crabs-learn"),
        ("../../etc/passwd", "etc-passwd"),
        ("論文", "conversation"),
        ("é" * 99, "e" * 60),
    ],
)
def test_titles_make_file_names_that_lead_nowhere(title: str, stem: str) -> None:
    assert file_stem(title) == stem


# What was rated, as an evaluation set


def rated(*turns: KeptTurn) -> list[tuple[Conversation, KeptTurn]]:
    return [(conversation(*turns[:i]), turn) for i, turn in enumerate(turns) if turn.rating]


def test_good_answers_become_questions_with_what_is_right(tmp_path: Path) -> None:
    turns = (
        KeptTurn("Do crabs learn?", answer=make_answer(), rating=1, id="a"),
        KeptTurn("Who won?", answer=make_refusal(), rating=-1, id="b"),
        KeptTurn("Who won?", answer=make_refusal(), rating=1, id="c"),
        KeptTurn("Unrated?", answer=make_answer()),
    )
    made = evaluation_set(rated(*turns))
    assert made.bad == 1
    path = tmp_path / "rated.jsonl"
    path.write_text(made.text, encoding="utf-8")
    first, second = read_questions(path)
    assert first.gold == (PAPERS[0].title, PAPERS[1].title)
    assert (PAPERS[0].title, FASTER.text) in first.evidence
    assert first.type == "multi"
    assert first.keyfacts == ("31%|31 %|31\\%|31 percent", "4.2")
    assert not second.answerable
    assert [turn.role for turn in second.history] == ["user", "assistant"] * 2


def test_key_facts_are_those_that_the_good_answer_holds() -> None:
    """An answer that was marked good must not lose points against its own evaluation set."""
    answer = make_answer()
    quote = "ResNet-50 and BERT reach 91.5% with 21,866 images in 3 days on GPUs."
    said = "BERT reaches 91.5 percent with 21866 images."
    answer = replace(
        answer,
        sentences=(replace(answer.sentences[0], text=said),),
        citations=(replace(answer.citations[0], quote=quote),),
    )
    facts = key_facts(answer)
    assert facts == ["91.5%|91.5 %|91.5\\%|91.5 percent", "21,866|21866", "BERT"]
    assert all(has_fact(said, fact) for fact in facts)


def test_nothing_marked_good_says_what_to_do() -> None:
    with pytest.raises(FootnoteError, match="Mark some"):
        evaluation_set(rated(KeptTurn("q", answer=make_answer(), rating=-1)))
