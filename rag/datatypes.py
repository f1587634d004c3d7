"""The records that pass between the steps, and the Protocols that the steps satisfy.

Records are frozen and slotted. Offsets are counted in Unicode code points and satisfy
``paper.abstract[start:end] == text`` always. Orders are total: by score, best first, then by id.

Over 300 lines because it is the whole vocabulary on one page.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vector = npt.NDArray[np.float32]
    Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Paper:
    """One bibliographic record. ``id`` is unique in a library; ``abstract`` may be empty.

    From ``key`` on is what the user's own program keeps about the paper and what no answer is made of: it is stored,
    shown and written back. ``kind`` is one of CSL's types of items (``article-journal``); ``status`` is ``retracted``,
    ``concern`` (an expression of concern), ``corrected``, ``notice`` (it is such a notice itself), or empty: see
    :mod:`rag.papers.retractions`. ``fields`` holds every other field of the file, its name and its value as JSON: see
    :mod:`rag.papers.kept_fields`.
    """

    id: str
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    venue: str = ""
    url: str = ""
    doi: str = ""
    source: str = ""
    key: str = ""
    kind: str = ""
    status: str = ""
    tags: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an abstract: ``paper.abstract[start:end] == text``."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """Consecutive whole sentences of one abstract that fit the embedder's limit.

    ``paper.abstract[start:end] == text``. A paper without an abstract has one passage with its
    title as text and ``start == end == 0``.
    """

    id: str
    paper_id: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a retriever found. ``source`` is ``dense``, ``lexical`` or ``hybrid``."""

    passage: Passage
    score: float
    source: str


class Intent(StrEnum):
    """What kind of answer is asked for."""

    FACT = "fact"  # one thing, most often from one paper
    MULTI = "multi"  # several papers, a line for each
    COMPARE = "compare"  # two to six papers or methods side by side
    REVIEW = "review"  # what the library has on a topic, by sub-topics
    SUMMARY = "summary"  # one paper: problem, approach, result
    COUNT = "count"  # how many papers of the library …
    LIST = "list"  # all papers of the library that …
    YEARS = "years"  # which years the library spans, or a topic in it
    RECORD = "record"  # who wrote one paper, when and where it appeared
    TALK = "talk"  # a greeting or thanks: nothing to search for


# What each is called where a reading is shown or written as JSON.
KINDS: Mapping[Intent, str] = {
    Intent.FACT: "answer",
    Intent.MULTI: "papers",
    Intent.COMPARE: "compare",
    Intent.REVIEW: "review",
    Intent.SUMMARY: "summary",
    Intent.COUNT: "library",
    Intent.LIST: "library",
    Intent.YEARS: "library",
    Intent.RECORD: "record",
    Intent.TALK: "talk",
}
OVER_THE_LIBRARY = (Intent.COUNT, Intent.LIST, Intent.YEARS)
OVER_SEVERAL = (Intent.MULTI, Intent.COMPARE, Intent.REVIEW)  # answered from several papers
MOST_NAMED = 3  # venues or sources that a description names before it counts them


class ScopedRecord(Protocol):
    """What a scope looks at; :class:`Paper` is one."""

    @property
    def id(self) -> str: ...
    @property
    def year(self) -> int | None: ...
    @property
    def venue(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def authors(self) -> tuple[str, ...]: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def collections(self) -> tuple[str, ...]: ...


def enclosing(path: str) -> Iterator[str]:
    """The collections that a paper in the collection ``path`` lies in, outermost first.

    ``Thesis``, then ``Thesis/Chapter 2`` for ``Thesis/Chapter 2``. A slash behind a backslash belongs to a name, see
    :func:`collection_path`.
    """
    is_literal = False
    for at, letter in enumerate(path):
        if letter == "/" and at and not is_literal:
            yield path[:at]
        is_literal = letter == "\\" and not is_literal
    yield path


def collection_path(names: Iterable[str]) -> str:
    r"""The path of a collection from its name and those of the collections around it, outermost first.

    A slash within a name is written ``\/`` and a backslash ``\\``, so that 'AI/ML' is one collection and not two.
    """
    return "/".join(name.replace("\\", "\\\\").replace("/", "\\/") for name in names)


def names_in(path: str) -> str:
    """The names of a ``path`` as they are, with a slash between two: what a person may type for it."""
    return re.sub(r"\\([\\/])", r"\1", path)


@dataclass(frozen=True, slots=True)
class Scope:
    """The papers that fit every field that is set. Years are inclusive, and a paper without one fits no bound.

    ``authors`` and ``tags`` are names as records spell them; a paper fits that has one of them. ``collections`` are
    paths; a paper fits that lies in one of them or in a collection below it. With ``literal`` the words of a question
    are not read as filters.
    """

    since: int | None = None
    until: int | None = None
    venues: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    paper_ids: tuple[str, ...] = ()
    literal: bool = False
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether every paper fits."""
        return self.since is None and self.until is None and not any(getattr(self, name) for name in _NAMING)

    def admits(self, paper: ScopedRecord) -> bool:
        """Whether one paper fits; for many see :meth:`admitted`."""
        return bool(self.admitted([paper]))

    def admitted(self, papers: Iterable[ScopedRecord]) -> list[str]:
        """Ids of the papers that fit, in the order given."""
        venues, sources, ids, authors, tags, collections = (set(getattr(self, name)) for name in _NAMING)
        bounded = self.since is not None or self.until is not None
        first = -1 if self.since is None else self.since
        last = 10_000 if self.until is None else self.until
        return [
            p.id
            for p in papers
            if (not ids or p.id in ids)
            and (not bounded or (p.year is not None and first <= p.year <= last))
            and (not venues or p.venue in venues)
            and (not sources or p.source in sources)
            and (not authors or not authors.isdisjoint(p.authors))
            and (not tags or not tags.isdisjoint(p.tags))
            and (not collections or any(not collections.isdisjoint(enclosing(path)) for path in p.collections))
        ]

    def parts(self) -> list[tuple[str, str]]:
        """``(name, words)`` of what is set; :meth:`without` takes the names."""
        found: list[tuple[str, str]] = []
        if self.since is not None or self.until is not None:
            found.append(("years", _years(self.since, self.until)))
        if self.venues:
            found.append(("venues", _named(self.venues, "venues")))
        if self.authors:
            found.append(("authors", "by " + _named(self.authors, "authors")))
        if self.sources:
            found.append(("sources", "from " + _named(self.sources, "sources")))
        if self.tags:
            found.append(("tags", "tagged " + _named(self.tags, "tags")))
        if self.collections:
            found.append(("collections", "in " + _named(self.collections, "collections")))
        if self.paper_ids:
            n = len(self.paper_ids)
            found.append(("paper_ids", f"{n:,} chosen {'paper' if n == 1 else 'papers'}"))
        return found

    def without(self, part: str) -> Scope:
        """The scope without the part of that name."""
        if part == "years":
            return replace(self, since=None, until=None)
        empty: dict[str, Any] = {part: ()} if part in _NAMING else {}
        return replace(self, **empty)

    def and_literally(self, other: Scope) -> Scope:
        """What fits both, no words of a question read. Where both name venues, say, the common ones, and those of
        ``other`` where there are none in common."""

        def common(mine: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(one for one in others if one in mine) or others if mine and others else mine or others

        firsts = [year for year in (self.since, other.since) if year is not None]
        lasts = [year for year in (self.until, other.until) if year is not None]
        named = {name: common(getattr(self, name), getattr(other, name)) for name in _NAMING}
        return Scope(max(firsts, default=None), min(lasts, default=None), literal=True, **named)

    def describe(self) -> str:
        """'2021 or later, ICML, 3 chosen papers'; empty for every paper."""
        return ", ".join(words for _, words in self.parts())

    def as_record(self) -> dict[str, Any]:
        """What is set, for JSON; :meth:`of_record` reads it."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value not in (None, (), False)
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Scope:
        """The scope that :meth:`as_record` wrote; names it does not know are left out."""
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items() if k in known}
        return cls(**values)


EVERYTHING = Scope()
_NAMING = ("venues", "sources", "paper_ids", "authors", "tags", "collections")  # fields of a scope that hold names


def _years(first: int | None, last: int | None) -> str:
    if last is None:
        return f"{first} or later"
    if first is None:
        return f"{last} or earlier"
    return str(first) if first == last else f"{first} to {last}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a question is to be read, where the reader of an answer has put it right.

    ``kind`` is one of the values of :data:`KINDS` (empty: as it is read); with ``alone`` it is no follow-up.
    """

    kind: str = ""
    alone: bool = False


AS_READ = Wanted()


def _named(names: Sequence[str], kind: str) -> str:
    if len(names) > MOST_NAMED:
        return f"{len(names)} {kind}"
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" or {names[-1]}"


@dataclass(frozen=True, slots=True)
class Rendering:
    """A question in another language as it is searched for.

    ``language`` is its code, ``words`` the English words for its words, ``terms`` the stems that they have with their
    weights, ``vector`` its unit vector in the space of the papers, (dimension,), float32.
    """

    language: str
    words: str
    terms: tuple[tuple[str, float], ...]
    vector: Vector = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """A question as it was read: what is asked, of which papers, in words fit for the search.

    ``text`` is the question as cleaned; ``search`` is self-contained (a follow-up carries what it
    leans on) and is what retrieval sees; ``topic`` is what a summary, count or list is about.
    ``scope`` is which papers were chosen for it, ``filters`` what its own words say about that (None:
    all papers); where those words were taken out, or slips put right, ``asked`` is the question as typed.
    ``within`` are the ids of the papers that both admit (None: all); a follow-up about papers of the answer before
    admits those alone. ``named`` are venue and author as the question words them; ``said`` the sentences of the answer
    before, which a follow-up does not want again. ``spread`` is set once several papers were found to bear on a
    question after one thing; ``several`` are the log-odds, by its words, that several papers are asked for and not one.
    Of a question that is not in English, ``rendering`` is what is searched for, and ``text``, ``search`` and ``topic``
    are its English words.
    """

    text: str
    search: str
    intent: Intent
    topic: str
    wants_figure: bool
    is_follow_up: bool
    scope: Scope | None = None
    filters: Scope | None = None
    asked: str = ""
    within: Collection[str] | None = None
    named: tuple[tuple[str, str], ...] = ()
    said: tuple[str, ...] = ()
    spread: bool = False
    several: float = 0.0
    rendering: Rendering | None = None

    @property
    def over_several(self) -> bool:
        """Whether the answer draws on several papers: that was asked, or that many turned out to bear on it."""
        return self.spread or self.intent in OVER_SEVERAL

    @property
    def is_computed(self) -> bool:
        """Whether the answer is read off records, with nothing to be written."""
        return self.intent in OVER_THE_LIBRARY or self.intent is Intent.RECORD

    @property
    def language(self) -> str:
        """The code of the language that it was asked in, as far as that was told from English."""
        return self.rendering.language if self.rendering is not None else "en"

    @property
    def kind(self) -> str:
        """The kind of answer under its public name, one of the values of ``KINDS``."""
        return KINDS[self.intent]

    @property
    def asks(self) -> str:
        """The question as a writer needs it: a follow-up with what it leans on."""
        return self.search if self.is_follow_up else self.text


@dataclass(frozen=True, slots=True)
class PaperHit:
    """A paper that retrieval found. ``score`` is the fused one; the parts are None where one list missed it.

    ``dense`` is the best cosine of the question with a passage of the paper, ``lexical`` its BM25 score.
    """

    paper: Paper
    score: float
    dense: float | None
    lexical: float | None


@dataclass(frozen=True, slots=True)
class Version:
    """Another paper of the library that is a version of the same work.

    ``relation`` says what it is to the one that has it: ``published_as`` (of a preprint, its article), ``preprint`` (of
    an article), ``version``. See :mod:`rag.papers.versions`.
    """

    relation: str
    paper_id: str
    title: str
    venue: str = ""
    year: int | None = None
    doi: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One paper as the answer may cite it: ``number`` is what stands in the brackets.

    ``sentences`` are the chosen ones in the order in which an answer should give them, ``scores``
    theirs; ``score`` is the paper's. Scores are higher for better and comparable within one answer.
    ``versions`` are other papers of the same work, which the answer does not count as independent ones.
    """

    number: int
    paper: Paper
    sentences: tuple[Sentence, ...]
    score: float
    scores: tuple[float, ...] = ()
    versions: tuple[Version, ...] = ()


class Verdict(StrEnum):
    """What the check says of one sentence with one citation."""

    SUPPORTED = "supported"
    WEAK = "weak"
    UNSUPPORTED = "unsupported"
    CONTRADICTED = "contradicted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Citation:
    """One footnote: the sentence ``quote`` of the abstract that supports one answer sentence.

    ``number`` is the evidence number, ``sentence`` the index into ``Answer.sentences``,
    ``start``/``end`` the offsets of ``quote`` in the abstract, ``score`` the support in 0..1.
    """

    number: int
    paper_id: str
    sentence: int
    quote: str
    start: int
    end: int
    verdict: Verdict
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One sentence of an answer, without its brackets, and the numbers that stand behind it.

    ``section`` is the heading that it stands under: the short name of a paper in a list, a sub-topic in a review, an
    aspect in a comparison; empty without one. ``against`` are the numbers of papers that contradict it.
    """

    text: str
    citations: tuple[int, ...]
    verdict: Verdict
    section: str = ""
    against: tuple[int, ...] = ()


class RefusalGrade(StrEnum):
    """How far the library is from an answer."""

    NOTHING = "nothing"  # nothing in this library is about it
    RELATED = "related"  # related papers, but none answers it
    NOT_IN_ABSTRACT = "not_in_abstract"  # the paper is here, its abstract does not say


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer. ``nearest`` are ids of the nearest papers, best first."""

    grade: RefusalGrade
    message: str
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the library an answer over several papers rests on.

    ``considered`` papers were judged one by one, ``fitting`` of them are about what is asked, ``cited`` stand in the
    answer; ``not_cited`` are ``(id, title)`` of fitting papers that do not, best first.
    """

    considered: int
    fitting: int
    cited: int
    not_cited: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """What is needed to replay an answer and to see how it came about.

    ``scope`` says which papers it could use ('' for all), ``filters`` which of that was read from the
    question, as :meth:`rag.questions.scope.Scope.as_record` writes it.
    """

    generator: str
    model: str
    model_sha256: str
    mode: str
    seed: int
    prompt_sha256: str
    library: str  # the fingerprint
    timings_ms: Mapping[str, float]
    question_rewritten: str = ""
    retrieved: tuple[Mapping[str, Any], ...] = ()
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    chosen: tuple[Mapping[str, Any], ...] = ()  # :class:`Choice`; ``taken``: place in the answer, or 0; last: none
    settings: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""
    filters: Mapping[str, Any] = field(default_factory=dict)
    years: Mapping[str, int] = field(default_factory=dict)  # of a count or list: papers by year
    prompt: tuple[Message, ...] = ()  # what a language model was given
    reading: Mapping[str, Any] = field(default_factory=dict)  # kind, filters, follow_up: how the question was read
    vectors: Mapping[str, int] = field(default_factory=dict)  # embedded, papers: while some have no vectors yet


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer. ``text`` is ready to show, with ``[n]`` behind every sentence.

    ``lead`` is a line that was computed and stands above the sentences ('Six of the 459 papers fit; four are cited.'),
    ``closing`` are such lines below them ('No abstract here speaks of abatacept.').
    """

    question: str
    text: str
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    evidence: tuple[Evidence, ...]
    refusal: Refusal | None
    trace: Trace
    lead: str = ""
    closing: tuple[str, ...] = ()
    coverage: Coverage | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the pipeline has begun: ``retrieve``, ``write`` or ``check``."""

    name: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A piece of the generator's text as it is written, not yet checked."""

    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """An answer of quotes, already checked, to read while a language model reads the evidence and writes its own.

    Who stops the model keeps it as the answer.
    """

    answer: Answer


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation. ``role`` is ``user`` or ``assistant``.

    ``papers`` are ``(number, paper id)`` of what an answer cites, in the order of its text, where that is known.
    """

    role: str
    content: str
    papers: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message for a language model. ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


@runtime_checkable
class Encoder(Protocol):
    """Text to unit vectors. The same text gives the same vector whatever its neighbours are."""

    name: str
    weights_sha256: str
    dimension: int
    max_tokens: int  # word pieces per text, special tokens included

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, shape ``(len(texts), dimension)``, float32."""
        ...


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What a generator needs to write one answer.

    ``messages`` is the finished prompt (empty for generators without a language model);
    ``sentences`` bounds those of a model that writes under a grammar.
    """

    question: str
    evidence: tuple[Evidence, ...]
    messages: tuple[Message, ...] = ()
    mode: str = "quote"
    seed: int = 0
    max_tokens: int = 220
    sentences: int = 4


class Generator(Protocol):
    """Writes the text of an answer, ``[n]`` behind each sentence, piece by piece."""

    @property
    def name(self) -> str:
        """``quote`` or ``llama``."""
        ...

    @property
    def model(self) -> str:
        """The model's name, empty without one."""
        ...

    @property
    def model_sha256(self) -> str:
        """Of the model's file, empty without one."""
        ...

    def stream(self, request: GenerationRequest, stop: StopSignal) -> Iterator[str]:
        """Yield pieces of text; their concatenation is the whole.

        Raises :class:`rag.errors.GenerationCancelled` soon after ``stop`` is set.
        """
        ...


@dataclass(frozen=True, slots=True)
class Option:
    """One sentence that a model may choose for a quoted answer, with its paper."""

    paper: Paper
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the sentences offered answer: ``taken`` are their indices, best first; empty where none does.

    ``probabilities`` holds, for each sentence, that of being named first; with ``none`` they sum to 1.
    """

    taken: tuple[int, ...]
    probabilities: tuple[float, ...]
    none: float


class Chooser(Protocol):
    """Says which sentences answer a question, and writes none of its own."""

    def choose(
        self, question: str, options: Sequence[Option], limit: int, stop: StopSignal, *, may_refuse: bool = True
    ) -> Choice:
        """At most ``limit`` of ``options``; without ``may_refuse`` at least one.

        Raises :class:`rag.errors.GenerationCancelled` soon after ``stop`` is set.
        """
        ...


class StopSignal(Protocol):
    """What ``threading.Event`` offers: set by whoever wants the generation to end."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """The settings that shape an answer; see :class:`rag.config.Settings`."""

    mode: str = "quote"
    seed: int = 0
    max_tokens: int = 220
    papers: int = 5
    sentences: int = 3
    unsupported: str = "drop"
    refuse: bool = True


# What ``Pipeline.stream`` yields: stages, a preview, drafts, and at the very end the checked answer.
Event = Stage | Preview | Draft | Answer


class Answerer(Protocol):
    """What the chat and the command line need of :class:`rag.pipeline.Pipeline`."""

    def answer(
        self, question: str, history: Sequence[Turn] = (), scope: Scope | None = None, wanted: Wanted = AS_READ
    ) -> Answer: ...

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        stop: StopSignal | None = None,
        scope: Scope | None = None,
        wanted: Wanted = AS_READ,
    ) -> Iterator[Event]:
        """Stages, where a language model writes a preview, drafts, and last the answer.

        ``scope`` says which papers may be used (None: all), besides what the question itself says about that;
        ``wanted`` overrules how the question is read. Raises
        ``GenerationCancelled`` soon after ``stop`` is set.
        """
        ...

    def papers(self) -> Sequence[Paper]:
        """All papers of the library, ordered by id."""
        ...


class PassageRetriever(Protocol):
    """A question to ranked passages, best first, at most ``k``, ties broken by passage id."""

    def hits(self, query: str, k: int) -> list[Hit]: ...
