"""Pairs made by rule from abstracts: sentences turned round, taken out, and cut where a cut changes what is said.

Whatever a rule leaves in a claim (a 'not', an odd verb, a missing opener) is left in true and in false claims alike.
"""

from __future__ import annotations

import json
import lzma
import random
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from rag.library.chunking import split_sentences
from training.checker.alter import falsify, paraphrase
from training.checker.public import Pair, lines

_BEFORE, _AFTER = 2, 2  # sentences of the abstract that stay beside the one that a claim is made of
_DO = re.compile(r"^(?:Does|Do|Did) (?P<rest>\w.+?)\?$")
_END = r"(?P<said>[^,;:()]{25,160})(?P<end>[.,;])"
_ADVERB = r"(?:\w+ly )?"
# Who shows that X, shows X; who supposes that X, or asks whether X, leaves X open.
_STATED = re.compile(
    rf"\b{_ADVERB}(?:show(?:s|ed|n)?|demonstrate[sd]?|finds?|found|prove[sdn]?|observed?|confirm(?:s|ed)?|reveal(?:s|ed)?|"
    rf"establish(?:es|ed)?|conclude[sd]?) that {_END}"
)
_OPEN = re.compile(
    rf"\b{_ADVERB}(?:hypothesi[sz]ed?|assum(?:e|es|ed|ing)|conjectured?|believed?|suppos(?:e|ed|ing)|argue[sd]?|claim(?:s|ed)?|"
    rf"speculated?|suspect(?:ed)?|expected|suggested|propose[sd]?|(?:investigate|examine|test|study|determine|assess|ask|"
    rf"explore|evaluate|know|clear|unclear|unknown|see|question)(?:s|d|ed)? (?:whether|if)|possible|"
    rf"(?:idea|hypothesis|assumption|belief|claim|conjecture|possibility)) (?:that )?{_END}"
)
_CONDITION = re.compile(
    r"^(?:If|Unless|Provided that|Assuming(?: that)?|Under the assumption that) [^,]{8,90}, (?P<said>.+)$"
)
_GIVEN = re.compile(r"^(?:Because|Since|Although|Though|While|Given that|As) [^,]{8,90}, (?P<said>.+)$")
_HEDGE = re.compile(r"\b(?:may|might|could) (?P<verb>be|have)\b")
_PLAIN = re.compile(r"\b(?P<verb>is|are|has|have)\b (?!not\b)")
_EITHER = re.compile(
    r"\beither (?P<a>[^,;.]{3,40}?) or (?P<b>[^,;.]{3,40}?)(?=[,;.]| (?:in|on|to|for|with|of|from|by|at|is|are)\b)"
)
_BOTH = re.compile(
    r"\bboth (?P<a>[^,;.]{3,40}?) and (?P<b>[^,;.]{3,40}?)(?=[,;.]| (?:in|on|to|for|with|of|from|by|at|is|are)\b)"
)


def capital(text: str) -> str:
    """``text`` as a sentence."""
    text = text.strip()
    return text[:1].upper() + text[1:].rstrip(".,;") + "."


def abstracts(path: Path, barred: set[str], step: int, most: int) -> list[tuple[str, list[str]]]:
    """Id and sentences of every ``step``-th arXiv abstract, ``most`` at most, without the ids in ``barred``."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in islice(file, 7, 7 + step * most, step)]
    found = [(str(r["id"]), [s.text for s in split_sentences(" ".join(r["text"].split()))]) for r in records]
    return [(name, sentences) for name, sentences in found if len(sentences) >= 3 and f"arxiv:{name}" not in barred]


def around(sentences: Sequence[str], at: int, rng: random.Random) -> tuple[list[str], int]:
    """Up to ``_BEFORE`` sentences before and ``_AFTER`` behind, and the place of sentence ``at`` among them."""
    first = max(0, at - rng.randint(0, _BEFORE))
    return list(sentences[first : at + 1 + rng.randint(0, _AFTER)]), at - first


def turned(every: Sequence[tuple[str, list[str]]], rng: random.Random) -> Iterator[Pair]:
    """A sentence said otherwise. Turned round on one side it is not borne out, on both it is; taken out it is not."""
    for name, sentences in every:
        usable = [i for i, s in enumerate(sentences) if 8 <= len(s.split()) <= 40]
        if not usable:
            continue
        near, i = around(sentences, rng.choice(usable), rng)
        plain, false = near[i], falsify(near[i], " ".join(sentences), rng)
        if false is None:
            continue
        said, held = rng.choice(((0, 0), (1, 0), (0, 1), (1, 1)))
        claim = paraphrase(false if said else plain, rng)
        source = [*near[:i], false if held else plain, *near[i + 1 :]]
        label = "supported" if said == held else "not_supported"
        yield Pair("turned", label, claim, " ".join(source), f"arxiv-{name}")
        if len(near) > 2 and rng.random() < 0.1:
            left = " ".join(s for j, s in enumerate(near) if j != i)
            yield Pair("turned", "not_stated", paraphrase(plain, rng), left, f"arxiv-{name}")


def cuts(sentence: str, rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """(rule, label, claim) of every cut that ``sentence`` allows."""
    for rule, label, pattern in (("that", "supported", _STATED), ("that", "not_stated", _OPEN)):
        if match := pattern.search(sentence):
            yield rule, label, capital(match["said"])
    for rule, label, pattern in (("clause", "not_stated", _CONDITION), ("clause", "supported", _GIVEN)):
        if match := pattern.match(sentence):
            yield rule, label, capital(match["said"])
    if match := _HEDGE.search(sentence):
        plain = rng.choice(("is", "are")) if match["verb"] == "be" else rng.choice(("has", "have"))
        yield "hedge", "not_stated", capital(sentence[: match.start()] + plain + sentence[match.end() :])
    elif match := _PLAIN.search(sentence):
        if rng.random() < 0.5:  # what is so, may be so
            bare = "be" if match["verb"] in ("is", "are") else "have"
            yield "hedge", "supported", capital(f"{sentence[: match.start()]}may {bare} {sentence[match.end() :]}")
        else:
            yield "hedge", "supported", capital(sentence)
    for label, pattern in (("not_stated", _EITHER), ("supported", _BOTH)):
        if match := pattern.search(sentence):
            kept = match[rng.choice("ab")]
            yield "pair", label, capital(sentence[: match.start()] + kept + sentence[match.end() :])


def cut(every: Sequence[tuple[str, list[str]]], rng: random.Random) -> list[Pair]:
    """Cuts of sentences, of each rule as many that stay true as do not."""
    sides: dict[str, tuple[list[Pair], list[Pair]]] = {}
    for name, sentences in every:
        for at, sentence in enumerate(sentences):
            if not 8 <= len(sentence.split()) <= 45:
                continue
            for rule, label, claim in cuts(sentence, rng):
                if 5 <= len(claim.split()) <= 35:
                    near, _ = around(sentences, at, rng)
                    pair = Pair("cut", label, claim, " ".join(near), f"arxiv-{name}")
                    sides.setdefault(rule, ([], []))[label == "supported"].append(pair)
    pairs: list[Pair] = []
    for _, (no, yes) in sorted(sides.items()):
        size = min(len(no), len(yes))
        pairs += rng.sample(no, size) + rng.sample(yes, size)
    return pairs


def conclusions(path: Path, barred: set[str], rng: random.Random) -> Iterator[Pair]:
    """PubMedQA: yes/no questions as statements, and conclusions, also turned round, beside the other sections."""
    for r in lines(path):
        if f"pubmedqa:{r['id']}" in barred:
            continue
        source, group = " ".join(r["contexts"]), f"pubmedqa-{r['id']}"
        if match := _DO.match(r["question"]):
            label = {"yes": "supported", "no": "not_supported"}.get(r["answer"])
            if label:
                yield Pair("pubmedqa", label, capital(match["rest"]), source, group)
                continue
        first = split_sentences(r["long_answer"])[0].text
        if r["answer"] == "yes" and 6 <= len(first.split()) <= 40:
            false = falsify(first, source, rng)
            if false and rng.random() < 0.6:
                yield Pair("pubmedqa", "not_supported", paraphrase(false, rng), source, group)
            else:
                yield Pair("pubmedqa", "supported", paraphrase(first, rng), source, group)


def summaries(path: Path, rng: random.Random) -> Iterator[Pair]:
    """SciTLDR: a summary is supported by its abstract; turned round, or beside the next paper's, it is not."""
    records = [r for r in lines(path) if len(r["sentences"]) >= 3 and 6 <= len(r["tldrs"][0].split()) <= 40]
    for at, r in enumerate(records):
        summary, source = paraphrase(r["tldrs"][0], rng), " ".join(r["sentences"])
        chance = rng.random()
        if chance < 0.48:
            yield Pair("scitldr", "supported", summary, source, r["id"])
        elif chance < 0.88 and (false := falsify(summary, source, rng)):
            yield Pair("scitldr", "not_supported", false, source, r["id"])
        else:
            other = " ".join(records[(at + 1) % len(records)]["sentences"])
            yield Pair("scitldr", "not_stated", summary, other, r["id"])
