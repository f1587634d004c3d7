"""What a request is about, once the words of the request itself are gone: 'Write a review of the work on X' is about
X."""

from __future__ import annotations

import re

_ASKED_FOR = (
    r"(?:review|overview|survey|summary|report|account|introduction|recap|synopsis|section|chapter|text|picture|list|"
    r"research|literature|scholarship|work|works|studies|study|trials|evidence|findings|results|knowledge|understanding|"
    r"themes|field|state|state of the art|art|known|know|learned|learnt|found|done|written|tried|say|says|stand|"
    r"stands|things|"
    r"papers?|articles?|publications?|points?|gist|essentials|messages?|claims?|idea|conclusions?|version|authors?|doi|year|"
    r"date|journal|venue|citation|link|details)"
)
# 'overview of', 'research on', and up to two words between them: 'papers here about'
_LEADS = re.compile(
    rf"\b{_ASKED_FOR}(?: (?!about|on|of|into|in|for|to|regarding|concerning|behind|called|titled|with)\w+){{0,2}}"
    r" (?:about|on|of|into|in|for|to|regarding|concerning|behind|called|titled|with) (?:the )?",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"^(?:(?:please|kindly|can you|could you|would you|will you|i want|i need|i would like|give|write|show|tell|"
    r"draft|make|"
    r"prepare|compile|me|us|an?|the|short|brief|quick|concise|literature|systematic|review|survey|overview|summary|of|on|about|"
    r"summari[sz]e|sum up|recap|condense|shorten|abridge|explain|describe|outline|tl;?dr|what is|what['’]s|what are|"
    r"who|wrote|"
    r"published|authored|when|where|was|were|is|are|did|does|in which|which|journal|conference|year|paper|article|"
    r"study)\b"
    r"[\s,:]*+)+",
    re.IGNORECASE,
)
_END = re.compile(
    r"(?:(?<![\s,])[\s,]++(?:please|for me|for us|so far|today|in (?:short|brief|total|general)|briefly|all about|"
    r"about|"
    r"(?:been )?published|appear(?:ed)?|come out|from|in|in (?:two|three|a few|one) (?:sentences?|lines|words)|"
    r"(?:in|of|from) (?:this|the|my|your|our) (?:library|collection))){1,4}[\s?.!]*+$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[“\"«]([^”\"»]{3,300})[”\"»]")
_MARKS = " ?.!:;,\"'“”‘’？。！，"


def topic_of(text: str) -> str:
    """What a request is about; the whole text where nothing of it can be told apart. A quoted title wins."""
    if quoted := _QUOTED.search(text):
        return quoted[1].strip(_MARKS)
    end = 0
    for match in _LEADS.finditer(text):
        if end and len(text[end : match.start()].split()) > 2:
            break  # 'research on the state of Ohio' is about the state of Ohio
        end = match.end()
    rest = text[end:] if end else _REQUEST.sub("", text, count=1)
    return _END.sub("", rest.rstrip(_MARKS)).strip(_MARKS) or text.strip(_MARKS)
