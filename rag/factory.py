"""``Settings`` to objects: the only place where the parts are put together.

Libraries, encoders and models are opened once per process and shared: opening a second answerer
with another mode or another browser tab costs nothing. Of language models one stays in memory
(:class:`rag.generation.generators.owner.LoadedModels`).

Long because it is the one place where parts are put together; what can do without settings lies in the layers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from rag.config import SERVER, Settings, with_overrides
from rag.datatypes import Answer, AnswerSettings, Message, Option, Paper, Turn
from rag.errors import ConfigError, LibraryNotFound, LibraryReadOnly, ModelError, ServerError
from rag.evidence.fitting import fit_judge
from rag.evidence.selectors import BroadSelector, ModelSelector, NetworkSelector, RankerSelector, SentenceSelector
from rag.generation.generators.owner import LoadedModels
from rag.generation.servers.open_servers import OpenServers
from rag.generation.writing import Writer
from rag.library.open_libraries import OpenLibraries
from rag.library.read_once import ReadOnce
from rag.pipeline import Pipeline
from rag.questions.rendering import Renderer
from rag.retrieval.ranking import hybrid_search, without_notices
from rag.system.activity import ANSWERING
from rag.system.threads import algebra_in_one_thread

if TYPE_CHECKING:
    from rag.encoding.paper_encoder import PaperEncoder
    from rag.encoding.query_encoder import QueryEncoder
    from rag.generation.generators.llama import LlamaGenerator
    from rag.generation.models import PromptChoice, RegisteredModel, Speed
    from rag.generation.prompting import Prompt
    from rag.generation.servers.model_server import ModelServer
    from rag.history.store import ConversationStore
    from rag.library.ahead import Ahead
    from rag.library.background import BackgroundVectors
    from rag.library.library import EmbedderId, ImportProgress, Library
    from rag.library.manager import LibraryManager
    from rag.library.storage.chroma_server import ChromaServer
    from rag.questions.reading import Rewrite
    from rag.retrieval.related import Related

QUOTE = "quote"
# Of a language model, the one that is meant when none is named first.
MODEL_MODES = ("cite", "free", QUOTE)
WRITER_MODES = ("shorten", "free", QUOTE)
# Below this many parameters a model rewrites follow-up questions worse than the rules do.
REWRITING_PARAMETERS = 500_000_000
UNMEASURED = (
    "The ranker chose these sentences; whether {model} chooses better is not known yet. "
    "To measure it: footnote eval model {given} --questions FILE"
)
PRUNED = "The writer's network chose these sentences among those of the ranker."
NOT_BETTER = "{model} {verdict}: footnote eval model shows it, --model writer is the other."
NOT_ASKED = "The ranker chose these sentences: the model of a server writes answers and is not asked to choose."
RANKER_STANDS = "The ranker chose these sentences, because {model} does not choose better: {reason}."
_LOCK = threading.RLock()
_LIBRARIES = OpenLibraries()
_MODELS = LoadedModels()
_HISTORIES: dict[Path, ConversationStore] = {}  # by home
_SERVERS = OpenServers()
_QUERY_ENCODERS: dict[Path, QueryEncoder] = {}  # by the folder of their weights
_RENDERERS: dict[Path, Renderer] = {}  # by the folder of their weights
_AT_CLOSE: list[Callable[[], None]] = []
_BACKGROUND: list[BackgroundVectors] = []  # one at most


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """One thing that can answer: ``name`` for the settings, ``label`` to show, ``modes`` it works in."""

    name: str
    label: str
    modes: tuple[str, ...]


def open_answerer(settings: Settings) -> Pipeline:
    """A pipeline on the library and model of ``settings``; builds the shipped library when it is not there yet.

    Raises :class:`rag.errors.LibraryError`, :class:`rag.errors.ModelError` or :class:`ConfigError`.
    """
    from rag.encoding.packaged_weights import is_whole_piece
    from rag.generation.generators.quote import QuoteGenerator

    mode = effective_mode(settings)
    library = open_library(settings)
    algebra_in_one_thread()
    quotes = Writer(QuoteGenerator(), QUOTE, settings.seed, settings.max_tokens)
    part = _part_for(settings, mode, quotes)
    return Pipeline(
        library=library,
        encoder=query_encoder(settings.home),
        search=hybrid_search(library, settings.depth),
        writer=part.writer,
        quotes=quotes,
        settings=AnswerSettings(
            mode=mode,
            seed=settings.seed,
            max_tokens=settings.max_tokens,
            papers=settings.papers,
            sentences=settings.sentences,
            unsupported=settings.unsupported,
            refuse=settings.refuse,
        ),
        fit_judge=fit_judge(),
        selector=part.selector,
        rewrite=part.rewrite,
        renderer=question_renderer(settings.home),
        is_word=is_whole_piece,
        notes=part.notes,
    )


@dataclass(frozen=True, slots=True)
class AnsweringPart:
    """What depends on model and mode: who chooses the sentences, who writes, who completes a follow-up."""

    writer: Writer
    selector: SentenceSelector = field(default_factory=RankerSelector)
    rewrite: Rewrite | None = None
    notes: tuple[str, ...] = ()


def _part_for(settings: Settings, mode: str, quotes: Writer) -> AnsweringPart:
    """``quotes`` are the sentences that the ranker chooses."""
    from rag.generation.models import WRITER

    if settings.model == SERVER:
        return AnsweringPart(quotes, notes=(NOT_ASKED,)) if mode == QUOTE else _served(settings, mode)
    if mode != QUOTE:
        return _written(settings, mode)
    if settings.model == QUOTE:
        return AnsweringPart(quotes)
    return _quoted_by_network(settings) if settings.model == WRITER else _quoted_by_model(settings, quotes)


def _quoted_by_network(settings: Settings) -> AnsweringPart:
    """Whole sentences that the writer's network chooses."""
    from rag.evidence.pruning import MODEL_SHA256, pruner
    from rag.generation.generators.quote import QuoteGenerator
    from rag.generation.models import WRITER
    from rag.generation.models.writer import EXTRA_CANDIDATES, MIN_LOGIT

    writer = Writer(QuoteGenerator(WRITER, MODEL_SHA256), QUOTE, settings.seed, settings.max_tokens)
    return AnsweringPart(writer, NetworkSelector(pruner(), EXTRA_CANDIDATES, MIN_LOGIT), notes=(PRUNED,))


def _quoted_by_model(settings: Settings, quotes: Writer) -> AnsweringPart:
    """Sentences that a language model chooses, where it was measured to choose better than the ranker.

    That is known for the prompt of today alone. With ``sentence_selector = "model"`` it chooses in any case. A model
    that does not choose is not loaded.
    """
    from rag.generation.generators.choosing import ChosenQuotes
    from rag.generation.models import measured
    from rag.generation.prompting import load_prompt

    model, prompt = registered_model(settings), load_prompt("choose")
    if settings.sentence_selector != "model":
        known = measured(settings.home, model.sha256)
        if known is None or known.prompt_sha256 != prompt.sha256:
            return AnsweringPart(quotes, notes=(UNMEASURED.format(model=model.name, given=settings.model),))
        if not known.chooses:
            return AnsweringPart(quotes, notes=(RANKER_STANDS.format(model=model.name, reason=known.reason),))
    llama = _llama(model, settings.context, settings.threads, settings.temperature)
    render = partial(_render_options, prompt)
    chooser = ChosenQuotes(llama.engine, render, model=model.name, sha256=model.sha256)
    writer = Writer(chooser, QUOTE, settings.seed, settings.max_tokens, prompt_sha256=prompt.sha256)
    return AnsweringPart(writer, ModelSelector(chooser))


def _written(settings: Settings, mode: str) -> AnsweringPart:
    """What a language model writes; where it was taught to shorten, from what a network judges to be needed."""
    from rag.evidence.pruning import pruner
    from rag.generation.models.prompt_choice import COMPOSING
    from rag.generation.prompting import load_prompt

    choice = prompt_choice(settings, registered_model(settings))
    model = replace(registered_model(settings), prompt=choice.prompt)
    prompt = load_prompt(model.prompt)
    generator = _llama(model, settings.context, settings.threads, settings.temperature)
    writer = Writer(generator, mode, settings.seed, settings.max_tokens, prompt.render, prompt.sha256)
    selector: SentenceSelector = RankerSelector()
    if model.costs is not None:
        selector = NetworkSelector(pruner(), model.extra_candidates, model.min_logit)
    elif model.prompt == COMPOSING:
        writer, selector = _composing(settings, writer, partial(_readable, settings, model, generator))
    rewrite = _rewriter(generator.complete) if (model.info.parameters or 0) >= REWRITING_PARAMETERS else None
    notes: tuple[str, ...] = ()
    if choice.verdict is not None and not choice.verdict.is_better:
        notes = (NOT_BETTER.format(model=model.name, verdict=choice.verdict.beside_writer),)
    return AnsweringPart(writer, selector, rewrite, notes)


def _served(settings: Settings, mode: str) -> AnsweringPart:
    """What the model of the user's server writes."""
    from rag.generation.generators.llama import Sampling
    from rag.generation.generators.server import ServerGenerator
    from rag.generation.models.prompt_choice import COMPOSING
    from rag.generation.prompting import load_prompt
    from rag.generation.served import readable_by_server, server_prompt

    server = model_server(settings)
    choice = server_prompt(server, "" if settings.prompt == "measured" else settings.prompt)
    prompt = load_prompt(choice.prompt)
    sampling = Sampling(settings.temperature, max_tokens=4096)
    generator = ServerGenerator(server, context=settings.context, render=prompt.render, sampling=sampling)
    writer = Writer(
        generator, mode, settings.seed, settings.max_tokens, prompt.render, prompt.sha256,
        account=partial(generator.account, mode),
    )  # fmt: skip
    if choice.prompt != COMPOSING:
        return AnsweringPart(writer)
    budget = partial(readable_by_server, generator, prompt, settings.home, settings.patience, settings.max_tokens)
    return AnsweringPart(*_composing(settings, writer, budget), _rewriter(generator.complete))


def _composing(settings: Settings, writer: Writer, budget: Callable[[], int]) -> tuple[Writer, SentenceSelector]:
    """``writer`` as it answers from several papers, of which it can read ``budget`` tokens, and who chooses them."""
    from rag.evidence.pruning import pruner
    from rag.generation.models.prompt_choice import COMPOSING, SENTENCES
    from rag.generation.models.writer import EXTRA_CANDIDATES, MIN_LOGIT
    from rag.generation.prompting import load_prompt

    repair = load_prompt("repair").render
    broad = BroadSelector(NetworkSelector(pruner(), EXTRA_CANDIDATES, MIN_LOGIT), settings.papers + 1)
    return replace(writer, sentences=SENTENCES[COMPOSING], render_repair=repair, budget=budget), broad


def prompt_choice(settings: Settings, model: RegisteredModel) -> PromptChoice:
    """How a model is asked to write, by what was measured of it, else by its size."""
    from rag.generation.models import PROMPTS, prompt_of, prompt_verdict
    from rag.generation.prompting import load_prompt

    hashes = {name: load_prompt(name).sha256 for name in PROMPTS}
    wanted = "" if settings.prompt == "measured" else settings.prompt
    return prompt_of(model, prompt_verdict(settings.home, model.sha256), hashes, wanted)


def _readable(settings: Settings, model: RegisteredModel, generator: LlamaGenerator) -> int:
    """Tokens of evidence that a model reads within ``patience``; its speed is measured where it is not known yet."""
    from rag.generation.models import readable_tokens, speeds
    from rag.generation.prompting import load_prompt

    speed = speeds(settings.home).get(model.sha256) or measure_model(settings)
    fixed = generator.engine.count(load_prompt(model.prompt).render("", ()))
    return readable_tokens(speed, settings.patience, settings.context - settings.max_tokens - fixed)


def _render_options(prompt: Prompt, question: str, options: Sequence[Option]) -> Sequence[Message]:
    return prompt.render(question, sentences=options)


def related_papers(settings: Settings, paper_id: str, k: int = 4) -> list[Related]:
    """The ``k`` papers of the library nearest to one of them, best first."""
    from rag.retrieval.related import related

    return related(open_library(settings), paper_id, k)


def follow_up_questions(settings: Settings, answer: Answer, asked: Sequence[str] = ()) -> tuple[str, ...]:
    """Questions that may come next and that the library can answer; ``asked`` are left out."""
    from rag.evidence.gathering import answerable
    from rag.output.suggestions import follow_ups

    quotes = open_answerer(with_overrides(settings, model=QUOTE, mode=QUOTE))
    nearest = quotes.library.get_papers(answer.refusal.nearest) if answer.refusal is not None else {}

    def near(paper_id: str) -> list[Paper]:
        return [one.paper for one in related_papers(settings, paper_id)]

    def can_answer(question: str) -> bool:
        reading = quotes.read(question)
        ranking = without_notices(quotes.rank(reading), reading)
        return reading.is_computed or answerable(reading, ranking, ReadOnce(quotes.library))

    return follow_ups(answer, near, can_answer, asked, nearest)


def effective_mode(settings: Settings) -> str:
    """The mode that is meant: what was asked for, else the first of the model's own.

    Raises :class:`ConfigError` for a mode that the model does not have.
    """
    if settings.model == QUOTE:
        if settings.mode in (None, QUOTE):
            return QUOTE
        raise ConfigError(f"Mode '{settings.mode}' needs a language model. Add --model smollm2, or leave the mode out.")
    modes = modes_of(settings.model)
    if settings.mode not in (None, *modes):
        raise ConfigError(f"Mode '{settings.mode}' is not one of {settings.model}'s: use {', '.join(modes)}.")
    return settings.mode or modes[0]


def modes_of(model: str) -> tuple[str, ...]:
    """The modes of a language model, by its name; the first is the one that is meant when none is named."""
    return WRITER_MODES if model == "writer" else MODEL_MODES


def registered_model(settings: Settings) -> RegisteredModel:
    """The language model of ``settings``; the bundled one is prepared when it is not there yet."""
    from rag.generation.models import BUNDLED, prepare_bundled, resolve_model

    if settings.model == SERVER:
        raise ModelError("The model of a server is no file of this computer, so this cannot be done with it.")
    if settings.model == BUNDLED:
        with _LOCK:
            prepare_bundled(settings.home)
    return resolve_model(settings.home, settings.model)


def available_models(settings: Settings) -> list[ModelChoice]:
    """The built-in quotes, the bundled model, the writer, every registered one that can be used now, the server's."""
    from rag.generation.models import BUNDLED, BUNDLED_TITLE, SHIPPED, list_models, unprepared
    from rag.generation.served import server_label

    listed = {m.name: m for m in list_models(settings.home) if not m.problem}
    labels = unprepared(listed)
    for name, model in listed.items():
        title = BUNDLED_TITLE if name == BUNDLED else model.info.name or name
        labels[name] = f"{title}, {model.info.size / 1e6:,.0f} MB"
    ordered = sorted(labels, key=lambda name: (SHIPPED.index(name) if name in SHIPPED else len(SHIPPED), name))
    models = [ModelChoice(name, labels[name], modes_of(name)) for name in ordered]
    if settings.llm_url:
        models.append(ModelChoice(SERVER, server_label(model_server(settings)), MODEL_MODES))
    return [ModelChoice(QUOTE, "built-in quotes", (QUOTE,)), *models]


def measure_model(settings: Settings, say: Callable[[str], object] = lambda word: None) -> Speed:
    """How fast the language model of ``settings`` reads and writes here; kept for the next look. Takes some seconds.

    Waits for a question that the model is answering. Raises :class:`rag.errors.ModelError`.
    """
    import datetime

    from rag.generation.models import keep_speed, measure
    from rag.generation.served import measure_server
    from rag.system.machine import machine

    if settings.model == SERVER:
        return measure_server(model_server(settings), settings.context, settings.home, say)
    model = registered_model(settings)
    engine = _llama(model, settings.context, settings.threads, settings.temperature).engine
    here = machine(())
    speed = measure(
        engine,
        processor=str(here["processor"]),
        cores=int(here["cores"]),
        load=float(here["load"]),
        today=datetime.date.today().isoformat(),
        say=say,
    )
    keep_speed(settings.home, model.sha256, speed)
    return speed


def model_server(settings: Settings) -> ModelServer:
    """The server of ``llm_url``, one per process; from here on the offline guard lets it through. Asks it nothing."""
    from rag.system.server_address import read_address

    address = read_address(settings.llm_url, "llm_url")
    return _SERVERS.get(address, settings.llm_key, settings.llm_model, settings.llm_timeout)


def vector_server(settings: Settings) -> ChromaServer | None:
    """The server of ``chroma_url``, which the offline guard lets through from here on; None for none. Asks it nothing.

    The library of the shipped abstracts stays whole in its folder.
    """
    from rag.library.storage.chroma_server import ChromaServer
    from rag.system.offline import let_through
    from rag.system.server_address import read_address

    if not settings.chroma_url or settings.is_shipped_library:
        return None
    address = read_address(settings.chroma_url, "chroma_url")
    let_through(address.host, address.port)
    return ChromaServer(address, settings.chroma_token, settings.chroma_tenant, settings.chroma_database)


def open_library(settings: Settings) -> Library:
    """The library of ``settings``, opened once per process for reading, and anew when it has changed on disk.

    The shipped one is built at its first use. Raises :class:`LibraryNotFound` for any other folder
    without a library.
    """
    from rag.library.library import Library

    path = settings.library_path.expanduser().absolute()
    if not Library.exists(path):
        if not settings.is_shipped_library:
            raise LibraryNotFound(f"There is no library in {path}. Make one: footnote import FILE --library {path}")
        prepare_library(settings)
    library = _LIBRARIES.get(path, embedder_id(), vector_server(settings), untouched=settings.read_only)
    library.ahead = vectors_ahead(settings.threads)
    return library


def check_writable(settings: Settings) -> None:
    """Asked by whatever changes a library. Raises :class:`LibraryReadOnly` where the settings say ``read_only``."""
    if settings.read_only:
        raise LibraryReadOnly


@contextmanager
def opened_library(settings: Settings, *, writing: bool) -> Iterator[Library]:
    """The library of ``settings``, shared with nobody and closed at the end; nothing is built.

    Raises :class:`LibraryReadOnly` for ``writing`` where the settings say so, and else as
    :meth:`rag.library.library.Library.open` does.
    """
    from rag.library.library import Library

    if writing:
        check_writable(settings)
    path, server = settings.library_path.expanduser().absolute(), vector_server(settings)
    with Library.open(
        path, embedder=embedder_id(), read_only=not writing, server=server, untouched=settings.read_only
    ) as library:
        yield library


def change_library(settings: Settings) -> AbstractContextManager[Library]:
    """The library of ``settings``, open for writing; at the end it is closed, and readers see what has changed.

    Raises :class:`LibraryReadOnly` where the settings say so, and :class:`rag.errors.LibraryLocked` while somebody else
    writes to it.
    """
    return opened_library(settings, writing=True)


def background_vectors(threads: int) -> BackgroundVectors:
    """The thread that computes missing vectors while this process serves, and pauses while it answers."""
    from rag.library.background import BackgroundVectors

    with _LOCK:
        if not _BACKGROUND:
            made = BackgroundVectors(embedder_id(), lambda: paper_encoder(threads), lambda: ANSWERING.is_busy)
            _BACKGROUND.append(made)
            _AT_CLOSE.extend((made.close, _BACKGROUND.clear))
        return _BACKGROUND[0]


@lru_cache(maxsize=1)
def vectors_ahead(threads: int) -> Ahead:
    """Who computes the vectors that questions need of papers that have none yet; one per process."""
    from rag.library.ahead import Ahead

    return Ahead(lambda: paper_encoder(threads))


def repair_library(settings: Settings) -> str:
    """Make the indexes of the library again from its papers, the vectors where the settings have them lie.

    Embeds nothing. Returns what has been done, in a sentence. Raises :class:`rag.errors.LibraryError`: what is damaged
    in ``papers.sqlite`` itself cannot be mended.
    """
    from rag.library.library import Library

    check_writable(settings)
    server = vector_server(settings)
    path = settings.library_path.expanduser().absolute()
    if settings.is_shipped_library and not Library.exists(path):
        return f"nothing: {path} is not built yet, which the first question does."
    left = Library.repair(path, embedder=embedder_id(), server=server)
    where = f"in the Chroma server at {server.address.place}" if server is not None else "in its folder"
    behind = (
        f" The collection {left.collection} in {left.server} is left; delete it if no copy uses it." if left else ""
    )
    return f"the indexes of {path} were made again from its papers, the vectors {where}.{behind}"


@lru_cache(maxsize=1)
def paper_encoder(threads: int) -> PaperEncoder:
    """The encoder of papers, one per process: loading it takes seconds and half a gigabyte of memory."""
    from rag.encoding.paper_encoder import PaperEncoder

    return PaperEncoder(threads)


def prepare_library(settings: Settings, on_progress: Callable[[ImportProgress], None] | None = None) -> bool:
    """Build the library of the shipped abstracts where it is missing; whether anything was done.

    Raises :class:`LibraryReadOnly` where it is missing and the settings say so.
    """
    from rag.encoding.paper_encoder import PaperEncoder
    from rag.library.library import Library
    from rag.library.shipped import build_shipped_library

    path = settings.library_path.expanduser().absolute()
    if not Library.exists(path):
        check_writable(settings)
    return build_shipped_library(path, embedder_id(), lambda: PaperEncoder(settings.threads), on_progress)


def prepare_models(settings: Settings) -> None:
    """Make the two files that questions are answered from: the encoder as GGUF, the bundled model requantised."""
    from rag.encoding.packaged_weights import gguf_weights
    from rag.generation.models.bundled import packaged_model, prepare_bundled

    gguf_weights(settings.home / "models")
    if packaged_model() is not None:
        prepare_bundled(settings.home)


def query_encoder(home: Path) -> QueryEncoder:
    """The encoder of questions, one per process."""
    from rag.encoding.query_encoder import QueryEncoder

    folder = home / "models"
    with _LOCK:
        if folder not in _QUERY_ENCODERS:
            # One thread: a question costs 2 ms, and looking for free cores would cost 100.
            _QUERY_ENCODERS[folder] = QueryEncoder(folder, threads=1)
        return _QUERY_ENCODERS[folder]


def question_renderer(home: Path) -> Renderer | None:
    """What renders questions in other languages, one per process; None where the weights for it are not installed."""
    from rag.encoding.bridge import bridge
    from rag.encoding.e5_weights import is_installed
    from rag.encoding.multilingual_encoder import MultilingualEncoder

    if not is_installed():
        return None
    folder = home / "models"
    with _LOCK:
        if folder not in _RENDERERS:
            _RENDERERS[folder] = Renderer(MultilingualEncoder(folder), bridge)
        return _RENDERERS[folder]


def open_history(settings: Settings) -> ConversationStore:
    """The kept conversations, opened once per process."""
    from rag.history.store import ConversationStore

    home = settings.home.expanduser().absolute()
    with _LOCK:
        if home not in _HISTORIES:
            _HISTORIES[home] = ConversationStore(home)
        return _HISTORIES[home]


def close_all() -> None:
    """Close what this process holds open; the next call opens it again. Answers that are being written end."""
    with _LOCK:
        first = list(_AT_CLOSE)
        last = [store.close for store in _HISTORIES.values()] + [one.close for one in _QUERY_ENCODERS.values()]
        last += [one.encoder.close for one in _RENDERERS.values()]
        for kept in (_AT_CLOSE, _HISTORIES, _QUERY_ENCODERS, _RENDERERS):
            kept.clear()
    # What is being written ends before the library that it reads is closed.
    for close in (*first, _MODELS.close, _SERVERS.close, *last):
        close()
    _LIBRARIES.close_all()


def at_close(close: Callable[[], None]) -> None:
    """Let :func:`close_all` call ``close`` once."""
    with _LOCK:
        _AT_CLOSE.append(close)


def library_manager(settings: Settings) -> LibraryManager:
    """What lists, creates, copies, renames and deletes the libraries of this user."""
    from rag.library.manager import LibraryManager

    return LibraryManager(
        folder=settings.home.expanduser().absolute() / "libraries",
        started=settings.library_path.expanduser().absolute(),
        embedder=embedder_id(),
        close=close_library,
        server=vector_server(with_overrides(settings, library=settings.library_path)),
    )


def close_library(path: Path) -> None:
    """Close what this process holds open of the library in ``path``, before its folder is moved or deleted."""
    _LIBRARIES.close(path)


def _llama(model: RegisteredModel, context: int, threads: int, temperature: float) -> LlamaGenerator:
    """The generator of a model. It takes no memory of its own: its model is loaded by ``_MODELS`` when it is used."""
    with _LOCK:  # the cache alone would let several threads make one each
        return _generator(model, context, threads, temperature)


@lru_cache(maxsize=8)
def _generator(model: RegisteredModel, context: int, threads: int, temperature: float) -> LlamaGenerator:
    from rag.evidence.pruning import pruner
    from rag.generation.generators.engine import Engine
    from rag.generation.generators.llama import LlamaGenerator, Sampling, Shortener
    from rag.generation.generators.loader import Adapter
    from rag.generation.prompting import load_prompt

    adapter = Adapter(model.adapter, model.adapter_sha256) if model.adapter is not None else None
    return LlamaGenerator(
        Engine(model.path, context=context, threads=threads, adapter=adapter, sha256=model.sha256, models=_MODELS),
        render=load_prompt(model.prompt).render if model.prompt else None,
        model=model.name,
        sha256=model.sha256,
        sampling=Sampling(temperature, max_tokens=4096),
        shortener=Shortener(model.costs, pruner()) if model.costs is not None else None,
    )


def embedder_id() -> EmbedderId:
    """Which encoder the vectors of every library here come from."""
    from rag.encoding.packaged_weights import DIMENSION, MODEL_NAME, WEIGHTS_SHA256
    from rag.library.library import EmbedderId

    return EmbedderId(MODEL_NAME, WEIGHTS_SHA256, DIMENSION)


def _rewriter(complete: Callable[[Sequence[Message]], str]) -> Callable[[str, Sequence[Turn]], str]:
    """A follow-up completed by a language model; '' where its server fails, so that the rules do it."""
    from rag.generation.prompting import load_prompt

    prompt = load_prompt("rewrite")

    def rewrite(question: str, history: Sequence[Turn]) -> str:
        try:
            return complete(prompt.render(question, history=history))
        except ServerError:
            return ""

    return rewrite
