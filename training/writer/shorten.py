"""What of a sentence answers a question: lead-ins and side clauses that say nothing of it are cut away.

Only whole clauses at the beginning and the end go, and words in brackets, so that what is left is a sentence of the
abstract's own words. A clause that holds a word of the question or of the answer stays, and so does one with a figure
where a figure is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Set

from rag.words import stems

SHORTEST = 6  # words that are left at least

_LEAD = re.compile(
    r"^(?:(?:(?:the|these|their|the authors['’]|extensive|experimental|empirical|numerical|simulation|quantitative|"
    r"comprehensive|preliminary)\s+){0,3}"
    r"(?:experiments?|experimentation|results?|evaluations?|analys[ie]s|findings?|simulations?|stud(?:y|ies))"
    r"(?:\s+(?:on|of|in|with|using|from|across|over)\s+[^,.;]{3,80}?)?|the authors|they|it (?:is|was)|this paper)"
    r"\s+(?:also |further |then |clearly |empirically |theoretically |experimentally ){0,2}"
    r"(?:show|demonstrate|indicate|suggest|reveal|confirm|find|found|observe|report|conclude|argue|prove|shown|verify|"
    r"demonstrated|observed|illustrate|establish|validate|note|showed|observed|suggested|revealed|indicated)s? that\s+"
    r"(?=\S)",
    re.IGNORECASE,
)
_LINK = re.compile(  # to a sentence before that is not there
    r"^((?:The authors|They|This (?:paper|work|article)|The paper) )(?:(?:also|then|further|furthermore|thus|therefore|"
    r"additionally|moreover|finally|hence) )+",
)
_OPENING = re.compile(
    r"^(?:To|In order to|By|For|With|Using|Given|Unlike|While|Although|Though|Since|As|Because|Due to|Based on|"
    r"Motivated by|Inspired by|Compared (?:to|with)|In contrast to|In addition to|Despite|Building on|When|If|After|"
    r"Through|Via|From|Within|Recently|Traditionally|Currently|Typically|In recent years|In practice)\b[^,;.]{0,140},"
    r"\s+(?=(?:the|this|these|an?|it|its|they|their|one|both|most|many|[A-Z0-9])\b)"
)
_SIDE = re.compile(
    r"(?:,\s+(?=(?:which|where|while|whereas|thus|thereby|hence|so that|making|allowing|enabling|leading|resulting|"
    r"such as|including|as well as|demonstrating|suggesting|achieving|providing|showing|outperforming|yielding|giving|"
    r"indicating|reducing|improving|especially|particularly|in particular|e\.g\.|i\.e\.|with|without|but|yet|since|"
    r"because|although|though|even|despite|based on|compared|using|when|if|so|"
    r"and (?:they|it|their|its|the authors|that|show|demonstrate|find|provide|discuss|thus|hence|therefore|then|also|"
    r"can|is|are|achieve|achieves|outperform|outperforms|has|have))\b)|;\s+|\s+[–—]\s+|:\s+(?=\w))"
)
_BRACKETED = re.compile(r"\s+\((?:[^()]*\s){3,}[^()]*\)")


def shorten(text: str, wanted: Set[str], figures: bool) -> str:
    """``text`` (one sentence in the third person) without what holds none of the stems in ``wanted``.

    ``figures`` says that numbers are asked for, so that no part with one may go. The full stop stays.
    """

    def spare(part: str) -> bool:
        return not (wanted & set(stems(part))) and not (figures and re.search(r"\d", part))

    body, stop = (text[:-1], text[-1]) if text[-1:] in ".!?" else (text, ".")
    body = _LINK.sub(r"\1", body)
    if (lead := _LEAD.match(body)) and spare(lead[0]):
        body = _begun(body[lead.end() :])
    if (opening := _OPENING.match(body)) and spare(opening[0]) and _long_enough(body[opening.end() :]):
        body = _begun(body[opening.end() :])
        if lead := _LEAD.match(body):
            body = _begun(body[lead.end() :]) if spare(lead[0]) else body
    for bracket in reversed(list(_BRACKETED.finditer(body))):
        if spare(bracket[0]) and not re.search(r"\d", bracket[0]):
            body = body[: bracket.start()] + body[bracket.end() :]
    for side in reversed(list(_SIDE.finditer(body))):
        if not spare(body[side.end() :]) or not _long_enough(body[: side.start()]):
            break
        if _open(body[: side.start()]):
            continue
        body = body[: side.start()]
    return body.rstrip(" ,;:") + stop


def _long_enough(text: str) -> bool:
    return len(text.split()) >= SHORTEST


def _open(text: str) -> bool:
    """Whether a bracket, a quotation or a formula would be cut through."""
    return text.count("(") != text.count(")") or text.count("$") % 2 == 1 or text.count('"') % 2 == 1


def _begun(text: str) -> str:
    """With a capital, unless the first word is a name with its own spelling."""
    word = text.split(" ", 1)[0]
    named = any(c.isupper() for c in word[1:]) or (len(word) == 1 and word != "a")
    return text if named else text[:1].upper() + text[1:]
