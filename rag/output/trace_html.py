"""'Why this answer': what the trace of an answer holds, laid open. Pure HTML; everything of it is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from rag.datatypes import Answer, Evidence
from rag.output.presentation import Papers
from rag.papers.bibliography import clean, one_line

_SCORES = {  # keys of a retrieved paper → the heading of their column, and what they are
    "score": ("Fused", "both lists together: what the order goes by before any reranking"),
    "dense": ("Dense", "cosine of the question with the best passage"),
    "lexical": ("Lexical", "BM25"),
    "rerank": ("Rerank", "what the reranker gives the paper"),
}
_STEPS = {
    "retrieve": "Retrieve",
    "rerank": "Rerank",
    "evidence": "Choose sentences",
    "first_word": "First word",
    "write": "Write",
    "check": "Check",
}


def why_html(answer: Answer, papers: Papers, model: str = "") -> str:
    """The whole section, folded. ``papers`` names the candidates; ``model`` is what the page calls the model."""
    parts = [
        _facts(answer, model),
        _candidates(answer, papers),
        _evidence(answer.evidence),
        _weighed(answer, papers),
        _prompt(answer),
        _timings(answer.trace.timings_ms),
    ]
    return (
        '<details class="fn-why"><summary>Why this answer</summary>'
        f'<div class="fn-why-body">{"".join(parts)}</div></details>'
    )


def _facts(answer: Answer, model: str) -> str:
    trace = answer.trace
    rows = [
        ("Searched for", trace.question_rewritten or answer.question),
        ("Papers allowed", trace.scope or "all of the library"),
        ("Answered by", model or trace.model or trace.generator),
        ("Way of writing", trace.mode),
        ("Model file, SHA-256", trace.model_sha256),
        ("Prompt file, SHA-256", trace.prompt_sha256),
        ("Seed", str(trace.seed)),
        ("Library, fingerprint", trace.library),
        ("Settings", ", ".join(f"{name} {value}" for name, value in sorted(trace.settings.items()))),
    ]
    shown = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(one_line(value))}</dd>" for name, value in rows if value.strip()
    )
    return f'<dl class="fn-facts">{shown}</dl>'


def _candidates(answer: Answer, papers: Papers) -> str:
    """The papers that the search found, with every score that the trace has of them."""
    rows = answer.trace.retrieved
    if not rows:
        return ""
    titles = {
        **{id: paper.title for id, paper in papers.items()},
        **{e.paper.id: e.paper.title for e in answer.evidence},
    }
    numbers = {item.paper.id: item.number for item in answer.evidence}
    columns = [key for key in _SCORES if any(row.get(key) is not None for row in rows)]
    head = "".join(f'<th scope="col" title="{_SCORES[key][1]}">{_SCORES[key][0]}</th>' for key in columns)
    body = []
    for rank, row in enumerate(rows, start=1):
        id = str(row.get("paper_id", ""))
        used = f"[{numbers[id]}]" if id in numbers else ""
        cells = "".join(f'<td class="fn-figure">{_figure(row.get(key))}</td>' for key in columns)
        title = escape(one_line(titles.get(id, id)))
        body.append(f'<tr><td>{rank}</td><th scope="row" dir="auto">{title}</th>{cells}<td>{used}</td></tr>')
    return _section(
        "Candidates",
        '<div class="fn-scroll" tabindex="0" role="region" aria-label="Candidates with their scores"><table>'
        f'<thead><tr><th scope="col">Rank</th><th scope="col">Paper</th>{head}<th scope="col">Used as</th></tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>",
    )


def _evidence(evidence: Iterable[Evidence]) -> str:
    rows = "".join(
        f'<li dir="auto"><span class="fn-number">{item.number}</span> {escape(one_line(sentence.text))}'
        f"{_score(item, i)}</li>"
        for item in evidence
        for i, sentence in enumerate(item.sentences)
    )
    return _section("Sentences that went in", f"<ul>{rows}</ul>") if rows else ""


def _score(item: Evidence, index: int) -> str:
    return f' <span class="fn-score">{item.scores[index]:.2f}</span>' if index < len(item.scores) else ""


def _weighed(answer: Answer, papers: Papers) -> str:
    """How a model that chooses the quotes weighed what was offered to it."""
    rows = answer.trace.chosen
    if not rows:
        return ""
    texts = {(item.paper.id, s.start): s.text for item in answer.evidence for s in item.sentences}
    shown = "".join(
        f'<li dir="auto"><span class="fn-score">{float(row.get("probability", 0.0)):.2f}</span> '
        f"{escape(_offered(row, texts, papers))}{' (taken)' if row.get('taken') else ''}</li>"
        for row in rows
    )
    return _section("What the model made of the sentences offered", f"<ul>{shown}</ul>")


def _offered(row: Mapping[str, Any], texts: Mapping[tuple[str, int], str], papers: Papers) -> str:
    if row.get("paper_id") is None:
        return "none of them answers"
    id, start = str(row["paper_id"]), int(row.get("start", 0))
    if (id, start) in texts:
        return one_line(texts[id, start])
    paper = papers.get(id)
    return one_line(f"{paper.abstract[start : start + 120]}…") if paper is not None else id


def _prompt(answer: Answer) -> str:
    messages = answer.trace.prompt
    if not messages:
        return ""
    shown = "".join(
        f'<p class="fn-label">{escape(m.role)}</p><pre dir="auto" tabindex="0">{escape(clean(m.content))}</pre>'
        for m in messages
    )
    return _section("Prompt", shown)


def _timings(timings: Mapping[str, float]) -> str:
    steps = [(name, value) for name, value in timings.items() if name != "total"]
    total = timings.get("total", sum(value for _, value in steps))
    rows = [*((_STEPS.get(name, name), value) for name, value in steps), ("Total", total)]
    longest = max((value for _, value in rows), default=0.0) or 1.0
    shown = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="fn-figure">{_milliseconds(value)}</td>'
        f'<td><span class="fn-bar" style="width:{max(value / longest, 0) * 100:.0f}%"></span></td></tr>'
        for name, value in rows
    )
    return _section("Time", f'<table class="fn-times"><tbody>{shown}</tbody></table>')


def _milliseconds(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


def _figure(value: Any) -> str:
    return "–" if value is None else f"{float(value):.3f}" if abs(float(value)) < 10 else f"{float(value):.1f}"


def _section(title: str, body: str) -> str:
    return f"<section><h3>{title}</h3>{body}</section>"
