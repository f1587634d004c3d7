"""How an answer is laid out, by its kind: running text, a line for each paper, a table, or parts under headings. Pure.

Every format asks here, so that an answer has the same shape on the page, on the command line and in a file. The kind
is the public name under which the trace holds it (``rag.datatypes.KINDS``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.datatypes import KINDS, Answer, AnswerSentence, Intent, Verdict
from rag.papers.bibliography import one_line
from rag.text.citation_format import with_numbers

PAPERS, COMPARISON = KINDS[Intent.MULTI], KINDS[Intent.COMPARE]
Place = tuple[int, AnswerSentence]  # index among the sentences of the answer, and the sentence


@dataclass(frozen=True, slots=True)
class Block:
    """Sentences that stand together, under ``heading`` where they have one."""

    heading: str
    sentences: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A comparison: ``columns`` are the numbers of its papers; a row has its aspect and, by column, what is said."""

    columns: tuple[int, ...]
    rows: tuple[tuple[str, tuple[tuple[Place, ...], ...]], ...]


def kind_of(answer: Answer) -> str:
    """The kind of an answer; empty where its trace holds none."""
    return str(answer.trace.reading.get("kind", ""))


def is_list(answer: Answer) -> bool:
    """Whether the answer is a list with an item for each paper."""
    return kind_of(answer) == PAPERS and bool(answer.sentences)


def blocks(answer: Answer) -> list[Block]:
    """The sentences in order, grouped by section, else as the line breaks of ``answer.text`` group them.

    In a list every paper has a block. A text that is not divided into sentences (a computed list) counts one sentence a
    line.
    """
    if not answer.sentences:
        lines = filter(None, map(one_line, answer.text.splitlines()))
        return [Block("", ((at, AnswerSentence(line, (), Verdict.SUPPORTED)),)) for at, line in enumerate(lines)]
    if is_list(answer) or any(s.section for s in answer.sentences):
        return _sectioned(answer.sentences, kind_of(answer))
    return [Block("", tuple(places)) for places in _paragraphs(answer)]


def grid(answer: Answer) -> Grid | None:
    """The table of a comparison; None for other answers. A sentence stands in the column of its first number."""
    if kind_of(answer) != COMPARISON or not any(s.section for s in answer.sentences):
        return None
    columns = tuple(sorted({s.citations[0] for s in answer.sentences if s.citations}))
    rows = []
    for block in _sectioned(answer.sentences, COMPARISON):
        cells = tuple(tuple(p for p in block.sentences if p[1].citations[:1] == (n,)) for n in columns)
        rows.append((block.heading, cells))
    return Grid(columns, tuple(rows))


def more_papers(answer: Answer) -> tuple[str, tuple[str, ...]]:
    """What fits and is not cited: '2 more that may fit', and the titles; ``('', ())`` where there is nothing."""
    if answer.coverage is None or not answer.coverage.not_cited:
        return "", ()
    titles = tuple(one_line(title) or paper_id for paper_id, title in answer.coverage.not_cited)
    return f"{len(titles)} more that may fit", titles


def answer_text(sentences: Sequence[AnswerSentence], kind: str, lead: str = "", closing: Sequence[str] = ()) -> str:
    """``Answer.text``: the lead, the sentences with their numbers, the closing lines, a line break between.

    Sentences without sections are running text. Each paper of a list, and each section of other answers, has a line,
    which its heading begins: '- CvT: It has convolutions [1].'
    """
    if kind == PAPERS or any(s.section for s in sentences):
        dash = "- " if kind == PAPERS else ""
        body = [
            f"{dash}{f'{one_line(b.heading)}: ' if b.heading else ''}{' '.join(numbered(s) for _, s in b.sentences)}"
            for b in _sectioned(sentences, kind)
        ]
    else:
        body = [" ".join(map(numbered, sentences))]
    return "\n".join(filter(None, [lead, *body, *closing]))


def numbered(sentence: AnswerSentence) -> str:
    """The sentence with its numbers before the full stop, and behind it those of papers that contradict it."""
    return f"{with_numbers(sentence.text, sentence.citations)}{against_mark(sentence.against)}"


def against_mark(numbers: Sequence[object]) -> str:
    """' (contradicted by [5])' for the numbers of papers that contradict a sentence; empty without any."""
    return f" (contradicted by {''.join(f'[{n}]' for n in numbers)})" if numbers else ""


def _sectioned(sentences: Sequence[AnswerSentence], kind: str) -> list[Block]:
    """Sentences that follow each other and have one section; in a list also one paper."""
    found: list[tuple[object, list[Place]]] = []
    for place in enumerate(sentences):
        sentence = place[1]
        key = (sentence.section, sentence.citations[:1] if kind == PAPERS else ())
        if not found or found[-1][0] != key:
            found.append((key, []))
        found[-1][1].append(place)
    return [Block(places[0][1].section, tuple(places)) for _, places in found]


def _paragraphs(answer: Answer) -> Iterator[list[Place]]:
    """Running text as the line breaks of ``answer.text`` divide it."""
    block: list[Place] = []
    position = len(answer.lead) if answer.text.startswith(answer.lead) else 0
    for index, sentence in enumerate(answer.sentences):
        found = answer.text.find(sentence.text, position)
        if found >= 0:
            if block and "\n" in answer.text[position:found]:
                yield block
                block = []
            position = found + len(sentence.text)
        block.append((index, sentence))
    yield block
