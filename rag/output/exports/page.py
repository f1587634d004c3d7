"""A conversation as one page of HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rag.datatypes import Answer, AnswerSentence, Verdict
from rag.history.models import Conversation, KeptTurn
from rag.output.exports.parts import (
    Files,
    Source,
    about,
    file_stem,
    flagged,
    ids_by_number,
    outcome,
    sources,
    styled_references,
)
from rag.output.layout import Place, blocks, grid, is_list, more_papers
from rag.output.presentation import VERDICT_WORDS, Papers, nearest_papers, surrounding
from rag.output.presentation_html import marked_abstract
from rag.papers.bibliography import one_line, reference, web_address
from rag.papers.versions import versions_line

_STYLE = """
:root { color-scheme: light dark; --soft: #5f5a52; --line: #d8d3c9; --mark: #fff0b3; --link: #1f4e8c; }
@media (prefers-color-scheme: dark) { :root { --soft: #a9a295; --line: #45413a; --mark: #5a4a10; --link: #8fb8ee; } }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.6 Charter, Georgia, serif; }
h1, h2, h3 { line-height: 1.25; overflow-wrap: anywhere; } h2 { margin-top: 2.2rem; font-size: 1.2rem; }
p, li, blockquote { overflow-wrap: anywhere; } a { color: var(--link); }
.about, .meta { color: var(--soft); font-size: 0.88rem; } sup a { text-decoration: none; padding: 0 0.1em; }
.weak { text-decoration: underline dotted; } .source { border-top: 1px solid var(--line); padding: 0.6rem 0; }
.source:target { outline: 2px solid var(--link); outline-offset: 0.4rem; }
blockquote { margin: 0.5rem 0; padding-left: 0.9rem; border-left: 3px solid var(--line); }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--line); padding: 0.4rem; text-align: start; vertical-align: top; }
mark { background: var(--mark); color: inherit; } .unsupported { color: var(--soft); }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def to_html(conversation: Conversation, papers: Papers, style: bytes | None = None) -> Files:
    """One page that needs nothing else: no script, nothing loaded, footnotes as links to the sources below."""
    found = sources(conversation)
    title = escape(one_line(conversation.info.title))
    turns = "".join(
        f'<section dir="auto"><h2>{escape(one_line(turn.question)) or "Question"}</h2>'
        f"{_turn_html(turn, papers, {source.paper.id: source.number for source in found})}</section>\n"
        for turn in conversation.turns
    )
    references = styled_references(found, style, "html")
    listed = "".join(_source_html(source, references[source.paper.id]) for source in found)
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<h1 dir="auto">{title}</h1>\n<p class="about">{escape(about(conversation, len(found)))}</p>\n{turns}'
        f"{f'<h2>References</h2>{listed}' if listed else ''}</main>\n</body>\n</html>\n"
    )
    return {f"{file_stem(conversation.info.title)}.html": page}


def _turn_html(turn: KeptTurn, papers: Papers, numbers: dict[str, int]) -> str:
    answer = turn.answer
    if answer is None:
        return f'<p class="meta">{escape(outcome(turn))}</p>'
    scope = f'<p class="meta">Only papers: {escape(one_line(answer.trace.scope))}</p>' if answer.trace.scope else ""
    if answer.refusal is not None:
        rows = "".join(f"<li>{escape(reference(paper))}</li>" for paper in nearest_papers(answer, papers))
        nearest = f"<p>Nearest papers:</p><ul>{rows}</ul>" if rows else ""
        return f"{scope}<p><strong>Not answered.</strong> {escape(one_line(answer.refusal.message))}</p>{nearest}"
    lead, closing = surrounding(answer)
    summary, titles = more_papers(answer)
    left_out = "".join(f"<li>{escape(title)}</li>" for title in titles)
    more = f"<details><summary>{summary}</summary><ul>{left_out}</ul></details>" if titles else ""
    above, below = ("".join(f"<p>{escape(one_line(line))}</p>" for line in lines) for lines in (lead, closing))
    notes = "".join(f'<p class="meta">{escape(one_line(note))}</p>' for note in answer.trace.notes)
    return scope + above + _body_html(answer, numbers) + below + more + notes


def _body_html(answer: Answer, numbers: dict[str, int]) -> str:
    """The sentences as their kind lays them out; ``numbers`` are those of the papers in this file, by id."""
    mine = {number: numbers[id] for number, id in ids_by_number(answer).items()}

    def said(places: Sequence[Place]) -> str:
        return " ".join(_sentence_html(sentence, mine) for _, sentence in places)

    if (table := grid(answer)) is not None:
        titles = {item.number: escape(one_line(item.paper.title)) for item in answer.evidence}
        head = "".join(f'<th scope="col">{titles.get(n, "")}</th>' for n in table.columns)
        rows = "".join(
            f'<tr><th scope="row">{escape(one_line(aspect))}</th>{"".join(f"<td>{said(c)}</td>" for c in cells)}</tr>'
            for aspect, cells in table.rows
        )
        return f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>"
    found = [(escape(one_line(block.heading)), said(block.sentences)) for block in blocks(answer)]
    if is_list(answer):
        items = "".join(f"<li>{f'<strong>{name}</strong> ' if name else ''}{text}</li>" for name, text in found)
        return f"<ul>{items}</ul>"
    return "".join(f"{f'<h3>{name}</h3>' if name else ''}<p>{text}</p>" for name, text in found)


def _sentence_html(sentence: AnswerSentence, numbers: dict[int, int]) -> str:
    def links(cited: Sequence[int]) -> str:
        return " ".join(
            f'<a href="#source-{numbers[n]}" aria-label="Footnote {numbers[n]}">[{numbers[n]}]</a>'
            for n in cited
            if n in numbers
        )

    words = VERDICT_WORDS[sentence.verdict]
    doubt = "" if sentence.verdict is Verdict.SUPPORTED else f' title="This sentence is {words}."'
    text = f'<span class="{sentence.verdict}"{doubt}>{escape(flagged(sentence))}</span>'
    behind, against = links(sentence.citations), links(sentence.against)
    return "".join([text, behind and f"<sup>{behind}</sup>", against and f" (contradicted by<sup>{against}</sup>)"])


def _source_html(source: Source, reference: str) -> str:
    """``reference`` is HTML. Many styles leave addresses out; where that is so, the paper's stands below it."""
    paper = source.paper
    address = escape(web_address(paper))
    link = (
        f'<p class="meta"><a href="{address}" rel="noopener noreferrer nofollow">{address}</a></p>'
        if address and "<a " not in reference
        else ""
    )
    # Only spans that hold what was cited: an earlier answer may have seen another version of the abstract.
    held = [(c.start, c.end) for _, c in source.citations if paper.abstract[c.start : c.end] == c.quote]
    quotes = "".join(f"<blockquote>{escape(quote)}</blockquote>" for quote in source.quotes)
    abstract = (
        f"<details><summary>Abstract</summary><p>{marked_abstract(paper.abstract, held)}</p></details>"
        if paper.abstract.strip()
        else ""
    )
    line = f"{reference} {escape(versions_line(source.versions))}".rstrip()
    return (
        f'<article class="source" id="source-{source.number}" dir="auto"><p>[{source.number}] {line}</p>'
        f"{link}{quotes}{abstract}</article>\n"
    )
