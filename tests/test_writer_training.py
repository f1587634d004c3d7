"""What the writer is taught: the data sets, and sentences of which it is known what stays."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.generation.prompting import load_prompt
from rag.library.chunking import split_sentences
from rag.text.sentence_compression import join_units, split_units
from training.writer import data, shortened, sources
from training.writer.shortened import Example, Shortened, aligned, as_ranges, indices, name

CRABS = Paper(
    "p0",
    "CrabNet counts shells on beaches",
    "However, we propose CrabNet, a network that counts shells. CrabNet finds 95.2% of the shells on beaches.",
)


def lines(path: Path, *records: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")


def test_an_abstract_with_marked_sentences_is_asked_about_by_the_name_it_introduces(tmp_path: Path) -> None:
    marked = ["Crabs are hard to count.", "We propose CrabNet, a net for shells.", "CrabNet counts 95% of them."]
    nameless = ["We study crabs.", "They are counted by hand."]
    lines(
        tmp_path / "evidence" / "csabstruct" / "train.jsonl",
        {"sentences": marked, "labels": ["background", "objective", "result"]},
        {"sentences": nameless, "labels": ["objective", "method"]},
    )
    (item,) = sources.csabstruct(tmp_path)
    assert "CrabNet" in item.question and item.paper.title == "Crabs are hard to count. We propose CrabNet,"
    assert item.gold == tuple(marked[1:]) and dict(item.roles)[marked[2]] == "result"


def test_experts_claims_are_taken_where_one_found_them_right_and_borne_out(tmp_path: Path) -> None:
    passage = "[1] https://crabs.example/a\n\nand walk. Old crabs learn faster at night. They live in shells."
    good = {
        "claim_string": "Old crabs learn faster at night [1].", "evidence": [passage], "support": "Complete",
        "correctness": "Definitely correct", "informativeness": "Very relevant",
    }  # fmt: skip
    others = (
        good | {"support": "Incomplete"}, good | {"correctness": "Unsure"}, good | {"evidence": []},
        good | {"claim_string": "According to my search results, old crabs learn faster at night."},
    )  # fmt: skip
    record = {"question": "When do crabs learn?", "answers": {"a": {"claims": [*others, good, good, good]}}}
    lines(tmp_path / "evidence" / "expertqa" / "attributed.jsonl", record)
    items = list(sources.expertqa(tmp_path))
    assert len(items) == sources.CLAIMS
    assert items[0].answers == ("Old crabs learn faster at night.",) == items[0].gold
    assert items[0].paper.abstract == "Old crabs learn faster at night. They live in shells."


def test_claims_become_questions_and_no_abstract_of_the_development_claims_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "collections" / "scifact"
    abstract = ["Crabs were trained.", "Old crabs learn at night."]
    lines(folder / "corpus_sentences.jsonl", *({"doc_id": d, "title": "Crabs", "abstract": abstract} for d in "123"))
    lines(folder / "claims_dev.jsonl", {"cited_doc_ids": [3]})
    lines(
        folder / "claims_train.jsonl",
        {"claim": "Crabs can learn.", "evidence": {"1": [{"sentences": [1], "label": "SUPPORT"}]}},
        {"claim": "MRNA crabs never learn.", "evidence": {"2": [{"sentences": [1], "label": "REFUTE"}]}},
        {"claim": "Crabs like nights.", "evidence": {"3": [{"sentences": [1], "label": "SUPPORT"}]}},
        {"claim": "Crabs sing.", "evidence": {}},
    )
    held, denied = sources.scifact(tmp_path)
    assert held.question == "Is it true that crabs can learn?"
    assert denied.question == "Is there evidence that MRNA crabs never learn?"
    assert held.gold == denied.gold == ("Old crabs learn at night.",)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("We present DXR. DXR is quick.", "DXR"),
        ("We present a reader of PDF. PDF is old.", ""),
        ("We propose a net called DriveNet. DriveNet drives.", "DriveNet"),
        ("We propose a new two-stage table parser for pictures.", "the two-stage table parser"),
        ("We propose a new neural parser for tables.", ""),
        ("We study crabs.", ""),
    ],
)
def test_an_abstract_is_asked_about_by_what_it_introduces(text: str, named: str) -> None:
    assert sources._named(text) == named


@pytest.mark.parametrize(
    ("claim", "clause"),
    [("A bias is seen.", "a bias is seen."), ("DNA is long.", "DNA is long."), ("Norway is long.", "Norway is long.")],
)
def test_a_claim_begins_small_unless_with_a_name(claim: str, clause: str) -> None:
    assert sources._in_a_clause(claim, "Crabs of Norway were counted.") == clause


def test_the_heading_of_a_part_is_no_word_of_its_first_sentence() -> None:
    texts = ("CONCLUSIONS These nets work.", "MATERIALS AND METHODS: We count.", "SLAM is hard.", "CRISPR works.")
    assert [sources._PART.sub("", t) for t in texts] == ["These nets work.", "We count.", *texts[2:]]


def test_references_in_the_body_of_an_article_are_no_part_of_its_sentences() -> None:
    text = "Text: Crabs moult (3, 17) in spring [4, 5] (Stevens, 1953; Busse et al., 2010) at night (n = 40) ."
    assert sources._without_references(text) == "Crabs moult in spring at night (n = 40)."


# Shortened sentences


@pytest.mark.parametrize(
    ("shorter", "kept"),
    [
        ("The authors propose CrabNet", "0-3"),
        ("CrabNet counts shells", "3,8-9"),
        ("Network that counts shells", "6-9"),  # with a capital
        ("The authors propose CrabNet, a network", "0-6"),
        ("The authors count shells", None),  # 'count' is not there
        ("Shells that counts", None),  # not in that order
    ],
)
def test_what_stays_of_a_sentence_is_found_again(shorter: str, kept: str | None) -> None:
    whole = split_units("The authors propose CrabNet, a network that counts shells.")
    found = aligned(split_units(shorter), whole)
    assert (None if found is None else as_ranges(found)) == kept
    if found is not None:
        assert join_units([(i, whole[i]) for i in found]) == shorter
        assert indices(as_ranges(found)) == found


def test_of_several_ways_to_read_it_the_one_in_fewest_pieces_is_taken() -> None:
    whole = split_units("The crab and the owl and the snow fell.")
    assert aligned(split_units("And the snow fell"), whole) == [5, 6, 7, 8]


def test_an_acronym_loses_its_brackets_with_what_it_stands_for() -> None:
    whole = split_units("The Crab Counting Network (CCN) finds shells.")
    found = aligned(split_units("The CCN finds shells"), whole)
    assert found == [0, 4, 5, 6] and join_units([(i, whole[i]) for i in found]) == "The CCN finds shells"
    assert join_units(list(enumerate(whole))) == "The Crab Counting Network (CCN) finds shells"


def test_examples_are_put_together_from_the_data_sets_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    said = [shortened.third_person(s.text) for s in split_sentences(CRABS.abstract)]
    asked = {("xquad", name("What finds shells?")): ("What finds shells?", "crabs")}
    good = [
        {"n": 1, "of": name(said[1]), "kept": "0-4", "worth": "+"},
        {"n": 1, "of": name(said[0]), "kept": "-", "worth": "-"},
    ]
    gone = [{"n": 1, "of": name("Owls hunt."), "kept": "0", "worth": "+"}]
    path = tmp_path / "shortened.jsonl"
    records = [
        {"source": "xquad", "question": name("What finds shells?"), "sentences": good},
        {"source": "xquad", "question": name("What finds shells?"), "sentences": gone},
        {"source": "xquad", "question": name("Who asks?"), "sentences": good},
    ]
    shortened.write(path, iter(records))
    (made,), lost = shortened.read(asked, [CRABS], path)
    assert lost == 2 and made.group == "crabs"
    assert made.answer == "CrabNet finds 95.2% of the [1]."
    (system, user) = data.messages(load_prompt("write"), made)
    assert "numbered sentences" in system.content
    assert user.content == f"Question: What finds shells?\n\n[1] {said[1]}"  # the other is worth nothing


@pytest.mark.parametrize(
    ("worth", "answer"),
    [
        ("+++", "A [1]. B [2]. C [1]."),
        ("+-~", "A [1]. C [1]."),
        ("-~-", "B [1]."),  # papers are numbered anew
        ("---", "A [1]."),  # one is always given
    ],
)
def test_the_writer_is_shown_what_an_answer_may_have(worth: str, answer: str) -> None:
    told = zip((1, 3, 1), "ABC", worth, strict=True)
    made = Example("asked", "What?", tuple(Shortened(n, f"{w} b.", (0,), mark) for n, w, mark in told), "g")
    assert made.answer == answer and len(made.needed) == answer.count("[")


def test_questions_of_the_project_are_about_papers_that_are_named() -> None:
    records = [json.loads(line) for line in data.ASKED.read_text(encoding="utf-8").splitlines()]
    assert {r["split"] for r in records} == {"fit", "tune"}
    assert all(r["question"] and r["keyfacts"] and r["paper"] and r["evidence"] for r in records)
    tuned = {name(r["question"]) for r in records if r["split"] == "tune"}
    assert not tuned & {json.loads(x)["question"] for x in shortened.FILE.read_text(encoding="utf-8").splitlines()}


def test_what_is_shipped_names_no_text_and_keeps_a_sensible_share() -> None:
    records = [json.loads(line) for line in shortened.FILE.read_text(encoding="utf-8").splitlines()]
    assert len(records) > 4_000
    assert {len(s["of"]) for r in records for s in r["sentences"]} == {12} == {len(r["question"]) for r in records}
    assert all(r["sentences"][0]["kept"] != "-" for r in records)
    assert {s["worth"] for r in records for s in r["sentences"]} == {"+", "~", "-"}
    assert data.UNSEEN not in {r["source"] for r in records}


def test_no_text_is_both_trained_on_and_held_out() -> None:
    made = [Example("xquad", f"{i}?", (Shortened(1, "A b c.", (0, 1), "+"),), f"g{i % 50}") for i in range(400)]
    train, held_out = data.split(made, random.Random(1))
    assert len(held_out) == 8 * 8 and len(train) + len(held_out) == 400
    assert not {e.group for e in train} & {e.group for e in held_out}
