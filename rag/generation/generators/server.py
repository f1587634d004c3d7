"""The model of a server that the user named writes the answer.

``cite``: under the grammar of :mod:`rag.generation.generators.grammar` where the server takes one; elsewhere the check
that follows does all of the work. ``free``: without one. What :meth:`ServerGenerator.account` says stands in the trace.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from rag.datatypes import GenerationRequest, Message, StopSignal
from rag.errors import ModelError, QuestionError
from rag.generation.generators.evaluated_prompt import Usage
from rag.generation.generators.filters import without_thoughts
from rag.generation.generators.fitting import Fitted, Fitter, Render
from rag.generation.generators.grammar import cite_grammar, normalise
from rag.generation.generators.llama import Sampling
from rag.generation.servers import ModelServer, shown_name

MODES = ("cite", "free")
SENT, NOT_TAKEN, NOT_ASKED = "sent", "none: the server takes none", "none: the mode has none"
_BYTES_A_TOKEN = 3.5  # fewer than any tokenizer of today needs for an abstract, so that a prompt rather is too short
_TURN = 8  # tokens of a template around one message


class ServerGenerator:
    """Satisfies :class:`rag.datatypes.Generator`, for any number of callers at once.

    ``render`` is as in :class:`rag.generation.generators.llama.LlamaGenerator`. ``context`` bounds prompt and answer
    where the server does not say that it has less. All that asks the server raises :class:`rag.errors.ServerError`.
    """

    name = "server"
    model_sha256 = ""  # the file is the server's

    def __init__(
        self,
        server: ModelServer,
        *,
        context: int,
        render: Render | None = None,
        sampling: Sampling | None = None,
    ) -> None:
        self.server = server
        self._context, self._render, self._sampling = context, render, sampling or Sampling()

    @property
    def model(self) -> str:
        """What the server calls its model; until it was asked, what the user called it, or nothing."""
        return shown_name(self.server.last.model or self.server.wanted)

    def account(self, mode: str) -> Mapping[str, str]:
        """Where the last answer in that mode came from, and whether the grammar was used: for the trace."""
        about = self.server.last
        grammar = NOT_ASKED if mode != "cite" else SENT if about.grammar else NOT_TAKEN
        kind = f"{about.kind} at " if about.kind else ""
        return {"server": f"{kind}{self.server.address.place}", "grammar": grammar}

    def stream(self, request: GenerationRequest, stop: StopSignal) -> Iterator[str]:
        """Yield pieces of the answer, every ``[n]`` before its full stop in ``cite`` mode.

        Raises :class:`QuestionError` where the question alone fills the context, and
        :class:`rag.errors.GenerationCancelled` soon after ``stop`` is set.
        """
        if request.mode not in MODES:
            raise ModelError(f"A server writes nothing in mode '{request.mode}'; use {' or '.join(MODES)}.")
        fitted = self.fit(request, stop)
        cite = request.mode == "cite"
        pieces = without_thoughts(
            piece.text
            for piece in self.server.pieces(
                fitted.messages,
                max_tokens=fitted.answer_tokens,
                temperature=self._sampling.temperature,
                seed=request.seed,
                grammar=cite_grammar([e.number for e in fitted.evidence], request.sentences) if cite else None,
                stop=stop,
            )
        )
        yield from normalise(pieces) if cite else pieces

    def complete(
        self, messages: Sequence[Message], stop: StopSignal | None = None, *, max_tokens: int = 64, seed: int = 0
    ) -> str:
        """A short text without citations, such as a rewritten question: its first line, at temperature 0."""
        if estimated_tokens(messages) + max_tokens > self.context(stop):
            raise QuestionError("The conversation and the question are too long for the model. Ask a shorter question.")
        pieces = self.server.pieces(messages, max_tokens=max_tokens, seed=seed, stop=stop)
        return "".join(without_thoughts(piece.text for piece in pieces)).strip().split("\n")[0].strip()

    def context(self, stop: StopSignal | None = None) -> int:
        """Tokens of prompt and answer together: the setting's, or the server's where that is smaller."""
        return min(self._context, self.server.about(stop).context or self._context)

    def fit(self, request: GenerationRequest, stop: StopSignal | None = None) -> Fitted:
        """The prompt within the context, by an estimate of its tokens. Raises :class:`QuestionError`."""
        return Fitter(estimated_tokens, self.context(stop), self._render, self._sampling.max_tokens).fit(request)


class MeasuredServer:
    """A server as :func:`rag.generation.models.measure` wants an engine; of one caller.

    ``usage`` counts as the server does, else by :func:`estimated_tokens` and the pieces that came.
    """

    def __init__(self, generator: ServerGenerator) -> None:
        self._generator = generator
        self.usage: Usage | None = None

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together."""
        return self._generator.context()

    def warm(self) -> None:
        """Find out what the server is. Raises :class:`rag.errors.ServerError`."""
        self._generator.server.about()

    def count(self, messages: Sequence[Message]) -> int:
        """About how many tokens the prompt has."""
        return estimated_tokens(messages)

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int, temperature: float = 0.0, seed: int = 0
    ) -> Iterator[str]:
        """Yield pieces of text, and note what that took. Raises :class:`rag.errors.ServerError`."""
        begun = time.perf_counter()
        first, came, prompt, cached, written = 0.0, 0, 0, 0, 0
        for piece in self._generator.server.pieces(messages, max_tokens=max_tokens, temperature=temperature, seed=seed):
            prompt, cached = max(prompt, piece.prompt_tokens), max(cached, piece.cached_tokens)
            written = max(written, piece.written_tokens)
            if piece.text or piece.thought:
                first = first or time.perf_counter() - begun
                came += 1
                yield piece.text
        total = time.perf_counter() - begun
        # One more than were written: the last piece of a local model closes its text and is none.
        self.usage = Usage(
            prompt or estimated_tokens(messages), cached, (written or came) + 1, 1000 * first, 1000 * first,
            1000 * total, threads=0,
        )  # fmt: skip


def estimated_tokens(messages: Sequence[Message]) -> int:
    """About how many tokens a prompt has, rather more than too few: a server need not say how it counts."""
    return sum(round(len(message.content.encode()) / _BYTES_A_TOKEN) + _TURN for message in messages)
