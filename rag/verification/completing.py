"""What the quotes say and a language model's own answer leaves out, so that no model answers with less than they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.datatypes import AnswerSentence, Citation
from rag.verification.checked import Checked


def completed(written: Checked, quoted: Checked) -> Checked:
    """``written`` with those sentences of ``quoted`` behind it that stand on a sentence of an abstract that it does
    not cite; their footnotes are counted on. Both cite the same papers by the same numbers."""
    cited = {(one.paper_id, one.start) for one in written.citations}
    sentences: list[AnswerSentence] = list(written.sentences)
    citations: list[Citation] = list(written.citations)
    for at, sentence in enumerate(quoted.sentences):
        mine = _footnotes(quoted.citations, at)
        if any((one.paper_id, one.start) in cited for one in mine):
            continue
        citations += [replace(one, sentence=len(sentences)) for one in mine]
        sentences.append(sentence)
    return replace(written, sentences=tuple(sentences), citations=tuple(citations))


def _footnotes(citations: Sequence[Citation], sentence: int) -> list[Citation]:
    return [one for one in citations if one.sentence == sentence]
