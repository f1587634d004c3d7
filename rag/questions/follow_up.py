"""Whether a question leans on the turn before, and what it then means: 'and how large is it?'.

By rule a pronoun that points to nothing within the question, a fragment, or nothing but words that ask. A small
classifier weighs what the rules say, the words of the question and how near it is to the question before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rag.datatypes import Reading, Turn
from rag.questions.classifier import shipped
from rag.questions.cleaning import MAX_CHARACTERS, clean_or_empty
from rag.questions.references import refers
from rag.text.tokenization import NAME, stem, stems, unique_stems

if TYPE_CHECKING:
    from rag.datatypes import Vector

_OPENER = re.compile(r"^(?:and|but|also|or|then|what about|how about|what else|which one)\b", re.IGNORECASE)

# Nouns, verbs and adjectives that say what is asked of a paper but not of which: 'What accuracy?', 'Is the code there?'
_GENERIC = """
    paper article study work publication abstract author method approach model framework network system architecture
    result finding conclusion accuracy score metric measure dataset data benchmark baseline task size parameter speed
    cost memory latency time number amount figure percentage difference loss backbone version variant
    limitation drawback weakness advantage benefit strength disadvantage contribution novelty idea code weight
    training train test evaluation evaluate experiment improvement improve performance perform publish year available
    get reach achieve report obtain need require use compare comparison release work beat help say claim show mean
    good better best bad worse worst fast faster fastest slow slower large larger largest small smaller smallest big
    bigger high higher low lower few fewer less more most main other another same second first third last next
    do done make often exactly tell explain elaborate describe give detail further example reason continue again please
    summary
"""

# Words that point to something named before, first those that cannot mean the subject of their own clause.
_NOUNS = (
    r"(?:papers?|articles?|study|authors?|models?|methods?|approach|framework|networks?|system|technique|architecture|"
    r"algorithm|experiments?|dataset|results?|work)"
)
_POINTER = re.compile(
    rf"\b(?P<subject>it|they|them|he|she|him|this(?! (?:library|collection))|these|"
    rf"those(?! (?:who|that|which|with|without|of|in|for)\b)|"
    rf"(?:is|was|does|did|do|can|could|has|of|about|for|with|in|on|like|after|to|by|than) that|that {_NOUNS}|"
    rf"that(?=[?.!]*$)|there(?=[?.!]*$)|the same(?=[?.!]*$)|"
    rf"(?:does|did|do|is|are|was|were|has|have|can) the {_NOUNS}"
    rf"(?! (?:of|for|that|which|called|named|by|with|in|on|from|about|behind)\b))\b|"
    rf"\b(?P<any>its|theirs?|his|hers?|the (?:latter|former|others?|other {_NOUNS})|"
    rf"(?:which|this|another|the (?:[\w-]+ )?)\s?ones?(?![- ]\w))\b",
    re.IGNORECASE,
)
# 'How is it that …', 'Is it possible to …', 'How long does it take to …': this 'it' points to nothing.
_EXPLETIVE = re.compile(
    r"\bit(?:['’]s)?(?: (?:is|was|be|really|still|ever|also))* (?:that\b(?! \w+[?.!]*$)|(?:takes?|mean|pay|called|true|"
    r"possible|feasible|better|best|worth|worthwhile|necessary|hard|easy|difficult|safe|enough|common|important|useful|"
    r"helpful|known|good|bad|wise|sensible|make sense) (?:to|that|if|when|whether|for)\b)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[,;:.?!]|\b(?:and|or|but|when|if|because|while|where|which|that|what|whether|until|once|how|why|since|though|although|"
    r"so|than|as|before|after)\b",
    re.IGNORECASE,
)
_AFTER_SETTING = frozenset(("it", "its", "this"))  # these point past the setting of a question
_SETTING = re.compile(r"^(?:on|for|with|in|under|at|without|compared (?:to|with)) [^,?.!]{1,40},", re.IGNORECASE)
_FRAGMENT = re.compile(
    r"^(?:(?:on|for|with|in|under|at|without|using|by|from|(?:when )?compared (?:to|with)|than)(?: \S+){1,4}|"
    r"(?:which|what|whose|how many|how much) \S+|\S+)$",
    re.IGNORECASE,
)
# 'the accuracy', but not 'the smallest EdgeNeXt'
_THE_GENERIC = re.compile(r"\bthe (?P<noun>[a-z]+)\b(?! (?:of|for|behind|between)\b)(?! (?-i:[A-Z]))", re.IGNORECASE)


def is_follow_up(text: str) -> bool:
    """Whether a question leans on the turn before: it is no whole question, or points to what it does not name."""
    content = stems(text)
    if _OPENER.match(text) and len(content) <= 8:
        return True
    generic = _generic()
    own = [s for s in content if s not in generic]
    if not own or (len(own) <= 2 and _FRAGMENT.match(text)):
        return True
    if len(own) == 1 and any(stem(m["noun"].lower()) in generic for m in _THE_GENERIC.finditer(text)):
        return True  # 'What is the accuracy on ImageNet?'
    return len(content) <= 14 and _points_outside(_EXPLETIVE.sub(" ", text))


def figures(text: str, before: str, nearness: float) -> dict[str, float]:
    """What the rules say of a question after ``before``; ``nearness`` is the cosine of the two."""
    content, generic = stems(text), _generic()
    own = [s for s in content if s not in generic]
    shared = set(own) & set(stems(before))
    return {
        "rule": float(is_follow_up(text)),
        "opens": float(bool(_OPENER.match(text))),
        "points outside": float(_points_outside(_EXPLETIVE.sub(" ", text))),
        "points": float(bool(_POINTER.search(_EXPLETIVE.sub(" ", text)))),
        "fragment": float(bool(_FRAGMENT.match(text))),
        "the generic": float(any(stem(m["noun"].lower()) in generic for m in _THE_GENERIC.finditer(text))),
        "own words": min(len(own), 8) / 4,
        "refers": float(refers(text)),
        "no own word": float(not own),
        "one own word": float(len(own) == 1),
        "words": min(len(text.split()), 20) / 10,
        "is named": float(bool(_cased_names(text))),
        "shares words": min(len(shared), 3) / 3,
        "share of words": len(shared) / max(len(own), 1),
        "nearness": nearness,
    }


def leans(text: str, history: Sequence[Turn], encode: Callable[[str], Vector] | None = None) -> bool:
    """Whether a question leans on the turn before; by rule alone where ``encode`` is None."""
    before = next((clean_or_empty(t.content) for t in reversed(history) if t.role == "user" and t.content.strip()), "")
    if encode is None or not before:
        return bool(history) and is_follow_up(text)
    nearness = float(encode(text) @ encode(before))
    return shipped("follow_up").probabilities(text, figures(text, before, nearness))["follow-up"] > 0.5


@lru_cache(maxsize=1)
def _generic() -> set[str]:
    return unique_stems([_GENERIC])


def _points_outside(text: str) -> bool:
    """Whether a pronoun or the like means nothing that the same text names before it."""
    setting = _SETTING.match(text)  # 'On ImageNet, how does it …'
    whole = _first_name_and_clause(text, 0)
    without = _first_name_and_clause(text, setting.end()) if setting else whole
    for pointer in _POINTER.finditer(text):
        apart = setting is not None and setting.end() <= pointer.start() and pointer.group().lower() in _AFTER_SETTING
        name, clause = without if apart else whole
        if name > pointer.start():
            return True
        if pointer["subject"] and clause > pointer.start():
            return True  # 'Does Swin beat it?': were it Swin, it would be 'itself'
    return False


def _first_name_and_clause(text: str, start: int) -> tuple[int, int]:
    """Where behind ``start`` the first word ends that names something, and the first clause behind that; one more than
    the length of ``text`` where there is none."""
    names = (m for m in _NAME_PART.finditer(text, start) if unique_stems([m.group()]) - _generic())
    name = next((m.end() for m in names), len(text) + 1)
    clause = _CLAUSE.search(text, name) if name <= len(text) else None
    return name, clause.end() if clause else len(text) + 1


def with_history(text: str, history: Sequence[Turn], names_wanted: bool = True) -> str:
    """``text`` after the questions that it leans on and, where they name nothing, the names of the last answer.

    Without ``names_wanted`` no names: they would speak for some of the papers that are meant and against others.
    """
    asked = [clean_or_empty(t.content) for t in history if t.role == "user"]
    carried: list[str] = []
    for previous in reversed(asked):
        if previous:
            carried.insert(0, previous)
            if not is_follow_up(previous):
                break
    answered = next((clean_or_empty(t.content) for t in reversed(history) if t.role == "assistant"), "")
    # A question that names its subject needs no name from the answer, which may have brought in many others.
    names = (
        []
        if not names_wanted or _cased_names(" ".join(carried))
        else [n for n in _cased_names(answered) if n.lower() not in text.lower()]
    )
    before = " ".join([*carried, *names[:4]])
    room = max(0, MAX_CHARACTERS - len(text) - 1)  # the question itself is never cut
    return " ".join([*([before[-room:]] if before and room else []), text])


def keeps_topic(rewritten: str, reading: Reading) -> bool:
    """Whether a language model's rewriting of a follow-up can be used: it brings in words of the
    conversation, and not much else."""
    known = set(stems(reading.search))
    words = set(stems(rewritten))
    carried = known - set(stems(reading.text))
    return bool(words & carried) and len(words - known) <= 2 and len(words) <= 60


_NAME_PART = re.compile(r"[^\W_]+")
_NAME_WITH_CAPITAL = re.compile(rf"\b(?=\w*[A-Z]){NAME}")


def _cased_names(text: str) -> list[str]:
    """Acronyms and names in mixed case, in order, each once: what a pronoun most likely stands for."""
    return list(dict.fromkeys(m.group() for m in _NAME_WITH_CAPITAL.finditer(text)))
