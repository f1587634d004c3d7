"""The names in a question, and whether a text has them.

A name that a paper lacks is the clearest sign that it does not answer: 'XNOR-Net' asked for, and an abstract that never
mentions it. But people ask half from memory. They write 'the CNN' where the abstract has 'convolutional network',
'CLIP-like' for CLIP, and slip on the keyboard. None of these makes it another paper.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rag.evidence.features import names_in, proper_words
from rag.text.facts import missing_names
from rag.text.spelling import edit_distance
from rag.text.tokenization import stems

_GENERAL = 3  # letters of an acronym that many papers use: CNN, GPU, LLM, ViT
_MANY = 3  # papers of the library
_NEAR = 120  # characters before a name in which the word stands that sets something against it
_SLIP = 7  # letters from which a name may have one slip
_MANNER = re.compile(r"[-‐-–](?:like|style|styled|type|based|ish|free|level|only|driven|aware|guided|inspired)\b", re.I)


# What comes before a name that something else is set against, to the end of the text before it.
_AGAINST = re.compile(
    r"\b(?:than|outperform\w*|surpass\w*|exceed\w*|beat(?:s|ing)?|compared (?:to|with)|comparable (?:to|with)|versus|"
    r"vs|superior to|on par with|counterparts?|baselines?)\b[^.;:]{0,60}$",
    re.IGNORECASE,
)
_OWN_FIGURE = re.compile(r"[\w-]{0,80}+(?: ?\(| ?= ?|['’]s | at | of )[^\w(]?\d")  # 'than Swin-B (83.3%)'
_SET_AGAINST = re.compile(
    r"\b(?:than|outperform\w*|surpass\w*|exceed\w*|beat\w*|compar\w+|versus|vs|over|against|better|worse|gains?|gained|"
    r"improve\w*|reduc\w+|sav(?:e|es|ed|ings?)|faster|slower|smaller|larger|fewer|less|more|higher|lower|differ\w*)\b",
    re.IGNORECASE,
)


def only_compared_with(question: str, texts: Sequence[str], papers_with: Mapping[str, int]) -> str:
    """A name of ``question`` that ``texts`` have only as what others are set against; '' without one.

    'How many parameters does MobileViT have?' is not answered by 'our model has 1.3M, outperforming MobileViT'. A
    question that compares by itself, and a name with a figure of its own ('than Swin-B (83.3%)'), are left alone.
    """
    if _SET_AGAINST.search(question):
        return ""
    for name in _telling(names_in(question), papers_with):
        pattern = by_itself(name)
        found = [(text, m) for text in texts for m in pattern.finditer(text)]
        if found and all(_is_against(t, m.start()) and not _OWN_FIGURE.match(t, m.end()) for t, m in found):
            return name
    return ""


def _is_against(text: str, at: int) -> bool:
    """Whether what stands at an offset of ``text`` is what something else is set against."""
    return _AGAINST.search(text, max(0, at - _NEAR), at) is not None


def by_itself(name: str) -> re.Pattern[str]:
    """``name`` in any case of letters, not within a longer word."""
    return re.compile(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", re.IGNORECASE)


def lacking_names(text: str, source: str, papers_with: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """The names in the question ``text`` that tell papers apart, and those of them that ``source`` does not have.

    ``papers_with`` says in how many papers of the library a stem occurs.
    """
    names = _telling(names_in(text), papers_with)
    missing = missing_names(" ".join(names), source)
    return names, [n for n in names if n in missing and not _with_a_slip(n, source)]


def lacking_proper_words(text: str, source: str, papers_with: Mapping[str, int]) -> float:
    """The share of the capitalised words of ``text`` that ``source`` lacks in any case of letters; 0 without any."""
    words = _telling([w for w in proper_words(text) if w != "I"], papers_with)
    low, there = source.lower(), set(stems(source))
    absent = [w for w in words if w.lower() not in low and not set(stems(w)) <= there and not _with_a_slip(w, source)]
    acronyms = [w for w in absent if w.isupper()]  # may be spelt out: 'VSV', 'WHO'
    spelt_out = set(acronyms) - missing_names(" ".join(acronyms), source)
    absent = [w for w in absent if w not in spelt_out]
    return len(absent) / max(len(words), 1)


def _telling(names: Sequence[str], papers_with: Mapping[str, int]) -> list[str]:
    """``names`` without '-like' and its kin, each once, those of a whole field left out."""
    return [n for n in dict.fromkeys(_MANNER.sub("", n) for n in names) if not _general(n, papers_with)]


def _general(name: str, papers_with: Mapping[str, int]) -> bool:
    """Whether a name is one of a field rather than of a work: a short acronym that several papers use."""
    bare = name.removesuffix("s")
    return len(bare) <= _GENERAL and bare.isalpha() and all(papers_with.get(s, 0) >= _MANY for s in stems(bare))


def _with_a_slip(name: str, source: str) -> bool:
    """Whether ``source`` has a word that is ``name`` but for one slip of the keyboard; a digit is never a slip."""
    bare = re.sub(r"[\W_]", "", name.lower())
    if len(bare) < _SLIP or not bare.isalpha():
        return False
    words = {re.sub(r"[\W_]", "", w) for w in re.findall(r"[^\W\d_][\w-]*", source.lower())}
    return any(w[:1] == bare[:1] and abs(len(w) - len(bare)) <= 1 and edit_distance(bare, w, 1) == 1 for w in words)
