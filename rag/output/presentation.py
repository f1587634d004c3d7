"""A checked answer as JSON, Markdown and plain text. Pure; the chat and the command line both use it.

Whatever comes from papers, models and users is data: it is escaped for the format that is written
and loses control characters (they drive terminals) and marks that reorder a line. Bibliographies of
the cited papers come from :mod:`rag.papers.bibliography`, HTML from :mod:`rag.output.presentation_html`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rag.datatypes import Answer, AnswerSentence, Coverage, Evidence, Paper, Trace, Verdict, Version
from rag.output.layout import Block, Grid, against_mark, blocks, grid, is_list, more_papers
from rag.papers.bibliography import markdown, markdown_reference, one_line, reference
from rag.papers.versions import versions_line

Papers = Mapping[str, Paper]  # by id: where the papers that a refusal names are looked up

VERDICT_WORDS = {
    Verdict.SUPPORTED: "supported by the abstract",
    Verdict.WEAK: "weakly supported by the abstract",
    Verdict.UNSUPPORTED: "not supported by the abstract",
    Verdict.CONTRADICTED: "contradicted by the abstract",
    Verdict.UNKNOWN: "support could not be checked",
}
VERDICT_SHORT = {
    Verdict.SUPPORTED: "supported",
    Verdict.WEAK: "weakly supported",
    Verdict.UNSUPPORTED: "not supported",
    Verdict.CONTRADICTED: "contradicted",
    Verdict.UNKNOWN: "not checked",
}
# Of a sentence that anybody wrote (rag.verification.claims), by its verdict.
CLAIM_SIGNS = {"supported": "✓", "weak": "~", "contradicted": "✗", "unsupported": "–", "nothing": "–"}


def to_json(answer: Answer, id: str | None = None) -> dict[str, Any]:
    """The object that ``footnote ask --json`` prints; its keys are an interface and do not change."""
    refusal = answer.refusal
    return {
        "id": id,
        "question": answer.question,
        "answer": answer.text,
        "refusal": None if refusal is None else {"grade": str(refusal.grade), "message": refusal.message},
        "sentences": [_sentence_json(s) for s in answer.sentences],
        "citations": _citations_json(answer),
        "evidence": [
            {
                "number": item.number,
                "paper_id": item.paper.id,
                "sentences": [s.text for s in item.sentences],
                "score": item.score,
                **({"status": item.paper.status} if item.paper.status else {}),
                **({"versions": versions_json(item.versions)} if item.versions else {}),
            }
            for item in answer.evidence
        ],
        **({"coverage": _coverage_json(answer.coverage)} if answer.coverage is not None else {}),
        **({"lead": answer.lead} if answer.lead else {}),
        **({"closing": list(answer.closing)} if answer.closing else {}),
        "trace": _trace_json(answer.trace),
    }


def versions_json(versions: Iterable[Version]) -> list[dict[str, Any]]:
    """Other papers of the same work, for JSON."""
    return [asdict(one) for one in versions]


def _sentence_json(sentence: AnswerSentence) -> dict[str, Any]:
    return {
        "text": sentence.text,
        "citations": list(sentence.citations),
        "verdict": str(sentence.verdict),
        **({"section": sentence.section} if sentence.section else {}),
        **({"against": list(sentence.against)} if sentence.against else {}),
    }


def _coverage_json(coverage: Coverage) -> dict[str, Any]:
    return {
        "considered": coverage.considered,
        "fitting": coverage.fitting,
        "cited": coverage.cited,
        "not_cited": [{"paper_id": paper_id, "title": title} for paper_id, title in coverage.not_cited],
    }


def _citations_json(answer: Answer) -> list[dict[str, Any]]:
    papers = {item.paper.id: item.paper for item in answer.evidence}
    titles = {id: paper.title for id, paper in papers.items()}
    versions = {item.paper.id: versions_json(item.versions) for item in answer.evidence}
    return [
        {
            "number": c.number,
            "paper_id": c.paper_id,
            "title": titles.get(c.paper_id, ""),
            "quote": c.quote,
            "start": c.start,
            "end": c.end,
            "verdict": str(c.verdict),
            **({"status": papers[c.paper_id].status} if c.paper_id in papers and papers[c.paper_id].status else {}),
            **({"versions": versions[c.paper_id]} if versions.get(c.paper_id) else {}),
        }
        for c in answer.citations
    ]


def _trace_json(trace: Trace) -> dict[str, Any]:
    """What is needed to ask again; ``vectors``, ``notes``, ``scope`` and ``chosen`` only where there are some,
    ``server`` and ``grammar`` only of an answer that a server wrote."""
    return {
        "reading": {"kind": "answer", "filters": {}, "follow_up": None} | dict(trace.reading),
        "generator": trace.generator,
        "model": trace.model,
        "model_sha256": trace.model_sha256,
        **{name: trace.settings[name] for name in ("server", "grammar") if name in trace.settings},
        "mode": trace.mode,
        "seed": trace.seed,
        "prompt_sha256": trace.prompt_sha256,
        "library": trace.library,
        "timings_ms": dict(trace.timings_ms),
        **({"vectors": dict(trace.vectors)} if trace.vectors else {}),
        **({"notes": list(trace.notes)} if trace.notes else {}),
        **({"scope": trace.scope} if trace.scope else {}),
        **({"chosen": [dict(c) for c in trace.chosen]} if trace.chosen else {}),
    }


def to_markdown(answer: Answer, papers: Papers | None = None) -> str:
    """The answer in Markdown, with the cited papers and the supporting sentences below it."""
    scope = scope_note(answer)
    if answer.refusal is not None:
        nearest = "".join(f"- {markdown_reference(paper)}\n" for paper in nearest_papers(answer, papers))
        message = f"{markdown(answer.refusal.message)}\n" + (f"\n*{markdown(scope)}*\n" if scope else "")
        return f"{message}\n**Nearest papers**\n\n{nearest}" if nearest else message
    body = "\n\n".join(_markdown_body(answer))
    # Numbers may have gaps, and a Markdown list would count them anew: each reference is a paragraph.
    references = []
    for item in cited(answer):
        quotes = "\n>\n".join(f"> {markdown(quote)}" for quote in _quotes(answer, item.number))
        also = markdown(versions_line(item.versions))
        line = f"[{item.number}] {markdown_reference(item.paper)} {also}".rstrip()
        references.append(f"{line}\n\n{quotes}".rstrip() + "\n")
    notes = [f"*{markdown(scope)}*\n"] if scope else []
    notes += [f"*Note: {markdown(note)}*\n" for note in answer.trace.notes]
    return "\n".join([f"{body}\n", *notes, *(["**References**\n", *references] if references else [])])


def _markdown_body(answer: Answer) -> list[str]:
    """Its blocks: the lead, the sentences as their kind lays them out, the closing lines, the papers left out."""

    def said(block: Block) -> str:
        return " ".join(_marked(s, markdown(s.text)) for _, s in block.sentences)

    lead, closing = surrounding(answer)
    summary, titles = more_papers(answer)
    if (table := grid(answer)) is not None:
        body = ["\n".join(_markdown_grid(answer, table))]
    elif is_list(answer):
        items = [f"- {f'**{markdown(b.heading)}**: ' if b.heading else ''}{said(b)}" for b in blocks(answer)]
        body = ["\n".join(items)]
    else:
        body = [
            text for b in blocks(answer) for text in ([f"### {markdown(b.heading)}"] if b.heading else []) + [said(b)]
        ]
    more = [f"{summary}:", "\n".join(f"- {markdown(title)}" for title in titles)] if titles else []
    return [*map(markdown, lead), *body, *map(markdown, closing), *more]


def _markdown_grid(answer: Answer, table: Grid) -> Iterator[str]:
    """The lines of a comparison: a column for each paper, a row for each aspect."""
    titles = {item.number: item.paper.title for item in answer.evidence}
    yield markdown_row(["", *(f"{markdown(titles.get(n, ''))} [{n}]" for n in table.columns)])
    yield markdown_row(["---"] * (1 + len(table.columns)))
    for aspect, cells in table.rows:
        yield markdown_row([markdown(aspect), *(" ".join(_marked(s, markdown(s.text)) for _, s in c) for c in cells)])


def markdown_row(cells: Iterable[str]) -> str:
    """One line of a Markdown table; a bar in a cell is escaped."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def surrounding(answer: Answer) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines above and below the sentences; none where the text itself is shown."""
    if not answer.sentences:
        return (), ()
    return (answer.lead,) if answer.lead else (), answer.closing


def to_plain(
    answer: Answer, papers: Papers | None = None, width: int = 88, references: Mapping[str, str] | None = None
) -> str:
    """The answer for a terminal, wrapped at ``width`` columns, with its references.

    ``references`` are those in a citation style, by paper id.
    """
    styled = references or {}
    if answer.refusal is not None:
        lines = [_wrap(answer.refusal.message, width)]
        nearest = nearest_papers(answer, papers)
        if nearest:
            lines += ["", "Nearest papers:", *(_wrap(reference(paper), width, "  - ", "    ") for paper in nearest)]
        return "\n".join(lines) + "\n"
    lines = list(_plain_body(answer, width))
    for item in cited(answer):
        lead = f"[{item.number}] "
        line = f"{styled.get(item.paper.id) or reference(item.paper)} {versions_line(item.versions)}".rstrip()
        lines.append(_wrap(line, width, lead, " " * len(lead)))
        lines += [_wrap(f"“{quote}”", width, " " * 6, " " * 6) for quote in _quotes(answer, item.number)]
    lines += [_wrap(scope_note(answer), width)] if answer.trace.scope else []
    lines += [_wrap(f"Note: {note}", width) for note in answer.trace.notes]
    return "\n".join(lines).rstrip("\n") + "\n"


def _plain_body(answer: Answer, width: int) -> Iterator[str]:
    """The lead, the sentences as their kind lays them out, the closing lines and the papers left out, wrapped."""
    lead, closing = surrounding(answer)
    titles = {item.number: item.paper.title for item in answer.evidence}
    table = grid(answer)
    yield from (_wrap(line, width) + "\n" for line in lead)
    for block in blocks(answer):
        said = " ".join(_marked(s, s.text) for _, s in block.sentences)
        if table is not None:
            yield _wrap(block.heading, width)
            for _, s in block.sentences:
                of = titles.get(s.citations[0], "") if s.citations else ""
                yield _wrap(f"{of}: {_marked(s, s.text)}", width, "  - ", "    ")
            yield ""
        elif is_list(answer):
            yield _wrap(f"{block.heading}: {said}" if block.heading else said, width, "- ", "  ")
        else:
            yield from ([_wrap(block.heading, width)] if block.heading else [])
            yield _wrap(said, width) + "\n"
    yield from [""] if is_list(answer) else []
    yield from (_wrap(line, width) for line in closing)
    summary, left_out = more_papers(answer)
    yield from [f"{summary}:", *(_wrap(one, width, "  - ", "    ") for one in left_out)] if left_out else []
    yield from [""] if closing or left_out else []


def scope_note(answer: Answer) -> str:
    """Which papers the answer could use, as a sentence; empty where all."""
    return f"Searched: {answer.trace.scope}." if answer.trace.scope else ""


def cited(answer: Answer) -> list[Evidence]:
    """The evidence that some sentence of the answer cites, or that contradicts one, by number."""
    numbers = {number for sentence in answer.sentences for number in (*sentence.citations, *sentence.against)}
    return sorted((item for item in answer.evidence if item.number in numbers), key=lambda item: item.number)


def nearest_papers(answer: Answer, papers: Papers | None = None) -> list[Paper]:
    """The papers that a refusal names, best first, as far as the evidence or ``papers`` holds them."""
    if answer.refusal is None:
        return []
    known = {**(papers or {}), **{item.paper.id: item.paper for item in answer.evidence}}
    return [known[id] for id in answer.refusal.nearest if id in known]


def _marked(sentence: AnswerSentence, text: str) -> str:
    flag = " (not supported)" if sentence.verdict is Verdict.UNSUPPORTED else ""
    numbers = "".join(f"[{number}]" for number in sentence.citations)
    return f"{text}{flag} {numbers}".rstrip() + against_mark(sentence.against)


def _quotes(answer: Answer, number: int) -> list[str]:
    return list(dict.fromkeys(one_line(c.quote) for c in answer.citations if c.number == number and c.quote))


def _wrap(text: str, width: int, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        one_line(text), width, initial_indent=first, subsequent_indent=rest, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
