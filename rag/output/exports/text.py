"""Conversations as Markdown, for readers and for Pandoc."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from rag.datatypes import Answer, AnswerSentence
from rag.history.models import Conversation
from rag.output.exports.parts import (
    Files,
    about,
    file_stem,
    flagged,
    ids_by_number,
    outcome,
    some_sources,
    sources,
    styled_references,
)
from rag.output.layout import Place, blocks, grid, is_list, more_papers
from rag.output.presentation import Papers, markdown_row, nearest_papers, surrounding
from rag.papers.bibliography import citation_keys, markdown, reference, to_bibtex
from rag.papers.citation_keys import pandoc_citation
from rag.papers.versions import versions_line

_END = re.compile(r"(?<![.!?。！？।؟])[.!?。！？।؟]++[\"'”’)\]]*+$")


def to_markdown(conversation: Conversation, papers: Papers, style: bytes | None = None) -> Files:
    """Markdown with numbered references, the supporting sentences below each."""
    found = sources(conversation)
    references = styled_references(found, style, "markdown")
    numbers = {source.paper.id: source.number for source in found}

    def marks(sentence: str, ids: Sequence[str]) -> str:
        return f"{markdown(sentence)} {''.join(f'[{numbers[id]}]' for id in ids)}".rstrip()

    lines = [f"# {markdown(conversation.info.title)}", f"*{markdown(about(conversation, len(found)))}*"]
    lines += _markdown_turns(conversation, papers, marks)
    if found:
        lines.append("## References")
    for source in found:
        # Numbers are written out: a Markdown list would count them anew where a part of it is copied.
        also = markdown(versions_line(source.versions))
        lines.append(f"[{source.number}] {references[source.paper.id]} {also}".rstrip())
        lines += [f"> {markdown(quote)}" for quote in source.quotes]
    return {f"{file_stem(conversation.info.title)}.md": "\n\n".join(lines) + "\n"}


def to_pandoc(conversation: Conversation, papers: Papers, style: bytes | None = None) -> Files:
    """Markdown for Pandoc, ``[@key]`` behind every sentence, and the cited papers as BibTeX beside it; with a
    ``style``, its file as well, which Pandoc then makes the list of references by."""
    stem = file_stem(conversation.info.title)
    found = some_sources(conversation, "Pandoc's citations")
    listed = [source.paper for source in found]
    keys = {paper.id: key for paper, key in zip(listed, citation_keys(listed), strict=True)}

    def marks(sentence: str, ids: Sequence[str]) -> str:
        if not ids:
            return _pandoc(sentence)
        end = _END.search(sentence.rstrip())
        body, stop = (sentence.rstrip(), "") if end is None else (sentence[: end.start()], end.group())
        return f"{_pandoc(body)} [{'; '.join(pandoc_citation(keys[id]) for id in ids)}]{_pandoc(stop)}"

    # JSON's strings are YAML's; Pandoc reads Markdown in them.
    head = {"title": _pandoc(conversation.info.title), "bibliography": f"{stem}.bib", "link-citations": True}
    if style is not None:
        head["csl"] = f"{stem}.csl"
    front = "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in head.items())
    lines = [f"---\n{front}---", f"*{_pandoc(about(conversation, len(found)))}*"]
    lines += _markdown_turns(conversation, papers, marks, _pandoc)
    lines.append("## Supporting sentences")
    for source in found:
        lines.append(f"{pandoc_citation(keys[source.paper.id])}:")
        lines += [f"> {_pandoc(quote)}" for quote in source.quotes]
    lines.append("## References")
    files = {f"{stem}.md": "\n\n".join(lines) + "\n", f"{stem}.bib": to_bibtex(listed)}
    return files if style is None else {**files, f"{stem}.csl": style.decode("utf-8-sig", "replace")}


def _markdown_turns(
    conversation: Conversation,
    papers: Papers,
    marks: Callable[[str, Sequence[str]], str],
    plain: Callable[[str], str] = markdown,
) -> Iterator[str]:
    """The blocks of all turns; ``marks`` writes a sentence with the ids of the papers that it cites."""
    for turn in conversation.turns:
        yield f"## {plain(turn.question) or 'Question'}"
        answer = turn.answer
        if answer is None:
            yield plain(outcome(turn))
            continue
        if answer.trace.scope:
            yield f"*Only papers: {plain(answer.trace.scope)}*"
        if answer.refusal is not None:
            yield f"**Not answered.** {plain(answer.refusal.message)}"
            nearest = nearest_papers(answer, papers)
            if nearest:
                yield "Nearest papers:"
                yield "\n".join(f"- {plain(reference(paper))}" for paper in nearest)
            continue
        yield from _answer_blocks(answer, marks, plain)
        yield from (f"*Note: {plain(note)}*" for note in answer.trace.notes)


def _answer_blocks(
    answer: Answer, marks: Callable[[str, Sequence[str]], str], plain: Callable[[str], str]
) -> Iterator[str]:
    """The lead, the sentences as their kind lays them out, the closing lines, and the papers left out."""
    ids = ids_by_number(answer)

    def said(places: Sequence[Place]) -> str:
        return " ".join(_marked(s, ids, marks) for _, s in places)

    lead, closing = surrounding(answer)
    yield from map(plain, lead)
    if (table := grid(answer)) is not None:
        titles = {item.number: plain(item.paper.title) for item in answer.evidence}
        rows = [["", *(titles.get(n, "") for n in table.columns)], ["---"] * (1 + len(table.columns))]
        rows += [[plain(aspect), *map(said, cells)] for aspect, cells in table.rows]
        yield "\n".join(map(markdown_row, rows))
    elif is_list(answer):
        yield "\n".join(
            f"- {f'**{plain(b.heading)}**: ' if b.heading else ''}{said(b.sentences)}" for b in blocks(answer)
        )
    else:
        for block in blocks(answer):
            yield from [f"### {plain(block.heading)}"] if block.heading else []
            yield said(block.sentences)
    yield from map(plain, closing)
    summary, left_out = more_papers(answer)
    yield from [f"{summary}:", "\n".join(f"- {plain(title)}" for title in left_out)] if left_out else []


def _marked(sentence: AnswerSentence, ids: Mapping[int, str], marks: Callable[[str, Sequence[str]], str]) -> str:
    """A sentence with the ids of the papers that it cites; those that contradict it stand in a remark of their own."""
    said = marks(flagged(sentence), [ids[n] for n in sentence.citations if n in ids])
    against = [ids[n] for n in sentence.against if n in ids]
    return f"{said} {marks('(contradicted by)', against)}" if against else said


def _pandoc(text: str) -> str:
    """:func:`rag.papers.bibliography.markdown`, and what means something to Pandoc alone: citations, superscripts."""
    return re.sub(r"([@^])", r"\\\1", markdown(text))
