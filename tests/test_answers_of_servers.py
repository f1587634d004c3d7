"""Answers that the model of a server writes, from the command line to the trace; where it fails, quotes stand in."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag import factory
from rag.config import SERVER, Settings
from rag.datatypes import Answer, Draft
from rag.errors import GenerationCancelled, ModelError, ModelNotFound
from rag.generation.models import add_model
from rag.generation.writing import whole_sentences
from rag.system.offline import Attempt
from rag.ui.named import NamedByRequest
from rag.ui.page_context import PageContext
from rag.ui.render import status_html
from rag.ui.render_models import Served, here_html
from tests.cli_parts import MOTHS, SNOW, WILLING, footnote, write_lines
from tests.ggufs import write_llama
from tests.model_servers import Reply, chat, event, free_port, says, serving, streams

ROOT = Path(__file__).parent.parent
KEY = "sk-open-sesame"
QUESTION = "How many moths does MothEar find?"
TRUE = "MothEar finds 93% of the moths in a garden at night [1]."
SMALL = says({"data": [{"id": "small-135m"}]})  # it repeats the sentence: nothing is measured first


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("user") / "papers"
    footnote("import", write_lines(folder.with_suffix(".jsonl"), MOTHS, SNOW), "--library", folder)
    yield folder
    factory.close_all()


def asked(library: Path, url: str, *arguments: str, **variables: str) -> tuple[dict[str, Any], str]:
    """What ``footnote ask --json`` prints, and what it says beside that."""
    named = {"FOOTNOTE_LLM_URL": url, "FOOTNOTE_LLM_KEY": KEY, **WILLING, **variables}
    done = footnote("ask", QUESTION, "--json", "--library", library, *arguments, **named)
    factory.close_all()
    assert KEY not in done.stdout + done.stderr
    return json.loads(done.stdout), done.stderr


def test_the_server_writes_and_the_trace_says_so(library: Path) -> None:
    with serving(chat(streams("MothEar finds 93% of the moths ", "in a garden at night. [1]"), SMALL)) as fake:
        answer, _ = asked(library, fake.url)
    assert answer["sentences"][0]["text"] == TRUE.replace(" [1]", "")
    trace = answer["trace"]
    assert (trace["generator"], trace["model"], trace["mode"]) == ("server", "small-135m", "cite")
    assert trace["server"] == f"127.0.0.1:{fake.port}" and trace["grammar"].startswith("none")
    assert "93% of the moths" in fake.bodies()[-1]["messages"][-1]["content"]


def test_a_large_model_is_measured_first_and_answers_from_several_papers(
    library: Path, outbound: list[Attempt]
) -> None:
    with serving(chat(streams(*["MothEar finds 93% of the moths in a garden at night [1]. "] * 14))) as fake:
        answer, _ = asked(library, fake.url)
        bodies = fake.bodies()
        assert answer["sentences"][0]["citations"] == [1]
        assert "Continue this report" in bodies[0]["messages"][-1]["content"]
        assert "93% of the moths" in bodies[1]["messages"][-1]["content"]
        said = footnote("models", "list", FOOTNOTE_LLM_URL=fake.url, FOOTNOTE_LLM_KEY=KEY).stdout
        assert "big-7b at 127.0.0.1, yours" in said and "takes no grammar" in said and "tokens/s" in said
        doctor = footnote("doctor", "--library", library, code=(0, 1), FOOTNOTE_LLM_URL=fake.url).stdout
        outbound.clear()  # of the self-test
        assert f"server 127.0.0.1:{fake.port}: a server that speaks as OpenAI's does, big-7b" in doctor


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        (chat(says({}, 401)), "FOOTNOTE_LLM_KEY"),
        (chat(says({"error": {"code": "model_not_found", "message": "no"}}, 404)), "FOOTNOTE_LLM_MODEL"),
        ({}, "not a server that speaks as OpenAI's does"),
        (chat(streams("data: }{\n\n"), SMALL), "no JSON"),
        (chat(streams("MothEar ", "fin", end=""), SMALL), "broke off in the middle"),
        (chat(streams(10.0), SMALL), "wrote nothing for 1 seconds"),
    ],
)
def test_where_it_fails_quotes_stand_in(library: Path, replies: dict[str, Reply], words: str) -> None:
    with serving(replies) as fake:
        answer, said = asked(library, fake.url, FOOTNOTE_LLM_TIMEOUT="1")
    assert "93% of the moths" in answer["answer"] and answer["sentences"][0]["citations"]
    assert any(words in note for note in answer["trace"]["notes"]), answer["trace"]["notes"]
    assert answer["trace"]["notes"][-1] == "These are quotes from the papers."
    assert words in said  # on stderr as well


def test_where_nobody_listens_quotes_stand_in(library: Path, outbound: list[Attempt]) -> None:
    answer, said = asked(library, f"http://127.0.0.1:{free_port()}")
    assert "93% of the moths" in answer["answer"] and "nothing listens there" in said
    doctor = footnote("doctor", "--library", library, code=1, FOOTNOTE_LLM_URL=f"http://127.0.0.1:{free_port()}")
    outbound.clear()  # of the self-test
    assert "problem: The model server" in doctor.stdout


def test_what_was_written_before_it_broke_off_is_kept(library: Path) -> None:
    with serving(chat(streams(TRUE, " It ", "costs", end=""), SMALL)) as fake:
        answer, _ = asked(library, fake.url)
    assert answer["sentences"][0]["text"] == TRUE.replace(" [1]", "")
    assert "costs" not in answer["answer"]
    assert "broke off" in answer["trace"]["notes"][0]


def test_stop_acts_through_the_pipeline(library: Path) -> None:
    with serving(chat(streams("MothEar finds ", 60.0), SMALL)) as fake:
        pipeline = factory.open_answerer(settings(library, fake.url))
        stop = threading.Event()
        with pytest.raises(GenerationCancelled):
            for found in pipeline.stream(QUESTION, stop=stop):
                assert not isinstance(found, Answer)
                if isinstance(found, Draft):
                    stop.set()
        assert fake.gone.wait(30)


def test_the_beginning_of_a_text_that_broke_off() -> None:
    assert whole_sentences("One [1]. Two. [2][3] Thr") == "One [1]. Two. [2][3]"
    assert whole_sentences("One") == whole_sentences("") == "" and whole_sentences("Ja。 n") == "Ja。"


def settings(library: Path, url: str) -> Settings:
    return Settings(home=library.parent, library=library, model=SERVER, llm_url=url, refuse=False)


def test_mode_quote_asks_no_server(library: Path) -> None:
    with serving(chat(streams("Never."))) as fake:
        answer, _ = asked(library, fake.url, "--mode", "quote")
    assert not fake.asked and "not asked to choose" in answer["trace"]["notes"][0]
    assert "server" not in answer["trace"]


def test_the_page_names_the_server_and_where_questions_go(library: Path) -> None:
    far = replace(settings(library, "http://10.0.0.5:8080"), llm_model="qwen2.5")
    choice = factory.available_models(far)[-1]
    assert (choice.name, choice.label) == (SERVER, "qwen2.5 at 10.0.0.5, yours")
    context = PageContext(lambda *named: None, [choice], far)  # type: ignore[arg-type,return-value]
    assert context.goes_to(SERVER) == "10.0.0.5" and context.goes_to("quote") == ""
    said = status_html(choice, "cite", {}, "", True, context.goes_to(SERVER))
    assert "qwen2.5 at 10.0.0.5, yours" in said and "go to 10.0.0.5, which you named" in said
    assert "Nothing leaves this computer" in status_html(choice, "quote", {}, "", True, "10.0.0.5")
    near = PageContext(lambda *named: None, [choice], settings(library, "http://127.0.0.1:1"))  # type: ignore[arg-type,return-value]
    assert near.goes_to(SERVER) == ""
    card = here_html(
        [], {}, coming={}, chosen=SERVER, free=1, context=2048, changeable=True,
        served=Served(SERVER, choice.label, "http://10.0.0.5:8080"),
    )  # fmt: skip
    assert "http://10.0.0.5:8080" in card and "not measured" in card


def test_a_request_may_name_the_server_only_where_there_is_one(library: Path) -> None:
    quoting = Settings(home=library.parent, library=library, model="quote")
    with pytest.raises(ModelNotFound):
        NamedByRequest(quoting).answering(SERVER, "cite", "")
    named = NamedByRequest(replace(quoting, llm_url="http://10.0.0.5")).answering(SERVER, "cite", "")
    assert named.model == SERVER


def test_no_file_can_take_the_name_of_the_server(footnote_home: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be the name"):
        add_model(footnote_home, write_llama(tmp_path / "server.gguf"))
    with pytest.raises(ModelError, match="no file of this computer"):
        factory.registered_model(settings(tmp_path, "http://10.0.0.5"))


def test_the_commands_of_the_page_about_scaling(library: Path) -> None:
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\$ FOOTNOTE_LLM_URL=(\S+) footnote (.+)$", page, re.MULTILINE)
    assert len(lines) == 2 and QUESTION in lines[0][1]
    with serving(chat(streams(event(TRUE)), SMALL)) as fake:
        for url, words in lines:
            assert url == "http://127.0.0.1:8080"
            arguments = re.findall(r'"([^"]+)"|(\S+)', words)
            named = {"FOOTNOTE_LLM_URL": fake.url, "FOOTNOTE_LIBRARY": str(library), **WILLING}
            said = footnote(*[quoted or plain for quoted, plain in arguments], **named).stdout
            assert "93%" in said or "small-135m at 127.0.0.1, yours" in said
