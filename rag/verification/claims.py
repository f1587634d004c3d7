"""Sentences that anybody wrote, against one abstract or a library: which paper bears each out, or contradicts it.

With one abstract a sentence is supported, weak, contradicted or unsupported. With a library it is held against the
papers that come nearest to it, and where none of them says anything of it the verdict is 'nothing'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.datatypes import Citation, Encoder, Evidence, Paper, PaperHit, StopSignal, Verdict
from rag.errors import QuestionError
from rag.library.chunking import split_sentences
from rag.library.library import Library
from rag.library.read_once import ReadOnce
from rag.library.run_in_headings import divided_at_headings
from rag.questions.cleaning import clean_or_empty
from rag.retrieval.ranking import Search, may_testify
from rag.verification.citations import Sources, judge
from rag.verification.sources import judge_claim, sources_of, thresholds

NOTHING = "nothing"  # no paper of the library bears the sentence out or contradicts it
PAPERS = 5  # of a library that a sentence is held against
LONGEST_TEXT = 50_000  # characters that are checked at a time
_SHOWN = 3  # citations of one sentence
_NO_TEXT = "There is no text yet. Give a paragraph or a draft to check."
_NO_SENTENCE = (
    "There is no sentence to check in this text: headings, tables and code are not checked. Give whole sentences."
)
_TOO_LONG = "The text has {length:,} characters; at most {longest:,} are checked at a time. Check it in parts."


@dataclass(frozen=True, slots=True)
class ClaimCitation:
    """A paper that says something of a claim: ``abstract[start:end] == quote``."""

    paper_id: str
    title: str
    quote: str
    start: int
    end: int
    verdict: str
    score: float  # probability that the abstract bears the claim out


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """One sentence with its verdict: that of its best citation, or ``nothing``."""

    text: str
    verdict: str
    score: float
    citations: tuple[ClaimCitation, ...] = ()


def check_against_abstract(text: str, abstract: str, title: str = "", paper_id: str = "") -> CheckedClaim:
    """Whether an abstract bears ``text`` out; no library is needed.

    Raises :class:`rag.errors.ModelError` where the network is missing or damaged.
    """
    sentences = [sentence for _, sentence in divided_at_headings(split_sentences(abstract))]
    sources = Sources(lambda _: sentences, judge=judge_claim, thresholds=thresholds)
    paper = Paper(paper_id, title, abstract)
    found = judge(text, Evidence(1, paper, (), 0.0), 0, sources)
    verdict = Verdict.UNSUPPORTED if found.verdict is Verdict.UNKNOWN else found.verdict
    cited = () if verdict is Verdict.UNSUPPORTED else (_citation(found, title),)
    return CheckedClaim(text, str(verdict), found.score, cited)


class ClaimChecker:
    """Checks sentences against the papers of a library that come nearest to each."""

    def __init__(self, library: Library, encoder: Encoder, search: Search, papers: int = PAPERS) -> None:
        self._library, self._encoder, self._search, self._papers = library, encoder, search, papers

    def check(self, text: str) -> CheckedClaim:
        """One sentence. Raises :class:`rag.errors.ModelError` where the network is missing or damaged."""
        asked = clean_or_empty(text)
        if not any(c.isalnum() for c in asked):
            return CheckedClaim(text, NOTHING, 0.0)
        sources = sources_of(ReadOnce(self._library), self._encoder)
        hits = self._witnesses(asked)
        found = [(judge(asked, Evidence(n, h.paper, (), h.score), 0, sources), h.paper.title)
                 for n, h in enumerate(hits, start=1)]  # fmt: skip
        order = {Verdict.SUPPORTED: 0, Verdict.CONTRADICTED: 1, Verdict.WEAK: 2}
        telling = [(c, title) for c, title in found if c.verdict in order]
        telling.sort(key=lambda one: (order[one[0].verdict], -one[0].score, one[0].number))
        if not telling:
            return CheckedClaim(text, NOTHING, max((c.score for c, _ in found), default=0.0))
        best = telling[0][0]
        cited = tuple(_citation(c, title) for c, title in telling[:_SHOWN])
        return CheckedClaim(text, str(best.verdict), best.score, cited)

    def _witnesses(self, text: str) -> Sequence[PaperHit]:
        """The nearest papers; no notices, which repeat what their papers claim, unless the text is on such things."""
        vector = self._encoder.encode([text])[0]
        hits = self._search(text, vector, self._papers)
        if all(may_testify(hit.paper, text) for hit in hits):
            return hits
        return [hit for hit in self._search(text, vector, 2 * self._papers) if may_testify(hit.paper, text)][
            : self._papers
        ]

    def check_draft(self, text: str, on_progress: Callable[[int, int], object] | None = None) -> list[CheckedClaim]:
        """Every sentence of a draft, in order; ``on_progress`` is told how many of how many are done."""
        sentences = sentences_of_draft(text)
        checked = []
        for one in self.check_each(sentences):
            checked.append(one)
            if on_progress is not None:
                on_progress(len(checked), len(sentences))
        return checked

    def check_each(self, sentences: Sequence[str], stop: StopSignal | None = None) -> Iterator[CheckedClaim]:
        """One sentence after another, each as soon as it is checked; ``stop`` ends it before the next one."""
        for sentence in sentences:
            if stop is not None and stop.is_set():
                return
            yield self.check(sentence)


def check_each_against(
    sentences: Sequence[str], abstract: str, title: str, paper_id: str, stop: StopSignal
) -> Iterator[CheckedClaim]:
    """As :meth:`ClaimChecker.check_each`, against one abstract alone."""
    for sentence in sentences:
        if stop.is_set():
            return
        yield check_against_abstract(sentence, abstract, title, paper_id)


def sentences_to_check(text: str, longest: int | None = LONGEST_TEXT) -> list[str]:
    """The :func:`sentences_of_draft`. Raises :class:`QuestionError` where there are none, or more than ``longest``
    characters of text (None: any number)."""
    if longest is not None and len(text) > longest:
        raise QuestionError(_TOO_LONG.format(length=len(text), longest=longest))
    sentences = sentences_of_draft(text)
    if not sentences:
        raise QuestionError(_NO_SENTENCE if text.strip() else _NO_TEXT)
    return sentences


def sentences_of_draft(text: str) -> list[str]:
    """The sentences of a draft in Markdown or plain text: no headings, no code, no table, links as their words."""
    from markdown_it import MarkdownIt

    found: list[str] = []
    # Indented paragraphs and those that begin with a tag are text here: nothing that was written may be passed over.
    # Brackets within brackets are read anew at each depth, so the time grows with the depth; drafts have two.
    reader = MarkdownIt("commonmark", {"maxNesting": 5}).enable("table").disable(["code", "html_block"])
    tokens = reader.parse(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type != "inline" or before is None or before.type in ("heading_open", "th_open", "td_open"):
            continue
        words = "".join(_plain_text(child.type, child.content) for child in token.children or ())
        found += [s.text for s in split_sentences(" ".join(words.split())) if sum(map(str.isalpha, s.text)) > 2]
    return found


def _plain_text(kind: str, content: str) -> str:
    return " " if kind in ("softbreak", "hardbreak") else content if kind in ("text", "code_inline") else ""


def _citation(found: Citation, title: str) -> ClaimCitation:
    return ClaimCitation(found.paper_id, title, found.quote, found.start, found.end, str(found.verdict), found.score)
