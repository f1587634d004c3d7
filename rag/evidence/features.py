"""What the choice of evidence looks at: one row of figures per candidate sentence, one per question.

All are cheap (vectors come from the library, words are counted), so that the candidates of a
question cost milliseconds. The weights over them are fitted by ``training/fit_evidence.py``.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rag.datatypes import PaperHit, Reading, Sentence
from rag.text.quantities import FigureRequest, figures_in
from rag.text.sentence_roles import RELEASE, Role, role_scores
from rag.text.tokenization import NAME, stem, stems

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

SENTENCE_FEATURES = (
    "cosine",  # question and sentence, vectors pooled in the context of the passage
    "coverage",  # share of the question's words (by idf) in the sentence
    "coverage_titled",  # the same, title counted with the sentence
    "coverage_neighbours",  # the same, in the sentence before or after
    "pairs",  # share of the question's neighbouring words that are neighbours here too
    "paper_rank",  # 1 / (1 + rank of the paper)
    "paper_share",  # fused score of the paper as a share of the best paper's
    "paper_cosine",  # question and best passage of the paper
    "paper_coverage",  # share of the question's words in title and abstract
    "figure_wanted",  # a figure is asked for, and here is one that the question did not name
    "figure_counted",  # the same, as far as it stands with what is counted
    "figure_unasked",  # a figure, though none was asked for
    "approach",  # reads like the approach
    "result",  # reads like a result
    "approach_asked",  # it is asked how, and here is an approach
    "reason_asked",  # it is asked why, and here is a reason
    "result_asked",  # it is asked what comes of it, and here is a result
    "definition",  # it is asked what a name is, and here that name is proposed or described
    "first",  # first sentence of the abstract
    "position",  # 0 first to 1 last
    "length",  # log of the number of words
    "novelty",  # share of its words that the question does not have
    "code_link",  # 'code is available at …'
)

QUESTION_FEATURES = (
    "top_dense",  # best cosine of a paper
    "gap_dense",  # how far it stands above the fifth
    "top_sentence",  # best cosine of a sentence
    "paper_coverage",  # best share of the question's words in one paper
    "sentence_coverage",  # best share in one sentence
    "titled_coverage",  # best share in title and sentence
    "agreement",  # the dense and the lexical list agree on the first paper
    "unknown",  # share of the question's words (by idf) that the library does not have at all
    "answer_score",  # score of the best candidate sentence
    "answer_margin",  # how far it stands above the median candidate
    "figure_missing",  # a figure is asked for, and the best sentences have none
    "name_missing",  # share of the question's names and acronyms that the best paper does not have
    "name_found",  # the question names something, and the best paper has every name
    "best_coverage",  # share of the question's words in the paper of the best sentence
    "pairs",  # best share of the question's neighbouring words that stand side by side in a sentence
    "figure_apart",  # a figure is asked for, and none of this paper stands with what is counted: 0 to 1
    "proper_missing",  # share of the question's capitalised words that this paper lacks
    "topic_coverage",  # share of the question's words in that paper, words of talk ('anything', 'read') left aside
)

# Of the network that judges whole papers, see rag.evidence.fitting.
FIT_FEATURES = (
    "best_fit",  # its log-odds that the paper is about what is asked, of the paper where they are highest
    "second_fit",  # and of the next
)
DOUBT_FEATURES = (*QUESTION_FEATURES, *FIT_FEATURES)

_RELEASE = re.compile(RELEASE, re.IGNORECASE)
_DEFINITION = re.compile(r"\b(propos|introduc|present|call|dub|term|nam|develop|is an?|are)\w*\b", re.IGNORECASE)
_ASKS_WHAT = re.compile(
    r"\b(?:what (?:is|are|does|do|kind|sort)|what['’]s|explain|describe|define|tell me about|stand for)\b",
    re.IGNORECASE,
)
_ASKS_HOW = re.compile(
    r"\bhow (?:can|could|do|does|did|is|are|was|were|to|may|should)\b|"
    r"\bwhat (?:method|approach|technique|remed|can be done|do they|is used|idea)|"
    r"\b(?:instead|in its place|remedy|remedies|way to|fix|solve)\b",
    re.IGNORECASE,
)
_ASKS_WHY = re.compile(r"\bwhy\b|\bwhat (?:is wrong|causes|explains)\b|\breasons?\b", re.IGNORECASE)
_ASKS_GAIN = re.compile(
    r"\b(?:compare[ds]?|gain|effect|better|worse|faster|outperform|beat|improve|benefit|result|happens|perform)\w*\b",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"\b(?:because|due to|since|reasons?|lies in|caused? by|causes?|key factor|stems? from|owing to|as a result|"
    r"leads? to|results? in|consequently|therefore|thus|explain\w*|attribut\w*|suffer\w*|limit\w*)\b",
    re.IGNORECASE,
)
_NAME = re.compile(rf"\b{NAME}")
_PROPER = re.compile(r"(?:(?<=[a-z,;:] )|(?<=\())[A-Z][\w-]*")  # not at the beginning of a sentence
# Words of a question that name no topic: 'What can I *read* about pruning?', '*Anything* on speech?'. Abstracts hardly
# use them, so by their rarity they would count for more than the topic. None of them is a term of a field by itself.
# The last lines let a question in German, French, Spanish or Italian be known by the name in it ('Was ist SpineNet?').
_TALK = frozenset(
    stem(w)
    for w in """anybody anyone anything everybody everyone everything nobody nothing somebody someone something one
    people thing bring come deal do done exist find found get give given go gone happen have help know known learnt let
    look made make put read said say see seen take taken talk tell think told try want work write written wrote
    bad best better big good great interesting new nice old useful usual unusual worse worst
    approach aspect idea kind role sort trick use way
    article author collection library paper publication research study
    actually ever here often really still today together usually
    ist sind wie wer warum wozu welche welcher welches der das dem ein eine einen von fur mit und
    qu est ce que qui quel quelle quels quelles sont comment pourquoi le les une du et pour avec dans
    como cual cuales por el los las una para del che cosa perche gli sono""".split()
)


class WordWeights:
    """Inverse document frequencies of a question's words in one library (the BM25 form, never negative)."""

    def __init__(self, words: Sequence[str], frequencies: Mapping[str, int], papers: int) -> None:
        self.words = tuple(dict.fromkeys(words))
        self.pairs = set(itertools.pairwise(words))
        self.frequencies = frequencies
        self.idf = {
            w: math.log(1 + (papers - frequencies.get(w, 0) + 0.5) / (frequencies.get(w, 0) + 0.5)) for w in self.words
        }
        self._weighed = tuple(self.idf.items())
        self.total = sum(self.idf.values()) or 1.0
        self.unknown = sum(v for w, v in self.idf.items() if not frequencies.get(w, 0)) / self.total

    def coverage(self, found: Set[str]) -> float:
        """Share of the words, by weight, that are in ``found``; 0..1."""
        return sum([v for w, v in self._weighed if w in found]) / self.total

    def topic_coverage(self, found: Set[str]) -> float:
        """The same of the words that can name a topic; of all where none can."""
        topic = {w: v for w, v in self.idf.items() if w not in _TALK} or self.idf
        return sum(v for w, v in topic.items() if w in found) / (sum(topic.values()) or 1.0)


@dataclass(frozen=True, slots=True)
class _Words:
    """What a sentence has whatever is asked; ``length`` counts its stems, each as often as it stands there."""

    words: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    length: int
    figures: Set[str]
    gives_reason: bool
    defines: bool
    releases: bool


@lru_cache(maxsize=8_192)  # the sentences of the same papers are read for one question after another
def _words_of(text: str) -> _Words:
    bag = stems(text)
    return _Words(
        frozenset(bag), frozenset(itertools.pairwise(bag)), len(bag), figures_in(text),
        bool(_REASON.search(text)), bool(_DEFINITION.search(text)), bool(_RELEASE.search(text)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a question asks for, whatever is looked at; ``names`` in small letters."""

    figures: Set[str]
    names: Set[str]
    what: bool
    how: bool
    why: bool
    gain: bool


@lru_cache(maxsize=64)  # every paper of a question is looked at with it
def _asked(text: str, search: str) -> _Asked:
    return _Asked(
        figures_in(search), frozenset(n.lower() for n in names_in(text)), bool(_ASKS_WHAT.search(text)),
        bool(_ASKS_HOW.search(text)), bool(_ASKS_WHY.search(text)), bool(_ASKS_GAIN.search(text)),
    )  # fmt: skip


def sentence_features(
    query: Reading,
    vector: Vector,
    weights: WordWeights,
    hit: PaperHit,
    rank: int,
    share: float,
    sentences: Sequence[Sentence],
    vectors: Matrix,
) -> list[list[float]]:
    """One row of ``SENTENCE_FEATURES`` for each sentence of one paper.

    ``rank`` counts from 0; ``share`` is the paper's fused score over that of the first, 0..1. Long because each of
    the figures has a line of its own, in the order of their names.
    """
    read = [_words_of(s.text) for s in sentences]
    sets = [one.words for one in read]
    title = set(stems(hit.paper.title))
    cosines = (vectors @ vector).tolist()
    whole = weights.coverage(title.union(*sets))
    asks = _asked(query.text, query.search)
    wanted = FigureRequest(query.text, asks.figures, weights.idf) if query.wants_figure else None
    last = max(len(sentences) - 1, 1)
    known = set(weights.words)
    alone = [frozenset[str](), *sets, frozenset[str]()]
    rows = []
    for i, sentence in enumerate(sentences):
        figures = bool(read[i].figures - asks.figures)
        roles = role_scores(sentence.text, i / last)
        named = asks.what and any(n in sentence.text.lower() for n in asks.names)
        shared_pairs = weights.pairs & read[i].pairs
        rows.append(
            [
                cosines[i],
                weights.coverage(sets[i]),
                weights.coverage(sets[i] | title),
                weights.coverage(alone[i] | alone[i + 2]),
                len(shared_pairs) / max(len(weights.pairs), 1),
                1 / (1 + rank),
                share,
                hit.dense if hit.dense is not None else 0.0,
                whole,
                float(query.wants_figure and figures),
                wanted.satisfied_by(sentence.text, sets[i]) if wanted is not None else 0.0,
                float(not query.wants_figure and figures),
                max(-1.0, min(roles[Role.APPROACH], 4.0)) / 4,
                max(-1.0, min(roles[Role.RESULT], 4.0)) / 4,
                float(asks.how) * max(0.0, min(roles[Role.APPROACH], 4.0)) / 4,
                float(asks.why and read[i].gives_reason),
                float(asks.gain) * max(0.0, min(roles[Role.RESULT], 4.0)) / 4,
                float(named and read[i].defines),
                float(i == 0),
                i / last,
                math.log(1 + read[i].length),
                len(sets[i] - known) / max(len(sets[i]), 1),
                float(read[i].releases),
            ]
        )
    return rows


def names_in(text: str) -> list[str]:
    """Acronyms and names in mixed case or with digits, in order, each once."""
    return list(dict.fromkeys(m.group() for m in _NAME.finditer(text)))


def proper_words(text: str) -> list[str]:
    """The capitalised words of a question but for those that begin a sentence, in order, each once."""
    return list(dict.fromkeys(m.group() for m in _PROPER.finditer(text)))
