"""Tables of papers: every cell is a sentence of its own paper, and empty where the abstract does not say."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pytest

from rag.datatypes import Paper, Sentence
from rag.errors import QuestionError
from rag.library.chunking import split_sentences
from rag.library.storage.stored_paper import StoredPaper
from rag.survey.column_extraction import known_sentences
from rag.survey.comparing import titled
from rag.survey.tables import COLUMNS, LONGEST_COLUMN, MOST_COLUMNS, Column, column, columns, rows, to_csv, to_markdown
from rag.text.tokenization import stems
from tests.library_parts import WordEncoder, shipped_papers

ENCODER = WordEncoder()


class PapersInMemory:
    """Papers in memory, embedded by their words; remembers how many were asked for at a time."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._papers = {p.id: p for p in papers}
        self.asked: list[int] = []

    @property
    def count(self) -> int:
        return len(self._papers)

    def pull_forward(self, paper_ids: Sequence[str]) -> None:
        """All have vectors."""

    def entries(self, paper_ids: Sequence[str]) -> Mapping[str, StoredPaper]:
        self.asked.append(len(paper_ids))
        found = {}
        for one in paper_ids:
            if one in self._papers:
                sentences = tuple(split_sentences(self._papers[one].abstract))
                vectors = ENCODER.encode([s.text for s in sentences])
                found[one] = StoredPaper(self._papers[one], (), sentences, vectors)
        return found

    def get_papers(self, ids: Sequence[str]) -> dict[str, Paper]:
        return {one: self._papers[one] for one in ids}

    def sentences(self, paper_id: str) -> tuple[Sentence, ...]:
        return tuple(split_sentences(self._papers[paper_id].abstract))

    def lexical(self, query: str, k: int) -> list[tuple[str, float]]:
        words = set(stems(query))
        scores = {one: len(words & set(stems(f"{p.title} {p.abstract}"))) for one, p in self._papers.items()}
        return sorted(((one, float(n)) for one, n in scores.items() if n), key=lambda pair: (-pair[1], pair[0]))[:k]

    def document_frequencies(self, words: Iterable[str]) -> dict[str, int]:
        bags = [set(stems(f"{p.title} {p.abstract}")) for p in self._papers.values()]
        return {word: sum(word in bag for bag in bags) for word in words}


NET = Paper(
    "net",
    "SmallNet | a net",
    "Deep networks are widely used. However, they are too expensive for phones. We propose SmallNet, which shares "
    "its filters. It has 3.2 million parameters. On ImageNet and COCO it outperforms MobileNet by 2.1%. Our method "
    "does not yet work for video. Code is available at https://example.org/small.",
    ("Ada Strand", "Ben Öre"),
    2021,
)
STUDY = Paper("study", "=cmd|' /C calc'!A0", "We studied 48 patients for two years. Sleep was short.", year=2019)
BARE = Paper("bare", "No Abstract")


@pytest.fixture
def source() -> PapersInMemory:
    return PapersInMemory([NET, STUDY, BARE])


def cells(source: PapersInMemory, paper_id: str, *wanted: str) -> list[str]:
    (row,) = rows([paper_id], columns(wanted), source, ENCODER)
    return [cell.text for cell in row.cells]


def test_the_known_columns(source: PapersInMemory) -> None:
    assert cells(source, "net", *COLUMNS) == [
        "However, they are too expensive for phones.",
        "We propose SmallNet, which shares its filters.",
        "On ImageNet and COCO it outperforms MobileNet by 2.1%.",
        "On ImageNet and COCO it outperforms MobileNet by 2.1%.",
        "Our method does not yet work for video.",
        "",
        "",
    ]
    studied = "We studied 48 patients for two years."
    assert cells(source, "study", *COLUMNS) == ["", studied, "", "", "", studied, ""]
    assert cells(source, "bare", *COLUMNS) == [""] * len(COLUMNS)


@pytest.mark.parametrize(
    ("key", "sentence", "others"),
    [
        ("limits", "Previous applications of nets do not generalize beyond their data.", "We apply nets. They learn."),
        ("limits", "We provide the code to enable further research on nets.", "We train nets. They learn well."),
        ("method", "We evaluate the proposed model on three organs.", "In this paper we overcome them with attention."),
        ("method", "A model was presented by Sohn et al. and is introduced by others.", "In this work we recreate it."),
        ("results", "Code is available at https://example.org.", "Experiments show that it outperforms them."),
        ("data", "Existing methods need large labelled datasets.", "Nets are used."),
        ("problem", "Deep learning is used in many fields.", "We propose a net."),
        ("problem", "The loss guides the net to neglect noise.", "In this paper we propose attention."),
    ],
)  # fmt: skip
def test_what_reads_like_it_but_is_not(key: str, sentence: str, others: str) -> None:
    order = f"{others} {sentence}" if key in ("limits", "results") or "guides" in sentence else f"{sentence} {others}"
    found = known_sentences(split_sentences(order))[key]

    assert found is None or found[0].text != sentence


TRIAL = (
    "Shift work is common among nurses. However, its effect on sleep is poorly understood. To determine whether bright "
    "light improves the sleep of nurses. A randomized crossover trial was conducted in two hospitals. Sixty-two nurses "
    "(51 women; mean age 38 years) working night shifts were recruited. Sleep was measured by actigraphy. Total "
    "sleep time increased by 38 minutes under bright light (95% CI, 21-55; P = 0.001). Bright light lengthens sleep."
)


def test_the_columns_of_medicine_and_of_the_humanities_are_read_without_words_of_their_fields() -> None:
    found = known_sentences(split_sentences(TRIAL))
    said = {key: cell[0].text.split(" ", 3)[:3] for key, cell in found.items() if cell is not None}
    assert said["design"] == ["A", "randomized", "crossover"]
    assert said["population"] == ["Sixty-two", "nurses", "(51"]
    assert said["problem"] in (["However,", "its", "effect"], ["To", "determine", "whether"])
    assert said["results"] == ["Total", "sleep", "time"]
    guilds = known_sentences(
        split_sentences(
            "Guilds have often been described as obstacles to innovation. It remains unclear whether apprentices moved "
            "between towns. We examine the account books of 214 masters in three Flemish towns between 1540 and 1620. "
            "We find that one apprentice in three came from another town, and that migrants finished as often."
        )
    )
    assert guilds["problem"] is not None and "unclear" in guilds["problem"][0].text
    assert guilds["method"] is not None and "account books" in guilds["method"][0].text
    assert guilds["results"] is not None and "one apprentice in three" in guilds["results"][0].text


def test_every_cell_is_a_sentence_of_its_own_paper() -> None:
    papers = shipped_papers()
    filled = dict.fromkeys(COLUMNS, 0)
    for paper in papers:
        sentences = split_sentences(paper.abstract)
        for key, found in known_sentences(sentences).items():
            if found is not None:
                assert found[0] in sentences
                assert paper.abstract[found[0].start : found[0].end] == found[0].text
                filled[key] += 1
    # Abstracts say what was done more often than on what data, and hardly ever what is lacking.
    assert filled["method"] > 0.8 * len(papers)
    assert filled["results"] > filled["problem"] > 0.5 * len(papers)
    assert 0 < filled["limits"] < 0.1 * len(papers)


def test_a_typed_column_is_a_question_to_each_paper(source: PapersInMemory) -> None:
    assert cells(source, "net", "How many parameters does it have?") == ["It has 3.2 million parameters."]
    assert cells(source, "net", "Is the code available?") == ["Code is available at https://example.org/small."]
    assert cells(source, "study", "How many parameters does it have?", "Is the code available?") == ["", ""]
    assert cells(source, "study", "number of patients") == ["We studied 48 patients for two years."]
    assert cells(source, "net", "number of patients") == [""]
    assert cells(source, "net", "short sleep on ImageNet") == [""], "the name alone is no answer"
    assert cells(source, "study", "Sleep on ImageNet") == [""], "a name that is asked for must be there"
    assert cells(source, "bare", "Is the code available?") == [""]


def test_columns_are_known_by_other_names_and_asked_for_once() -> None:
    assert columns(["dataset", "Data", "", "limitations?", "What loss?"]) == (
        Column("Data", "data"), Column("Limits", "limits"), Column("What loss?", question="What loss?"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([], "The table has no column."),
        (["  "], "The table has no column."),
        (["the"], "The column “the” names nothing to look for."),
        (["🙂"], "The column “🙂” names nothing to look for."),
        (["x" * (LONGEST_COLUMN + 1)], f"A column has at most {LONGEST_COLUMN} characters"),
        ([f"thing {n}" for n in range(MOST_COLUMNS + 1)], f"A table has at most {MOST_COLUMNS} columns"),
    ],
)
def test_columns_that_cannot_be_made_say_why(wanted: list[str], message: str) -> None:
    with pytest.raises(QuestionError, match="^" + message):
        columns(wanted)
    assert column("approach") == Column("Method", "method")


def test_rows_come_one_by_one_in_the_order_given_and_stop_when_told() -> None:
    papers = [replace(NET, id=f"p{n:03}") for n in range(150)]
    source = PapersInMemory(papers)
    ids = [p.id for p in reversed(papers)] + ["unknown"]
    stop = threading.Event()

    made = rows(ids, columns(["method"]), source, ENCODER, stop)
    first = [next(made) for _ in range(3)]

    assert [r.paper.id for r in first] == ids[:3]
    assert [r.number for r in first] == [1, 2, 3]
    assert source.asked == [32], "papers are read in batches, not all at once"
    stop.set()
    assert list(made) == []
    assert [r.paper.id for r in rows(ids, columns(["method"]), source, ENCODER)] == ids[:-1]
    assert max(source.asked) <= 32


def test_the_same_table_twice_is_the_same(source: PapersInMemory) -> None:
    wanted = columns([*COLUMNS, "number of patients"])
    ids = ["net", "study", "bare"]

    assert list(rows(ids, wanted, source, ENCODER)) == list(rows(ids, wanted, source, ENCODER))


def test_csv_has_every_cell_with_its_place_and_no_formula(source: PapersInMemory) -> None:
    wanted = columns(["method", "data"])
    table = list(rows(["net", "study", "bare"], wanted, source, ENCODER))

    lines = list(csv.DictReader(io.StringIO(to_csv(wanted, table))))

    assert [line["Paper id"] for line in lines] == ["net", "study", "bare"]
    start, _, end = lines[0]["Method (characters)"].partition("-")
    assert NET.abstract[int(start) : int(end)] == lines[0]["Method"] == "We propose SmallNet, which shares its filters."
    assert lines[0]["Authors"] == "Ada Strand; Ben Öre"
    assert lines[1]["Title"] == "'=cmd|' /C calc'!A0", "a spreadsheet must not run it"
    assert (lines[1]["Data"], lines[1]["Data (characters)"], lines[2]["Method"]) == ("", "", "")


def test_markdown_has_a_footnote_in_every_filled_cell_and_the_references(source: PapersInMemory) -> None:
    wanted = columns(["method", "limits"])
    text = to_markdown(wanted, rows(["net", "study"], wanted, source, ENCODER))
    lines = text.splitlines()

    assert lines[0] == "| Paper | Method | Limits |"
    assert lines[2].endswith(
        "| We propose SmallNet, which shares its filters. [1] | Our method does not yet work for video. [1] |"
    )
    assert lines[2].startswith(r"| SmallNet \| a net [1] |") or lines[2].startswith(r"| SmallNet \\| a net [1] |")
    assert lines[3].endswith("| We studied 48 patients for two years. [2] |  |")
    assert "**References**" in lines
    assert any(line.startswith("[2] ") for line in lines)


# --- papers by their titles ---

PAIR = [
    NET,
    replace(
        NET, id="wide", title="WideNet: wider nets", abstract="We introduce WideNet. It is 3 times faster than ResNet."
    ),
    replace(NET, id="other", title="Beyond WideNet", abstract="We look beyond."),
    BARE,
]


def test_a_title_is_found_whole_then_at_its_beginning_and_only_where_it_is_the_only_one() -> None:
    source = PapersInMemory([*PAIR, replace(NET, id="twin", title="WideNet")])
    found = titled("widenet", source)

    assert found is not None and found.id == "twin"
    assert (
        titled(
            "WideNet",
            PapersInMemory([replace(NET, id="a", title="On WideNet"), replace(NET, id="b", title="A WideNet")]),
        )
        is None
    )
    assert titled("Wide", source) is None
    assert titled("WideNet", source, within=["net"]) is None
