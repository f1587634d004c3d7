"""The llama generator on real llama.cpp: the bundled model for what needs language, a tiny random one for the rest."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import gbnf
import numpy as np
import pytest
from ggufs import CHATML, DATED, THINKING, WITHOUT_SYSTEM, truncated, write_llama
from hypothesis import given
from hypothesis import strategies as st

from rag.datatypes import Evidence, GenerationRequest, Message, Paper, Sentence
from rag.errors import GenerationCancelled, ModelError, QuestionError
from rag.generation.generators.decoding import LOOP, LoopDetector
from rag.generation.generators.engine import Engine
from rag.generation.generators.filters import ThinkFilter, until_stop, without_thoughts
from rag.generation.generators.grammar import SENTENCES, cite_grammar, normalise
from rag.generation.generators.llama import LlamaGenerator
from rag.generation.generators.template import ChatTemplate
from rag.generation.models import prepare_bundled
from rag.generation.prompting import load_prompt
from rag.library.chunking import split_sentences
from rag.system.threads import CoreMeter, usable_cores
from rag.verification.citations import parse

NEVER = threading.Event()
CITED = re.compile(r"[^\[\]\n]+ \[\d+\](?:\[\d+\])?[.?!]")


def paper(number: int, title: str, *sentences: str) -> Evidence:
    found, at = [], 0
    for text in sentences:
        found.append(Sentence(text, at, at + len(text)))
        at += len(text) + 1
    return Evidence(number, Paper(f"p{number}", title, " ".join(sentences)), tuple(found), 1.0)


EVIDENCE = (
    paper(
        1,
        "FastTable: Retrieval over large tables",
        "We introduce FastTable, a retriever for tables with up to 3.5 million rows.",
        "On WikiTables it improves recall@10 from 61.2% to 78.9% with 40% less memory.",
    ),
    paper(3, "A survey of table question answering", "This survey reviews 120 papers published from 2018 to 2024."),
    paper(12, "TabBERT", "TabBERT is pre-trained on 26 million tables and has 110M parameters."),
)
QUESTIONS = (
    "How much does FastTable improve recall?",
    "How many papers does the survey review?",
    "How large is TabBERT?",
    "What is FastTable, e.g. for whom?",
)


@pytest.fixture(scope="module")
def render() -> Callable[[str, Sequence[Evidence]], tuple[Message, ...]]:
    return load_prompt("answer").render


@pytest.fixture(scope="session")
def smollm2(shared_home: Path) -> Path:
    return prepare_bundled(shared_home)


@pytest.fixture(scope="module")
def llama(smollm2: Path, render: Callable[..., tuple[Message, ...]]) -> Iterator[LlamaGenerator]:
    generator = LlamaGenerator(Engine(smollm2, context=1024, threads=1), render=render, model="smollm2")
    generator.warm()
    yield generator
    generator.close()


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_llama(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture
def tiny(tiny_path: Path) -> Iterator[Engine]:
    engine = Engine(tiny_path, context=512, threads=1)
    yield engine
    engine.close()


def request(
    question: str, evidence: tuple[Evidence, ...] = EVIDENCE, mode: str = "cite", **more: int
) -> GenerationRequest:
    return GenerationRequest(question, evidence, mode=mode, **more)


def written(generator: LlamaGenerator, asked: GenerationRequest) -> str:
    return "".join(generator.stream(asked, NEVER))


def user(text: str) -> list[Message]:
    return [Message("system", "You are brief."), Message("user", text)]


# Citations


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_sentence_ends_with_a_number_that_exists(llama: LlamaGenerator, question: str) -> None:
    text = written(llama, request(question, max_tokens=80))
    assert {int(n) for n in re.findall(r"\[(\d+)\]", text)} <= {1, 3, 12}
    sentences = 0
    while sentence := CITED.match(text):
        sentences += 1
        text = text[sentence.end() :]
    assert sentences <= SENTENCES
    # Only where tokens ran out, or a loop was cut off, is there a tail; it is one sentence without its full stop.
    assert not re.search(r"\]\S|\. [A-Z]", text.rstrip(".")), text
    assert sentences or text


def test_a_grammar_holds_even_against_noise(tiny: Engine) -> None:
    """Random weights want everything but a citation: what is admitted is the grammar's doing alone."""
    grammar = cite_grammar([2, 7], sentences=2)
    for seed in range(3):
        text = "".join(tiny.stream(user("?"), max_tokens=400, temperature=1.5, seed=seed, grammar=grammar))
        numbers = re.findall(r"\[([^\]]*)\]", text)
        assert set(numbers) <= {"2", "7"}
        assert "\n" not in text
        assert "<|" not in text


@pytest.fixture(scope="module")
def admits(tiny_path: Path) -> Iterator[Callable[[str], bool]]:
    """Whether the grammar for [1] and [12] admits a whole text, asked of llama.cpp byte by byte."""
    engine = Engine(tiny_path, context=512, threads=1)
    engine.warm()
    yield partial(gbnf.admits, engine, cite_grammar([1, 12]))
    engine.close()


@pytest.mark.parametrize(
    "text",
    [
        "It has 3.5 million rows [1].",
        "It has 3.5 million rows. [1]",
        "Smith et al. 2020 use e.g. tables, i.e. rows [1][12].",
        "The error is p <0.05, cf. Fig. 3 (approx. 5 %) [12].",
        "J. Smith shows it [1]. Others agree [12].",
        "SQuAD [1].",
        "Über 5 Modelle wären möglich [1].",
        "该模型有七十亿参数 [1]。",
        "A 3-D (U.S.) map v2.1.0 at a.b.c wins [1].",
        "Is it fast? [1] Yes [12].",
        "See No. 5, p. 12 and Eq. (3) of it [1].",
        "J. Smith, A. B. Lee et al. (2020) and K. Q. Xu show it [1].",
        "Rows, columns, etc. are read [1].",
        "It reads rows, columns, etc. [1].",
        "It was made in the U.S. [1].",
        "Node.js at https://a.org/x.html?y=1 costs max. five [12].",
        "هل هو سريع؟ [1]",
        "यह तेज़ है [1]।",
    ],
)
def test_the_grammar_admits_real_sentences(admits: Callable[[str], bool], text: str) -> None:
    assert admits(text)


@pytest.mark.parametrize(
    "text",
    [
        "It has many rows.",
        "It has many rows",
        "It has many rows [2].",
        "It has many rows [11].",
        "It has many rows [1][1].",
        "It has many rows. It is fast [1].",
        "It gains 5%. 12% more is possible [1].",
        "It has [many] rows [1].",
        "It has rows [1].\nAnd more [1].",
        "<think>hm</think> It has rows [1].",
        "It ends <|im_end|> here [1].",
        "A [1]. B [1]. C [1]. D [1]. E [1].",
        "word " * 60 + "[1].",
        "[1].",
        "- It has rows [1].",
        "It reads rows, etc. The rest is lost [1].",
        "It was made in the U.S. The rest was not [1].",
        "The answer is no. 'Yes' is wrong [1].",
        "It waits… Then it reads [1].",
        "It waits... and reads [1].",
        "It is fast।यह तेज़ है [1]।",
        "It has “many rows.” And more [1].",
        "Recall is 0.5.Precision is better [1].",
        "It gives good results.The rest is lost [1].",
        "It has\u00a0rows [1].",
        "J. The model wins [1].",
    ],
)
def test_the_grammar_rejects_uncited_text(admits: Callable[[str], bool], text: str) -> None:
    assert not admits(text)


def test_the_likeliest_admitted_token_is_what_the_whole_vocabulary_gives(llama: LlamaGenerator) -> None:
    """Asking about a few candidates first changes the time, not the text."""
    import llama_cpp

    from rag.generation.generators.sampling import sampler

    engine, shortcuts, grammar = llama.engine, 0, cite_grammar([1, 12])
    with engine.held() as shared, engine.evaluated(user("Why?"), None), ExitStack() as stack:
        loaded = shared.model.llama
        constrained = stack.enter_context(sampler(loaded.model, 0.0, 0, grammar))
        pointer = llama_cpp.llama_get_logits_ith(loaded.ctx, -1)
        logits = np.ctypeslib.as_array(pointer, shape=(loaded.n_vocab(),))
        for seed in range(12):
            shuffled = np.random.default_rng(seed).permutation(logits)
            likely = constrained._likeliest_allowed(shuffled)
            assert likely in (None, constrained._choose(shuffled, constrained=True))
            shortcuts += likely is not None
    assert shortcuts > 6


def cited(text: str, numbers: set[int]) -> bool:
    """Whether every sentence, as the check cuts the text, has a number, and one that exists."""
    sentences = parse("".join(normalise([text])), split_sentences)  # marks alone are no sentence
    return all(s.numbers and set(s.numbers) <= numbers for s in sentences)


def test_every_sentence_of_what_the_grammar_admits_is_cited() -> None:
    """Whatever a model writes: texts drawn from the grammar itself, of what looks like the end of a sentence."""
    draw = gbnf.texts(cite_grammar([1, 3, 12]))
    drawn = [draw(random.Random(seed)) for seed in range(2000)]
    assert [text for text in drawn if not cited(text, {1, 3, 12})] == []
    assert len(set(drawn)) > 1900


SOUP = (
    *"the model improves recall on tables with fewer rows".split(),
    *"e.g. i.e. cf. vs. Fig. No. no. vol. al. etc. max. Dr. St. J. A. U.S. w.r.t. Inc. sp. et".split(),
    *"(e.g. (Fig. etc., al., etc.) U.S.) The This A I We Smith Martin Xu 3.5 5 2020 (2020) .5 5% 1. i) v2.1.0".split(),
    *"… ... foo… “quoted.” results.The 5.The Yahoo! (why?) a.b.c Node.js 中文。 METHODS k-NN ¿Qué? good).The".split(),
)


def test_what_the_grammar_admits_of_real_words_is_cited(admits: Callable[[str], bool]) -> None:
    admitted = 0
    for seed in range(300):
        chance = random.Random(seed)
        words = [chance.choice(SOUP if chance.random() < 0.7 else SOUP[:8]) for _ in range(chance.randint(2, 4))]
        text = f"The {' '.join(words)} [{chance.choice((1, 12))}]. It {chance.choice(SOUP)} [1]."
        if admits(text):
            admitted += 1
            assert cited(text, {1, 12}), text
    assert admitted > 20


def test_a_grammar_needs_a_number() -> None:
    with pytest.raises(ValueError, match="at least one number"):
        cite_grammar([])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("It is 3.5. [1] Next? [1][12] End [1].", "It is 3.5 [1]. Next [1][12]? End [1]."),
        ("All [1]. Is well [2].", "All [1]. Is well [2]."),
        ("Cut off. [1", "Cut off. [1"),
        ("好。 [1]", "好 [1]。"),
        ("هل؟ [1]", "هل [1]؟"),
        ("Rows, etc. [1]. Next.. [2]", "Rows, etc. [1]. Next. [2]."),
    ],
)
def test_a_number_behind_the_full_stop_moves_before_it(text: str, normal: str, size: int) -> None:
    assert "".join(normalise(text[i : i + size] for i in range(0, len(text), size))) == normal


# Prompt, template, context


def test_the_models_own_template_is_used(llama: LlamaGenerator) -> None:
    prompt = llama.engine.prompt(user("Hello"))
    assert prompt.startswith("<|im_start|>system\nYou are brief.<|im_end|>\n<|im_start|>user\nHello")
    assert prompt.endswith("<|im_start|>assistant\n")


def test_control_tokens_of_the_model_are_no_part_of_what_is_said(tiny: Engine) -> None:
    prompt = tiny.prompt(user("a<|im_<|im_end|>end|>b<|endoftext|>"))
    assert prompt.count("<|im_end|>") == 2
    assert "<|endoftext|>" not in prompt


def test_a_template_without_a_system_role_gets_it_with_the_question(tmp_path: Path) -> None:
    engine = Engine(write_llama(tmp_path / "m.gguf", template=WITHOUT_SYSTEM), threads=1)
    assert "<|im_start|>user\nYou are brief.\n\nHello<|im_end|>" in engine.prompt(user("Hello"))
    engine.close()


def test_a_template_that_opens_a_thought_is_closed_where_none_is_wanted() -> None:
    template = ChatTemplate(THINKING, "", "")
    assert template.render(user("?")).endswith("<think>\n\n</think>\n\n")
    assert template.render(user("?"), thinking=True).endswith("<think>\n")


def test_the_date_does_not_change_the_prompt() -> None:
    assert ChatTemplate(DATED, "", "").render(user("?")).startswith("2025-01-01\n")


def test_a_broken_template_is_an_error() -> None:
    with pytest.raises(ModelError, match="template is broken"):
        ChatTemplate("{% for %}", "", "")


def test_a_model_without_a_template_is_refused_unless_one_is_given(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "base.gguf", template=None)
    with pytest.raises(ModelError, match=r"no chat template.*-Instruct"):
        Engine(path, threads=1).warm()
    engine = Engine(path, threads=1, chat_template=CHATML)
    assert engine.count(user("Hello")) > 10
    engine.close()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda tmp, tiny: tmp / "missing.gguf", "no model file"),
        (lambda tmp, tiny: truncated(tiny, tmp / "cut.gguf", 0.7), "cannot load cut.gguf"),
        (lambda tmp, tiny: truncated(tiny, tmp / "head.gguf", 0.01), "cannot load head.gguf"),
        (lambda tmp, tiny: write_llama(tmp / "odd.gguf", architecture="oddity"), "cannot load odd.gguf"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_an_error_and_says_nothing_on_the_terminal(
    tmp_path: Path, tiny_path: Path, make: Callable[[Path, Path], Path], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelError, match=said):
        Engine(make(tmp_path, tiny_path), threads=1).warm()
    assert capfd.readouterr() == ("", "")


def test_the_context_is_not_larger_than_what_the_model_was_trained_for(tmp_path: Path) -> None:
    engine = Engine(write_llama(tmp_path / "small.gguf", context=256), context=2048, threads=1)
    assert engine.context == 256
    engine.close()


def test_evidence_is_dropped_from_the_end_until_the_prompt_fits(llama: LlamaGenerator) -> None:
    many = tuple(
        paper(n, f"Paper {n}", *(f"Sentence {s} of paper {n} says a few words." for s in range(5)))
        for n in range(1, 30)
    )
    asked = request("What do they say?", many, max_tokens=100)
    fitted = llama.fit(asked)
    assert fitted.prompt_tokens + fitted.answer_tokens <= llama.engine.context
    assert fitted.answer_tokens == 100
    kept = len(fitted.evidence)
    assert 1 < kept < 29
    assert [e.number for e in fitted.evidence] == list(range(1, kept + 1))
    assert fitted.evidence[:-1] == many[: kept - 1]
    assert fitted.evidence[-1].sentences == many[kept - 1].sentences[: len(fitted.evidence[-1].sentences)]
    assert "What do they say?" in fitted.messages[-1].content
    assert "[30]" not in cite_grammar([e.number for e in fitted.evidence])
    assert written(llama, GenerationRequest(asked.question, many, mode="cite", max_tokens=8))


def test_messages_that_fit_are_used_as_they_are(llama: LlamaGenerator) -> None:
    messages = (Message("user", "Say something about [1]."),)
    assert llama.fit(GenerationRequest("?", EVIDENCE, messages, mode="cite")).messages == messages


def test_a_question_that_fills_the_context_is_refused(llama: LlamaGenerator) -> None:
    with pytest.raises(QuestionError, match="Ask a shorter question"):
        list(llama.stream(request("why " * 25_000), NEVER))


def test_a_question_that_leaves_no_room_for_evidence_is_refused(
    llama: LlamaGenerator, render: Callable[..., tuple[Message, ...]]
) -> None:
    room = llama.engine.context - 220
    words = room - llama.engine.count(render("", ())) - 5
    with pytest.raises(QuestionError, match="no room for evidence"):
        llama.fit(request("why " * words))
    assert llama.fit(request("why " * (words - 150))).evidence


def test_an_engine_does_not_overflow(tiny: Engine) -> None:
    with pytest.raises(ModelError, match="context 512"):
        list(tiny.stream(user("x" * 1000), max_tokens=5))
    room = tiny.context - tiny.count(user("x" * 400))
    list(tiny.stream(user("x" * 400), max_tokens=10_000, temperature=1.0))
    assert tiny.usage is not None
    assert tiny.usage.written_tokens <= room + 1


def test_the_quote_mode_needs_no_language_model(llama: LlamaGenerator) -> None:
    with pytest.raises(ModelError, match="use cite or free"):
        list(llama.stream(request("?", mode="quote"), NEVER))


def test_a_text_of_its_own_is_one_line(llama: LlamaGenerator) -> None:
    text = llama.complete(user("What is the capital of France?"), max_tokens=24)
    assert text
    assert "\n" not in text
    with pytest.raises(QuestionError):
        llama.complete(user("why " * 2000))


# Streaming, stopping, queueing


def test_it_streams(llama: LlamaGenerator) -> None:
    pieces = list(llama.stream(request(QUESTIONS[0], max_tokens=40), NEVER))
    assert len(pieces) > 5
    assert llama.usage is not None
    assert llama.usage.first_piece_ms < llama.usage.total_ms


def test_text_of_many_bytes_is_not_torn(tiny: Engine) -> None:
    for seed in range(3):
        whole = "".join(tiny.stream(user("?"), max_tokens=60, temperature=1.0, seed=seed))
        whole.encode("utf-8")


def stopped_after(generator: LlamaGenerator | Engine, delay: float, run: Callable[[threading.Event], object]) -> float:
    """Seconds from setting the stop to the error."""
    stop, at = threading.Event(), 0.0

    def press() -> None:
        nonlocal at
        time.sleep(delay)
        at = time.perf_counter()
        stop.set()

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(GenerationCancelled):
        run(stop)
    ended = time.perf_counter()
    presser.join()
    return ended - at


@pytest.fixture(scope="module")
def long_reader(smollm2: Path) -> Iterator[Engine]:
    engine = Engine(smollm2, context=8192, threads=1)
    engine.warm()
    yield engine
    engine.close()


def test_stop_acts_while_a_long_prompt_is_read(long_reader: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    prompt = user("The answer depends on the question. " * 1000)
    assert long_reader.count(prompt) > 6000  # seconds of reading
    took = stopped_after(long_reader, 0.3, lambda stop: list(long_reader.stream(prompt, max_tokens=5, stop=stop)))
    assert took < 0.3
    assert capfd.readouterr() == ("", "")
    # What the aborted batch left behind does not show in the next answer.
    again = "".join(long_reader.stream(user("Name a colour."), max_tokens=12))
    fresh = Engine(long_reader.path, context=8192, threads=1)
    assert again == "".join(fresh.stream(user("Name a colour."), max_tokens=12))
    fresh.close()


def test_stop_acts_while_the_answer_is_written(llama: LlamaGenerator) -> None:
    stop, pieces = threading.Event(), []
    with pytest.raises(GenerationCancelled):
        for piece in llama.stream(request(QUESTIONS[0]), stop):
            pieces.append(piece)
            if len(pieces) == 3:
                stop.set()
    assert 3 <= len(pieces) <= 4


def test_a_stop_that_was_set_before_reads_nothing(tiny: Engine) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(GenerationCancelled):
        list(tiny.stream(user("?"), max_tokens=5, stop=stop))
    assert tiny.usage is None


def test_two_callers_take_turns_and_get_what_they_would_get_alone(llama: LlamaGenerator) -> None:
    asked = [request(q, max_tokens=16) for q in QUESTIONS[:2]]
    alone = [written(llama, r) for r in asked]
    together: list[str] = ["", ""]

    def ask(at: int) -> None:
        together[at] = written(llama, asked[at])

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert together == alone


def test_who_waits_can_give_up(tiny: Engine) -> None:
    first = tiny.stream(user("?"), max_tokens=300, temperature=1.0)
    next(first)
    assert stopped_after(tiny, 0.1, lambda stop: list(tiny.stream(user("!"), max_tokens=5, stop=stop))) < 0.3
    first.close()
    assert list(tiny.stream(user("!"), max_tokens=5, temperature=1.0))


def test_closing_ends_what_is_written(tiny_path: Path) -> None:
    engine = Engine(tiny_path, context=512, threads=1)
    stream = engine.stream(user("?"), max_tokens=400, temperature=1.0)
    next(stream)
    closer = threading.Thread(target=engine.close)
    closer.start()
    time.sleep(0.05)
    with pytest.raises(GenerationCancelled):
        list(stream)
    closer.join(5)
    assert not closer.is_alive()
    with pytest.raises(ModelError, match="closed"):
        engine.warm()
    engine.close()


# The same question, the same answer


def test_an_answer_does_not_depend_on_what_was_asked_before(llama: LlamaGenerator, smollm2: Path) -> None:
    asked = [request(q, max_tokens=24) for q in QUESTIONS[:3]]
    forwards = [written(llama, r) for r in asked]
    backwards = [written(llama, r) for r in reversed(asked)][::-1]
    fresh = LlamaGenerator(Engine(smollm2, context=1024, threads=1), render=llama._render)
    cold = written(fresh, asked[2])
    fresh.close()
    assert backwards == forwards
    assert cold == forwards[2]


def test_an_answer_does_not_depend_on_the_number_of_threads(tiny_path: Path) -> None:
    texts = set()
    for threads in (1, 2, 3):
        engine = Engine(tiny_path, context=512, threads=threads)
        texts.add("".join(engine.stream(user("Why is that so?"), max_tokens=20)))
        engine.close()
    assert len(texts) == 1


def test_the_fixed_part_of_the_prompt_is_read_once(
    llama: LlamaGenerator, render: Callable[..., tuple[Message, ...]]
) -> None:
    written(llama, request(QUESTIONS[0], max_tokens=16))
    written(llama, request(QUESTIONS[1], max_tokens=16))
    assert llama.usage is not None
    system = render("", ())[0]
    assert llama.usage.reused_tokens >= llama.engine.count_text(system.content)
    assert llama.usage.reused_tokens < llama.usage.prompt_tokens


def test_a_seed_repeats_a_draw(tiny: Engine) -> None:
    def sampled(seed: int) -> str:
        return "".join(tiny.stream(user("?"), max_tokens=30, temperature=1.0, seed=seed))

    assert sampled(1) == sampled(1)
    assert len({sampled(seed) for seed in range(4)}) > 1
    assert sampled(0xFFFFFFFF) == sampled(0xFFFFFFFF)  # llama.cpp's own 'any seed'


def test_a_loop_ends_the_answer() -> None:
    loop = LoopDetector()
    tokens = [*range(100), *range(20, 60)]
    assert next(n for n, token in enumerate(tokens) if loop.closes(token)) == 100 + LOOP - 1


# What is not shown


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<think>\nhm <b>\n</think>\n\nYes.", "Yes."),
        ("A <think>x</think>B<thinking>y</thinking> C", "A B C"),
        ("a < b and <thin air>", "a < b and <thin air>"),
        ("<think>never closed", ""),
        ("ends like <thi", "ends like <thi"),
    ],
)
def test_reasoning_is_not_shown(text: str, shown: str, size: int) -> None:
    assert "".join(without_thoughts(text[i : i + size] for i in range(0, len(text), size))) == shown


def test_a_block_that_the_prompt_opened_is_not_shown() -> None:
    block = ThinkFilter(inside=True)
    assert block.feed("hm</thi") + block.feed("nk>Yes") + block.finish() == "Yes"


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "th", "a ", ">"]), max_size=12), st.integers(1, 9))
def test_the_filter_does_not_depend_on_the_pieces(parts: list[str], size: int) -> None:
    text = "".join(parts)
    whole, split = ThinkFilter(), ThinkFilter()
    pieces = [split.feed(text[i : i + size]) for i in range(0, len(text), size)]
    assert "".join(pieces) + split.finish() == whole.feed(text) + whole.finish()


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_stop_string_ends_the_text(size: int) -> None:
    text = "one END two"
    assert "".join(until_stop((text[i : i + size] for i in range(0, len(text), size)), ["END"])) == "one "
    assert "".join(until_stop(["one EN"], ["END"])) == "one EN"


# Threads


def test_threads_are_at_least_one_and_at_most_the_cores() -> None:
    meter = CoreMeter()
    assert 1 <= meter.free() <= usable_cores()


@pytest.mark.parametrize(("busy", "threads"), [(0.0, 4), (0.4, 4), (1.2, 3), (3.9, 1), (9.0, 1)])
def test_a_core_that_another_process_uses_is_not_free(
    monkeypatch: pytest.MonkeyPatch, busy: float, threads: int
) -> None:
    import rag.system.threads as module

    monkeypatch.setattr(module, "_affinity", lambda: [0, 1, 2, 3])
    monkeypatch.setattr(module, "usable_cores", lambda: 4)
    readings = iter([(0.0, 10.0, 1.0), (1.0, 10.0 + busy + 0.5, 1.5)])
    monkeypatch.setattr(module, "_reading", lambda: next(readings))
    assert CoreMeter().free() == threads


def test_the_users_number_of_threads_holds(tiny: Engine) -> None:
    list(tiny.stream(user("?"), max_tokens=3))
    assert tiny.usage is not None
    assert tiny.usage.threads == 1


# LangChain


def test_it_is_a_langchain_chat_model(tiny_path: Path) -> None:
    from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    from rag.generation.generators.llama_chat import LlamaChatModel

    model = LlamaChatModel(
        model_path=tiny_path, context=512, threads=1, max_tokens=40, grammar='root ::= "yes, " [a-c]+'
    )
    messages = [SystemMessage("Be brief."), HumanMessage("Well?")]
    reply = model.invoke(messages)
    assert re.fullmatch("yes, [abc]+", str(reply.content))
    assert reply.usage_metadata is not None
    assert reply.usage_metadata["input_tokens"] > 10
    pieces = list(model.stream(messages))
    assert "".join(str(p.content) for p in pieces) == reply.content
    assert model.invoke(messages, stop=[", "]).content == "yes"
    assert len(str(model.invoke(messages, max_tokens=6).content)) <= 6
    chain = ChatPromptTemplate.from_messages([("human", "{q}")]) | model | StrOutputParser()
    assert chain.invoke({"q": "Well?"}).startswith("yes, ")
    assert model._identifying_params["context"] == 512
    assert model.get_num_tokens("abc") == 3
    with pytest.raises(ModelError, match="'tool'"):
        model.invoke([ToolMessage("x", tool_call_id="1")])
    with pytest.raises(GenerationCancelled):
        model.invoke(messages, stop_signal=_Set())
    model.engine.close()


class _Set:
    def is_set(self) -> bool:
        return True


def test_a_grammar_that_is_no_grammar_is_an_error(tiny: Engine) -> None:
    with pytest.raises(ModelError, match="does not accept the grammar"):
        list(tiny.stream(user("?"), max_tokens=3, grammar="root ::= ("))
