"""Follow-up questions and what they mean, for the prompt that rewrites them.

A question that can be understood alone is the target. What it shares with the turn before, another question about the
same text, gives way to a pronoun, by rule: only where what stands around it shows that it is a whole noun phrase, and
never a person. Kept where the program takes the result for a follow-up, and could use the target as its rewriting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag import questions
from rag.chunking import split_sentences
from rag.datatypes import Turn
from rag.marks import with_numbers
from rag.wording import third_person
from rag.words import NAME, STOPWORDS, stems
from training.writer.answers import Example
from training.writer.sources import Item

_SINGULAR = ("is", "was", "does", "has")
_PLURAL = ("are", "were", "do", "have")
_EITHER = ("did", "can", "could", "will", "would", "should", "may", "might", "had")
_PREPOSITIONS = (
    "of", "in", "on", "for", "with", "by", "from", "about", "than", "at", "over", "into", "through", "against",
    "during", "within", "between", "under", "using", "behind",
)  # fmt: skip
_OPEN = "|".join((*_SINGULAR, *_PLURAL, *_EITHER, *_PREPOSITIONS))
# What may stand behind the phrase: a verb, for a noun there, or a preposition, would be part of it.
_CLOSE = "|".join((*_SINGULAR, *_PLURAL, *_EITHER)) + (
    "|work|works|use|uses|used|improve|help|differ|perform|achieve|compare|compared|reduce|solve|contribute|affect|"
    "handle|make|allow|play|support|mean|learn|get|need|win|show|cause|increase|decrease|contain|provide|begin|end|"
    "become|operate|make|produce|enable|require|depend|relate|apply|offer|avoid|deal|address|ensure|prevent|increase"
)
# Of these no follow-ups are made: claims come in pairs that deny each other, and experts ask at length.
_LEFT_OUT = ("scifact", "expertqa", "pubmedqa", "scitldr", "csabstruct")
_OPENING = ("What does the paper '{}' do?", "Summarise '{}'.", "Tell me about '{}'.")
_AIM = re.compile(r"\b(?:[Ww]e|(?:[Tt]his|[Tt]he) (?:paper|article|work))\b")
_SORT = re.compile(r"\b(?:type|kind|sort|part|form|name|number)s? of$", re.IGNORECASE)  # 'what type of it'
_WORDS = re.compile(r"[^\W_](?:[^\s?,;:]*[^\W_])?")
_NAME = re.compile(rf"^{NAME}$")


def followups(items: Sequence[Item]) -> Iterator[Example]:
    """One rewriting a question at most, in the order of ``items``."""
    whole = [i for i in items if i.source not in _LEFT_OUT and i.gold and not questions.is_follow_up(i.question)]
    groups: dict[str, list[Item]] = {}
    for item in whole:
        groups.setdefault(item.group, []).append(item)
    for item in whole:
        made = next((e for before in _before(item, groups[item.group]) if (e := _rewriting(item, before))), None)
        if made is not None:
            yield made


def _before(item: Item, group: Sequence[Item]) -> Iterator[tuple[str, str]]:
    """Questions that may have come before, with their answers: about the same text, or after the paper itself."""
    for other in group:
        if other.question != item.question:
            yield other.question, other.gold[0]
    if item.source == "arxiv":
        sentences = [s.text for s in split_sentences(item.paper.abstract) if s.text not in item.gold]
        aim = next((s for s in sentences if _AIM.search(s)), "")
        if aim:
            yield _OPENING[len(aim) % len(_OPENING)].format(item.paper.title), aim


def _rewriting(item: Item, before: tuple[str, str]) -> Example | None:
    question, answer = before
    if not 4 <= len(item.question.split()) <= 25:
        return None
    history = (Turn("user", question), Turn("assistant", with_numbers(third_person(answer), (1,))))
    for phrase in shared(item.question, question):
        short = with_pronoun(item.question, phrase)
        if not short or not stems(short):
            continue
        query = questions.understand(short, history)
        if query.is_follow_up and questions.keeps_topic(item.question, query):
            return Example(item.source, short, (), item.question, "rewrite", item.group, history)
    return None


def shared(question: str, before: str) -> list[str]:
    """What may be said once and then pointed to: runs of words of ``question`` that ``before`` has too, longest first.

    A single word must be a name such as IFITM3, for 'growth' need not be the same growth.
    """
    words = list(_WORDS.finditer(question))
    told = f" {' '.join(m[0] for m in _WORDS.finditer(before))} ".lower()
    runs = []
    for start, first in enumerate(words):
        for last in words[start : start + 5]:
            run = question[first.start() : last.end()]
            parts = _WORDS.findall(run)
            if f" {' '.join(parts)} ".lower() not in told or re.search(r"[,;:?!]", run):
                break
            content = parts[1:] if parts[0].lower() in ("the", "a", "an") else parts
            named = len(content) == 1 and _NAME.match(content[0])
            if (len(content) > 1 or named) and _is_noun_phrase(content, len(parts) > len(content)):
                runs.append(run)
    return sorted(dict.fromkeys(runs), key=lambda r: (-len(r), r))


def _is_noun_phrase(content: Sequence[str], has_article: bool) -> bool:
    """No small words, no verb at the beginning, and no person: words with capitals alone most often name one."""
    person = not has_article and len(content) > 1 and all(w[:1].isupper() and w[1:].islower() for w in content)
    verbal = not has_article and content[0].endswith(("ing", "ed", "ly"))
    return not (person or verbal or any(w.lower() in STOPWORDS for w in content) or content[-1].endswith("ing"))


def with_pronoun(question: str, phrase: str) -> str:
    """``question`` with 'it', 'its', 'they', 'their' or 'them' for ``phrase``; '' where that is not sure."""
    if question.count(phrase) != 1:
        return ""
    noun = re.escape(phrase) if re.match(r"(?:the|a|an) ", phrase, re.IGNORECASE) else rf"(?:the )?{re.escape(phrase)}"
    found = re.search(
        rf"(?:(?P<the>\bthe (?P<had>\w+)) of |\b(?P<left>{_OPEN}) ){noun}"
        rf"(?:(?P<owns>['’]s?) (?=\w)|(?=[?]?$| (?P<right>{_CLOSE})\b))",
        question, re.IGNORECASE,
    )  # fmt: skip
    if found is None or _SORT.search(question[: found.end("left")] if found["left"] else ""):
        return ""
    left, right = (found["left"] or "").lower(), (found["right"] or "").lower()
    many = _is_many(phrase, "" if found["owns"] else left, right)
    if many is None:
        return ""
    if found["had"]:
        put = f"{'their' if many else 'its'} {found['had']}"
    elif found["owns"]:
        put = f"{found['left']} {'their' if many else 'its'} "
    else:
        object_ = left in _PREPOSITIONS
        put = f"{found['left']} {('them' if object_ else 'they') if many else 'it'}"
    return question[: found.start()] + put + question[found.end() :]


def _is_many(phrase: str, left: str, right: str) -> bool | None:
    """Whether ``phrase`` is a plural; None where its own form and the verb beside it do not agree."""
    last = phrase.split()[-1]
    by_form = last.endswith("s") and not last.endswith(("ss", "us", "is", "ics")) and not _NAME.match(last)
    said = [v in _PLURAL for v in (left, right) if v in (*_SINGULAR, *_PLURAL)]
    return by_form if all(many == by_form for many in said) else None
