"""The writer: the bundled model with an adapter, from the file that ships to the answer; here with a random adapter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from cli_parts import MOTHS, SNOW, WILLING, footnote, write_lines
from ggufs import write_llama
from test_writer_export import HEADS
from test_writer_export import adapter as tiny_adapter

from rag import factory
from rag.config import load_settings
from rag.datatypes import Message
from rag.errors import ModelError, ModelNotFound
from rag.evidence import pruning
from rag.generation.generators.engine import Engine
from rag.generation.generators.loader import Adapter
from rag.generation.models import (
    BUNDLED,
    WRITER,
    Speed,
    list_models,
    prepare_bundled,
    remove_model,
    resolve_model,
    unprepared,
    writer,
)
from rag.system.hashing import sha256_of
from rag.system.offline import Attempt
from rag.text.wording import third_person
from rag.ui.render import mode_label
from rag.ui.render_models import here_html
from training.writer.export import export

QUESTION = [Message("user", "Which animals does MothEar count?")]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    factory.close_all()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A change of the bundled model's last layers, large enough to be seen in what it writes."""
    folder, draw = tmp_path_factory.mktemp("writer"), torch.Generator().manual_seed(3)
    tensors = {
        f"blk.{layer}.ffn_down": (torch.randn(2, 1536, generator=draw) * 0.03, torch.randn(576, 2, generator=draw))
        for layer in (26, 28)
    }
    torch.save({"alpha": 4.0, "rank": 2, "tensors": tensors}, folder / "adapter.pt")
    export(folder / "adapter.pt", folder / "writer.gguf")
    return folder / "writer.gguf"


@pytest.fixture
def shipped(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose adapter is a copy of the random one."""
    path = tmp_path / "writer.gguf"
    path.write_bytes(exported.read_bytes())
    monkeypatch.setattr(writer, "adapter_file", lambda: path)
    monkeypatch.setattr(writer, "ADAPTER_SHA256", sha256_of(path))
    return path


@pytest.fixture
def missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "nowhere.gguf"
    monkeypatch.setattr(writer, "adapter_file", lambda: path)
    return path


def said(engine: Engine) -> str:
    text = "".join(engine.stream(QUESTION, max_tokens=12))
    engine.close()
    return text


# What ships


def test_the_adapter_that_ships_is_the_one_the_code_knows() -> None:
    path = writer.adapter_file()
    assert path.name == "writer.gguf" and path.parent.name in ("models", "model_files")
    if writer.has_adapter():
        assert writer.problem() == ""
        assert path.stat().st_size <= 90e6


# The engine


def test_the_text_changes_with_the_adapter_and_is_the_same_every_time(tmp_path: Path) -> None:
    model, file = write_llama(tmp_path / "tiny.gguf"), tmp_path / "adapter.gguf"
    digest = export(tiny_adapter(tmp_path / "adapter.pt"), file, heads=HEADS, key_heads=HEADS)
    plain = said(Engine(model, threads=1))
    changed = [said(Engine(model, threads=1, adapter=Adapter(file, digest))) for _ in range(2)]
    assert changed[0] == changed[1] != plain


def test_the_fixed_part_of_a_prompt_is_kept_with_an_adapter_too(tmp_path: Path) -> None:
    model, file = write_llama(tmp_path / "tiny.gguf"), tmp_path / "adapter.gguf"
    digest = export(tiny_adapter(tmp_path / "adapter.pt"), file, heads=HEADS, key_heads=HEADS)
    engine = Engine(model, threads=1, adapter=Adapter(file, digest))
    asked = [Message("system", "Answer from the sources."), *QUESTION]
    first = "".join(engine.stream(asked, max_tokens=8))
    assert engine.usage is not None and engine.usage.reused_tokens == 0
    assert "".join(engine.stream(asked, max_tokens=8)) == first
    assert engine.usage.reused_tokens > 20
    engine.close()


def test_an_adapter_with_another_hash_is_not_loaded(tmp_path: Path) -> None:
    model, file = write_llama(tmp_path / "tiny.gguf"), tmp_path / "adapter.gguf"
    digest = export(tiny_adapter(tmp_path / "adapter.pt"), file, heads=HEADS, key_heads=HEADS)
    file.write_bytes(file.read_bytes()[:-1] + b"\1")
    with pytest.raises(ModelError, match=r"not " + digest[:12] + "….*Install Footnote again"):
        Engine(model, threads=1, adapter=Adapter(file, digest)).warm()
    with pytest.raises(ModelError, match=r"cannot be read \(No such file.*Install Footnote again"):
        Engine(model, threads=1, adapter=Adapter(tmp_path / "none.gguf", digest)).warm()


def test_an_adapter_that_does_not_fit_the_model_is_an_error(tmp_path: Path, exported: Path) -> None:
    digest = sha256_of(exported)
    engine = Engine(write_llama(tmp_path / "tiny.gguf"), threads=1, adapter=Adapter(exported, digest))
    with pytest.raises(ModelError, match=r"cannot apply the adapter writer\.gguf to tiny\.gguf: it was made"):
        engine.warm()


# The list of models


def test_the_writer_is_the_bundled_model_with_the_adapter(shared_home: Path, shipped: Path) -> None:
    prepare_bundled(shared_home)
    base, model = resolve_model(shared_home, BUNDLED), resolve_model(shared_home, WRITER)
    assert (model.path, model.adapter, model.prompt) == (base.path, shipped, "write")
    digests = base.sha256 + writer.ADAPTER_SHA256 + pruning.MODEL_SHA256
    assert model.sha256 == sha256(digests.encode()).hexdigest() != base.sha256
    assert model.info.size == base.info.size + shipped.stat().st_size + pruning.network_file().stat().st_size
    assert (base.adapter, base.prompt) == (None, "")
    assert [m.name for m in list_models(shared_home)] == [BUNDLED, WRITER]
    assert list_models(shared_home)[1] == model


def test_the_writer_is_offered_before_anything_is_prepared(footnote_home: Path, shipped: Path) -> None:
    assert list(unprepared([])) == [BUNDLED, WRITER]
    assert list(unprepared([BUNDLED])) == [WRITER]
    choices = {choice.name: choice for choice in factory.available_models(load_settings())}
    assert list(choices) == ["quote", BUNDLED, WRITER]
    assert (choices[WRITER].modes, choices[BUNDLED].modes) == (("shorten", "free", "quote"), ("cite", "free", "quote"))
    assert choices[WRITER].label == writer.TITLE
    assert len({mode_label(m) for m in ("shorten", "cite", "free", "quote")}) == 4
    assert f"writer            {writer.TITLE}, comes with the installation" in footnote("models", "list").stdout


def test_an_installation_without_the_adapter_offers_no_writer(shared_home: Path, missing: Path) -> None:
    prepare_bundled(shared_home)
    assert WRITER not in [m.name for m in list_models(shared_home)] and WRITER not in unprepared([])
    assert WRITER not in [c.name for c in factory.available_models(load_settings(home=shared_home))]
    assert "writer" not in footnote("models", "list", home=shared_home).stdout
    with pytest.raises(ModelNotFound, match=r"nowhere\.gguf is missing\. Install Footnote again"):
        resolve_model(shared_home, WRITER)
    with pytest.raises(ModelNotFound, match="Known are: quote, smollm2"):
        resolve_model(shared_home, "thine")


def test_a_damaged_adapter_is_said_and_not_used(shared_home: Path, shipped: Path) -> None:
    prepare_bundled(shared_home)
    shipped.write_bytes(shipped.read_bytes()[:-100])
    (listed,) = (model for model in list_models(shared_home) if model.name == WRITER)
    assert "is not the one that comes with this version" in listed.problem
    assert WRITER not in [c.name for c in factory.available_models(load_settings(home=shared_home))]
    assert WRITER not in unprepared([])
    with pytest.raises(ModelError, match=r"cannot be used: its adapter .* Install Footnote again"):
        resolve_model(shared_home, WRITER)


def test_a_network_that_is_damaged_or_gone_is_said_and_not_used(
    shared_home: Path, shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_bundled(shared_home)
    path = tmp_path / "pruning.onnx"
    monkeypatch.setattr(pruning, "network_file", lambda: path)
    for content, said in ((None, "cannot be read"), (b"x", "is not the one that comes with this version")):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ModelError, match=rf"cannot be used: its network .* {said}.*Install Footnote again"):
            resolve_model(shared_home, WRITER)
    assert WRITER not in unprepared([])


def test_a_damaged_adapter_is_a_problem_for_the_doctor(
    shared_home: Path, shipped: Path, tmp_path: Path, outbound: list[Attempt]
) -> None:
    prepare_bundled(shared_home)
    library = tmp_path / "library"
    footnote("import", write_lines(tmp_path / "papers.jsonl", SNOW), "--library", library)
    told = footnote("doctor", "--library", library, home=shared_home).stdout
    assert "model writer: smollm2-135m-instruct-q4_0.gguf with writer.gguf, sha256 " in told
    shipped.write_bytes(b"GGUF")
    told = footnote("doctor", "--library", library, home=shared_home, code=1).stdout
    assert "problem: model writer: its adapter" in told
    outbound.clear()  # the self-test tries


def test_the_writer_is_no_file_of_the_users(footnote_home: Path, shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="comes with the installation and stays"):
        remove_model(footnote_home, WRITER)
    file = write_llama(tmp_path / "tiny.gguf")
    assert "'writer' cannot be the name" in footnote("models", "add", file, "--name", "writer", code=1).stderr


def test_the_models_tab_shows_both_files_and_no_way_to_remove_them(shared_home: Path, shipped: Path) -> None:
    prepare_bundled(shared_home)
    models = list_models(shared_home)
    speed = Speed(400.0, 100.0, 380, 60, 2, "some processor", 2, 0.1, "2026-11-21")
    more = {"coming": {}, "chosen": "quote", "free": 10**10, "context": 2048, "changeable": True}
    shown = here_html([replace(models[0], name="mine"), *models], {models[1].sha256: speed}, **more)  # type: ignore[arg-type]
    assert shown.index('data-name="smollm2"') < shown.index('data-name="writer"') < shown.index('data-name="mine"')
    assert str(shipped) in shown and shown.count("reads 400, writes 100 tokens/s") == 1
    assert shown.count('data-action="remove"') == 1
    waiting = here_html([], {}, **(more | {"coming": unprepared([])}))  # type: ignore[arg-type]
    assert waiting.count("prepared at its first use") == 2 and writer.TITLE in waiting


# Answers


def test_it_answers_where_no_other_model_is_named(shared_home: Path, tmp_path: Path) -> None:
    (config := tmp_path / "footnote.toml").touch()
    library = tmp_path / "library"
    footnote("import", write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW), "--library", library)
    told = footnote(
        "ask", "How many microphones has MothEar?", "--library", library, "--json",
        home=shared_home, FOOTNOTE_CONFIG=str(config), **WILLING,
    ).stdout  # fmt: skip
    answer = json.loads(told)
    assert (answer["trace"]["model"], answer["trace"]["mode"]) == (WRITER, "shorten") and "12" in answer["answer"]


def test_its_network_chooses_quotes_without_a_language_model(shared_home: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    footnote("import", write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW), "--library", library)
    settings = load_settings(home=tmp_path / "home", library=library, model=WRITER, mode="quote", refuse=False)
    answer = factory.open_answerer(settings).answer("How many microphones has MothEar?")
    assert answer.trace.notes == (factory.PRUNED,) and answer.trace.generator == "quote"
    assert (answer.trace.model, answer.trace.model_sha256) == (WRITER, pruning.MODEL_SHA256)
    assert all(citation.quote in MOTHS["abstract"] for citation in answer.citations)
    assert len(answer.sentences) == sum(row["taken"] > 0 for row in answer.trace.chosen) > 0
    assert not (tmp_path / "home" / "models" / "smollm2-135m-instruct-q4_0.gguf").exists()


def test_an_answer_names_both_files_and_the_prompt_of_its_own(shared_home: Path, shipped: Path, tmp_path: Path) -> None:
    from rag.generation.prompting import load_prompt

    library = tmp_path / "library"
    footnote("import", write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW), "--library", library)
    records = {}
    for model in (WRITER, BUNDLED):
        told = footnote(
            "ask", "How many microphones has MothEar?", "--model", model, "--mode", "free", "--library", library,
            "--json", home=shared_home, code=(0, 3), **WILLING,
        )  # fmt: skip
        records[model] = json.loads(told.stdout)["trace"]
    assert (records[WRITER]["model"], records[WRITER]["generator"]) == ("writer", "llama")
    assert records[WRITER]["model_sha256"] == resolve_model(shared_home, WRITER).sha256
    assert records[WRITER]["prompt_sha256"] == load_prompt("write").sha256
    assert records[BUNDLED]["prompt_sha256"] == load_prompt("answer").sha256


def test_nothing_but_words_of_the_sentence_comes_out_in_their_order(
    shared_home: Path, shipped: Path, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    footnote("import", write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW), "--library", library)
    command = (
        "ask", "How many microphones has MothEar?", "--model", WRITER, "--library", library, "--json",
    )  # fmt: skip
    told = [json.loads(footnote(*command, home=shared_home, **WILLING).stdout) for _ in range(2)]
    answer = told[0]
    assert answer["trace"]["mode"] == "shorten" and answer["refusal"] is None
    assert answer["answer"] == told[1]["answer"]
    assert 1 <= len(answer["sentences"]) <= 6  # three more than quotes have
    for sentence, citation in zip(answer["sentences"], answer["citations"], strict=True):
        assert sentence["verdict"] == "supported" and len(sentence["text"].split()) >= 3
        words = iter(third_person(citation["quote"]).lower())
        assert all(any(c == other for other in words) for c in sentence["text"].lower().rstrip("."))


def test_its_trust_card_has_its_quotes_and_decides_nothing(shared_home: Path, shipped: Path, tmp_path: Path) -> None:
    library, out = tmp_path / "library", tmp_path / "out"
    footnote("import", write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW), "--library", library)
    told = footnote(
        "eval", "model", WRITER, "--library", library, "--count", 1, "--threads", 1, "--out", out,
        home=shared_home, **WILLING,
    ).stdout  # fmt: skip
    assert "Trust card of writer" in told
    (record,) = (json.loads(path.read_text()) for path in out.rglob("*.json"))
    assert record["sha256"] == resolve_model(shared_home, WRITER).sha256 and record["choosing"]["mode"] == "quote"
    assert [mode["mode"] for mode in record["modes"]] == ["quote", "shorten", "free"]
    assert not (shared_home / "models" / "verdicts.json").exists()


def test_the_writer_and_the_bundled_model_are_loaded_beside_each_other(shared_home: Path, shipped: Path) -> None:
    texts = {}
    for model in (BUNDLED, WRITER, BUNDLED):
        settings = load_settings(home=shared_home, model=model)
        registered = factory.registered_model(settings)
        generator = factory._llama(registered, settings.context, settings.threads, settings.temperature)
        text = "".join(generator.engine.stream(QUESTION, max_tokens=12))  # type: ignore[attr-defined]
        assert texts.setdefault(model, text) == text
    assert texts[BUNDLED] != texts[WRITER]
