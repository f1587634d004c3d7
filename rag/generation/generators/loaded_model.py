"""A model in llama.cpp's memory: text to tokens and back, and the tokens that it has evaluated.

For one caller at a time; :mod:`rag.generation.generators.engine` sees to that.
"""

from __future__ import annotations

import codecs
import ctypes
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from rag.datatypes import Message
from rag.errors import GenerationCancelled, ModelError
from rag.generation.generators.decoding import Decoder, SamplingDecoder, ShorteningDecoder
from rag.generation.generators.sampling import Sampler, sampler
from rag.generation.generators.shortening import Shortening
from rag.generation.generators.template import ChatTemplate
from rag.system import llama_log

_ABORTED = "returned 2"  # how llama-cpp-python words the return code of an aborted llama_decode


class LoadedModel:
    """``llama`` is a ``llama_cpp.Llama`` that computes on ``threads`` cores."""

    def __init__(self, llama: Any, template: ChatTemplate, threads: int) -> None:
        self.llama = llama
        self.threads = threads
        self._template = template
        # Tokens at the beginning of llama.cpp's key-value cache that are kept from one prompt to the next.
        self._prefix: list[int] = []

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together."""
        return int(self.llama.n_ctx())

    def close(self) -> None:
        """Free the memory of llama.cpp: weights, key-value cache, logits. The object cannot be used afterwards."""
        self._prefix = []
        self.llama.close()

    def use_threads(self, threads: int) -> None:
        """Compute on so many cores from now on."""
        import llama_cpp

        if threads != self.threads:
            llama_cpp.llama_set_n_threads(self.llama.ctx, threads, threads)
            self.threads = threads

    # --- text and tokens ---

    def prompt(self, messages: Sequence[Message], thinking: bool) -> str:
        """The finished prompt as text, without control tokens in what the messages say."""
        return self._template.render([Message(m.role, self._without_control(m.content)) for m in messages], thinking)

    def prompt_tokens(self, prompt: str) -> list[int]:
        """The tokens of a finished prompt."""
        llama = self.llama
        tokens: list[int] = llama.tokenize(prompt.encode("utf-8", "replace"), add_bos=False, special=True)
        # The template usually writes the token that opens a text; where it does not, the vocabulary decides.
        bos = llama.token_bos()
        if llama.metadata.get("tokenizer.ggml.add_bos_token") == "true" and bos >= 0 and tokens[:1] != [bos]:
            tokens.insert(0, bos)
        return tokens

    def text_tokens(self, text: str) -> list[int]:
        """The tokens of ``text`` as it stands within another, none of them a control token."""
        tokens: list[int] = self.llama.tokenize(text.encode("utf-8", "replace"), add_bos=False, special=False)
        return tokens

    def piece(self, token: int) -> bytes:
        """The bytes of a token, control tokens as nothing."""
        import llama_cpp

        size = 64  # a token may be longer than any fixed buffer
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = int(llama_cpp.llama_token_to_piece(self._vocab, token, buffer, size, 0, False))
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def _without_control(self, content: str) -> str:
        """``content`` without this model's control tokens and without what its template writes around messages.

        So data cannot end its message. Repeated, because taking one out may put another together.
        """
        vocab = self._vocab
        while True:
            before, content = content, self._marks.sub(" ", content)
            tokens = self.llama.tokenize(content.encode("utf-8", "replace"), add_bos=False, special=True)
            for text in {token_text(vocab, token) for token in set(tokens) if is_structure(vocab, token)} - {""}:
                content = content.replace(text, " ")
            if content == before:
                return content

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        marks = sorted(self._template.marks(), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, marks)) or r"(?!)", re.IGNORECASE)

    @property
    def _vocab(self) -> Any:
        import llama_cpp

        return llama_cpp.llama_model_get_vocab(self.llama.model)

    # --- computing ---

    def evaluate_prefix(self, prefix: list[int]) -> int:
        """Empty the cache up to ``prefix`` and evaluate that, unless it is there from the last time.

        Returns how many of its tokens were there.
        """
        import llama_cpp

        model = self.llama.model
        recurrent = llama_cpp.llama_model_is_recurrent(model) or llama_cpp.llama_model_is_hybrid(model)
        if self._prefix == prefix and not recurrent:  # a recurrent state cannot be cut back
            self.llama.n_tokens = len(prefix)
            return len(prefix)
        self._prefix = []
        self.llama.reset()
        if prefix:
            self.evaluate(prefix)
        self._prefix = prefix
        return 0

    def evaluate(self, tokens: Sequence[int]) -> None:
        """Put ``tokens`` behind those that were evaluated before.

        Raises :class:`GenerationCancelled` where an :class:`AbortFlag` ended it, :class:`ModelError` where it failed.
        """
        try:
            self.llama.eval(tokens)
        except RuntimeError as error:
            if _ABORTED in str(error):
                raise GenerationCancelled("Stopped while the prompt was read.") from error
            raise ModelError(
                f"llama.cpp failed while reading the prompt ({llama_log.take_errors() or error}). Use another model."
            ) from error

    @contextmanager
    def sampler(self, temperature: float, seed: int, grammar: str | None) -> Iterator[Sampler]:
        """llama.cpp's samplers for this model; see :func:`rag.generation.generators.sampling.sampler`."""
        with sampler(self.llama.model, temperature, seed, grammar) as made:
            yield made

    @contextmanager
    def decoder(
        self, grammar: str | None, shortening: Shortening | None, temperature: float, seed: int
    ) -> Iterator[Decoder]:
        """What chooses the next tokens: the words that a shortening allows, or else llama.cpp's samplers."""
        if shortening is not None:
            yield ShorteningDecoder(shortening, self.llama.n_vocab())
            return
        with self.sampler(temperature, seed, grammar) as made:
            yield SamplingDecoder(made, self._vocab)

    def generate(self, decoder: Decoder, max_tokens: int, check: Callable[[], None]) -> Iterator[tuple[int, str]]:
        """What ``decoder`` chooses, step by step, as the number of its tokens and their text; the last text has none.

        ``check`` is called before each step and ends the generation by what it raises.
        """
        written = 0
        utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        while written < max_tokens:
            check()
            tokens = decoder.next_tokens(self.llama.ctx)[: max_tokens - written]
            if not tokens:
                break
            written += len(tokens)
            yield len(tokens), utf8.decode(b"".join(map(self.piece, tokens)))
            if written < max_tokens:
                self.evaluate(tokens)
        yield 0, utf8.decode(b"", final=True)


def is_structure(vocab: Any, token: int) -> bool:
    """Whether a token stands for no text: control tokens, and added ones that are written like a tag.

    A model's makers may add '<tool_call>' as a control token or as an ordinary addition; they also add words and runs
    of blanks, which are text.
    """
    import llama_cpp

    kind = llama_cpp.llama_vocab_get_attr(vocab, token)
    if kind & (llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN):
        return True
    text = token_text(vocab, token)
    tag = len(text) > 2 and any(map(str.isalpha, text)) and not (text[0].isalnum() or text[-1].isalnum())
    return tag and not text.isspace() and bool(kind & llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED)


def token_text(vocab: Any, token: int) -> str:
    """How the vocabulary writes a token, control tokens included; ``""`` for a negative number, which means none."""
    import llama_cpp

    return str(llama_cpp.llama_vocab_get_text(vocab, token).decode("utf-8", "replace")) if token >= 0 else ""
