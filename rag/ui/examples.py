"""Questions that the empty page offers."""

from __future__ import annotations

from collections.abc import Sequence

from rag.datatypes import Paper
from rag.papers.bibliography import one_line

# One of each kind: a name, a figure, several papers, a method, a count.
SHIPPED = (
    "What is SpineNet?",
    "How many times faster is inference when a graph network is distilled into an MLP?",
    "Which papers predict stock prices, and from what data?",
    "Why do deep graph networks lose accuracy, and what helps?",
    "How many papers are about image segmentation?",
)
_LONGEST_TITLE = 90


def from_papers(papers: Sequence[Paper], count: int = 3) -> tuple[str, ...]:
    """Questions about any library: summaries of ``count`` papers, evenly spread, and one count."""
    fitting = [paper for paper in papers if paper.abstract.strip() and 0 < len(one_line(paper.title)) <= _LONGEST_TITLE]
    chosen = fitting[:: max(1, len(fitting) // count)][:count]
    questions = [f"Summarise “{one_line(paper.title)}”." for paper in chosen]
    return (*questions, "How many papers are there from each year?") if questions else ()
