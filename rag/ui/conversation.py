"""One question of one browser tab, from waiting in the queue to the checked answer. Knows nothing of Gradio.

The pipeline runs in a thread of its own, so that 'stop' shows at once even while a model evaluates its
prompt; the thread ends as soon as the pipeline notices the stop signal, and only then is the next
question let in.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from rag.datatypes import AS_READ, EVERYTHING, KINDS, Answer, Answerer, Draft, Event, Preview, Scope, Stage, Wanted
from rag.datatypes import Turn as SpokenTurn
from rag.errors import FootnoteError, GenerationCancelled
from rag.history.stale import StaleCitation
from rag.output.replay import compare
from rag.output.spoken import turns_of
from rag.ui.fair_queue import FairQueue

_log = logging.getLogger(__name__)

OpenAnswerer = Callable[[str, str, str], Answerer]  # model name, grounding mode, folder of the library
_POLL_S = 0.05  # how late a stop may be noticed
_PACE_S = 0.08  # drafts are shown at most this often: each showing is a message to the browser


class Choice(Protocol):
    """A model that the page offers, as :func:`rag.factory.available_models` describes it."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def modes(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what came of it: an answer, an error, a stop, or the state of the work so far.

    ``library`` and ``scope`` say where the answer was looked for; ``replay`` what asking again has shown.
    """

    question: str
    model: str  # name of the model that was chosen
    mode: str
    answer: Answer | None = None
    error: str = ""
    stopped: bool = False
    stage: str = ""  # ``wait``, or the name of a pipeline stage
    ahead: int = 0  # questions in the queue before this one
    draft: str = ""
    preview: Answer | None = None  # quotes, to read until the model's answer is there
    seconds: float = 0.0  # from the question to its end
    library: str = ""
    scope: Any = None  # a rag.questions.scope.Scope, None for all papers
    wanted: Wanted = AS_READ  # how it is to be read, where the reader of an answer has put that right
    replay: str = ""  # what asking again has shown
    rating: int = 0  # 1 good, -1 bad
    note: str = ""
    stale: tuple[StaleCitation, ...] = ()  # footnotes that the library of today no longer bears out
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def finished(self) -> bool:
        return self.answer is not None or bool(self.error) or self.stopped

    def __hash__(self) -> int:  # answers hold mappings; Gradio hashes states to see whether they have changed
        return hash((self.id, self.finished, self.replay))


@dataclass(slots=True)
class _Run:
    """What is shared between the tab that asks, the thread that answers and the button that stops."""

    stop: threading.Event = field(default_factory=threading.Event)
    events: queue.SimpleQueue[Event | Exception | None] = field(default_factory=queue.SimpleQueue)


class Conversations:
    """Questions of all tabs. ``open_answerer`` is called in the answering thread, once a question."""

    def __init__(self, open_answerer: OpenAnswerer) -> None:
        self._open = open_answerer
        self._fair_queue = FairQueue()
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}  # by tab

    def ask(
        self,
        tab: str,
        question: str,
        turns: Sequence[Turn],
        model: str,
        mode: str,
        library: str = "",
        scope: Any = None,
        wanted: Wanted = AS_READ,
    ) -> Iterator[Turn]:
        """Yield the turn as it grows; the last one is finished. Nothing where ``tab`` already waits for an answer."""
        run = _Run()
        with self._lock:
            if tab in self._runs:
                return
            self._runs[tab] = run
        begun = time.monotonic()
        turn = Turn(question, model, mode, stage="retrieve", library=library, scope=scope, wanted=wanted)
        try:
            yield turn
            for state in self._follow(run, turn, spoken(turns)):
                yield replace(state, seconds=time.monotonic() - begun) if state.finished else state
        finally:
            run.stop.set()  # the tab was closed, or all is over and this changes nothing
            with self._lock:
                self._runs.pop(tab, None)

    def stop(self, tab: str) -> bool:
        """End the question of ``tab``; whether there was one."""
        with self._lock:
            run = self._runs.get(tab)
        if run is not None:
            run.stop.set()
        return run is not None

    def running(self, tab: str) -> bool:
        """Whether a question of ``tab`` waits or is being answered."""
        with self._lock:
            return tab in self._runs

    def _follow(self, run: _Run, turn: Turn, history: Sequence[SpokenTurn]) -> Iterator[Turn]:
        ticket = self._fair_queue.take(turn.model)
        thread = threading.Thread(
            target=self._work, args=(run, ticket, turn, history), name="footnote-answer", daemon=True
        )
        try:
            while (ahead := self._fair_queue.wait(turn.model, ticket, _POLL_S)) and not run.stop.is_set():
                if (turn.stage, turn.ahead) != ("wait", ahead):
                    turn = replace(turn, stage="wait", ahead=ahead)
                    yield turn
            if run.stop.is_set():
                yield replace(turn, stopped=True)
                return
            thread.start()
        finally:
            if not thread.ident:
                self._fair_queue.give_back(turn.model, ticket)
        yield from _grow(run, replace(turn, stage="retrieve", ahead=0))

    def _work(self, run: _Run, ticket: object, turn: Turn, history: Sequence[SpokenTurn]) -> None:
        """The answering thread: hands every event, and at the end an exception or None, to the tab."""
        try:
            answerer = self._open(turn.model, turn.mode, turn.library)
            asked: dict[str, Any] = {} if turn.scope is None else {"scope": turn.scope}
            asked |= {} if turn.wanted == AS_READ else {"wanted": turn.wanted}
            for event in answerer.stream(turn.question, history, run.stop, **asked):
                run.events.put(event)
            run.events.put(None)
        except Exception as error:  # the edge: whatever it is, the tab gets a sentence
            run.events.put(error)
        finally:
            self._fair_queue.give_back(turn.model, ticket)


def asked_again(before: Turn, after: Turn) -> Turn:
    """The turn that takes the place of ``before``: what came of asking again, compared with it.

    An answer that was there stays where asking again was stopped or failed.
    """
    if before.answer is None:
        return after
    if after.answer is None or after.stopped:
        came = "was stopped" if after.stopped else f"failed: {after.error}"
        return replace(before, replay=f"Asking again {came.rstrip('.')}. This is the answer from before.")
    return replace(after, replay=compare(before.answer, after.answer))


def spoken(turns: Sequence[Turn]) -> tuple[SpokenTurn, ...]:
    """The conversation as the pipeline takes it: questions that were answered, and their answers."""
    return tuple(
        spoken_turn for turn in turns if turn.answer is not None for spoken_turn in turns_of(turn.question, turn.answer)
    )


def read_otherwise(turn: Turn, part: str, kind: str = "") -> Turn:
    """``turn`` as it is to be asked again: ``part`` is ``kind`` (then as ``kind``), ``follow_up`` (then as a
    question of its own) or a part of the filters that were read from its words (then without it)."""
    if part == "kind":
        return replace(turn, wanted=replace(turn.wanted, kind=kind)) if kind in KINDS.values() else turn
    if part == "follow_up":
        return replace(turn, wanted=replace(turn.wanted, alone=True))
    filters = turn.answer.trace.filters if turn.answer is not None else {}
    read = Scope.of_record(filters).without(part)
    return replace(turn, scope=(turn.scope or EVERYTHING).and_literally(read))


def _grow(run: _Run, turn: Turn) -> Iterator[Turn]:
    """The turn after each event, drafts in bundles, until it is finished."""
    yield turn
    shown, shown_at = turn, time.monotonic()
    while not turn.finished:
        with contextlib.suppress(queue.Empty):
            turn = _after(turn, run.events.get(timeout=_POLL_S))
        if run.stop.is_set() and turn.answer is None:
            turn = replace(_stopped(turn), error="")
        due = (
            turn.finished
            or turn.stage != shown.stage
            or turn.preview != shown.preview
            or time.monotonic() - shown_at >= _PACE_S
        )
        if turn != shown and due:
            yield turn
            shown, shown_at = turn, time.monotonic()


def _stopped(turn: Turn) -> Turn:
    """The turn once it was stopped: the quotes that stood there are its answer."""
    return replace(turn, stopped=True, answer=turn.preview)


def _after(turn: Turn, event: Event | Exception | None) -> Turn:
    match event:
        case Stage(name):
            return replace(turn, stage=name)
        case Preview(answer):
            return replace(turn, preview=answer)
        case Draft(text):
            return replace(turn, draft=turn.draft + text)
        case Answer():
            return replace(turn, answer=event)
        case GenerationCancelled():
            return _stopped(turn)
        case FootnoteError():
            return replace(turn, error=str(event))
        case None:
            return replace(turn, error="The question ended without an answer. Ask it again.")
    _log.error("A question failed", exc_info=event)
    return replace(
        turn,
        error=f"Something went wrong inside Footnote ({type(event).__name__}). "
        "Try again; the details stand in the terminal that it was started from.",
    )
