"""True sentences to false ones by rule, and light paraphrase that keeps them true. Seeded through ``rng``."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from rag.text.tokenization import WHOLE_NAME
from rag.text.wording import third_person

_DIRECTIONS = (
    ("increases", "decreases"), ("increase", "decrease"), ("increased", "decreased"), ("increasing", "decreasing"),
    ("improves", "worsens"), ("improve", "worsen"), ("improved", "worsened"), ("improving", "worsening"),
    ("higher", "lower"), ("high", "low"), ("better", "worse"), ("more", "less"), ("faster", "slower"),
    ("larger", "smaller"), ("greater", "smaller"), ("longer", "shorter"), ("stronger", "weaker"), ("early", "late"),
    ("outperforms", "underperforms"), ("outperform", "underperform"), ("reduces", "raises"), ("reduced", "elevated"),
    ("reduce", "raise"), ("promotes", "prevents"), ("promote", "prevent"), ("activates", "inactivates"),
    ("inhibits", "activates"), ("inhibit", "activate"), ("inhibition", "activation"), ("induces", "blocks"),
    ("induce", "block"), ("enhances", "impairs"), ("enhance", "impair"), ("enhanced", "impaired"),
    ("positively", "negatively"), ("positive", "negative"), ("upregulates", "downregulates"),
    ("upregulated", "downregulated"), ("upregulation", "downregulation"), ("presence", "absence"),
    ("before", "after"), ("with", "without"), ("all", "none of the"), ("always", "never"), ("effective", "ineffective"),
    ("sufficient", "insufficient"), ("dependent", "independent"), ("significant", "insignificant"),
    ("best", "worst"), ("first", "last"), ("necessary", "unnecessary"), ("required", "dispensable"),
    ("safe", "unsafe"), ("common", "rare"), ("simple", "complex"), ("supervised", "unsupervised"),
    ("success", "failure"), ("successful", "unsuccessful"), ("efficient", "inefficient"), ("stable", "unstable"),
)  # fmt: skip
# Words that say the same with a preposition behind them are left alone ('more than', 'high in').
_TURNS = dict(_DIRECTIONS) | {b: a for a, b in reversed(_DIRECTIONS) if " " not in b and b != "without"}
_WORD = re.compile(r"[A-Za-z]+")
_NOT = re.compile(r"\b(?:(?:does|do|did) not|(?:is|are|was|were|can|could|may|will|has|have) (not)|cannot|no)\b ?")
_AUXILIARY = re.compile(r"\b(is|are|was|were|can|could|may|might|will|should|has been|have been)\b(?! not)")
_VERB = re.compile(
    r"\b(improve|increase|reduce|decrease|show|achieve|outperform|require|use|provide|allow|enable|lead|cause|induce|"
    r"promote|inhibit|regulate|mediate|affect|play|predict|protect|contribute|control|activate|support|depend|learn|"
    r"demonstrate|obtain|propose|enhance|suppress|modulate|drive|trigger|bind|interact|correlate|occur|exist|"
    r"produce|prevent|impair|influence|perform|benefit|help|yield|reveal|generate|outweigh|differ)(s|es)?\b"
)
_NUMBER = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w.-]*[A-Za-z]\d)")
_COMPARED = re.compile(
    r"^(?P<a>[A-Z].{3,70}?) (?P<verb>(?:significantly |consistently )?(?:outperforms?|exceeds?|surpass(?:es)?|"
    r"(?:is|are|was|were) (?:\w+ ){0,2}(?:\w+er|more \w+|less \w+) than|precedes?|follows)) "
    r"(?P<b>.{3,70}?)(?P<end>[.,;])"
)
_OPENERS = re.compile(
    r"^(?:however|moreover|furthermore|finally|additionally|in addition|in particular|specifically|thus|"
    r"therefore|hence|consequently|as a result|in contrast|interestingly|notably|overall|in conclusion|"
    r"experimental results (?:show|demonstrate|indicate) that|(?:our )?(?:results|experiments|findings) "
    r"(?:show|demonstrate|indicate|suggest) that|we (?:show|demonstrate|find|found|conclude) that|"
    r"these (?:results|findings|data) (?:show|demonstrate|indicate|suggest) that|it is shown that)[, ]+",
    re.IGNORECASE,
)
_ASIDE = re.compile(r" \([^()]{1,60}\)|, (?:which|where|including|such as|e\.g\.|i\.e\.)[^,;]{5,80}(?=[,.;])")
_PHRASES = (
    (r"\bin this paper,? ", ""), (r"\bsignificantly\b", "markedly"), (r"\bnovel\b", "new"), (r"\butili[sz]e", "use"),
    (r"\b(?:is|are) able to\b", "can"), (r"\bin order to\b", "to"), (r"\bdue to\b", "because of"),
    (r"\bobtain(s|ed)?\b", r"reach\1"), (r"\bdemonstrates?\b", "shows"), (r"\bapproach\b", "method"),
    (r"\ba number of\b", "several"),
    (r"\bindividuals\b", "people"), (r"\bhowever,? ", ""), (r"\bpatients with\b", "those with"),
)  # fmt: skip


def paraphrase(sentence: str, rng: random.Random) -> str:
    """The same said a little otherwise: third person, an opener or an aside dropped, a word replaced."""
    text = third_person(sentence)
    if rng.random() < 0.8:
        text = _OPENERS.sub("", text)
    if rng.random() < 0.6:
        text = _ASIDE.sub("", text)
    for pattern, word in _PHRASES:
        if rng.random() < 0.5:
            text = re.sub(pattern, word, text, flags=re.IGNORECASE)
    text = text.strip()
    return text[:1].upper() + text[1:]


def turn_direction(text: str, rng: random.Random) -> str | None:
    """One word replaced by its opposite."""
    found = [m for m in _WORD.finditer(text) if m.group().lower() in _TURNS]
    if not found:
        return None
    weighty = [m for m in found if m.group().lower() not in ("with", "all", "before", "after", "first", "high")]
    match = rng.choice(weighty or found)
    word = _TURNS[match.group().lower()]
    word = word.capitalize() if match.group()[0].isupper() else word
    return text[: match.start()] + word + text[match.end() :]


def negate(text: str, rng: random.Random) -> str | None:
    """A negation put in, or taken out where there is one."""
    if match := _NOT.search(text):
        kept = match.group().replace(" not", "").replace("cannot", "can").strip()
        kept = "" if kept in ("does", "do", "did", "no") else f"{kept} "
        return text[: match.start()] + kept + text[match.end() :]
    if rng.random() < 0.15 and re.match(r"[A-Z][a-z]", text):
        return f"It is not the case that {text[0].lower()}{text[1:]}"
    if match := _AUXILIARY.search(text):
        head, _, rest = match.group().partition(" ")
        return text[: match.start()] + f"{head} not{' ' + rest if rest else ''}" + text[match.end() :]
    if match := _VERB.search(text):
        if rng.random() < 0.25 and match[2]:
            return text[: match.start()] + f"fails to {match[1]}" + text[match.end() :]
        return text[: match.start()] + f"{'does' if match[2] else 'do'} not {match[1]}" + text[match.end() :]
    return None


def change_figure(text: str, rng: random.Random) -> str | None:
    """One figure replaced by another of the same look."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return None
    match = rng.choice(found)
    value = float(match.group())
    changed = value * rng.choice((0.5, 0.8, 1.2, 1.5, 2, 10)) + rng.choice((0, 1, 3))
    digits = len(match.group().partition(".")[2])
    shown = f"{changed:.{digits}f}"
    return None if shown == match.group() else text[: match.start()] + shown + text[match.end() :]


def swap_name(text: str, others: str, rng: random.Random) -> str | None:
    """One name replaced by another that stands in ``others`` and not in ``text``."""
    own = list(WHOLE_NAME.finditer(text))
    names = sorted({n for n in WHOLE_NAME.findall(others) if n.lower() not in text.lower()})
    if not own or not names:
        return None
    match = rng.choice(own)
    return text[: match.start()] + rng.choice(names) + text[match.end() :]


def swap_sides(text: str, rng: random.Random) -> str | None:
    """'A outperforms B' to 'B outperforms A'."""
    match = _COMPARED.match(text)
    if not match:
        return None
    a, b = match["a"], match["b"]
    return (
        f"{b[0].upper()}{b[1:]} {match['verb']} {a[0].lower() if a[1:2].islower() else a[0]}{a[1:]}"
        + text[match.start("end") :]
    )


def falsify(text: str, others: str, rng: random.Random) -> str | None:
    """``text`` made false in one way, chosen by chance among those that apply; None where none does."""
    ways: list[tuple[float, Callable[[], str | None]]] = [
        (4.0, lambda: turn_direction(text, rng)),
        (3.0, lambda: negate(text, rng)),
        (1.0, lambda: change_figure(text, rng)),
        (1.5, lambda: swap_name(text, others, rng)),
        (3.0, lambda: swap_sides(text, rng)),
    ]
    while ways:
        (way,) = rng.choices(range(len(ways)), [weight for weight, _ in ways])
        changed = ways.pop(way)[1]()
        if changed and changed != text:
            return changed
    return None
