"""Other papers that bear a sentence of an answer out, or contradict it.

Candidates are cheap to find: another paper with a sentence near in meaning that has the same figures. Whether it bears
the sentence out, the check itself says (:func:`rag.verification.citations.judge`), a number of times that is limited.
Strict, because a wrong number in a footnote is worse than one that is missing: a sentence about its own paper ('The
authors propose …') is left alone, and a contradiction counts where also the words say that it goes another way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.datatypes import AnswerSentence, Citation, Evidence, Paper, Sentence, Verdict
from rag.text.directions import oppose
from rag.text.facts import missing_figures, missing_names
from rag.text.sentence_roles import RELEASE
from rag.text.tokenization import stems
from rag.verification.checked import Checked
from rag.verification.citations import Sources, judge

if TYPE_CHECKING:
    from rag.datatypes import Vector

PASSES, PASSES_OF_A_REVIEW = 4, 12  # sentences that the network reads for one answer, 60 to 90 ms each
NEAR, NEAR_AGAINST = 0.6, 0.65  # cosine of a sentence with one of another paper that makes it worth reading
_SHARED = 0.4  # share of the sentence's words that the other one has
_SURE = 0.8  # probability of a contradiction from which on it is shown
_MOST = 4  # papers that join one footnote

# A sentence that says what its own paper did or has; no other paper can bear that out.
_OF_ITS_OWN = re.compile(
    r"\b(?:the authors?|authors['’]|they (?:propose|present|introduce|develop|show|find|found|report|describe|study)|"
    r"(?:this|the present|the current|our) (?:paper|article|study|work|review|survey|report|trial|analysis|thesis)|"
    r"(?:the|a|an)? ?(?:proposed|novel|new)|we|our|is (?:proposed|presented|introduced)|named|called|dubbed|"
    rf"state-of-the-art)\b|{RELEASE}",
    re.IGNORECASE,
)


def of_its_own_paper(text: str) -> bool:
    """Whether a sentence tells of its own paper rather than of the world."""
    return _OF_ITS_OWN.search(text) is not None


def corroborated(
    checked: Checked,
    evidence: Sequence[Evidence],
    fitting: Sequence[Paper],
    sources: Sources,
    passes: int = PASSES,
) -> tuple[Checked, tuple[Evidence, ...]]:
    """The answer with the numbers of other papers where these bear its sentences out or contradict them.

    ``fitting`` are further papers that are about what is asked; those that join a footnote become evidence. At most
    ``passes`` pairs of a sentence and a paper are read by the network.
    """
    numbers = {item.paper.id: item.number for item in evidence}
    papers = {paper.id: paper for paper in (*(item.paper for item in evidence), *fitting)}
    found = list(evidence)
    citations: list[Citation] = []
    said: dict[int, AnswerSentence] = {}
    for candidate in _candidates(checked, papers, sources)[:passes]:
        at, paper_id = candidate.sentence, candidate.paper.id
        sentence = said.get(at, checked.sentences[at])
        if len(sentence.citations) + len(sentence.against) > _MOST:
            continue
        number = numbers.get(paper_id, max(numbers.values(), default=0) + 1)
        citation = _read(sentence.text, candidate, number, sources)
        if citation is None:
            continue
        if paper_id not in numbers:
            numbers[paper_id] = number
            quote = Sentence(citation.quote, citation.start, citation.end)
            found.append(Evidence(number, papers[paper_id], (quote,), citation.score))
        citations.append(citation)
        if citation.verdict is Verdict.CONTRADICTED:
            said[at] = replace(sentence, against=(*sentence.against, number))
        else:
            said[at] = replace(sentence, citations=(*sentence.citations, number))
    told = checked.told_by(lambda sentence, at: said.get(at, sentence))
    order = sorted((*told.citations, *citations), key=lambda c: c.sentence)  # stable: its own citation stays first
    return replace(told, citations=tuple(order)), tuple(found)


def without_repeats(checked: Checked) -> Checked:
    """Of sentences whose paper has joined the footnote of an earlier one, those that add something to it."""
    own = {c.sentence: c for c in reversed(checked.citations)}  # the first citation of each sentence
    by_place = {(c.paper_id, c.start): at for at, c in own.items()}
    gone: set[int] = set()
    for citation in checked.citations:
        other = by_place.get((citation.paper_id, citation.start))
        if citation.verdict is Verdict.SUPPORTED and other is not None and other > citation.sentence:
            text, repeat = checked.sentences[citation.sentence].text, checked.sentences[other].text
            if _adds_nothing(repeat, text):
                gone.add(other)
    return checked.without(gone)


def _adds_nothing(text: str, to: str) -> bool:
    """Whether a sentence has no figure, no name and few words that another lacks."""
    words = set(stems(text))
    return (
        not missing_figures(text, to)
        and not missing_names(text, to)
        and len(words & set(stems(to))) >= _SHARED * max(1, len(words))
    )


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A paper that is worth reading for the sentence with index ``sentence``: its nearest sentence, with its cosine,
    and whether that goes another way."""

    sentence: int
    paper: Paper
    nearest: Sentence
    cosine: float
    against: bool


def _candidates(checked: Checked, papers: Mapping[str, Paper], sources: Sources) -> list[_Candidate]:
    """What is worth reading, nearest first."""
    if sources.vectors is None or sources.encode is None:
        return []
    cited = {(c.sentence, c.paper_id) for c in checked.citations}
    found = []
    for at, sentence in enumerate(checked.sentences):
        if sentence.verdict is not Verdict.SUPPORTED or of_its_own_paper(sentence.text):
            continue
        vector = sources.encode(sentence.text)
        for paper_id in sorted(papers):
            near = _nearest(vector, paper_id, sources) if (at, paper_id) not in cited else None
            if near is not None and (against := _worth(sentence.text, *near)) is not None:
                found.append(_Candidate(at, papers[paper_id], *near, against))
    return sorted(found, key=lambda one: (-one.cosine, one.sentence, one.paper.id))


def _nearest(vector: Vector, paper_id: str, sources: Sources) -> tuple[Sentence, float] | None:
    """The sentence of a paper that is nearest to a vector, and its cosine."""
    assert sources.vectors is not None
    sentences, vectors = sources.sentences(paper_id), sources.vectors(paper_id)
    if not sentences or len(sentences) != len(vectors):
        return None
    cosines = vectors @ vector
    best = int(cosines.argmax())
    return sentences[best], float(cosines[best])


def _worth(text: str, other: Sentence, cosine: float) -> bool | None:
    """Whether a near sentence goes another way; None where it is not worth reading."""
    words = set(stems(text))
    shared = len(words & set(stems(other.text))) / max(1, len(words))
    if shared < _SHARED:
        return None
    if oppose(text, other.text):
        return True if cosine >= NEAR_AGAINST else None
    return False if cosine >= NEAR and not missing_figures(text, other.text) else None


def _read(text: str, candidate: _Candidate, number: int, sources: Sources) -> Citation | None:
    """The footnote that a paper adds to a sentence; None where the network does not say so outright."""
    if not candidate.against:
        citation = judge(text, Evidence(number, candidate.paper, (), 0.0), candidate.sentence, sources)
        return citation if citation.verdict is Verdict.SUPPORTED and not oppose(text, citation.quote) else None
    near = candidate.nearest
    judgement = sources.judge(text, near.text)
    if judgement.contradicted < _SURE:
        return None
    return Citation(
        number, candidate.paper.id, candidate.sentence, near.text, near.start, near.end, Verdict.CONTRADICTED,
        round(judgement.supported, 4),
    )  # fmt: skip
