"""Patterns that are made of values: for each place in the source, what makes an example of every one of them.

The key is ``file:function``. A place that is missing here, or whose pattern its entry does not make, fails the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from rag.datatypes import Paper
from rag.evidence import entity_match
from rag.generation.generators.loaded_model import LoadedModel
from rag.history import feedback
from rag.papers.importers import xml_records
from rag.papers.importers.source import SourceFile
from rag.questions import venues
from rag.survey import column_extraction, comparing, tables, terms
from rag.text import facts

_NAME = "PumpNet-50"
_VENUES = ("Annual Conference on Pumps (ACP)", "Proceedings of the 7th Workshop on Wells", "Pump", "Pumps & Wells")


class _OnePaper:
    """A library of one paper."""

    def lexical(self, query: str, k: int) -> list[tuple[str, float]]:
        return [("one", 1.0)]

    def get_papers(self, ids: object) -> dict[str, Paper]:
        return {"one": Paper("one", f"{_NAME}: pumps", "")}

    def sentences(self, paper_id: str) -> tuple[()]:
        return ()


def _terms() -> None:
    for typed in ("pump", "deep pumping", "pre-pumped pumps", "7 pumps", "colour 1,000", "分析", "well++"):
        terms.term(typed)


class _Template:
    """A chat template that writes around messages."""

    def marks(self) -> list[str]:
        return ["### Pump:", "[PUMP]"]


def _marks() -> None:
    model = LoadedModel.__new__(LoadedModel)  # the file that it comes with is not needed
    model._template = _Template()
    assert model._marks.search("### pump:")


class _Source:
    """A file of one record."""

    def blocks(self) -> Iterator[str]:
        return iter(("<pump><pump/></pump>",))


def _cutter() -> None:
    list(xml_records._Cutter(cast(SourceFile, _Source()), "pump", nests=True).cuts())


MADE: dict[str, Callable[[], object]] = {
    "rag/papers/importers/xml_records.py:_Cutter.__init__": _cutter,
    "rag/papers/importers/xml_records.py:_Cutter._record": _cutter,
    "rag/evidence/entity_match.py:by_itself": lambda: entity_match.by_itself(_NAME),
    "rag/generation/generators/loaded_model.py:LoadedModel._marks": _marks,
    "rag/history/feedback.py:_stands_in": lambda: [feedback._stands_in(one, "") for one in ("31%", "1,000", _NAME)],
    "rag/questions/venues.py:VenueNames.__init__": lambda: venues.VenueNames(_VENUES),
    "rag/survey/column_extraction.py:_cues": lambda: column_extraction._cues("pump"),
    "rag/survey/comparing.py:titled": lambda: comparing.titled(_NAME, _OnePaper()),
    "rag/survey/tables.py:_figure": lambda: tables._figure("How many pumps are there?"),
    "rag/survey/terms.py:term": _terms,
    "rag/text/facts.py:missing_figures": lambda: facts.missing_figures(_NAME, ""),
    "rag/text/facts.py:_has_name_at_end": lambda: [facts._has_name_at_end(one, "") for one in ("PumpNet50", "pumpS")],
    "rag/text/facts.py:_begins_a_word": lambda: [facts._begins_a_word(one, "") for one in ("pumpnet", "pn")],
}
