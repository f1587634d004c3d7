"""Models in memory: one at rest however many were used, each loaded once, none freed under whom it answers."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from ggufs import truncated, write_llama

from rag import factory
from rag.config import Settings, load_settings
from rag.datatypes import Evidence, GenerationRequest, Message, Paper, Sentence
from rag.errors import GenerationCancelled, ModelError
from rag.generation.generators.engine import Engine
from rag.generation.generators.llama import LlamaGenerator
from rag.generation.generators.owner import MOST_IN_USE, LoadedModels
from rag.generation.models import add_model, prepare_bundled

NEVER = threading.Event()
QUESTION = [Message("user", "What is the weather in the north of the country like?")]
SNOW = "Snow fell in the north."
EVIDENCE = (Evidence(1, Paper("a", "Snow", SNOW), (Sentence(SNOW, 0, len(SNOW)),), 1.0),)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    factory.close_all()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five small models with weights of their own."""
    folder = tmp_path_factory.mktemp("tiny")
    return [write_llama(folder / f"tiny{n}.gguf", seed=n) for n in range(5)]


@pytest.fixture
def owner() -> Iterator[LoadedModels]:
    owner = LoadedModels()
    yield owner
    owner.close()


def names(owner: LoadedModels) -> list[str]:
    return sorted(files.path.stem for files in owner.loaded)


def resident() -> int:
    """Bytes of memory that this process takes."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def say(engine: Engine, tokens: int = 12) -> str:
    return "".join(engine.stream(QUESTION, max_tokens=tokens))


def generator_of(settings: Settings) -> LlamaGenerator:
    """What answers with the model of ``settings``, as the page gets it."""
    model = factory.registered_model(settings)
    model = replace(model, prompt=factory.prompt_choice(settings, model).prompt)
    return factory._llama(model, settings.context, settings.threads, settings.temperature)


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """What ``work`` gives in so many threads that begin together, or raises."""
    barrier, found = threading.Barrier(count), [None] * count

    def run(at: int) -> None:
        barrier.wait()
        try:
            found[at] = work(at)
        except Exception as error:
            found[at] = error

    threads = [threading.Thread(target=run, args=(at,)) for at in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return found


# --- memory ---


def test_switching_through_five_models_takes_the_memory_of_one(shared_home: Path, tmp_path: Path) -> None:
    """Real models of 90 MB, each used as the page uses it."""
    real = prepare_bundled(shared_home)
    used = [tmp_path / f"real{n}.gguf" for n in range(5)]
    for path in used:
        path.hardlink_to(real)
    settings = load_settings(home=shared_home, threads=1, mode="free")

    def use(path: Path) -> None:
        generator = generator_of(replace(settings, model=str(path)))
        list(generator.stream(GenerationRequest("Where did snow fall?", EVIDENCE, mode="free", max_tokens=8), NEVER))

    use(used[0])
    use(used[0])
    of_one = resident()
    for path in used[1:]:
        use(path)
    of_five = resident()
    assert of_five - of_one < 30e6
    factory.close_all()
    assert resident() < of_one - 100e6, "closing frees the last one, too"


def test_memory_does_not_grow_with_the_number_of_switches(
    owner: LoadedModels, tiny: Sequence[Path], shared_home: Path
) -> None:
    real = prepare_bundled(shared_home)

    def switch(times: int) -> int:
        for n in range(times):
            for path in (real, tiny[n % 5]):
                say(Engine(path, threads=1, models=owner), 4)
        return resident()

    first = switch(2)
    assert switch(4) - first < 10e6
    assert names(owner) == ["tiny3"]


def test_what_could_not_be_loaded_leaves_nothing(
    owner: LoadedModels, tiny: Sequence[Path], tmp_path: Path, shared_home: Path
) -> None:
    real = prepare_bundled(shared_home)
    bad = [
        truncated(real, tmp_path / "cut.gguf", 0.9),
        write_llama(tmp_path / "base.gguf", template=None),
        write_llama(tmp_path / "odd.gguf", template="{% if %}"),
        tmp_path / "none.gguf",
    ]

    def fail(times: int) -> int:
        for _ in range(times):
            for path in bad:
                with pytest.raises(ModelError):
                    Engine(path, threads=1, models=owner).warm()
                assert names(owner) == []
        return resident()

    first, handles = fail(2), psutil.Process().num_fds()
    assert fail(6) - first < 10e6
    assert psutil.Process().num_fds() == handles


# --- one of each ---


def test_six_threads_that_ask_for_a_model_get_one(tiny: Sequence[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from rag.generation.generators import loader

    loads, load = [], loader.load
    monkeypatch.setattr(loader, "load", lambda *given: loads.append(given) or load(*given))
    settings = load_settings(model=str(tiny[0]), threads=1)
    generators = at_once(6, lambda at: generator_of(settings))
    assert len({id(generator) for generator in generators}) == 1
    texts = at_once(6, lambda at: say(generators[at].engine))  # type: ignore[attr-defined]
    assert len(set(texts)) == 1 and len(loads) == 1


def test_engines_of_one_file_share_one_model(owner: LoadedModels, tiny: Sequence[Path]) -> None:
    engines = [Engine(tiny[0], threads=1, models=owner) for _ in range(6)]
    texts = at_once(6, lambda at: say(engines[at]))
    assert len(set(texts)) == 1 and names(owner) == ["tiny0"]


def test_another_file_at_the_same_path_is_another_model(owner: LoadedModels, tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf")
    before = say(Engine(path, threads=1, sha256="1", models=owner))
    path.unlink()
    write_llama(path, seed=1)
    assert say(Engine(path, threads=1, sha256="2", models=owner)) != before
    assert names(owner) == ["m"]


# --- switching while something is written ---


def test_a_model_stays_until_its_answer_is_written(owner: LoadedModels, tiny: Sequence[Path]) -> None:
    alone = say(Engine(tiny[0], threads=1), 40)
    stream = Engine(tiny[0], threads=1, models=owner).stream(QUESTION, max_tokens=40)
    text = next(stream)
    say(Engine(tiny[1], threads=1, models=owner))
    assert names(owner) == ["tiny0", "tiny1"]
    text += "".join(stream)
    assert text == alone
    assert names(owner) == ["tiny1"], "it goes with its last word"


def test_a_text_that_nobody_reads_to_its_end_frees_its_model(owner: LoadedModels, tiny: Sequence[Path]) -> None:
    stream = Engine(tiny[0], threads=1, models=owner).stream(QUESTION, max_tokens=40)
    next(stream)
    say(Engine(tiny[1], threads=1, models=owner))
    stream.close()
    assert names(owner) == ["tiny1"]


def test_one_answer_loads_its_model_once(
    owner: LoadedModels, tiny: Sequence[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though tokens are counted before it is written, and others switch meanwhile."""
    from rag.generation.generators import loader

    loads, load = [], loader.load
    monkeypatch.setattr(loader, "load", lambda *given: loads.append(given[0].path) or load(*given))
    generators = [
        LlamaGenerator(Engine(path, threads=1, models=owner), render=lambda question, evidence: QUESTION)
        for path in tiny[:2]
    ]
    asked = GenerationRequest("?", EVIDENCE, mode="free", max_tokens=30)

    def ask(at: int) -> str:
        return "".join("".join(generators[at % 2].stream(asked, NEVER)) for _ in range(5))

    texts = at_once(4, ask)
    assert texts[:2] == texts[2:] and all(isinstance(text, str) and text for text in texts)
    assert 2 <= len(loads) <= 20
    assert len(names(owner)) == 1


def test_who_needs_a_third_model_waits_or_gives_up(owner: LoadedModels, tiny: Sequence[Path]) -> None:
    engines = [Engine(path, threads=1, models=owner) for path in tiny]
    stop, texts = threading.Event(), []
    with ExitStack() as first, engines[1].held():
        first.enter_context(engines[0].held())
        assert len(names(owner)) == MOST_IN_USE
        waiter = threading.Thread(target=lambda: texts.append(say(engines[2])))
        waiter.start()
        threading.Timer(0.1, stop.set).start()
        with pytest.raises(GenerationCancelled, match="another model"), engines[3].held(stop):
            pass
        assert texts == [] and names(owner) == ["tiny0", "tiny1"]
        first.close()
        waiter.join(20)
        assert len(texts) == 1 and names(owner) == ["tiny1", "tiny2"]
    assert names(owner) == ["tiny2"]


def test_many_users_of_all_models_get_what_each_would_get_alone(owner: LoadedModels, tiny: Sequence[Path]) -> None:
    alone = [say(Engine(path, threads=1)) for path in tiny]
    most = [0]

    def use(at: int) -> list[str]:
        texts = []
        for n in range(6):
            texts.append(say(Engine(tiny[(at + n) % 5], threads=1, models=owner)))
            most[0] = max(most[0], len(names(owner)))
        return texts

    found = at_once(8, use)
    assert found == [[alone[(at + n) % 5] for n in range(6)] for at in range(8)]
    assert most[0] <= MOST_IN_USE and len(names(owner)) == 1


# --- closing ---


def test_closing_ends_what_is_written_and_the_next_question_loads_again(
    owner: LoadedModels, tiny: Sequence[Path]
) -> None:
    engine = Engine(tiny[0], threads=1, models=owner)
    stream = engine.stream(QUESTION, max_tokens=400, temperature=1.0)
    next(stream)
    closer = threading.Thread(target=owner.close)
    closer.start()
    time.sleep(0.05)
    with pytest.raises(GenerationCancelled):
        engine.count(QUESTION)
    with pytest.raises(GenerationCancelled):
        list(stream)
    closer.join(5)
    assert not closer.is_alive() and names(owner) == []
    assert say(engine)


LEAVE = """
import sys, threading
from pathlib import Path
from rag import factory
from rag.config import load_settings
from rag.datatypes import Message

def write():
    list(engine.stream([Message("user", "?")], max_tokens=100_000, temperature=1.0))

engine = factory._llama(factory.registered_model(load_settings(model=sys.argv[1])), 2048, 1, 1.0).engine
engine.warm()
threading.Thread(target=write, daemon=True).start()
factory.close_all()
assert factory._MODELS.loaded == []
print("left")
"""


def test_a_program_ends_in_the_midst_of_a_text(tiny: Sequence[Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVE, str(tiny[0])], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "left\n"), done.stderr


def test_a_registered_model_is_used_by_its_name(tiny: Sequence[Path], footnote_home: Path) -> None:
    for path in tiny[:2]:
        add_model(footnote_home, path, path.stem)
    for name in ("tiny0", "tiny1", "tiny0"):
        generator = generator_of(load_settings(model=name, threads=1))
        assert generator.model == name and say(generator.engine)
        assert names(factory._MODELS) == [name]
