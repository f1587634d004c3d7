"""What another assistant can do with a library: ask it, search it, have sentences checked, read and cite papers.

Each tool gives a record for programs, with the keys that the command line's ``--json`` has, and the same as a text to
read. Nothing is loaded before the first call. What papers say is data: a text holds no character that is not seen.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rag.config import Settings, with_overrides
from rag.datatypes import KINDS, Answer, Paper, Scope, Stage, StopSignal, Turn, Wanted
from rag.errors import FootnoteError, QuestionError
from rag.text.unseen import clean, one_line

if TYPE_CHECKING:
    from rag.pipeline import Pipeline
    from rag.verification.claims import CheckedClaim

NamesOf = Callable[[Literal["tags", "collections"]], Iterable[str]]
Say = Callable[[float, float | None, str], object]  # done, of how many where that is known, and what is being done

KINDS_OF_ANSWER = tuple(dict.fromkeys(KINDS.values()))
MAX_PAPERS = 200  # that are cited at once
MAX_HITS = 50
MAX_NAMES = 100  # tags or collections of a scope
PLAIN = "text"  # a reference as one reads it, beside the formats of bibliographies
_UNWRAPPED = 100_000  # columns: whoever shows the text breaks its lines
_STAGES = {"retrieve": "looking for papers", "write": "writing", "check": "checking every sentence"}


class Told(NamedTuple):
    """What a tool gives: ``record`` for programs, ``text`` to read."""

    record: dict[str, Any]
    text: str


def silent(done: float, total: float | None, doing: str) -> None:
    """Nobody wants to know how far it is."""


class LibraryTools:
    """The tools over the library and the model of ``settings``; several threads may use them at once.

    Every tool raises :class:`rag.errors.FootnoteError` with a sentence that says what to do, among them
    ``GenerationCancelled`` soon after its ``stop`` was set.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opening = threading.Lock()  # the shipped library is built at its first use, once

    def ask(
        self,
        question: str,
        history: Sequence[Turn] = (),
        scope: Scope | None = None,
        kind: str = "",
        stop: StopSignal | None = None,
        say: Say = silent,
    ) -> Told:
        """A footnoted answer, or a refusal: the object that ``footnote ask --json`` prints."""
        from rag.output.presentation import to_json, to_plain
        from rag.questions.cleaning import clean as cleaned

        cleaned(question)  # what cannot be asked is refused before anything is loaded
        if kind and kind not in KINDS_OF_ANSWER:
            raise QuestionError(f"'{one_line(kind)}' is no kind of answer; use one of {', '.join(KINDS_OF_ANSWER)}.")
        say(0, None, "opening the library")
        pipeline = self._pipeline(self._settings)
        scope = self._scope_in(pipeline, scope)
        answer: Answer | None = None
        for event in pipeline.stream(question, history, stop, scope, Wanted(kind)):
            if isinstance(event, Stage):
                say(1 + list(_STAGES).index(event.name), 1 + len(_STAGES), _STAGES[event.name])
            elif isinstance(event, Answer):
                answer = event
        assert answer is not None
        nearest = answer.refusal.nearest if answer.refusal is not None else ()
        return Told(to_json(answer), to_plain(answer, pipeline.library.get_papers(nearest), _UNWRAPPED))

    def search(self, query: str, k: int = 10, scope: Scope | None = None) -> Told:
        """The papers nearest to a text: the object that ``footnote search --json`` prints, with their records."""
        from rag.output.records import hits_json
        from rag.papers.bibliography import reference
        from rag.questions.cleaning import clean as cleaned

        cleaned(query)
        pipeline = self._quoting()
        found = pipeline.find(query, k, self._scope_in(pipeline, scope))
        record = hits_json(query, found)
        for hit, (of, _) in zip(record["hits"], found, strict=True):
            hit |= {"authors": list(of.paper.authors), "year": of.paper.year, "venue": of.paper.venue}
        lines = [
            f"{rank}. {reference(hit.paper)} (paper_id {one_line(hit.paper.id)})\n   {one_line(sentence.text)}"
            for rank, (hit, sentence) in enumerate(found, start=1)
        ]
        return Told(record, "\n".join(lines) or "No paper of the library has anything of it.")

    def check(self, text: str, paper_id: str = "", stop: StopSignal | None = None, say: Say = silent) -> Told:
        """Which paper bears each sentence of a text out, or contradicts it; with ``paper_id`` against that one alone.

        ``sentences`` of the record are the objects that ``footnote check --json`` prints, ``verdicts`` counts them.
        """
        from rag.output.records import claim_json, claim_lines
        from rag.verification.claims import sentences_to_check

        sentences = sentences_to_check(text)
        checked = []
        for claim in self._checked(sentences, paper_id, stop or threading.Event()):
            checked.append(claim)
            say(len(checked), len(sentences), "checking every sentence")
        record = {
            "sentences": [claim_json(one) for one in checked],
            "verdicts": dict(Counter(one.verdict for one in checked)),
        }
        return Told(record, "\n".join(line for one in checked for line in claim_lines(one)))

    def read_paper(self, paper_id: str) -> Told:
        """One paper of the library with all fields, and the sentences of its abstract with their offsets."""
        from rag.library.chunking import split_sentences
        from rag.output.presentation import versions_json
        from rag.output.records import paper_json
        from rag.papers.bibliography import reference
        from rag.papers.versions import versions_line

        pipeline = self._quoting()
        (paper,) = self._papers(pipeline, [paper_id])
        versions = pipeline.library.versions([paper.id]).get(paper.id, ())
        sentences = [{"text": s.text, "start": s.start, "end": s.end} for s in split_sentences(paper.abstract)]
        abstract = clean(paper.abstract).strip() or "This record has no abstract."
        record = {**paper_json(paper), "sentences": sentences}
        if versions:
            record["versions"] = versions_json(versions)
        return Told(record, f"{reference(paper)} {versions_line(versions)}".rstrip() + f"\n\n{abstract}")

    def cite(self, paper_ids: Sequence[str], format: str = PLAIN) -> Told:
        """References of papers, in one of :func:`citation_formats`, in the order of ``paper_ids``."""
        from rag.papers.bibliography import FORMATS, reference

        if format not in citation_formats():
            raise FootnoteError(f"'{one_line(format)}' is not a format; use one of {', '.join(citation_formats())}.")
        if not 0 < len(paper_ids) <= MAX_PAPERS:
            raise FootnoteError(f"{len(paper_ids)} papers are named; name 1 to {MAX_PAPERS}.")
        papers = self._papers(self._quoting(), paper_ids)
        references = [{"paper_id": paper.id, "reference": reference(paper)} for paper in papers]
        plain = "\n".join(one["reference"] for one in references)
        text = plain if format == PLAIN else FORMATS[format](papers)
        return Told({"format": format, "text": text, "references": references}, text)

    def _checked(self, sentences: Sequence[str], paper_id: str, stop: StopSignal) -> Iterator[CheckedClaim]:
        from rag.verification.claims import ClaimChecker, check_each_against

        pipeline = self._quoting()
        if not paper_id:
            checker = ClaimChecker(pipeline.library, pipeline.encoder, pipeline.search)
            yield from checker.check_each(sentences, stop)
            return
        (paper,) = self._papers(pipeline, [paper_id])
        yield from check_each_against(sentences, paper.abstract, paper.title, paper.id, stop)

    def _papers(self, pipeline: Pipeline, paper_ids: Sequence[str]) -> list[Paper]:
        """The papers with these ids, each once. Raises :class:`FootnoteError` for an id that no paper has."""
        self._check_known(pipeline, paper_ids)
        found = pipeline.library.get_papers(paper_ids)
        return [found[one] for one in dict.fromkeys(paper_ids)]

    def _scope_in(self, pipeline: Pipeline, scope: Scope | None) -> Scope | None:
        """``scope`` with tags and collections as the library spells them.

        Raises :class:`FootnoteError` for an id, a tag or a collection that it does not have.
        """
        if scope is not None:
            self._check_known(pipeline, scope.paper_ids)
        return spelt_as_in(pipeline.library.group_names, scope)

    def _check_known(self, pipeline: Pipeline, paper_ids: Sequence[str]) -> None:
        found = pipeline.library.get_papers(paper_ids)
        unknown = [one_line(one)[:100] for one in paper_ids if one not in found]
        if unknown:
            raise FootnoteError(
                f"There is no paper with the id '{unknown[0]}' in this library"
                f"{f', nor with {len(unknown) - 1} more of these' if unknown[1:] else ''}. "
                "The ids are in the results of search and ask, as paper_id."
            )

    def _quoting(self) -> Pipeline:
        """No language model is needed."""
        from rag.factory import QUOTE

        return self._pipeline(with_overrides(self._settings, model=QUOTE, mode=QUOTE))

    def _pipeline(self, settings: Settings) -> Pipeline:
        from rag.factory import open_answerer, open_library

        with self._opening:
            open_library(settings)
        return open_answerer(settings)


def scope_of(
    since: int | None = None,
    until: int | None = None,
    paper_ids: Sequence[str] = (),
    tags: Sequence[str] = (),
    collections: Sequence[str] = (),
) -> Scope | None:
    """Which papers may be used, None for all. Raises :class:`QuestionError` for years in the wrong order.

    Tags and collections are as they were named: see :func:`spelt_as_in`.
    """
    if since is not None and until is not None and since > until:
        raise QuestionError(f"since {since} is later than until {until}. Exchange them, or leave one out.")
    ids, named, paths = (tuple(dict.fromkeys(some)) for some in (paper_ids, tags, collections))
    scope = Scope(since, until, paper_ids=ids, tags=named, collections=paths)
    return None if scope.is_everything else scope


def spelt_as_in(names_of: NamesOf, scope: Scope | None) -> Scope | None:
    """``scope`` with its tags and collections as the papers of a library have them, all of which ``names_of`` gives.

    Raises :class:`rag.errors.ScopeError`, which names the nearest, for one that no paper has.
    """
    from rag.questions.named_scope import collections_named, tags_named

    if scope is None or not (scope.tags or scope.collections):
        return scope
    return replace(
        scope,
        tags=tags_named(scope.tags, names_of("tags")) if scope.tags else (),
        collections=collections_named(scope.collections, names_of("collections")) if scope.collections else (),
    )


def citation_formats() -> tuple[str, ...]:
    """What :meth:`LibraryTools.cite` can write."""
    from rag.papers.bibliography import FORMATS

    return (PLAIN, *FORMATS)
