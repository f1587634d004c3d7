"""What a group of papers is about, in a few terms: class-based tf-idf (Grootendorst 2022, 'BERTopic').

A term is one to three neighbouring words, counted by their stems and shown as it is most often written. It counts once
a paper, not once a use: one paper that repeats its own name does not name its group. Its weight is the share of the
group's papers that have it, times a power of the logarithm of how much more often they have it than all papers do.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rag.text.tokenization import STOPWORDS, stem, tokens

TERMS = 3
_DISTINCT = (
    1.5  # exponent: 1 prefers words common to all papers ('image'), 2 rare ones ('fMRI'); chosen on the shipped papers
)
_LENGTHS = (1.0, 1.3, 1.5)  # factors for terms of one, two, three words: longer ones are rarer and more specific

# Words that occur in abstracts on any subject.
_PAPERESE = frozenset(
    """abstract achieve achieved achieves across additional address addresses aim aims allow allows also although among
    analyse analysis analyze application applications applied apply approach approaches art article available
    average based baseline baselines because become besides benchmark benchmarks best better between both case cases
    challenge challenges challenging code com compare compared comparison compete competitive complex consider
    consist contribution contributions current data dataset datasets demonstrate demonstrates design designed
    despite develop developed different difficult directly due each effect effective effectively effectiveness
    efficiency efficient efficiently enable enables evaluate evaluated evaluation even example existing
    experiment experimental experiments explore extensive few finally find findings first focus following form
    framework full further furthermore general generally github given good great have high higher however http
    https identify impact important improve improved improvement improvements improves including increase
    increasing individual information inspired instead introduce introduced introduces investigate issue issues
    key known lack large larger last lead leading leads learn learned learning learns less level leverage
    leveraging like limitation limitations limited literature low lower main make makes making mean method
    methods million model modeling models more moreover most multiple namely need needed needs new next novel
    number obtain obtained often one ones only open order other others outperform outperforms over overall paper
    papers parameter parameters part particular particularly perform performance performances performing
    performs possible potential practical practice present presented presents previous previously prior problem
    problems proceed process promising propose proposed proposes provide provided provides publicly quality
    recent recently reduce reduced related relevant report require required requires research result resulting
    results review same scale score second setting settings several show shown shows significant significantly
    similar simple simply since single small solution solutions solve solving specific specifically standard
    state still strong studied studies study substantial substantially successful such suffer superior system
    systems task tasks technique techniques term terms test tested third three through thus time times together
    total train trained training two type types typical typically under understand understanding unlike up upon
    use used useful user uses using usually utilize utilizing value values variety various version very via way
    ways well whether wide widely within without work works world yet""".split()
)
_WORD = re.compile(r"[^\W\d_]+")


def name_groups(groups: Sequence[Sequence[str]], terms: int = TERMS) -> list[tuple[str, ...]]:
    """Up to ``terms`` terms for each group of texts, best first; no term names two groups unless nothing else is left.

    Terms that fewer than one in sixteen papers of a group have, or only one of them, do not count.
    """
    papers = [[_terms(text) for text in texts] for texts in groups]
    counts = [Counter(term for found in group for term in found) for group in papers]
    everywhere: Counter[tuple[str, ...]] = Counter()
    for count in counts:
        everywhere.update(count)
    everything = sum(map(len, groups))
    return [
        tuple(_written(term, group) for term in _best(count, everywhere, len(group), everything, terms))
        for count, group in zip(counts, papers, strict=True)
    ]


def _best(
    count: Counter[tuple[str, ...]], everywhere: Counter[tuple[str, ...]], papers: int, everything: int, terms: int
) -> list[tuple[str, ...]]:
    """The terms of one group, best first; no two share a word."""
    enough = min(papers, max(2, round(papers / 16)))

    def score(term: tuple[str, ...]) -> float:
        share = count[term] / papers
        lift = share * everything / everywhere[term]
        return float(share * max(0.0, math.log(lift)) ** _DISTINCT * _LENGTHS[len(term) - 1])

    found: list[tuple[str, ...]] = []
    for term in sorted((t for t in count if count[t] >= enough), key=lambda t: (-score(t), t)):
        if not any(set(term) & set(other) for other in found):
            found.append(term)
            if len(found) == terms:
                break
    return found


def _terms(text: str) -> dict[tuple[str, ...], str]:
    """The terms of a text by their stems, each as it is first written."""
    found: dict[tuple[str, ...], str] = {}
    run: list[tuple[str, int, int]] = []  # the words so far that follow each other without a stop or a stop word
    for stemmed, start, end in _content(text):
        if run and (start != run[-1][2] + 1 or text[start - 1] not in " -\n"):
            run = []
        run = [*run[1 - len(_LENGTHS) :], (stemmed, start, end)]
        for first in range(len(run)):
            term = tuple(word for word, _, _ in run[first:])
            if len(set(term)) == len(term):
                found.setdefault(term, text[run[first][1] : end])
    return found


def _content(text: str) -> Iterator[tuple[str, int, int]]:
    """Stem, start and end of each word that may say what a text is about."""
    for match in _WORD.finditer(text):
        stemmed = _stem(match[0])
        if stemmed:
            yield stemmed, *match.span()


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    """The stem; empty for stop words, and for scripts without spaces, where a run of letters is no single word."""
    parts = tokens(word)
    if len(parts) != 1 or len(parts[0]) < 2 or parts[0] in STOPWORDS or parts[0] in _PAPERESE:
        return ""
    return stem(parts[0])


def _written(term: tuple[str, ...], group: Sequence[dict[tuple[str, ...], str]]) -> str:
    """The commonest spelling of a term in a group, without the capitals of titles and sentence starts."""
    forms = Counter(_lower_but_names(found[term]) for found in group if term in found)
    return min(forms, key=lambda form: (-forms[form], form))


def _lower_but_names(form: str) -> str:
    """``Neural Networks`` → ``neural networks``; ``BERT`` and ``GANs`` as they are."""
    text = unicodedata.normalize("NFC", " ".join(form.split()))
    return re.sub(r"[^\W\d_]+", lambda word: word[0] if _is_name(word[0]) else word[0].lower(), text)


def _is_name(word: str) -> bool:
    return any(c.isupper() for c in word[1:])
