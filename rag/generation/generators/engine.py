"""One GGUF loaded by llama.cpp: messages in, pieces of text out, one caller at a time.

It knows nothing of questions, evidence or citations.

**The same prompt gives the same text**, whatever was asked before. llama-cpp-python keeps the longest common
prefix of two prompts, which makes the size of the remaining batch, and with it the last bits of the numbers,
depend on the question before. Here the prompt is always evaluated in the same two parts: everything that is the
same for all questions (up to the text of the last message), then the rest. The first part is kept between
questions, the second never.

**Stop also stops the evaluation of a prompt.** llama.cpp asks an abort callback before every node of its graph,
some 600 times a batch. Were that callback Python, each call would wait for the interpreter lock while ggml's
threads spin; so it is the C library's ``strlen`` on a flag of one byte, which a thread sets when the caller's
signal is.
"""

from __future__ import annotations

import codecs
import ctypes
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.datatypes import Message, StopSignal
from rag.errors import GenerationCancelled, ModelError
from rag.generation.generators.decoding import Decoder, Sampled, Shortened
from rag.generation.generators.sampling import sampler
from rag.generation.generators.shortening import Shortening
from rag.generation.generators.template import ChatTemplate, opens_thought
from rag.system import llama_log
from rag.system.hashing import file_sha256
from rag.system.threads import CoreMeter

BATCH = 512  # prompt tokens a llama_decode
_POLL_S = 0.02
_ABORTED = "returned 2"  # how llama-cpp-python words the return code of an aborted llama_decode


@dataclass(frozen=True, slots=True)
class Usage:
    """What the last generation did. Times in milliseconds from the moment it was its turn."""

    prompt_tokens: int
    reused_tokens: int  # of the prompt, kept from the question before
    written_tokens: int
    prompt_ms: float
    first_piece_ms: float
    total_ms: float
    threads: int


@dataclass(frozen=True, slots=True)
class Adapter:
    """A low-rank change of a model's weights in a GGUF of its own, which must have that SHA-256."""

    path: Path
    sha256: str

    def verified(self) -> str:
        """The path for llama.cpp. Raises :class:`ModelError` where the file is missing or another."""
        remedy = "Install Footnote again: the file comes with it. Or use another model."
        try:
            found = file_sha256(self.path)
        except OSError as error:
            raise ModelError(f"The adapter {self.path} cannot be read ({error.strerror}). {remedy}") from error
        if found != self.sha256:
            raise ModelError(
                f"The adapter {self.path} has the SHA-256 {found[:12]}…, not {self.sha256[:12]}…: it is another file "
                f"or damaged. {remedy}"
            )
        return str(self.path)


class Engine:
    """A GGUF, loaded when first used. ``context`` is clipped to what the model was trained for.

    ``threads`` 0 means: from the cores that are free, looked at before every generation. ``chat_template``
    stands in for the file's own; a file without one is refused, because guessing a template gives nonsense that
    looks like an answer. ``adapter`` changes the model's weights while it is run.
    """

    def __init__(
        self,
        path: Path,
        *,
        context: int = 2048,
        threads: int = 0,
        chat_template: str | None = None,
        adapter: Adapter | None = None,
    ) -> None:
        self.path = path
        self._adapter = adapter
        self.usage: Usage | None = None
        self._context = context
        self._threads = threads
        self._given_template = chat_template
        self._meter = CoreMeter()
        self._turns = _Turns()
        self._loading = threading.RLock()  # held while the model is loaded, freed, or its tokenizer used
        self._closing = threading.Event()
        self._flag = ctypes.create_string_buffer(2)  # the abort flag: strlen of it is 0, or 1 once it is set
        self._llama: Any = None
        self._template: ChatTemplate | None = None
        self._kept: list[int] = []  # the fixed tokens that stand at the beginning of llama.cpp's memory
        self._used_threads = 0

    def warm(self) -> None:
        """Load the model unless it is loaded. Raises :class:`ModelError` where it cannot be."""
        with self._loading:
            if self._closing.is_set():
                raise ModelError(f"The model {self.path.name} has been closed. Choose it again to load it.")
            if self._llama is None:
                self._template, self._llama = self._load()

    def close(self) -> None:
        """End what is being written, then free the memory. The engine cannot be used afterwards."""
        self._closing.set()
        with self._turns.take(None), self._loading:
            if self._llama is not None:
                self._llama.close()
                self._llama = None

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together. Loads the model."""
        self.warm()
        return int(self._llama.n_ctx())

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the finished prompt, template included. Loads the model."""
        with self._loading:
            return len(self._tokens(self.prompt(messages)))

    def count_text(self, text: str) -> int:
        """Tokens of ``text`` alone. Loads the model."""
        return len(self.tokens_of(text))

    def tokens_of(self, text: str) -> list[int]:
        """The tokens of ``text`` as it stands within another, none of them a control token. Loads the model."""
        with self._loading:
            self.warm()
            tokens: list[int] = self._llama.tokenize(text.encode("utf-8", "replace"), add_bos=False, special=False)
            return tokens

    def prompt(self, messages: Sequence[Message], thinking: bool = False) -> str:
        """The finished prompt as text, without control tokens in what the messages say."""
        with self._loading:
            self.warm()
            assert self._template is not None
            return self._template.render(
                [Message(m.role, self._without_control_tokens(m.content)) for m in messages], thinking
            )

    def prepare(self, messages: Sequence[Message]) -> None:
        """Evaluate what all prompts like this one begin with, so that the first question need not wait for it."""
        self.warm()
        with self._turns.take(None), self._abortable(None):
            self._set_threads()
            self._evaluate_fixed(self._fixed(messages, self._tokens(self.prompt(messages)), thinking=False))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        grammar: str | None = None,
        shortening: Shortening | None = None,
        thinking: bool = False,
        stop: StopSignal | None = None,
    ) -> Generator[str, None, None]:
        """Yield pieces of the answer as they are written, reasoning included. Waits for its turn.

        The prompt must fit: a caller counts first. Close the iterator, or exhaust it, to let the next caller in.
        Raises :class:`GenerationCancelled` within a graph node of ``stop`` being set while the prompt is read,
        and within a token while the answer is written; :class:`ModelError` where the prompt does not fit.
        """
        with self.reading(messages, stop, thinking=thinking) as reading:
            try:
                if opens_thought(reading.prompt):
                    yield "<think>"
                for piece in reading.pieces(grammar, max_tokens, temperature, seed, shortening):
                    if piece:
                        yield piece
            finally:
                self.usage = reading.usage()

    @contextmanager
    def reading(
        self, messages: Sequence[Message], stop: StopSignal | None, *, thinking: bool = False
    ) -> Iterator[Reading]:
        """The prompt once it is read, for as long as it is this caller's turn. Waits for it, and raises, as
        :meth:`stream` does.
        """
        with self._loading:
            prompt = self.prompt(messages, thinking)
            tokens = self._tokens(prompt)
            room = self.context - len(tokens)
        if room < 1:
            raise ModelError(
                f"The prompt has {len(tokens)} tokens and the context {self.context}. Shorten it or raise 'context'."
            )
        with self._turns.take(self._either(stop)):
            self._check(stop)
            begun = time.perf_counter()
            self._set_threads()
            fixed = self._fixed(messages, tokens, thinking)
            reused = len(fixed) if self._kept == fixed else 0
            with self._abortable(stop):
                self._evaluate_fixed(fixed)
                self._evaluate(tokens[len(fixed) :], stop)
            yield Reading(self, prompt, len(tokens), reused, begun, stop)

    def _load(self) -> tuple[ChatTemplate, Any]:
        if not self.path.is_file():
            raise ModelError(f"There is no model file {self.path}. See the known ones with 'footnote models list'.")
        adapter = self._adapter.verified() if self._adapter is not None else None
        import llama_cpp

        llama_log.capture()
        llama_log.take_errors()
        threads = self._threads or self._meter.free()
        try:
            llama = llama_cpp.Llama(
                str(self.path),
                n_ctx=self._context,
                n_batch=BATCH,
                n_threads=threads,
                n_threads_batch=threads,
                swa_full=True,  # else a sliding window would forget the part of the prompt that is kept
                chat_format="chatml",  # unused: the template is applied here; it keeps llama-cpp-python from guessing
                verbose=False,
                use_mmap=adapter is None,  # weights are rearranged when loaded; mapped they would be there twice
            )
        except (ValueError, RuntimeError, AssertionError) as error:
            said = llama_log.take_errors() or str(error)
            raise ModelError(
                f"llama.cpp cannot load {self.path.name} ({said[:300]}). Check it with 'footnote models add', "
                "or use another file."
            ) from error
        self._used_threads = threads
        trained = int(llama.metadata.get(f"{llama.metadata.get('general.architecture')}.context_length", 0))
        if 0 < trained < self._context:
            llama.close()
            self._context = trained
            return self._load()
        if adapter is not None:
            self._adapt(llama, adapter)
        source = self._given_template or llama.metadata.get("tokenizer.chat_template")
        if not source:
            llama.close()
            raise ModelError(
                f"{self.path.name} has no chat template, so it is not an instruction-tuned model. "
                "Use its '-Instruct', '-Chat' or '-it' version."
            )
        vocab = llama_cpp.llama_model_get_vocab(llama.model)
        bos, eos = (_token_text(vocab, t) for t in (llama.token_bos(), llama.token_eos()))
        return ChatTemplate(source, bos, eos), llama

    def _adapt(self, llama: Any, adapter: str) -> None:
        """Let ``llama`` compute with the adapter, which is freed with the model.

        Its argument ``lora_path`` would do that, but takes an adapter that could not be loaded for a good one.
        """
        import llama_cpp

        loaded = llama_cpp.llama_adapter_lora_init(llama.model, os.fsencode(adapter))
        if loaded:
            adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(loaded)
            if llama_cpp.llama_set_adapters_lora(llama.ctx, adapters, 1, (ctypes.c_float * 1)(1.0)) == 0:
                return
        llama.close()
        raise ModelError(
            f"llama.cpp cannot apply the adapter {Path(adapter).name} to {self.path.name}: it was made for another "
            "model. Install Footnote again, or use another model."
        )

    def _tokens(self, text: str) -> list[int]:
        llama = self._llama
        raw = text.encode("utf-8", "replace")
        tokens: list[int] = llama.tokenize(raw, add_bos=False, special=True)
        # The template usually writes the token that opens a text; where it does not, the vocabulary decides.
        bos = llama.token_bos()
        if llama.metadata.get("tokenizer.ggml.add_bos_token") == "true" and bos >= 0 and tokens[:1] != [bos]:
            tokens.insert(0, bos)
        return tokens

    def _without_control_tokens(self, content: str) -> str:
        """``content`` without the text of any of this model's control tokens: data cannot end its message."""
        import llama_cpp

        vocab = llama_cpp.llama_model_get_vocab(self._llama.model)
        while True:
            tokens = self._llama.tokenize(content.encode("utf-8", "replace"), add_bos=False, special=True)
            control = {t for t in tokens if llama_cpp.llama_vocab_is_control(vocab, t)}
            texts = {_token_text(vocab, t) for t in control} - {""}
            found = [t for t in texts if t in content]
            if not found:
                return content
            for text in found:
                content = content.replace(text, " ")

    def _fixed(self, messages: Sequence[Message], tokens: list[int], thinking: bool) -> list[int]:
        """The tokens before the text of the last message, the same for every question of one prompt file."""
        probe = [*messages[:-1], Message(messages[-1].role, ".")]
        other = self._tokens(self.prompt(probe, thinking))
        length = next((i for i, (a, b) in enumerate(zip(tokens, other, strict=False)) if a != b), len(other))
        return tokens[: min(length, len(tokens) - 1)]

    def _evaluate_fixed(self, fixed: list[int]) -> None:
        import llama_cpp

        llama = self._llama
        recurrent = llama_cpp.llama_model_is_recurrent(llama.model) or llama_cpp.llama_model_is_hybrid(llama.model)
        if self._kept == fixed and not recurrent:  # a recurrent state cannot be cut back
            llama.n_tokens = len(fixed)
            return
        self._kept = []
        llama.reset()
        if fixed:
            self._evaluate(fixed, None)
        self._kept = fixed

    def _evaluate(self, tokens: Sequence[int], stop: StopSignal | None) -> None:
        try:
            self._llama.eval(tokens)
        except RuntimeError as error:
            if _ABORTED in str(error):
                raise GenerationCancelled("Stopped while the prompt was read.") from error
            raise ModelError(
                f"llama.cpp failed while reading the prompt ({llama_log.take_errors() or error}). Use another model."
            ) from error
        self._check(stop)

    def _write(self, draw: Decoder, max_tokens: int, stop: StopSignal | None) -> Iterator[tuple[int, str]]:
        """What ``draw`` takes, run by run, as the number of its tokens and their text; the last text has none."""
        import llama_cpp

        llama, written = self._llama, 0
        vocab = llama_cpp.llama_model_get_vocab(llama.model)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while written < max_tokens:
            self._check(stop)
            tokens = draw.run(llama.ctx)[: max_tokens - written]
            if not tokens:
                break
            written += len(tokens)
            yield len(tokens), decoder.decode(b"".join(_piece(vocab, token) for token in tokens))
            if written < max_tokens:
                self._evaluate(tokens, None)
        yield 0, decoder.decode(b"", final=True)

    @contextmanager
    def _drawing(
        self, grammar: str | None, shortening: Shortening | None, temperature: float, seed: int
    ) -> Iterator[Decoder]:
        """What says which tokens come next: the words of the sources alone, or the samplers of llama.cpp."""
        import llama_cpp

        if shortening is not None:
            yield Shortened(shortening, self._llama.n_vocab())
            return
        vocab = llama_cpp.llama_model_get_vocab(self._llama.model)
        with sampler(self._llama.model, temperature, seed, grammar) as draw:
            yield Sampled(draw, vocab)

    def _set_threads(self) -> None:
        import llama_cpp

        threads = self._threads or self._meter.free()
        if threads != self._used_threads:
            llama_cpp.llama_set_n_threads(self._llama.ctx, threads, threads)
            self._used_threads = threads

    def _check(self, stop: StopSignal | None) -> None:
        if self._closing.is_set() or (stop is not None and stop.is_set()):
            raise GenerationCancelled("Stopped.")

    def _either(self, stop: StopSignal | None) -> StopSignal:
        return _AnyOf((self._closing,) if stop is None else (self._closing, stop))

    @contextmanager
    def _abortable(self, stop: StopSignal | None) -> Iterator[None]:
        """While the block runs, ``stop`` aborts llama.cpp's computation."""
        import llama_cpp

        signal, done = self._either(stop), threading.Event()

        def watch() -> None:
            while not done.wait(_POLL_S):
                if signal.is_set():
                    self._flag[0] = b"\1"
                    return

        self._flag[0] = b"\0"
        llama_cpp.llama_set_abort_callback(self._llama.ctx, _strlen(), ctypes.cast(self._flag, ctypes.c_void_p))
        watcher = threading.Thread(target=watch, name="footnote-stop", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            llama_cpp.llama_set_abort_callback(self._llama.ctx, llama_cpp.ggml_abort_callback(), None)


class Reading:
    """A prompt that an engine has read: what the model would say next, and what it writes. Made by the engine."""

    def __init__(
        self, engine: Engine, prompt: str, tokens: int, reused: int, begun: float, stop: StopSignal | None
    ) -> None:
        self.prompt = prompt
        self._engine, self._tokens, self._reused, self._stop = engine, tokens, reused, stop
        self._begun, self._read = begun, time.perf_counter()
        self._first, self._written = self._read, 0

    def admitted(self, grammar: str) -> dict[str, float]:
        """The probability of each first piece of text that ``grammar`` admits, ``''`` for the end; they sum to 1."""
        import llama_cpp

        llama = self._engine._llama
        vocab = llama_cpp.llama_model_get_vocab(llama.model)
        pieces: dict[str, float] = {}
        with sampler(llama.model, 0.0, 0, grammar) as draw:
            for token, probability in draw.admitted(llama.ctx).items():
                piece = _piece(vocab, token).decode("utf-8", "replace")
                pieces[piece] = pieces.get(piece, 0.0) + probability
        return pieces

    def pieces(
        self,
        grammar: str | None,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        shortening: Shortening | None = None,
    ) -> Iterator[str]:
        """What the model writes, piece by piece; some are empty. Once only: it goes on from the prompt.

        With a ``shortening`` nothing but the likeliest words that it admits.
        """
        room = self._engine.context - self._tokens
        with self._engine._drawing(grammar, shortening, temperature, seed) as draw:
            for tokens, piece in self._engine._write(draw, min(max_tokens, room), self._stop):
                if tokens and not self._written:
                    self._first = time.perf_counter()
                self._written += tokens
                yield piece

    def write(self, grammar: str, max_tokens: int) -> str:
        """The whole of what the model most probably writes under ``grammar``. Once only."""
        return "".join(self.pieces(grammar, max_tokens))

    def usage(self) -> Usage:
        """Tokens and times up to now."""
        ms = [1000 * (t - self._begun) for t in (self._read, self._first, time.perf_counter())]
        return Usage(self._tokens, self._reused, self._written, ms[0], ms[1], ms[2], self._engine._used_threads)


@dataclass(frozen=True, slots=True)
class _AnyOf:
    signals: tuple[StopSignal, ...]

    def is_set(self) -> bool:
        return any(signal.is_set() for signal in self.signals)


class _Turns:
    """A lock that lets callers in in the order in which they came, and lets those who wait give up."""

    def __init__(self) -> None:
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def take(self, stop: StopSignal | None) -> Iterator[None]:
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
        try:
            with self._changed:
                while self._queue[0] is not ticket:
                    if stop is not None and stop.is_set():
                        raise GenerationCancelled("Stopped while waiting for another question to finish.")
                    self._changed.wait(_POLL_S)
            yield
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()


def _piece(vocab: Any, token: int) -> bytes:
    """The bytes of a token, control tokens as nothing. A token may be longer than any fixed buffer."""
    import llama_cpp

    size = 64
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = int(llama_cpp.llama_token_to_piece(vocab, token, buffer, size, 0, False))
        if length >= 0:
            return buffer.raw[:length]
        size = -length


def _token_text(vocab: Any, token: int) -> str:
    import llama_cpp

    return str(llama_cpp.llama_vocab_get_text(vocab, token).decode("utf-8", "replace")) if token >= 0 else ""


def _strlen() -> Any:
    import llama_cpp

    libc = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    return ctypes.cast(libc.strlen, llama_cpp.ggml_abort_callback)
