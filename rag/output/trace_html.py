"""'Why this answer': what the trace of an answer holds, laid open. Pure HTML; everything of it is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rag.datatypes import Answer
from rag.output.presentation import Papers
from rag.output.templating import Template
from rag.papers.bibliography import one_line

_TEMPLATE = Template("rag.output", "trace")
_SCORES = {  # keys of a retrieved paper → the heading of their column, and what they are
    "score": ("Fused", "both lists together: what the order goes by"),
    "dense": ("Dense", "cosine of the question with the best passage"),
    "lexical": ("Lexical", "BM25"),
}
_STEPS = {
    "retrieve": "Retrieve",
    "evidence": "Choose sentences",
    "first_word": "First word",
    "write": "Write",
    "check": "Check",
}
_EXCERPT = 120  # characters of an abstract that stand for a sentence which did not go in


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The papers that the search found: ``(heading, meaning)`` of each score, and a row a paper.

    A row has the title, the scores in the order of ``columns``, and the number that the answer cites the paper by.
    """

    columns: list[tuple[str, str]]
    rows: list[tuple[str, list[str], str]]


def why_html(answer: Answer, papers: Papers, model: str = "") -> str:
    """The whole section, folded. ``papers`` names the candidates; ``model`` is what the page calls the model."""
    trace = answer.trace
    return _TEMPLATE.why(
        _facts(answer, model),
        _candidates(answer, papers),
        _evidence(answer),
        _weighed(answer, papers),
        trace.prompt,
        _steps(trace.timings_ms),
    )


def _facts(answer: Answer, model: str) -> list[tuple[str, str]]:
    trace = answer.trace
    rows = [
        ("Searched for", trace.question_rewritten or answer.question),
        ("Papers allowed", trace.scope or "all of the library"),
        ("Kind of answer", str(trace.reading.get("kind", ""))),
        ("Papers judged", _coverage(answer)),
        ("Answered by", model or trace.model or trace.generator),
        ("Way of writing", trace.mode),
        ("Model file, SHA-256", trace.model_sha256),
        ("Prompt file, SHA-256", trace.prompt_sha256),
        ("Seed", str(trace.seed)),
        ("Library, fingerprint", trace.library),
        ("Settings", ", ".join(f"{name} {value}" for name, value in sorted(trace.settings.items()))),
    ]
    return [(name, one_line(value)) for name, value in rows if value.strip()]


def _coverage(answer: Answer) -> str:
    """'20, of which 4 fit and 2 are cited'; empty where papers were not judged one by one."""
    of = answer.coverage
    return "" if of is None else f"{of.considered}, of which {of.fitting} fit and {of.cited} are cited"


def _candidates(answer: Answer, papers: Papers) -> _Candidates:
    found = answer.trace.retrieved
    titles = {
        **{id: paper.title for id, paper in papers.items()},
        **{e.paper.id: e.paper.title for e in answer.evidence},
    }
    numbers = {item.paper.id: f"[{item.number}]" for item in answer.evidence}
    keys = [key for key in _SCORES if any(row.get(key) is not None for row in found)]
    ids = [str(row.get("paper_id", "")) for row in found]
    rows = [
        (one_line(titles.get(id, id)), [_figure(row.get(key)) for key in keys], numbers.get(id, ""))
        for id, row in zip(ids, found, strict=True)
    ]
    return _Candidates([_SCORES[key] for key in keys], rows)


def _evidence(answer: Answer) -> list[tuple[int, str, str]]:
    """The number of its paper, the text and the score of every sentence that the answer was made from."""
    return [
        (item.number, one_line(sentence.text), f"{item.scores[i]:.2f}" if i < len(item.scores) else "")
        for item in answer.evidence
        for i, sentence in enumerate(item.sentences)
    ]


def _weighed(answer: Answer, papers: Papers) -> list[tuple[str, str, bool]]:
    """How a model that chooses the quotes weighed the sentences: probability, text, and whether it was taken."""
    texts = {(item.paper.id, s.start): s.text for item in answer.evidence for s in item.sentences}
    return [
        (f"{float(row.get('probability', 0.0)):.2f}", _offered(row, texts, papers), bool(row.get("taken")))
        for row in answer.trace.chosen
    ]


def _offered(row: Mapping[str, Any], texts: Mapping[tuple[str, int], str], papers: Papers) -> str:
    if row.get("paper_id") is None:
        return "none of them answers"
    id, start = str(row["paper_id"]), int(row.get("start", 0))
    if (id, start) in texts:
        return one_line(texts[id, start])
    paper = papers.get(id)
    return one_line(f"{paper.abstract[start : start + _EXCERPT]}…") if paper is not None else id


def _steps(timings: Mapping[str, float]) -> list[tuple[str, str, str]]:
    """Name, time, and length of the bar in percent for each step and for the whole."""
    steps = [(name, value) for name, value in timings.items() if name != "total"]
    total = timings.get("total", sum(value for _, value in steps))
    rows = [*((_STEPS.get(name, name), value) for name, value in steps), ("Total", total)]
    longest = max(value for _, value in rows) or 1.0
    return [(name, _milliseconds(value), f"{max(value / longest, 0) * 100:.0f}") for name, value in rows]


def _milliseconds(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


def _figure(value: Any) -> str:
    return "–" if value is None else f"{float(value):.3f}" if abs(float(value)) < 10 else f"{float(value):.1f}"
