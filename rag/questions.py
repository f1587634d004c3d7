"""A question as typed, to what the steps after it need: self-contained text and what is asked for.

All by rule: no language model is needed to see that 'and how large is it?' leans on the turn
before, that 'summarise …' wants a summary, or that 'how many papers …' is about the library.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rag.datatypes import Intent, Query, Turn
from rag.errors import QuestionError
from rag.words import STOPWORDS, stems

MAX_CHARACTERS = 4_000


def understand(question: str, history: Sequence[Turn] = ()) -> Query:
    """Clean, complete and classify ``question``.

    Raises :class:`QuestionError` when nothing is left after cleaning or it is over
    ``MAX_CHARACTERS`` characters.
    """
    text = clean(question)
    leans = bool(history) and is_follow_up(text)
    search = _with_history(text, history) if leans else text
    intent, topic = _intent(text)
    return Query(text, search, intent, topic, bool(_FIGURE.search(text)), leans)


def clean(question: str) -> str:
    """The question without control characters, white space collapsed."""
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") else c for c in question)
    text = " ".join(visible.split())
    if not any(c.isalnum() for c in text):
        raise QuestionError("The question is empty. Type a question about the papers of the library.")
    if len(text) > MAX_CHARACTERS:
        raise QuestionError(
            f"The question has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read. Ask it in fewer words."
        )
    return text


# What asks for a figure rather than for an explanation.
_FIGURE = re.compile(
    r"\b(how (many|much|large|big|small|long|fast|often|far|high|low|well|deep|wide|strong|old|accurate)|what (size|"
    r"fraction|percentage|share|factor|number|speed|score|rate|accuracy|error|resolution|ratio)|by what|"
    r"(which|what) [\w@ -]*\b(accuracy|score|ap|map|miou|bleu|f1|fid|psnr|mrr|auc|error|rate|top-1|"
    r"perplexity|percent|speed-?up|factor|year)\b|times faster|how much (smaller|larger|better))\b",
    re.IGNORECASE,
)

_PRONOUN = re.compile(
    r"\b(it|its|they|them|their|theirs|this|that|these|those|he|she|his|her|the (latter|former|same|other)|"
    r"the \w+ one|ones?|there)\b",
    re.IGNORECASE,
)
_OPENER = re.compile(
    r"^(and|but|so|also|or|then|what about|how about|what else|why|which one|in which)\b", re.IGNORECASE
)


def is_follow_up(text: str) -> bool:
    """Whether a question leans on the turn before: a pronoun without a noun of its own, or an ellipsis."""
    content = stems(text)
    if _OPENER.match(text) and (len(content) <= 8 or _PRONOUN.search(text)):
        return True
    if len(content) <= 2:
        return True
    head = " ".join(text.split()[:8])
    return bool(_PRONOUN.search(head)) and len(content) <= 14


def _with_history(text: str, history: Sequence[Turn]) -> str:
    """``text`` after the questions that it leans on, and the names that the last answer brought in."""
    asked = [clean_or_empty(t.content) for t in history if t.role == "user"]
    carried: list[str] = []
    for previous in reversed(asked):
        if previous:
            carried.insert(0, previous)
            if not is_follow_up(previous):
                break
    answered = next((clean_or_empty(t.content) for t in reversed(history) if t.role == "assistant"), "")
    names = [n for n in _names(answered) if not any(n.lower() in c.lower() for c in (*carried, text))]
    return " ".join([*carried, *names[:4], text])[:MAX_CHARACTERS]


def keeps_topic(rewritten: str, query: Query) -> bool:
    """Whether a language model's rewriting of a follow-up can be used: it brings in words of the
    conversation, and not much else."""
    known = set(stems(query.search))
    words = set(stems(rewritten))
    return bool(words - set(stems(query.text))) and len(words - known) <= 2 and len(words) <= 60


def clean_or_empty(text: str) -> str:
    """Like :func:`clean`, but for a turn of the history, which may well be empty or long."""
    return " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Co") else c for c in text).split())[:2_000]


_NAME = re.compile(r"\b(?=\w*[A-Z])(?:[A-Za-z]+\d[\w-]*|[A-Z]{2,}[\w-]*|[A-Za-z]*[a-z][A-Z][\w-]*)")


def _names(text: str) -> list[str]:
    """Acronyms and names in mixed case, in order, each once: what a pronoun most likely stands for."""
    return list(dict.fromkeys(m.group() for m in _NAME.finditer(text)))


_PAPERS = r"(?:papers?|works?|articles?|abstracts?|publications?|studies|study|records?|documents?)"
_COUNT = re.compile(rf"^how many (?:of the |different )?{_PAPERS}\b(?P<topic>.*)", re.IGNORECASE)
_LIST = re.compile(
    rf"^(?:please )?(?:list|show|name|give|find)(?: me)?(?: all| every)(?: of)?(?: the| these)?(?: \w+)?? {_PAPERS}\b"
    r"(?P<topic>.*)",
    re.IGNORECASE,
)
_YEARS = re.compile(
    rf"^(?:in |from )?(?:which|what) years?\b(?P<topic>.*\b(?:{_PAPERS}|library|collection)\b.*)", re.IGNORECASE
)
_SUMMARY = re.compile(
    r"^(?:please |can you |could you |give (?:me )?)*(?:a (?:short |brief )?)?(?:summar(?:y|ise|ize|isation|ization)|"
    r"overview|tl;?dr|sum up|outline)\b(?: of| on| for)?(?P<topic>.*)",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"^(?:compare|contrast|list|survey|name (?:some|the))\b|"
    r"\b(?:papers|works|studies|articles|publications)\b|\bwhat \w+ exist\b|\beach of them\b|"
    r"^(?:which|what)(?: [\w-]+){0,4} (?:methods|approaches|models|techniques|schemes|detectors|nets|networks|systems|"
    r"algorithms|frameworks|datasets|data sets|benchmarks|architectures|losses|remedies|ways|authors|strategies)\b|"
    r"\bdifferences? between\b",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^\s*(?:(?:are|is|were|do|does|there|that|which|who|have|has|been|in|on|of|about|from|for|with|regarding|dealing|deal|"
    r"concerning|mention(?:s|ing|ed)?|use(?:s|d)?|using|discuss(?:es|ing)?|this|the|my|your|our|library|collection|you|"
    rf"{_PAPERS}|"
    r"know|we|here|call(?:ed)?|titled|entitled|published|by)\b[\s,:]*)+",
    re.IGNORECASE,
)


def _intent(text: str) -> tuple[Intent, str]:
    for intent, pattern in (
        (Intent.COUNT, _COUNT),
        (Intent.LIST, _LIST),
        (Intent.YEARS, _YEARS),
        (Intent.SUMMARY, _SUMMARY),
    ):
        found = pattern.match(text)
        if found:
            return intent, _topic(found["topic"])
    return (Intent.MULTI if _SEVERAL.search(text) else Intent.FACT), text


def _topic(rest: str) -> str:
    """What is left of a request once the words of the request itself are gone."""
    topic = _LEAD.sub("", rest).strip(" ?.!:;,\"'“”‘’")
    return "" if all(w in STOPWORDS or w in ("all", "total", "exist") for w in topic.lower().split()) else topic
