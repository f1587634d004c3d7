"""The door of this folder: evidence to the text of an answer, piece by piece."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rag.datatypes import Evidence, GenerationRequest, Generator, Message, Reading, StopSignal
from rag.errors import ServerError

LANGUAGE_MODEL_MODES = ("cite", "free")  # in which a language model writes words of its own
_REWRITTEN_TOKENS = 100  # of a sentence that is written again
_ENDS = ".!?。！？؟।"
_NUMBERS = re.compile(r"(?: ?\[\d+\])*+")

Render = Callable[[str, Sequence[Evidence]], Sequence[Message]]


@dataclass(frozen=True, slots=True)
class Writer:
    """A generator and how it is asked: ``render`` makes its prompt (None: it needs none).

    ``mode`` is ``quote``, ``shorten``, ``cite`` or ``free``; ``max_tokens`` bounds what a language model writes, and
    ``sentences`` how many in ``cite``. ``render_repair`` makes the prompt for one sentence from one paper (None: no
    sentence is written again). ``budget`` says how many tokens of evidence it can read in the time that is allowed,
    for a model that answers from several papers (None: it is given the chosen sentences); it may have to measure that.
    ``account`` says for the trace how an answer came about that did not come from a file of this computer.
    """

    generator: Generator
    mode: str = "quote"
    seed: int = 0
    max_tokens: int = 220
    render: Render | None = None
    prompt_sha256: str = ""
    sentences: int = 4
    render_repair: Render | None = None
    budget: Callable[[], int] | None = None
    account: Callable[[], Mapping[str, str]] = field(default=dict)

    @property
    def own_words(self) -> bool:
        """Whether a language model writes, which takes its time and may err."""
        return self.mode in LANGUAGE_MODEL_MODES

    @property
    def reads(self) -> int:
        """Tokens of evidence that it can take, 0 for one that is given the chosen sentences.

        The first time may take as long as measuring the model's speed. Raises :class:`rag.errors.ModelError` where the
        model cannot be used.
        """
        return self.budget() if self.budget is not None else 0

    def request(self, question: str, evidence: tuple[Evidence, ...]) -> GenerationRequest:
        """What the generator is given for one answer."""
        messages = tuple(self.render(question, evidence)) if self.render is not None else ()
        return GenerationRequest(
            question, evidence, messages, self.mode, self.seed, self.max_tokens, sentences=self.sentences
        )


def write(writer: Writer, reading: Reading, evidence: tuple[Evidence, ...], stop: StopSignal) -> Iterator[str]:
    """Pieces of the text.

    Raises :class:`rag.errors.GenerationCancelled` soon after ``stop`` is set, and :class:`ServerError`, also after some
    pieces, where a server fails.
    """
    return writer.generator.stream(writer.request(reading.asks, evidence), stop)


def rewrite(writer: Writer, reading: Reading, item: Evidence, stop: StopSignal) -> str:
    """One sentence that answers from one paper alone, with its number; '' from a writer that does not write again, and
    where its server fails.

    Raises :class:`rag.errors.GenerationCancelled` soon after ``stop`` is set.
    """
    if writer.render_repair is None:
        return ""
    messages = tuple(writer.render_repair(reading.asks, (item,)))
    request = GenerationRequest(reading.asks, (item,), messages, "cite", writer.seed, _REWRITTEN_TOKENS, sentences=1)
    try:
        return "".join(writer.generator.stream(request, stop))
    except ServerError:
        return ""


def whole_sentences(text: str) -> str:
    """The beginning of a text that broke off, up to its last full stop and the numbers behind it."""
    at = max(text.rfind(end) for end in _ENDS)
    rest = _NUMBERS.match(text, at + 1)
    return text[: rest.end()] if at >= 0 and rest is not None else ""
