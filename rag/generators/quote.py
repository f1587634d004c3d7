"""The built-in answerer: evidence sentences in the third person, each with its number; no language model.

Nothing can come out of it that is not in an abstract. Its sentences are those of the evidence, in
the order of the evidence; what changes is the person ('We propose' becomes 'The authors propose')
and the connective at the start that refers to a sentence which is not there ('However, …').
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.datatypes import GenerationRequest, StopSignal
from rag.errors import GenerationCancelled


class QuoteGenerator:
    """Satisfies :class:`rag.datatypes.Generator`."""

    name = "quote"
    model = ""
    model_sha256 = ""

    def stream(self, request: GenerationRequest, stop: StopSignal) -> Iterator[str]:
        """One piece per sentence. Raises :class:`GenerationCancelled` when ``stop`` is set."""
        first = True
        for evidence in request.evidence:
            introduced = False
            for sentence in evidence.sentences:
                if stop.is_set():
                    raise GenerationCancelled("Stopped.")
                text = third_person(sentence.text, introduced=introduced)
                introduced = introduced or "the authors" in text.lower()
                yield ("" if first else " ") + with_number(text, evidence.number)
                first = False


def with_number(text: str, number: int) -> str:
    """``text`` as one sentence with its number before the full stop: ``It works [2].``"""
    body = text.rstrip()
    end = re.search(r"[.!?。！？।؟]+[\"'”’)\]]*$", body)
    mark = "." if end is None else end.group()
    body = body if end is None else body[: end.start()]
    return f"{body.rstrip(' ,;:')} [{number}]{mark}"


# A connective that points to a sentence which does not stand here.
_CONNECTIVE = re.compile(
    r"^(?:However|Moreover|Furthermore|In addition|Additionally|Besides|Therefore|Thus|Hence|Consequently|As a result|"
    r"To this end|To that end|Nevertheless|Nonetheless|Meanwhile|Finally|Lastly|First|Firstly|Second|Secondly|Third|"
    r"Thirdly|Then|Also|Notably|Specifically|In particular|In fact|Indeed|Overall|In summary|In short|In this paper|"
    r"In this work|In this article|In this study|In the paper|Here|For this purpose|Accordingly|Instead|Again|"
    r"In contrast|On the other hand|Yet|And|But|So|More specifically|More importantly|Importantly|Interestingly)"
    r"(?:,\s+|\s+(?=we\b))",
)

# In this order: longer forms first, so that "we've" is not read as "we".
_PERSON: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"\b[Ww]e['’]ve\b"), "the authors have", "they have"),
    (re.compile(r"\b[Ww]e['’]re\b"), "the authors are", "they are"),
    (re.compile(r"\b[Ww]e['’]ll\b"), "the authors will", "they will"),
    (re.compile(r"\b[Ll]et us\b"), "the authors", "they"),
    (re.compile(r"\b[Ww]e\b"), "the authors", "they"),
    (re.compile(r"\b[Oo]urselves\b"), "themselves", "themselves"),
    (re.compile(r"\b[Oo]urs\b"), "the authors' own", "theirs"),
    (re.compile(r"\b[Oo]ur\b"), "the authors'", "their"),
    (re.compile(r"(?<![A-Za-z.])us\b(?!\.)"), "the authors", "them"),
)
_SINGULAR = (
    (re.compile(r"\bI am\b|\bI['’]m\b"), "the author is"),
    (re.compile(r"\bI have\b"), "the author has"),
)
_SINGULAR_VERB = re.compile(r"\bI (propose|show|present|introduce|argue|describe|prove|investigate|discuss)\b")


def third_person(sentence: str, *, introduced: bool = False) -> str:
    """``sentence`` with its authors in the third person; everything else stays as it is.

    ``introduced`` says that the authors have been named in the sentence before, so that 'they'
    will do. Bracketed figures such as ``[12]`` become ``(12)``: here brackets are footnotes.
    """
    text = _CONNECTIVE.sub("", sentence.strip(), count=1)
    text = re.sub(r"\[(\d+(?:\s*[,;–-]\s*\d+)*)\]", r"(\1)", text)
    text = _replace_person(text, introduced)
    text = _SINGULAR_VERB.sub(lambda m: f"the author {m[1]}s", text)
    for pattern, replacement in _SINGULAR:
        text = pattern.sub(replacement, text)
    return _capitalised(text, sentence)


def _replace_person(text: str, introduced: bool) -> str:
    """Each first person by 'the authors' once, by 'they', 'their', 'them' after that."""
    spans: list[tuple[int, int, str, str]] = []
    for pattern, full, short in _PERSON:
        for match in pattern.finditer(text):
            if not any(start < match.end() and match.start() < end for start, end, _, _ in spans):
                spans.append((match.start(), match.end(), full, short))
    pieces: list[str] = []
    at, named = 0, introduced
    for start, end, full, short in sorted(spans):
        pieces += [text[at:start], short if named else full]
        named, at = True, end
    return "".join([*pieces, text[at:]])


def _capitalised(text: str, original: str) -> str:
    """First letter in upper case, unless the sentence began with a name in mixed case ('iBugMask')."""
    word = text.split(" ", 1)[0]
    if not text or any(c.isupper() for c in word[1:]) or (text[0].islower() and original.startswith(word)):
        return text
    return text[0].upper() + text[1:]
