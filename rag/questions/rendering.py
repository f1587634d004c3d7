"""A question in another language, rendered for the search: English words for its words, and an English vector.

It is no translation: each word that names something gets the English words of science that are nearest to it, and what
stands alike in both languages (names, figures, terms) stays as it is. That is enough to find the papers, to choose
their sentences and to judge whether they bear on the question; it is never shown as an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import OVER_THE_LIBRARY, Intent, Reading, Rendering
from rag.questions.languages import CHINESE, ENGLISH, language_of, names_papers, words_of
from rag.text.tokenization import stem, stems

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector
    from rag.encoding.bridge import Bridge

# Kinds whose own words are read in English alone, and what is made of them: a list of papers, or one answer.
_INSTEAD = {Intent.COMPARE: Intent.MULTI, Intent.REVIEW: Intent.MULTI, **dict.fromkeys(OVER_THE_LIBRARY, Intent.FACT)}
# Chosen on the open half of benchmarks/languages/questions.jsonl.
_LEAST = 0.42  # cosine from which on an English word stands for another one
_ALSO = 0.9  # of that, from which on the next ones count too
_NEAREST, _WEIGHT_OF_NEXT, _WEIGHT_OF_NAME = 3, 0.5, 1.5
_MOST_WORDS = 48  # of a question that are looked up
_LONGEST = 3  # pieces of Chinese that may be one word
_TOKEN = re.compile(r"[^\W_]++(?:[-/.][^\W_]++)*+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
# They name no topic, and stand for nothing that a paper is found by.
_OF_CHINESE = frozenset(
    "的 了 是 在 和 与 有 什么 如何 怎样 怎么 为什么 哪些 哪个 多少 吗 呢 一个 一种 它 能 可以 会 对 中".split()
    + "时 后 从 到".split()
)


class WordEncoder(Protocol):
    """What rendering needs of :class:`rag.encoding.multilingual_encoder.MultilingualEncoder`."""

    def encode_question(self, text: str) -> Vector: ...
    def encode_words(self, words: Sequence[str]) -> Matrix: ...
    def segmented(self, text: str) -> list[str]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders questions. ``bridge`` is called when the first one comes that is not in English."""

    encoder: WordEncoder
    bridge: Callable[[], Bridge]

    def rendered(self, reading: Reading, known: Collection[str]) -> Reading:
        """``reading`` in English words, with its :class:`~rag.datatypes.Rendering`; one that is in English, or that is
        not searched for, as it is. ``known`` are the stems of the library.

        Raises :class:`rag.errors.ModelError` where weights are missing or damaged.
        """
        asked = reading.asked or reading.text
        language = language_of(asked)
        counts = reading.intent in OVER_THE_LIBRARY and names_papers(asked)
        if language == ENGLISH or reading.intent is Intent.TALK or counts:
            return reading
        # Slips were put right as if they were English, but not in what was typed. Of a follow-up the search alone has
        # what it leans on.
        typed = reading.search if reading.is_follow_up else asked
        rendering = self.render(typed, language, known)
        said = rendering.words or reading.text
        return replace(
            reading, text=said, search=said, topic=said, intent=_INSTEAD.get(reading.intent, reading.intent),
            asked=asked, rendering=rendering,
        )  # fmt: skip

    def render(self, text: str, language: str, known: Collection[str]) -> Rendering:
        """What is searched for; raises as :meth:`rendered` does."""
        bridge = self.bridge()
        looked_up, said = [], []
        for word, is_name in self._words(text, language, known)[:_MOST_WORDS]:
            said.append((word, is_name))
            if not is_name:
                looked_up.append(word)
        vectors = self.encoder.encode_words(looked_up)
        near = iter(bridge.nearest(vectors, language, _NEAREST))
        terms: dict[str, float] = {}
        english: list[str] = []
        for word, is_name in said:
            found = [(word, _WEIGHT_OF_NAME)] if is_name else _weighed(next(near))
            english += [found[0][0]] if found else []
            for other, weight in found:
                terms |= {one: max(weight, terms.get(one, 0.0)) for one in stems(other)}
        vector = bridge.as_english(self.encoder.encode_question(text), language)
        return Rendering(language, " ".join(dict.fromkeys(english)), tuple(sorted(terms.items())), vector)

    def _words(self, text: str, language: str, known: Collection[str]) -> list[tuple[str, bool]]:
        """The words that may name something, each once, in order, and whether each stays as it is."""
        found: dict[str, bool] = {}
        closed = words_of(language)
        for token in _TOKEN.findall(text):
            if _HAN.search(token):
                found |= dict.fromkeys(self._phrases(token), False) if language == CHINESE else {}
            elif token.lower() in closed or (len(token) < 3 and token.islower() and token.isalpha()):
                continue
            elif _is_name(token) or (token.isascii() and stem(token.lower()) in known):
                found[token] = True
            else:
                found[token.lower()] = False
        return list(found.items())

    def _phrases(self, run: str) -> list[str]:
        """Runs of up to three pieces of Chinese, two characters long at least, the longer ones first where they begin
        together."""
        pieces = [piece for piece in self.encoder.segmented(run) if piece not in _OF_CHINESE]
        runs = ("".join(pieces[at : at + n]) for at in range(len(pieces)) for n in range(_LONGEST, 0, -1))
        return [one for one in dict.fromkeys(runs) if 2 <= len(one) <= 6]


def _is_name(token: str) -> bool:
    """Whether a token is a name or a figure: capitals within, or digits."""
    return any(c.isupper() for c in token[1:]) or any(c.isdigit() for c in token)


def _weighed(near: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """The English words that stand for a word with their weights; none where the nearest is too far."""
    if near[0][1] < _LEAST:
        return []
    return [near[0], *((word, _WEIGHT_OF_NEXT * cosine) for word, cosine in near[1:] if cosine >= _ALSO * _LEAST)]
