"""Questions about the whole library: whether papers are to be counted, listed or dated, and on which topic.

In English by the patterns of ``kinds.py``; in a few other languages, and where those find nothing, by words from a
table.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rag.datatypes import OVER_THE_LIBRARY, Intent
from rag.questions.kinds import kind_of, library_topic


class _Language(NamedTuple):
    """Words by which a language asks for papers: ``counts`` and ``lists`` come before ``papers``, ``links`` behind
    them."""

    counts: str
    lists: str
    papers: str
    links: str


_LANGUAGES = (
    _Language(
        "wie ?viele|anzahl(?: der| von)?|zähle(?: die| alle)?", "liste(?: mir)?(?: alle| die)?|alle",
        "artikel|studien|arbeiten|publikationen|papers?|veröffentlichungen|aufsätze|texte",
        "handeln|befassen|beschäftigen|sich|mit|von|über|zu|zum|zur|gibt|es|die|der|das|den|dem|erwähnen|nennen|behandeln|"
        "untersuchen|liegen|vor|auf|in|sind|haben|wir",
    ),
    _Language(
        "combien d['’]|combien de|nombre d['’]|nombre de", "listes?(?: tous)?(?: les)?|tous les",
        "articles|études|publications|travaux|papiers",
        "parlent|portent|traitent|mentionnent|concernent|sur|de|du|des|la|le|les|y|a-t-il|il|a|sont|dans",
    ),
    _Language(
        "cu[aá]nt[oa]s|n[uú]mero de", "lista(?: todos)?(?: los)?|todos los", "art[ií]culos|estudios|trabajos|"
        "publicaciones",
        "hay|tratan|hablan|mencionan|versan|sobre|de|del|el|la|los|las|que|en|se|ocupan",
    ),
    _Language(
        "quant[ie]|numero di", "elenca(?: tutti)?(?: gli| i)?|tutti gli", "articoli|studi|lavori|pubblicazioni",
        "parlano|trattano|riguardano|menzionano|ci|sono|di|del|della|dei|su|sul|sui|sulla|sulle|il|la|i|gli|le|che",
    ),
    _Language(
        "quant[oa]s|n[uú]mero de", "liste(?: todos)?(?: os)?|todos os", "artigos|estudos|trabalhos|publicações",
        "falam|tratam|mencionam|abordam|existem|há|sobre|de|do|da|dos|das|o|a|os|as|que|em",
    ),
)  # fmt: skip
_PATTERNS = tuple(
    (
        re.compile(rf"^\W*+(?:{one.counts})\s*+(?:{one.papers})\b(?P<topic>.*)", re.IGNORECASE),
        re.compile(rf"^\W*+(?:{one.lists})\s*+(?:{one.papers})\b(?P<topic>.*)", re.IGNORECASE),
        re.compile(rf"^(?:\s*+(?:(?:{one.links})(?!\w)|[dl]['’]))+", re.IGNORECASE),
    )
    for one in _LANGUAGES
)
_CHINESE = (
    re.compile(r"(?:多少|几)篇?(?:关于|提到|讨论|涉及|研究)?(?P<topic>[^？?。的]{1,40})的?(?:论文|文章|研究)"),
    re.compile(r"关于(?P<topic>[^？?。的]{1,40})的?(?:论文|文章|研究)有?(?:多少|几)篇?"),
    re.compile(r"(?:多少|几)篇?(?:论文|文章|研究)(?:关于|提到|讨论|涉及)?(?P<topic>[^？?。]{1,40})"),
)
_COUNTS = re.compile(r"\b(?:how (?:many|often|frequently|much)|number|count|total|more than|how big)\b", re.IGNORECASE)
_YEARS = re.compile(
    r"\b(?:(?:which|what) years?|years?|when|oldest|newest|each year|per year|over (?:the years|time)|grow|"
    r"trend)\b(?! \d)",
    re.IGNORECASE,
)
_PAPERS = re.compile(
    r"\b(?:papers|works|articles|abstracts|publications|studies|records|documents|paper|article|publication)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"\b(?:library|collection|these papers|the papers)\b", re.IGNORECASE)
_BEFORE = re.compile(
    r"^(?:(?:how|often|frequently|many|is|are|was|were|which|what|does|do|did|in|of|the|a|an|show|list|give|me|tell|please|"
    r"all|every|number|count|any|anything|everything|there|has|have)\b[\s,:]*+)+",
    re.IGNORECASE,
)
_VERBS_BEHIND = re.compile(
    r"(?:\s(?:occur|appear|mentioned|discussed|treated|found|used|developed?|grow|changed?|evolved?|published|"
    r"each year|per year|"
    r"by year|over the years|over time|in total|in the|this|in|the|here)\b){1,4}[\s?.!]*+$",
    re.IGNORECASE,
)


def library_request(text: str) -> tuple[Intent, str]:
    """COUNT, LIST or YEARS, and the topic; a COUNT of everything where no topic can be told."""
    intent, topic = kind_of(text)
    if intent in OVER_THE_LIBRARY:
        return intent, topic
    if foreign := _in_other_languages(text):
        return foreign
    intent = Intent.YEARS if _YEARS.search(text) else Intent.COUNT if _COUNTS.search(text) else Intent.LIST
    papers = _PAPERS.search(text)
    topic = _plain(text[papers.end() :]) if papers else ""
    if not topic:
        before = text[: papers.start()] if papers else text
        topic = _plain(_BEFORE.sub("", before, count=1)) if papers and not _WHOLE.search(before) else ""
    if not topic and intent is Intent.LIST:
        return Intent.COUNT, ""  # 'Give me an overview of the library'
    return intent, topic


def _plain(rest: str) -> str:
    without = _VERBS_BEHIND.sub("", f" {rest.strip(' ?.!')}")
    return "" if _WHOLE.fullmatch(without.strip()) else library_topic(without)


def _in_other_languages(text: str) -> tuple[Intent, str] | None:
    for pattern in _CHINESE:
        if found := pattern.search(text):
            return Intent.COUNT, found["topic"]
    for counts, lists, links in _PATTERNS:
        for intent, pattern in ((Intent.COUNT, counts), (Intent.LIST, lists)):
            if found := pattern.search(text):
                return intent, links.sub("", found["topic"]).strip(" ?.!")
    return None
