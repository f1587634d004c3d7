"""Whether a sentence of an abstract can stand by itself, and what to do where it cannot.

Three things tie a sentence to the one before it: a connective that opens it ('However, …'), a word that points out of
it ('They …', 'This network …'), and its place in an enumeration ('(2) …'). The first can be taken away. The others
cannot: such a sentence needs those before it, or another one is to be chosen. Judged by closed lists of function words,
which are the same in every field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.text.sentence_roles import SECTION_HEADING

# Connectives that go with the comma behind them and leave a whole sentence.
_CONNECTIVE = "|".join(
    """however moreover furthermore additionally besides therefore thus hence consequently accordingly nevertheless
    nonetheless notwithstanding meanwhile finally lastly also then next notably specifically particularly importantly
    interestingly surprisingly remarkably unfortunately fortunately indeed overall instead again conversely still yet
    otherwise similarly likewise namely concretely crucially critically subsequently afterwards alternatively
    correspondingly first firstly second secondly third thirdly fourth fourthly fifth""".split()
) + (
    r"|in (?:addition|particular|fact|summary|short|brief|conclusion|general|contrast|turn|response|other words)"
    r"|in (?:this|that) (?:context|regard|case|way)|(?:in|by) doing so|as (?:a result|a consequence|such)|first of all"
    r"|to (?:this|that) end|to (?:conclude|sum up)|taken together|(?:more|most) (?:specifically|precisely|importantly)"
    r"|for (?:this|that) (?:purpose|reason)|for (?:example|instance)|by contrast"
    r"|on the (?:contrary|one hand|other hand)"
    r"|last but not least|at the same time|that is"
)
# A clause before the sentence that only says what it answers: 'To address this problem, we …'.
_AIM = (
    r"(?:(?:in order )?to [a-z]{1,30}|(?:guided|motivated|inspired|encouraged|driven|informed) by|based on|building on)"
    r" (?:this|these|those|such)(?: [\w-]{1,30}){0,9},\s+"
    # And one that only joins it to what was said: 'In accordance with this idea, we …'.
    r"|in (?:accordance|line|agreement|keeping|accord|contrast|response) (?:with|to)"
    r" (?:this|these|those|such)(?: [\w-]{1,30}){0,4},\s+"
)
_OPENER = re.compile(
    rf"^(?:{_AIM}|(?:{_CONNECTIVE}|and|but|so),\s+|(?:{_CONNECTIVE}|and|but|so)\s+(?=(?:we|our)\b)|(?:and|but)\s+|"
    r"(?:so|yet)\s+(?=(?:the|it|this|these|they|their|most|many|existing|current|few|little|no)\b))",
    re.IGNORECASE,
)
_ITEM = re.compile(
    r"^(?:\(\s?(?:\d{1,2}|[a-h]|[ivx]{1,4})\s?\)|(?:\d{1,2}|[a-h]|[ivx]{1,4})\)|\d{1,2}\.(?=\s)|[•*–—-](?=\s))\s*"
)
_WHOLE = re.compile(r"[A-Z]|(?:we|our)\b")  # how an item begins that is a sentence of its own

# What 'this …' means where it means the paper itself.
_PAPER = "|".join(
    """article book case chapter cohort commentary contribution document dissertation editorial guideline investigation
    letter manuscript meta-analysis monograph note overview paper papers perspective project protocol report research
    review section studies study survey thesis trial tutorial work works""".split()
)
_THIS = rf"th(?:is|at)(?! (?:\w+ ){{0,2}}(?:{_PAPER})\b)"
_THOSE = r"those(?! (?:who|with|that|of|in|which)\b)"
# 'It is known that …' and 'It is hard to …' point to nothing, 'It is used to …' does.
_JUDGED = "|".join(
    """advisable appropriate challenging common critical crucial desirable difficult easy essential feasible hard
    helpful imperative important impossible infeasible interesting natural necessary non-trivial nontrivial possible
    reasonable time useful vital worth worthwhile""".split()
)
_IMPERSONAL = re.compile(
    r"it (?:is|was|has been|had been|remains|becomes|seems|appears|"
    r"(?:can|may|might|could|should|must|will|would)(?: also)? be)"
    r"(?: (?:not|also|often|still|now|well|thus|very|more|\w{1,30}ly)){0,2} "
    rf"(?:[\w’'-]{{1,30}} (?:that|whether|how|why)\b|(?:that|whether|{_JUDGED}|to be)\b)"
    r"|it (?:turns out|follows|seems|appears)\b",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"^(?:they|them|theirs?|these|it|its|he|his|she|her|such(?! as\b)|(?:the )?(?:former|latter)|both(?! \S+ and\b)|"
    r"the (?:two|three|four|others?|same|above|aforementioned|resulting|remaining)|others?|another|"
    rf"{_THIS.replace('(?:is|at)', 'is')}|{_THOSE}|"
    r"(?:each|all|some|most|many|one|two|none|neither|both|either|any) of (?:these|them|those|which)|"
    r"(?:in|of|for|with|by|from|on|at|to|under|through|using|based on|via|within|among|between|after|during|despite|"
    r"until|since|before|following|without|upon|against|besides|beyond|throughout|"
    r"unlike|because of|due to|given|towards?|as for|compared (?:to|with)) "
    rf"(?:{_THIS}|these|{_THOSE}|them|it|such(?! as\b)|the (?:former|latter))|"
    r"doing (?:so|this)|here(?=,? (?:is|are|was|were)\b)|there(?:by|in|of)|so (?:does|do|did|is|are))\b",
    re.IGNORECASE,
)
_FIRST_OF_SEVERAL = re.compile(r"^first.{0,600}?(?:\bsecond|\(2\)|\(ii\))", re.IGNORECASE)
MOST_BEFORE = 2  # sentences that may be taken along


def without_opener(text: str) -> str:
    """``text`` without the connective or list mark that opens it, where what is left is a whole sentence.

    'However, X works.' becomes 'X works.'; other sentences are returned as they are, headings of sections included.
    """
    found = _ITEM.match(text)
    rest = text[found.end() :] if found and _WHOLE.match(text, found.end()) else text
    while (opener := _OPENER.match(rest)) and opener.end() < len(rest) and not _FIRST_OF_SEVERAL.match(rest):
        rest = rest[opener.end() :]
    is_name = any(c.isupper() for c in rest.partition(" ")[0][1:])  # 'iPhones'
    return rest if rest == text or is_name else rest[:1].upper() + rest[1:]


def leans_on_previous(text: str) -> bool:
    """Whether a sentence needs the one before it even without its opener: it points back, or is an item of a list."""
    heading = SECTION_HEADING.match(text)
    rest = without_opener(text[heading.end() :] if heading else text).lstrip("\"'“‘(")
    if _ITEM.match(text) and rest == text.lstrip("\"'“‘("):
        return True
    if _IMPERSONAL.match(rest):
        return False
    return _POINTS_BACK.match(rest) is not None


def needed_before(sentences: Sequence[str], at: int) -> int | None:
    """How many sentences before ``sentences[at]`` have to stand before it: 0 where it is self-contained.

    None where that would be more than ``MOST_BEFORE``, or where the first sentence of an abstract points out of it.
    """
    for count in range(MOST_BEFORE + 1):
        if at - count < 0:
            return None
        if not leans_on_previous(sentences[at - count]):
            return count
    return None
