"""Kept conversations: what comes back, who sees it, and what survives."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
import threading
from dataclasses import fields, replace
from pathlib import Path

import pytest

from rag.datatypes import Answer, Paper, RefusalGrade, Trace
from rag.errors import ConversationNotFound, HistoryError
from rag.history.models import KeptTurn, LibraryMark, Opened
from rag.history.serialisation import answer_from_record, answer_to_record
from rag.history.stale import Change, stale_citations
from rag.history.store import NAME, ConversationStore
from rag.questions.scope import Scope
from tests.browser.fakes import BY_ID, FASTER, MOVES, NIGHT, make_answer, make_hostile_answer, make_refusal
from tests.cli_parts import MOTHS, SNOW, WILLING, footnote, json_lines, write_lines

LIBRARY = LibraryMark("/home/ada/papers", "papers", "f" * 8)
FULL_TRACE = {
    "generator": "llama",
    "model": "tiny",
    "model_sha256": "a" * 64,
    "mode": "cite",
    "seed": 7,
    "prompt_sha256": "b" * 64,
    "question_rewritten": "Do hermit crabs learn?",
    "retrieved": ({"paper_id": "p1", "score": 0.1 + 0.2, "dense": None},),
    "dropped": ("Crabs fly. [1]",),
    "notes": ("Numbers are small.",),
    "settings": {"papers": 5, "refuse": True},
}


@pytest.fixture
def store(tmp_path: Path) -> ConversationStore:
    return ConversationStore(tmp_path)


def kept(*questions: str) -> list[KeptTurn]:
    """Answered turns; the same question is the same turn."""
    return [KeptTurn(q, "quote", "quote", make_answer(q), seconds=0.25, id=q) for q in questions]


def through_json(answer: Answer) -> Answer:
    return answer_from_record(json.loads(json.dumps(answer_to_record(answer))))


@pytest.mark.parametrize(
    "answer",
    [make_answer("q", **FULL_TRACE), make_hostile_answer("hostile"), make_refusal("refused")],
    ids=["answer", "hostile", "refusal"],
)
def test_an_answer_comes_back_as_it_was(answer: Answer) -> None:
    back = through_json(answer)
    assert back == answer
    assert type(back.sentences) is tuple
    assert type(back.trace.retrieved) is tuple
    assert all(type(c.score) is float for c in back.citations)


def test_every_field_of_the_trace_was_tried() -> None:
    """A field that is added to the trace must be given a value in this test, other than its default."""
    trace = make_answer("q", **FULL_TRACE).trace
    empty = Trace("", "", "", "", 0, "", "", {})
    assert [
        f.name for f in fields(Trace) if f.name in FULL_TRACE and getattr(trace, f.name) == getattr(empty, f.name)
    ] == []
    assert isinstance(through_json(make_refusal()).refusal.grade, RefusalGrade)  # type: ignore[union-attr]


def test_a_record_of_an_older_version_takes_the_defaults_and_a_broken_one_is_named() -> None:
    record = answer_to_record(make_answer())
    del record["trace"]["notes"]
    record["trace"]["no_longer_there"] = 1
    assert answer_from_record(record) == make_answer()
    del record["citations"][0]["quote"]
    with pytest.raises(HistoryError, match=r"Citation\.quote.*delete its conversation"):
        answer_from_record(record)
    with pytest.raises(HistoryError, match="not a list"):
        answer_from_record({**answer_to_record(make_answer()), "evidence": "p1"})


def test_a_conversation_comes_back_whole(store: ConversationStore) -> None:
    turns = [
        *kept("Do crabs learn?"),
        KeptTurn("And?", error="No model.", scope=Scope(since=2020, venues=("ICML",)), library="/home/ada/more"),
        KeptTurn("Who?", stopped=True, draft="Ada"),
    ]
    opened = store.save("", Opened(), turns, LIBRARY)
    store.close()
    back = ConversationStore(store.folder).conversation("", opened.id)
    assert back.info.title == "Do crabs learn?"
    assert back.info.library == LIBRARY
    assert [replace(t, asked=0.0) for t in back.turns] == turns
    assert tuple(t.id for t in back.turns) == opened.turns


def test_saving_again_writes_only_what_is_new(store: ConversationStore) -> None:
    opened = store.save("", Opened(), kept("One?"), LIBRARY)
    first = store.conversation("", opened.id).turns[0]
    store.rate("", opened.id, first.id, 1, "well said")
    assert store.save("", opened, kept("One?"), LIBRARY) == opened
    opened = store.save("", opened, kept("One?", "Two?"), LIBRARY)
    turns = store.conversation("", opened.id).turns
    assert (turns[0].id, turns[0].rating, turns[0].note) == (first.id, 1, "well said")
    # 'Ask again' puts another answer in the place of the last.
    opened = store.save("", opened, [*kept("One?"), KeptTurn("Two?", error="It failed.")], LIBRARY)
    turns = store.conversation("", opened.id).turns
    assert [(t.question, t.error) for t in turns] == [("One?", ""), ("Two?", "It failed.")]
    assert turns[0].id == first.id
    assert len(store.conversations("")) == 1


def test_two_tabs_with_one_conversation_lose_nothing(store: ConversationStore) -> None:
    both = store.save("", Opened(), kept("One?"), LIBRARY)
    here = store.save("", both, kept("One?", "Here?"), LIBRARY)
    there = store.save("", both, kept("One?", "There?"), LIBRARY)
    assert here.id != there.id
    assert [t.question for t in store.conversation("", here.id).turns] == ["One?", "Here?"]
    assert [t.question for t in store.conversation("", there.id).turns] == ["One?", "There?"]
    store.delete("", here.id)
    again = store.save("", here, kept("One?", "Here?", "More?"), LIBRARY)
    assert [t.question for t in store.conversation("", again.id).turns] == ["One?", "Here?", "More?"]


def test_an_answer_that_comes_after_another_conversation_was_opened_replaces_nothing_of_it(
    store: ConversationStore,
) -> None:
    crabs = store.save("", Opened(), kept("One?", "Two?"), LIBRARY)
    shells = store.save("", Opened(), kept("Shells?"), LIBRARY)
    # The tab shows 'shells' when the third answer about crabs comes in.
    third = store.save("", shells, kept("One?", "Two?", "Three?"), LIBRARY)
    assert len({crabs.id, shells.id, third.id}) == 3
    assert [t.question for t in store.conversation("", shells.id).turns] == ["Shells?"]
    assert store.save("", crabs, kept("One?"), LIBRARY).id != crabs.id  # nothing is cut off


def test_the_list_is_searched_in_questions_answers_and_titles(store: ConversationStore) -> None:
    crabs = store.save("", Opened(), kept("Do crabs learn?"), LIBRARY)
    match = store.save("", Opened(), [KeptTurn("Who won the match?", answer=make_refusal())], LIBRARY)
    kanji = store.save("", Opened(), [KeptTurn("日本語の論文はありますか", error="x")], LIBRARY)

    def found(search: str) -> list[str]:
        return [info.id for info in store.conversations("", search)]

    assert found("") == [kanji.id, match.id, crabs.id]
    assert found("crab") == [crabs.id]  # from the beginning of a word
    assert found("neighbour shell") == [crabs.id]  # the answer's words
    assert found("CRABS match") == []
    assert found("論文") == [kanji.id]
    store.rename("", match.id, "100% sport")
    assert found("0% sp") == [match.id]
    assert found("_") == []
    for hostile in ('"', 'a" OR 1=1 --', "NEAR(", "crab*", "-", "title:crab", "((", "%"):
        assert set(found(hostile)) <= {crabs.id, match.id}


def test_rename_delete_and_what_is_not_there(store: ConversationStore) -> None:
    opened = store.save("", Opened(), kept("Do crabs learn?"), LIBRARY)
    store.rename("", opened.id, "  Crabs\nand shells ")
    assert store.conversations("")[0].title == "Crabs and shells"
    with pytest.raises(HistoryError, match="needs a title"):
        store.rename("", opened.id, " \n")
    store.delete("", opened.id)
    assert store.conversations("") == []
    assert store.conversations("", "crabs") == []
    for attempt in (
        lambda: store.conversation("", opened.id),
        lambda: store.rename("", opened.id, "x"),
        lambda: store.delete("", opened.id),
        lambda: store.rate("", opened.id, opened.turns[0], 1),
    ):
        with pytest.raises(ConversationNotFound):
            attempt()


def test_what_is_deleted_is_gone_from_the_file(store: ConversationStore) -> None:
    secret = store.save("", Opened(), [KeptTurn("Is xylophonequark contagious?", error="no")], LIBRARY)
    store.save("", Opened(), kept("Do crabs learn?"), LIBRARY)
    store.delete("", secret.id)
    left = b"".join(path.read_bytes() for path in store.folder.iterdir())
    assert b"crabs" in left
    assert b"xylophonequark" not in left


def test_users_do_not_see_each_other(store: ConversationStore) -> None:
    ada = store.save("ada", Opened(), kept("Do crabs learn?"), LIBRARY)
    ben = store.save("ben", Opened(), kept("Why shells?"), LIBRARY)
    assert [info.id for info in store.conversations("ada")] == [ada.id]
    assert store.conversations("ada", "shells") != store.conversations("ben", "shells")
    assert store.conversations("") == []
    assert store.users() == ["ada", "ben"]
    for attempt in (
        lambda: store.conversation("ada", ben.id),
        lambda: store.rename("ada", ben.id, "mine"),
        lambda: store.delete("ada", ben.id),
        lambda: store.rate("ada", ben.id, ben.turns[0], 1),
    ):
        with pytest.raises(ConversationNotFound):
            attempt()
    # To go on with somebody else's is to begin one's own.
    own = store.save("ada", ben, kept("Why shells?", "More?"), LIBRARY)
    assert own.id != ben.id
    assert len(store.conversation("ben", ben.id).turns) == 1


def test_ratings_are_checked_and_come_with_what_was_said_before(store: ConversationStore) -> None:
    opened = store.save("", Opened(), kept("One?", "Two?", "Three?"), LIBRARY)
    store.rate("", opened.id, opened.turns[1], -1, " wrong paper ")
    store.rate("", opened.id, opened.turns[1], 1)
    [(before, turn)] = store.rated("")
    assert (turn.question, turn.rating, turn.note) == ("Two?", 1, "wrong paper")
    assert [t.question for t in before.turns] == ["One?"]
    with pytest.raises(HistoryError, match="not 5"):
        store.rate("", opened.id, opened.turns[1], 5)
    store.rate("", opened.id, opened.turns[1], 0, "")
    assert store.rated("") == []


def test_threads_and_a_second_store_write_at_once(store: ConversationStore) -> None:
    other = ConversationStore(store.folder)
    failures: list[Exception] = []

    def write(where: ConversationStore, name: str) -> None:
        try:
            opened = Opened()
            for number in range(1, 6):
                opened = where.save("", opened, kept(*(f"{name} {i}?" for i in range(number))), LIBRARY)
        except Exception as error:
            failures.append(error)

    threads = [
        threading.Thread(target=write, args=(where, f"{name}{i}"))
        for i in range(3)
        for where, name in ((store, "a"), (other, "b"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [info.turns for info in store.conversations("")] == [5] * 6


def _save_until_killed(folder: Path, number: int) -> None:
    opened, turns = Opened(), []
    store = ConversationStore(folder)
    while True:
        turns += kept(f"{number} {len(turns)}?")
        opened = store.save("", opened, turns, LIBRARY)
        with (folder / f"said-{number}").open("a", encoding="utf-8") as file:
            file.write(".")


def test_nothing_that_was_kept_is_lost_when_programs_are_killed(tmp_path: Path) -> None:
    """Two processes make the file together and write to it until they are killed in the middle of it."""
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_save_until_killed, args=(tmp_path, number)) for number in (1, 2)]
    for writer in writers:
        writer.start()
    said = [tmp_path / "said-1", tmp_path / "said-2"]
    try:
        for _ in range(400):
            if all(path.exists() and path.stat().st_size >= 3 for path in said):
                break
            threading.Event().wait(0.02)
    finally:
        for writer in writers:
            assert writer.pid is not None
            os.kill(writer.pid, signal.SIGKILL)
            writer.join()
    promised = {int(path.name[-1]): path.stat().st_size for path in said}
    store = ConversationStore(tmp_path)
    held = {int(info.title[0]): info for info in store.conversations("")}
    for number, count in promised.items():
        assert count >= 3
        assert count <= held[number].turns <= count + 1
        turns = store.conversation("", held[number].id).turns
        assert [t.question for t in turns] == [f"{number} {i}?" for i in range(len(turns))]
    assert sqlite3.connect(tmp_path / NAME).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_only_the_owner_may_read_the_file(store: ConversationStore) -> None:
    store.save("", Opened(), kept("Do crabs learn?"), LIBRARY)
    for path in store.folder.glob(f"{NAME}*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_file_that_is_none_or_too_new_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"this is no database, " * 100)
    with pytest.raises(HistoryError, match=r"damaged.*Move it away"):
        ConversationStore(tmp_path).conversations("")
    (tmp_path / NAME).unlink()
    with sqlite3.connect(tmp_path / NAME) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(HistoryError, match="newer version"):
        ConversationStore(tmp_path).conversations("")


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("", encoding="utf-8")
    with pytest.raises(HistoryError):
        ConversationStore(tmp_path / "home").conversations("")


def test_text_that_utf8_cannot_hold_is_kept_all_the_same(store: ConversationStore) -> None:
    opened = store.save("", Opened(), [KeptTurn("half \ud83d emoji \x00 and zero", error="bad \udc00")], LIBRARY)
    assert store.conversation("", opened.id).turns[0].question.startswith("half ")


def test_a_citation_is_stale_where_its_sentence_is_not_where_it_was() -> None:
    answer = make_answer()
    assert stale_citations(answer, BY_ID) == ()
    p1 = BY_ID["p1"]
    moved = replace(p1, abstract=f"New first sentence. {p1.abstract}")
    changed = replace(p1, abstract=p1.abstract.replace("31%", "13%"))
    retitled = replace(p1, title="Another title", year=1999)
    assert stale_citations(answer, {**BY_ID, "p1": retitled}) == ()
    found = stale_citations(answer, {**BY_ID, "p1": moved})
    assert [(s.number, s.sentence, s.change) for s in found] == [
        (1, FASTER.text, Change.MOVED), (1, NIGHT.text, Change.MOVED),
    ]  # fmt: skip
    found = stale_citations(answer, {**BY_ID, "p1": changed})
    assert [(s.sentence, s.change) for s in found] == [(FASTER.text, Change.CHANGED)]
    assert found[0].paper.title == p1.title
    found = stale_citations(answer, {"p1": p1})
    assert [(s.number, s.sentence, s.change) for s in found] == [(2, MOVES.text, Change.GONE)]
    assert stale_citations(answer, {}, fingerprint=answer.trace.library) == ()  # the very same library


def test_a_footnote_to_a_paper_without_an_abstract_is_stale_only_when_the_paper_is_gone() -> None:
    answer = make_answer()
    empty = replace(answer, citations=(replace(answer.citations[0], paper_id="p4", quote="A title", start=0, end=0),))
    assert stale_citations(empty, {"p4": Paper("p4", "A title", "It has one now.")}) == ()
    assert [s.change for s in stale_citations(empty, {})] == [Change.GONE]


# The command line


def home_with(turns: list[KeptTurn], home: Path, user: str = "") -> Opened:
    store = ConversationStore(home)
    opened = store.save(user, Opened(), turns, LIBRARY)
    store.close()
    return opened


def test_the_command_line_lists_shows_and_deletes(tmp_path: Path) -> None:
    opened = home_with([*kept("Do crabs learn?"), KeptTurn("And?", error="It failed.")], tmp_path)
    listed = footnote("conversations", home=tmp_path).stdout
    assert opened.id[:8] in listed and "Do crabs learn?" in listed
    assert footnote("conversations", "list", "zebra", home=tmp_path).stdout == ""
    assert json.loads(footnote("conversations", "list", "--json", home=tmp_path).stdout)[0]["id"] == opened.id
    shown = footnote("conversations", "show", opened.id[:6], home=tmp_path).stdout
    assert "> Do crabs learn?" in shown and "31% faster" in shown and "No answer: It failed." in shown
    footnote("conversations", "delete", opened.id, home=tmp_path, input="n\n", code=1)
    footnote("conversations", "delete", opened.id, "--yes", home=tmp_path)
    assert "no conversations here" in footnote("conversations", "list", home=tmp_path).stderr
    assert "begins with 'zz'" in footnote("conversations", "show", "zz", home=tmp_path, code=1).stderr


def test_the_command_line_exports(tmp_path: Path) -> None:
    opened = home_with(kept("Do crabs learn?", "And at night?"), tmp_path)
    text = footnote("conversations", "export", opened.id, home=tmp_path).stdout
    assert "## And at night?" in text and "## References" in text
    one = footnote("conversations", "export", opened.id, "--turn", 2, "--format", "json", home=tmp_path).stdout
    assert [turn["question"] for turn in json.loads(one)["turns"]] == ["And at night?"]
    footnote("conversations", "export", opened.id, "--turn", 3, home=tmp_path, code=2)
    assert (
        "--out DIR"
        in footnote("conversations", "export", opened.id, "--format", "pandoc", home=tmp_path, code=2).stderr
    )
    footnote("conversations", "export", opened.id, "--format", "pandoc", "--out", tmp_path / "files", home=tmp_path)
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == ["do-crabs-learn.bib", "do-crabs-learn.md"]


def test_the_command_line_offers_every_format() -> None:
    from rag.cli.conversations import _FORMATS
    from rag.output.exports import FORMATS

    assert tuple(FORMATS) == _FORMATS


def test_rated_answers_are_what_eval_answers_reads(tmp_path: Path) -> None:
    """The whole way, on real parts: an answer of a library is marked good, exported and evaluated."""
    from rag.config import load_settings
    from rag.factory import open_answerer

    library = tmp_path / "library"
    papers = write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW)
    footnote("import", papers, "--library", library, "--threads", 1, home=tmp_path)
    question = "What share of the moths in a garden does MothEar find?"
    answer = open_answerer(load_settings(home=tmp_path, library=library, refuse=False)).answer(question)
    opened = home_with([KeptTurn(question, answer=answer)], tmp_path)
    ConversationStore(tmp_path).rate("", opened.id, opened.turns[0], 1)
    file = tmp_path / "rated.jsonl"
    assert "1 questions" in footnote("conversations", "rated", "--out", file, home=tmp_path).stderr
    [record] = json_lines(file)
    assert record["gold"] == [MOTHS["title"]] and "93%" in record["keyfacts"][0]
    options = ("--baselines", "none", "--library", library, "--out", tmp_path / "results")
    done = footnote("eval", "answers", file, *options, home=tmp_path, **WILLING)
    assert "1 question" in done.output
    [result] = (tmp_path / "results").rglob("*.json")
    assert "key_facts" in result.read_text(encoding="utf-8")


def test_users_are_named_where_nobody_has_none(tmp_path: Path) -> None:
    home_with(kept("Do crabs learn?"), tmp_path, "ada")
    assert "--user ada" in footnote("conversations", home=tmp_path).stderr
    assert "Do crabs learn?" in footnote("conversations", "list", "--user", "ada", home=tmp_path).stdout
