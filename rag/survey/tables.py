"""Papers side by side: one row a paper, every cell a sentence of its own abstract, or empty where it does not say.

No language model. The known columns (problem, method, data, results, limits) are read by
:mod:`rag.survey.column_extraction`; any other column is a question, and its cell is the sentence that is nearest to
it in meaning and words. Both have thresholds below which a cell stays empty: an empty cell is better than a wrong
one. ``benchmarks/LOG.md`` says how many cells were right.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Encoder, Paper, Sentence, StopSignal
from rag.errors import QuestionError
from rag.evidence.features import WordWeights, names_in
from rag.papers.bibliography import markdown, markdown_reference, one_line
from rag.papers.retractions import label
from rag.survey.column_extraction import KNOWN, known_sentences
from rag.text.csv_cells import literal_cell
from rag.text.tokenization import stem, stems

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

MOST_PAPERS = 200
MOST_COLUMNS = 8
LONGEST_COLUMN = 200  # characters
_BATCH = 32  # papers whose sentences and vectors are in memory at a time


class Entry(Protocol):
    """One paper with its sentences and their unit vectors."""

    @property
    def paper(self) -> Paper: ...
    @property
    def sentences(self) -> tuple[Sentence, ...]: ...
    @property
    def sentence_vectors(self) -> Matrix: ...


class TableSource(Protocol):
    """What a table needs of :class:`rag.library.library.Library`."""

    @property
    def count(self) -> int: ...
    def entries(self, paper_ids: Sequence[str]) -> Mapping[str, Entry]: ...
    def pull_forward(self, paper_ids: Sequence[str]) -> None: ...
    def document_frequencies(self, stems: Iterable[str]) -> dict[str, int]: ...


@dataclass(frozen=True, slots=True)
class Cell:
    """A sentence of the paper: ``paper.abstract[start:end] == text``. Empty where the abstract does not say.

    ``score`` is comparable between the cells of one column, and only there.
    """

    text: str = ""
    start: int = 0
    end: int = 0
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """One paper, ``number`` from 1, with a cell for each column."""

    number: int
    paper: Paper
    cells: tuple[Cell, ...]


COLUMNS = tuple(KNOWN)  # keys of the columns that are read by cue words


# --- columns that are questions ---

_ASKS_FIGURE = re.compile(
    r"\b(?:how (?:many|much|large|big|small|long|fast|often|far|high|low)|number|size|percent\w*|speed-?ups?|accuracy|"
    r"scores?|rate|factor|count|parameters|ratio|amount|latency|cost in|miou|bleu|fid|psnr)\b",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(r"\b(?:how many|number of)(?: (?:different|total|training|model))? ([a-z]{3,})", re.IGNORECASE)
# Both patterns of a figure are bounded: a number of more characters, or one that far from its noun, is none.
_NUMBER = r"(?<![\w/-])\d[\d,.]{0,30}\s?(?:%|[KMB]\b|×|x\b|k\b|thousand|million|billion)?(?![\w-]{0,30}[A-Za-z]\d)"
_QUESTION_WORDS = frozenset(
    stems("paper study work article author method approach model use used using propose number amount")
)
_NEAR = 0.34  # cosine of question and sentence that is near by itself
_COVERED = 0.5  # share of the question's words (by idf) that the sentence must have where the cosine is lower
_ENOUGH = 0.62  # cosine and half of the coverage together


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a key of :data:`KNOWN`, or ``question`` as it was typed. ``title`` is its heading."""

    title: str
    known: str = ""
    question: str = ""


def column(text: str) -> Column:
    """The column that a word or a question means. Raises :class:`QuestionError` where it has no content word."""
    shown = one_line(text).strip()
    name = shown.lower().strip(" ?.:")
    for key, known in KNOWN.items():
        if name in (key, *known.also):
            return Column(known.title, known=key)
    if len(shown) > LONGEST_COLUMN:
        raise QuestionError(f"A column has at most {LONGEST_COLUMN} characters; this one has {len(shown)}. Shorten it.")
    if not stems(shown):
        raise QuestionError(f"The column “{shown}” names nothing to look for. Type a word or a question.")
    return Column(shown, question=shown)


def columns(texts: Iterable[str]) -> tuple[Column, ...]:
    """The columns that the texts mean, duplicates removed. Raises :class:`QuestionError` for none and for too many."""
    found = tuple(dict.fromkeys(column(text) for text in texts if text.strip()))
    if not found:
        raise QuestionError("The table has no column. Choose one, or type a question.")
    if len(found) > MOST_COLUMNS:
        raise QuestionError(f"A table has at most {MOST_COLUMNS} columns; these are {len(found)}. Take some away.")
    return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question of a column, prepared for comparison with sentences."""

    vector: Vector
    weights: WordWeights
    names: tuple[str, ...]  # lower-cased names of the question; the sentence must contain each
    figure: re.Pattern[str] | None  # matches the kind of number that is asked for; None for questions without one

    def best(self, entry: Entry) -> Cell:
        """The sentence that fits best; an empty cell where none passes the thresholds."""
        if not entry.sentences:
            return Cell()
        cosines = entry.sentence_vectors @ self.vector
        scored = []
        for index, sentence in enumerate(entry.sentences):
            coverage = self.weights.coverage(set(stems(sentence.text)))
            cosine = float(cosines[index])
            fits = cosine + coverage / 2 >= _ENOUGH and (cosine >= _NEAR or coverage >= _COVERED)
            fits = fits and all(name in sentence.text.lower() for name in self.names)
            if fits and (self.figure is None or self.figure.search(sentence.text)):
                scored.append((cosine + coverage / 2, -index))
        if not scored:
            return Cell()
        score, index = max(scored)
        return _cell(entry.sentences[-index], score)


def _ask(one: Column, source: TableSource, encoder: Encoder) -> _Asked:
    words = [w for w in stems(one.question) if w not in _QUESTION_WORDS] or stems(one.question)
    weights = WordWeights(words, source.document_frequencies(words), source.count)
    names = tuple(name.lower() for name in names_in(one.question))
    return _Asked(encoder.encode([one.question])[0], weights, names, _figure(one.question))


def _figure(question: str) -> re.Pattern[str] | None:
    """'How many parameters' wants a number right before 'parameters'; 'accuracy' any number that stands by itself."""
    counted = _HOW_MANY.search(question)
    if counted:
        return re.compile(
            _NUMBER + rf"(?:[\s-]{{1,3}}[\w-]{{1,30}}){{0,2}}?[\s-]{{1,3}}{re.escape(stem(counted[1].lower()))}",
            re.IGNORECASE,
        )
    return re.compile(_NUMBER) if _ASKS_FIGURE.search(question) else None


@dataclass(frozen=True, slots=True)
class Table:
    """A table, possibly unfinished: of ``chosen`` papers, ``rows`` are done."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = ()
    chosen: int = 0


# --- rows ---


def rows(
    paper_ids: Sequence[str],
    wanted: Sequence[Column],
    source: TableSource,
    encoder: Encoder,
    stop: StopSignal | None = None,
) -> Iterator[Row]:
    """One row for each of ``paper_ids`` that the source has, in that order; ends early when ``stop`` is set."""
    asked = {one: _ask(one, source, encoder) for one in wanted if not one.known}
    number = 0
    for at in range(0, len(paper_ids), _BATCH):
        source.pull_forward(paper_ids[at : at + _BATCH])
        for entry in source.entries(paper_ids[at : at + _BATCH]).values():
            if stop is not None and stop.is_set():
                return
            number += 1
            known = _known_cells(entry.sentences)
            cells = tuple(known[one.known] if one.known else asked[one].best(entry) for one in wanted)
            yield Row(number, entry.paper, cells)


def _known_cells(sentences: Sequence[Sentence]) -> dict[str, Cell]:
    return {key: _cell(*found) if found else Cell() for key, found in known_sentences(sentences).items()}


def _cell(sentence: Sentence, score: float) -> Cell:
    return Cell(sentence.text, sentence.start, sentence.end, round(float(score), 4))


# --- exports ---


def to_markdown(wanted: Sequence[Column], table: Iterable[Row]) -> str:
    """The table with a footnote number in every cell, and the references below it."""
    done = list(table)
    head = ["Paper", *(one.title for one in wanted)]
    lines = [_line(map(markdown, head)), _line("---" for _ in head)]
    for row in done:
        cells = [f"{markdown(one_line(c.text))} [{row.number}]" if c.text else "" for c in row.cells]
        lines.append(_line([f"{markdown(one_line(row.paper.title))} [{row.number}]", *cells]))
    references = [f"[{row.number}] {markdown_reference(row.paper)}\n" for row in done]
    return "\n".join([*lines, "", "**References**", "", *references])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def to_csv(wanted: Sequence[Column], table: Iterable[Row]) -> str:
    """One line per paper; next to every column the offsets of its sentence in the abstract, as 'start-end'."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    heads = [name for one in wanted for name in (one.title, f"{one.title} (characters)")]
    writer.writerow(
        map(_csv_cell, ["Number", "Paper id", "Title", "Authors", "Year", "Venue", "DOI", "Status", *heads])
    )
    for row in table:
        p = row.paper
        cells = [v for c in row.cells for v in (c.text, f"{c.start}-{c.end}" if c.text else "")]
        values = [
            str(row.number),
            p.id,
            p.title,
            "; ".join(p.authors),
            str(p.year or ""),
            p.venue,
            p.doi,
            label(p),
            *cells,
        ]
        writer.writerow(map(_csv_cell, values))
    return out.getvalue()


def _csv_cell(text: str) -> str:
    return literal_cell(one_line(text))
