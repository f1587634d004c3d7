"""The topic of a count as tokens: terms, authors and what joins them, without the words of the request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.survey.expressions import All, AnyOf, Author, Expression, Word
from rag.survey.terms import PREFIXES, term
from rag.text.tokenization import STOPWORDS

YEARS_TAKEN_OUT = "\x1f"  # stands in a topic where its years were
QUOTES = '"“”„«»'
_SPLIT = re.compile(
    rf"[{QUOTES}](?P<phrase>[^{QUOTES}]*)[{QUOTES}]|(?P<mark>[(),;{YEARS_TAKEN_OUT}])|"
    rf"(?P<word>[^\s(),;{QUOTES}{YEARS_TAKEN_OUT}]+)"
)
_OR = frozenset({"or", "nor"})
_AND = frozenset({"and", "&", "plus"})
_NOT = frozenset({"not", "don't", "doesn't", "don’t", "doesn’t", "never", "no"})
_WITHOUT = frozenset({"without", "except", "excluding", "neither", "lacking"})
_RELATIVE = frozenset({"that", "which", "who", "whose", "mention", "mentions", "discuss", "discusses", "but"})
# What leads from the papers to what they are about; no topic where more follows.
_LINKS = frozenset(
    """about on in of with from for regarding concerning dealing deal deals mention mentions mentioning mentioned use
    uses using used discuss discusses discussing contain contains containing cover covers covering address addresses
    addressing consider considers considering include includes including are is were was be been do does did there have
    has the a an any papers paper works articles studies publications published appeared written apply applies applying
    employ employs propose proposes study rely relies based both either only also those all ones
    term word phrase""".split()
)
_NEVER_TOPICS = frozenset(
    """published appeared written papers paper works articles studies publications there have has are is was were been
    do does did all those ones""".split()
)
_ARTICLES = frozenset({"the", "a", "an"})
_WROTE = re.compile(r"(?:co-?)?(?:authored|written|published)", re.IGNORECASE)
_NAME = re.compile(
    r"(?:[A-Z]\.?-?)+|(?:[A-Z]|(?:Mc|Mac|O['’]|[dD]['’]|al-)[A-Z])(?>[^\W\d_]*?[a-z])[\w'’-]*+\.?,?|[^\W\d_a-zA-Z][\w'’-]*"
)
_PARTICLES = frozenset("van von de der den del da di la le bin al el ter ten dos".split())


@dataclass(frozen=True, slots=True)
class Token:
    """``kind``: term, or, and, not, without, break, open, close, both."""

    kind: str
    value: Expression | None = None
    explicit: bool = False  # an 'and' behind which a link word repeats what is asked: 'and with …'


class Lexer:
    """Splits a topic into tokens, without the words of the request."""

    def __init__(self, topic: str, is_author: Callable[[str], bool] | None) -> None:
        self._parts = [(m.lastgroup or "", m[m.lastgroup or 0].strip()) for m in _SPLIT.finditer(topic)]
        self._is_author = is_author
        self._dated = YEARS_TAKEN_OUT in topic
        self._at = 0
        self._comma: tuple[int, str] = (0, "")  # what a comma means up to a part
        self._last_and = max(
            (at for at, (kind, t) in enumerate(self._parts) if kind == "word" and t.lower() in _AND), default=-1
        )

    def tokens(self) -> Iterator[Token]:
        """The tokens in order."""
        linking = True  # whether a link word may come now
        while self._at < len(self._parts):
            kind, text = self._parts[self._at]
            authors = self._authors(linking) if kind == "word" else None
            if authors is not None:
                yield from (Token("term", authors), Token("break"))
                linking = True
                continue
            self._at += 1
            if kind == "word" and linking and self._is_link(text):
                continue
            token = self._mark(text) if kind == "mark" else self._phrase(text) if kind == "phrase" else self._word(text)
            if token is not None:
                yield token
                linking = token.kind != "term"

    def _mark(self, mark: str) -> Token:
        if mark in ",;":
            return Token(self._meaning_of_comma(), explicit=False)
        return Token({"(": "open", ")": "close"}.get(mark, "break"))

    def _meaning_of_comma(self) -> str:
        """In a list a comma means what joins its last two members: the same for all commas up to there."""
        end, meaning = self._comma
        if self._at > end:
            end = next((at for at in range(self._at, len(self._parts)) if self._ends_list(at)), len(self._parts))
            kind, text = self._parts[end] if end < len(self._parts) else ("", "")
            meaning = "or" if kind == "word" and text.lower() in _OR else "and"
            self._comma = (end, meaning)
        return meaning

    def _ends_list(self, at: int) -> bool:
        kind, text = self._parts[at]
        if kind == "mark":
            return text in "()" + YEARS_TAKEN_OUT
        return kind == "word" and text.lower() in _OR | _AND | _NOT | _WITHOUT | _RELATIVE

    def _phrase(self, text: str) -> Token | None:
        found = term(text)
        return Token("term", Word(found)) if found else None

    def _word(self, text: str) -> Token | None:
        plain = text.rstrip(".?!:")
        word = plain.lower()
        if word in _OR:
            return Token("or")
        if word in _AND:
            return Token("and", explicit=self._link_follows())
        if word in _NOT and (word != "no" or self._at < len(self._parts)):
            return Token("not")
        if word in _WITHOUT:
            return Token("without")
        if word in _RELATIVE:
            return Token("break")
        if word == "both":
            return Token("both")
        if word in STOPWORDS or word == "either":
            return None
        if word in PREFIXES and self._next_word():
            plain = f"{plain}-{self._next_word()}"
            self._at += 1
        found = term(plain)
        return Token("term", Word(found)) if found else None

    def _next_word(self) -> str:
        kind, text = self._parts[self._at] if self._at < len(self._parts) else ("", "")
        word = text.lower()
        return text if kind == "word" and word.isalpha() and word not in STOPWORDS | _AND | _OR | _NOT else ""

    def _link_follows(self) -> bool:
        kind, text = self._parts[self._at] if self._at < len(self._parts) else ("", "")
        return kind == "word" and text.lower() in _LINKS - _ARTICLES

    def _is_link(self, text: str) -> bool:
        """Whether a word only leads to what follows; at the end it is looked for itself ('papers that mention use')."""
        word = text.lower()
        if word == "both":
            return self._last_and >= self._at
        if word in ("year", "years"):
            return self._dated
        if word not in _LINKS or self._at == len(self._parts):
            return word in _NEVER_TOPICS
        kind, following = self._parts[self._at]
        if word in ("term", "word", "phrase"):
            return kind == "phrase"
        return word in _NEVER_TOPICS or not (kind == "word" and following.lower() in _AND | _OR)

    # --- authors ---

    def _authors(self, at_start: bool) -> Expression | None:
        """The authors named behind 'by', or None where 'by' belongs to the topic ('improved by pruning')."""
        at = self._at
        explicit = bool(_WROTE.fullmatch(self._parts[at][1])) and self._word_at(at + 1) == "by"
        at += explicit
        if self._is_author is None or self._word_at(at) != "by":
            return None
        names: list[str] = []
        joined = ""
        at += 1
        while True:
            name, end = self._name(at, forced=not names and (explicit or at_start))
            if not name:
                break
            names.append(name)
            self._at = at = end
            joiner = self._word_at(at) if at < len(self._parts) else ""
            if joiner not in ("and", "or", "&", ","):
                break
            joined = joiner if joiner != "," and not joined else joined
            at += 1 + (joiner == "," and self._word_at(at + 1) in ("and", "or"))
        if not names:
            return None
        people = tuple(Author(name) for name in names)
        return people[0] if len(people) == 1 else AnyOf(people) if joined == "or" else All(people)

    def _word_at(self, at: int) -> str:
        return self._parts[at][1].lower() if at < len(self._parts) else ""

    def _name(self, at: int, *, forced: bool) -> tuple[str, int]:
        """The name that begins at a part, and where it ends. ``forced``: a word in small letters may be one, too."""
        words: list[str] = []
        while at < len(self._parts):
            kind, text = self._parts[at]
            word = text.rstrip("?!,")
            particle = word.lower() in _PARTICLES and kind == "word" and at + 1 < len(self._parts)
            known = word.islower() and self._is_author is not None and self._is_author(word)
            named = bool(_NAME.fullmatch(word)) or known or word in ("et", "al.", "al") or (forced and not words)
            if kind == "phrase" and not words:
                return text, at + 1
            if kind != "word" or not (named or particle) or word.lower() in _AND | _OR | _RELATIVE:
                break
            words.append(word)
            at += 1
        name = re.sub(r" et al\.?$", "", " ".join(words))
        return (name, at) if len(name) > 1 else ("", at)


def tidied(tokens: Sequence[Token]) -> list[Token]:
    """Without connectors that connect nothing: at the ends, beside a break, one behind the other."""
    found: list[Token] = []
    for token in tokens:
        before = found[-1].kind if found else "break"
        if token.kind in ("and", "or") and before in ("break", "and", "or", "open", "not", "without"):
            continue
        if token.kind == "break" and before == "or":
            continue
        if token.kind in ("break", "without") and before == "and":
            found.pop()
        if token.kind == "without" and before not in ("or", "not", "without", "break", "open"):
            found.append(Token("break"))
        found.append(token)
    while found and found[-1].kind in ("and", "or", "break", "not", "without"):
        found.pop()
    return found
