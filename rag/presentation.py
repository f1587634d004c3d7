"""A checked answer as JSON, Markdown, plain text and HTML. Pure; the chat and the command line both use it.

Whatever comes from papers, models and users is data: it is escaped for the format that is written
and loses control characters (they drive terminals) and marks that reorder a line. Bibliographies of
the cited papers come from :mod:`rag.bibliography`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from rag.bibliography import addresses, byline, clean, markdown, markdown_reference, one_line, reference
from rag.datatypes import Answer, AnswerSentence, Citation, Evidence, Paper, Verdict

Papers = Mapping[str, Paper]  # by id: where the papers that a refusal names are looked up

VERDICT_WORDS = {
    Verdict.SUPPORTED: "supported by the abstract",
    Verdict.WEAK: "weakly supported by the abstract",
    Verdict.UNSUPPORTED: "not supported by the abstract",
    Verdict.UNKNOWN: "support could not be checked",
}
VERDICT_SHORT = {
    Verdict.SUPPORTED: "supported",
    Verdict.WEAK: "weakly supported",
    Verdict.UNSUPPORTED: "not supported",
    Verdict.UNKNOWN: "not checked",
}


def to_json(answer: Answer, id: str | None = None) -> dict[str, Any]:
    """The object that ``footnote ask --json`` prints; its keys are an interface and do not change."""
    titles = {item.paper.id: item.paper.title for item in answer.evidence}
    refusal = answer.refusal
    trace = answer.trace
    return {
        "id": id,
        "question": answer.question,
        "answer": answer.text,
        "refusal": None if refusal is None else {"grade": str(refusal.grade), "message": refusal.message},
        "sentences": [
            {"text": s.text, "citations": list(s.citations), "verdict": str(s.verdict)} for s in answer.sentences
        ],
        "citations": [
            {
                "number": c.number,
                "paper_id": c.paper_id,
                "title": titles.get(c.paper_id, ""),
                "quote": c.quote,
                "start": c.start,
                "end": c.end,
                "verdict": str(c.verdict),
            }
            for c in answer.citations
        ],
        "evidence": [
            {
                "number": item.number,
                "paper_id": item.paper.id,
                "sentences": [s.text for s in item.sentences],
                "score": item.score,
            }
            for item in answer.evidence
        ],
        "trace": {
            "generator": trace.generator,
            "model": trace.model,
            "model_sha256": trace.model_sha256,
            "mode": trace.mode,
            "seed": trace.seed,
            "prompt_sha256": trace.prompt_sha256,
            "library": trace.library,
            "timings_ms": dict(trace.timings_ms),
            **({"notes": list(trace.notes)} if trace.notes else {}),
            **({"scope": trace.scope} if trace.scope else {}),
            **({"chosen": [dict(c) for c in trace.chosen]} if trace.chosen else {}),
        },
    }


def to_markdown(answer: Answer, papers: Papers | None = None) -> str:
    """The answer in Markdown, with the cited papers and the supporting sentences below it."""
    scope = scope_note(answer)
    if answer.refusal is not None:
        nearest = "".join(f"- {markdown_reference(paper)}\n" for paper in nearest_papers(answer, papers))
        message = f"{markdown(answer.refusal.message)}\n" + (f"\n*{markdown(scope)}*\n" if scope else "")
        return f"{message}\n**Nearest papers**\n\n{nearest}" if nearest else message
    body = "\n\n".join(" ".join(_marked(s, markdown(s.text)) for _, s in block) for block in paragraphs(answer))
    # Numbers may have gaps, and a Markdown list would count them anew: each reference is a paragraph.
    references = []
    for item in cited(answer):
        quotes = "\n>\n".join(f"> {markdown(quote)}" for quote in _quotes(answer, item.number))
        references.append(f"[{item.number}] {markdown_reference(item.paper)}\n\n{quotes}".rstrip() + "\n")
    notes = [f"*{markdown(scope)}*\n"] if scope else []
    notes += [f"*Note: {markdown(note)}*\n" for note in answer.trace.notes]
    return "\n".join([f"{body}\n", *notes, *(["**References**\n", *references] if references else [])])


def to_plain(answer: Answer, papers: Papers | None = None, width: int = 88) -> str:
    """The answer for a terminal, wrapped at ``width`` columns, with its references."""
    if answer.refusal is not None:
        lines = [_wrap(answer.refusal.message, width)]
        nearest = nearest_papers(answer, papers)
        if nearest:
            lines += ["", "Nearest papers:", *(_wrap(reference(paper), width, "  - ", "    ") for paper in nearest)]
        return "\n".join(lines) + "\n"
    lines = [_wrap(" ".join(_marked(s, s.text) for _, s in block), width) + "\n" for block in paragraphs(answer)]
    for item in cited(answer):
        lead = f"[{item.number}] "
        lines.append(_wrap(reference(item.paper), width, lead, " " * len(lead)))
        lines += [_wrap(f"“{quote}”", width, " " * 6, " " * 6) for quote in _quotes(answer, item.number)]
    lines += [_wrap(scope_note(answer), width)] if answer.trace.scope else []
    lines += [_wrap(f"Note: {note}", width) for note in answer.trace.notes]
    return "\n".join(lines).rstrip("\n") + "\n"


def scope_note(answer: Answer) -> str:
    """Which papers the answer could use, as a sentence; empty where all."""
    return f"Searched: {answer.trace.scope}." if answer.trace.scope else ""


def cited(answer: Answer) -> list[Evidence]:
    """The evidence that some sentence of the answer cites, by number."""
    numbers = {number for sentence in answer.sentences for number in sentence.citations}
    return sorted((item for item in answer.evidence if item.number in numbers), key=lambda item: item.number)


def nearest_papers(answer: Answer, papers: Papers | None = None) -> list[Paper]:
    """The papers that a refusal names, best first, as far as the evidence or ``papers`` holds them."""
    if answer.refusal is None:
        return []
    known = {**(papers or {}), **{item.paper.id: item.paper for item in answer.evidence}}
    return [known[id] for id in answer.refusal.nearest if id in known]


def paragraphs(answer: Answer) -> Iterator[list[tuple[int, AnswerSentence]]]:
    """The sentences with their indices, grouped as the line breaks of ``answer.text`` group them.

    A text that is not divided into sentences (a computed list) counts one sentence a line.
    """
    if not answer.sentences:
        lines = filter(None, map(one_line, answer.text.splitlines()))
        yield from ([(i, AnswerSentence(line, (), Verdict.SUPPORTED))] for i, line in enumerate(lines))
        return
    block: list[tuple[int, AnswerSentence]] = []
    position = 0
    for index, sentence in enumerate(answer.sentences):
        found = answer.text.find(sentence.text, position)
        if found >= 0:
            if block and "\n" in answer.text[position:found]:
                yield block
                block = []
            position = found + len(sentence.text)
        block.append((index, sentence))
    if block:
        yield block


def answer_html(answer: Answer, turn: int = 0, papers: Papers | None = None) -> str:
    """The answer as HTML. Footnote numbers are buttons that carry ``turn``, sentence index and number as data."""
    if answer.refusal is not None:
        return _refusal_html(answer, turn, papers)
    titles = {item.number: one_line(item.paper.title) for item in answer.evidence}
    footnotes = {(c.sentence, c.number): c for c in answer.citations}
    blocks = []
    for block in paragraphs(answer):
        sentences = []
        for index, sentence in block:
            chips = "".join(
                _chip(turn, index, number, titles.get(number, ""), footnotes.get((index, number)), sentence.verdict)
                for number in sentence.citations
            )
            text = escape(one_line(sentence.text))
            words = VERDICT_WORDS[sentence.verdict]
            doubt = "" if sentence.verdict is Verdict.SUPPORTED else f' title="This sentence is {words}."'
            if sentence.verdict is Verdict.UNSUPPORTED:
                text = f'{text} <em class="fn-flag">not supported</em>'
            sentences.append(f'<span class="fn-sentence fn-{sentence.verdict}"{doubt}>{text}{chips}</span>')
        blocks.append(f'<p dir="auto">{" ".join(sentences)}</p>')
    notes = "".join(f'<p class="fn-note">{escape(one_line(note))}</p>' for note in answer.trace.notes)
    return f'<div class="fn-answer">{"".join(blocks)}{notes}{verdicts_html(answer)}</div>'


def evidence_html(
    answer: Answer, number: int | None = None, sentence: int | None = None, papers: Papers | None = None
) -> str:
    """The evidence panel: one card a paper, cited ones first.

    ``number`` opens that paper's abstract. The sentence of it that supports the answer sentence with index
    ``sentence`` is in ``<mark class="fn-support">``; without an index, all that support the answer are.
    """
    if answer.refusal is not None:
        return _nearest_html(nearest_papers(answer, papers), number)
    in_answer = cited(answer)
    others = [item for item in answer.evidence if item not in in_answer]
    parts = [_card(item, _supports(answer, item.number, number, sentence), item.number == number) for item in in_answer]
    if others:
        parts.append('<h3 class="fn-more">Also read, not cited</h3>')
        parts += [_card(item, [], item.number == number) for item in others]
    return "".join(parts) or '<p class="fn-empty">This answer was computed over all records of the library.</p>'


def _supports(answer: Answer, number: int, chosen: int | None, sentence: int | None) -> list[Citation]:
    return [
        c
        for c in answer.citations
        if c.number == number and (sentence is None or number != chosen or c.sentence == sentence)
    ]


def verdicts_html(answer: Answer) -> str:
    """How many sentences the check found supported, and on demand those that it dropped."""
    counts = [(verdict, sum(s.verdict is verdict for s in answer.sentences)) for verdict in Verdict]
    checked = "".join(
        f'<li class="fn-tally fn-tally-{verdict}">{count} {VERDICT_SHORT[verdict]}</li>'
        for verdict, count in counts
        if count
    )
    dropped = [one_line(text) for text in answer.trace.dropped if text.strip()]
    if not answer.citations and not dropped:
        return ""
    tally = f'<ul class="fn-tallies" aria-label="What the check found">{checked}</ul>' if checked else ""
    if not dropped:
        return f'<div class="fn-checked">{tally}</div>'
    many = f"{len(dropped)} sentence{'s' if len(dropped) > 1 else ''} dropped"
    rows = "".join(f"<li>{escape(text)}</li>" for text in dropped)
    return (
        f'<div class="fn-checked">{tally}<details class="fn-dropped"><summary>{many}</summary>'
        f'<p class="fn-note">The model wrote this, and no abstract that it cites supports it.</p>'
        f"<ul>{rows}</ul></details></div>"
    )


def _chip(turn: int, sentence: int, number: int, title: str, citation: Citation | None, verdict: Verdict) -> str:
    verdict = verdict if citation is None else citation.verdict
    quote = "" if citation is None else escape(one_line(citation.quote))
    label = escape(f"Footnote {number}: {title} ({VERDICT_WORDS[verdict]}). Show the sentence.")
    return (
        f'<sup><button type="button" class="fn-cite fn-cite-{verdict}" data-turn="{turn}" data-sentence="{sentence}" '
        f'data-number="{number}" data-quote="{quote}" data-title="{escape(title)}" aria-label="{label}">{number}'
        "</button></sup>"
    )


def _refusal_html(answer: Answer, turn: int, papers: Papers | None) -> str:
    assert answer.refusal is not None
    rows = "".join(
        f'<li><button type="button" class="fn-nearest" data-turn="{turn}" data-number="{position}">'
        f"{escape(one_line(paper.title))}</button></li>"
        for position, paper in enumerate(nearest_papers(answer, papers), start=1)
    )
    nearest = f'<p class="fn-label">Nearest papers</p><ul>{rows}</ul>' if rows else ""
    grade, message = escape(answer.refusal.grade), escape(one_line(answer.refusal.message))
    return (
        f'<div class="fn-answer fn-refusal" data-grade="{grade}">'
        f"<p><strong>Not answered.</strong> {message}</p>{nearest}</div>"
    )


def _nearest_html(papers: Sequence[Paper], chosen: int | None) -> str:
    cards = [
        _card(Evidence(position, paper, (), 0.0), [], position == chosen)
        for position, paper in enumerate(papers, start=1)
    ]
    return "".join(cards) or '<p class="fn-empty">Nothing in this library comes near the question.</p>'


def _card(item: Evidence, supports: Sequence[Citation], opened: bool) -> str:
    paper = item.paper
    details = [paper_facts_html(paper)]
    quotes = list(dict.fromkeys(one_line(c.quote) for c in supports if c.quote))
    if not opened:
        details += [f'<blockquote class="fn-quote" dir="auto">{escape(quote)}</blockquote>' for quote in quotes]
    if paper.abstract.strip():
        marked = marked_abstract(paper.abstract, [(c.start, c.end) for c in supports])
        state = " open" if opened else ""
        details.append(
            f'<details{state}><summary>Abstract</summary><p class="fn-abstract" dir="auto">{marked}</p></details>'
        )
    else:
        details.append(NO_ABSTRACT)
    chosen = " fn-chosen" if opened else ""
    return (
        f'<article class="fn-card{chosen}" data-number="{item.number}" tabindex="-1">'
        f'<h3 dir="auto"><span class="fn-number" aria-hidden="true">{item.number}</span>{escape(one_line(paper.title))}'
        f"</h3>{''.join(details)}</article>"
    )


NO_ABSTRACT = '<p class="fn-meta">The library holds no abstract of this paper.</p>'


def paper_facts_html(paper: Paper) -> str:
    """Authors, year, venue, and where the paper is on the web: shown, never fetched."""
    meta = " · ".join(filter(None, [byline(paper), str(paper.year or ""), one_line(paper.venue)]))
    links = "".join(
        f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer nofollow">{escape(label)}</a> '
        for label, address in addresses(paper)
    )
    facts = f'<p class="fn-meta" dir="auto">{escape(meta)}</p>' if meta else ""
    return facts + (f'<p class="fn-meta fn-links">{links.rstrip()}</p>' if links else "")


def marked_abstract(abstract: str, marks: Sequence[tuple[int, int]]) -> str:
    """The abstract as HTML with the spans (start, end) in ``<mark>``; those that overlap become one.

    Spans outside the abstract are left out.
    """
    spans: list[tuple[int, int]] = []
    for start, end in sorted((start, end) for start, end in marks if 0 <= start < end <= len(abstract)):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    pieces, position = [], 0
    for start, end in spans:
        pieces.append(escape(clean(abstract[position:start])))
        pieces.append(f'<mark class="fn-support">{escape(clean(abstract[start:end]))}</mark>')
        position = end
    return "".join([*pieces, escape(clean(abstract[position:]))])


def _marked(sentence: AnswerSentence, text: str) -> str:
    flag = " (not supported)" if sentence.verdict is Verdict.UNSUPPORTED else ""
    numbers = "".join(f"[{number}]" for number in sentence.citations)
    return f"{text}{flag} {numbers}".rstrip()


def _quotes(answer: Answer, number: int) -> list[str]:
    return list(dict.fromkeys(one_line(c.quote) for c in answer.citations if c.number == number and c.quote))


def _wrap(text: str, width: int, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        one_line(text), width, initial_indent=first, subsequent_indent=rest, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
