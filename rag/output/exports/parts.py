"""What the formats of the exports share: the cited papers, and how a turn is worded."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rag.datatypes import Answer, AnswerSentence, Citation, Evidence, Paper, Verdict, Version
from rag.errors import FootnoteError
from rag.history.models import Conversation, KeptTurn
from rag.output.presentation import cited
from rag.papers.bibliography import one_line

Files = dict[str, str]  # name → text


@dataclass(frozen=True, slots=True)
class Source:
    """One cited paper of a conversation, with the citations of it by turn."""

    number: int
    paper: Paper
    citations: tuple[tuple[int, Citation], ...]
    versions: tuple[Version, ...] = ()

    @property
    def quotes(self) -> list[str]:
        """The supporting sentences, each once."""
        return list(dict.fromkeys(one_line(c.quote) for _, c in self.citations if c.quote))


def sources(conversation: Conversation) -> list[Source]:
    """The cited papers of all answers, numbered from 1 in the order in which they are first cited."""
    papers: dict[str, Evidence] = {}
    citations: dict[str, list[tuple[int, Citation]]] = {}
    for position, turn in enumerate(conversation.turns):
        if turn.answer is None:
            continue
        evidence = {item.number: item for item in turn.answer.evidence}
        for sentence in turn.answer.sentences:
            for number in sentence.citations:
                if number in evidence:
                    papers.setdefault(evidence[number].paper.id, evidence[number])
        for citation in turn.answer.citations:
            citations.setdefault(citation.paper_id, []).append((position, citation))
    return [
        Source(i, item.paper, tuple(citations.get(id, ())), item.versions)
        for i, (id, item) in enumerate(papers.items(), start=1)
    ]


def file_stem(title: str) -> str:
    """A file name without its ending: the words of a title that every file system takes."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii").lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].rstrip("-")
    return stem or "conversation"


def styled_references(found: Sequence[Source], style: bytes | None, format: str) -> dict[str, str]:
    """The references of cited papers by paper id, in ``format`` (:mod:`rag.papers.styles.references`).

    ``style`` is the file of a citation style, None for the one that is used where none is chosen.
    Raises :class:`rag.errors.StyleError`.
    """
    from rag.papers.styles.finding import DEFAULT, find_style
    from rag.papers.styles.references import styled

    papers = [source.paper for source in found]
    if not papers:
        return {}
    texts = styled(papers, find_style(DEFAULT) if style is None else style, format).texts
    return {paper.id: text for paper, text in zip(papers, texts, strict=True)}


def some_sources(conversation: Conversation, name: str) -> list[Source]:
    """:func:`sources`. Raises :class:`FootnoteError` where there are none for ``name``, the format."""
    found = sources(conversation)
    if not found:
        raise FootnoteError(f"No answer here cites a paper, so there is nothing for {name}. Choose Markdown or HTML.")
    return found


def ids_by_number(answer: Answer) -> dict[int, str]:
    """Paper ids by the numbers of one answer."""
    return {item.number: item.paper.id for item in cited(answer)}


def flagged(sentence: AnswerSentence) -> str:
    """The sentence without its numbers, with a word where it is not supported."""
    flag = " (not supported)" if sentence.verdict is Verdict.UNSUPPORTED else ""
    return one_line(sentence.text) + flag


def outcome(turn: KeptTurn) -> str:
    """What is said where there is no answer."""
    return f"No answer: {one_line(turn.error)}" if turn.error else "Stopped before it was answered."


def about(conversation: Conversation, count: int) -> str:
    """The line below the title: library, day, how many papers are cited."""
    info = conversation.info
    name = one_line(info.library.name)
    cited_papers = f"{count} {'paper' if count == 1 else 'papers'} cited"
    return " · ".join(filter(None, ["Footnote", name and f"library {name}", _day(info.created), cited_papers]))


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(seconds))
