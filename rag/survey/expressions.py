"""What a count asks of a paper, as an expression: terms and authors, joined by and, or, not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from rag.datatypes import Paper
from rag.papers.names import is_called
from rag.survey.terms import Term
from rag.text.folding import fold


@dataclass(slots=True)
class Record:
    """One paper, prepared for evaluation. Whatever is found in it is counted in ``hits``, by term and form."""

    paper: Paper
    text: str  # title and abstract, folded
    unhyphenated: str
    hits: dict[Term, Counter[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, paper: Paper) -> Record:
        """The record of a paper."""
        text = f"{fold(paper.title)} | {fold(paper.abstract)}"  # no phrase goes beyond the bar
        return cls(paper, text, text.replace("-", ""))

    def has(self, term: Term) -> bool:
        """Whether the term occurs in title or abstract."""
        if term not in self.hits:
            self.hits[term] = Counter(term.hits(self.text)) if term.may_occur(self.unhyphenated) else Counter()
        return bool(self.hits[term])


class Expression(Protocol):
    """A condition on a paper."""

    def fits(self, record: Record) -> bool:
        """Whether the paper meets it."""
        ...

    def wanted(self) -> Iterator[Term]:
        """The terms that papers which fit may have, without those that are denied."""
        ...

    def terms(self) -> Iterator[Term]:
        """All terms, in the order of the question."""
        ...

    def authors(self) -> Iterator[str]:
        """All names of authors."""
        ...


@dataclass(frozen=True, slots=True)
class Word:
    """The paper has the term."""

    term: Term

    def fits(self, record: Record) -> bool:
        return record.has(self.term)

    def wanted(self) -> Iterator[Term]:
        yield self.term

    def terms(self) -> Iterator[Term]:
        yield self.term

    def authors(self) -> Iterator[str]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Author:
    """One of the paper's authors has this name: the family name in full, further names in full or by initials."""

    typed: str

    def fits(self, record: Record) -> bool:
        return any(is_called(author, self.typed) for author in record.paper.authors)

    def wanted(self) -> Iterator[Term]:
        return iter(())

    def terms(self) -> Iterator[Term]:
        return iter(())

    def authors(self) -> Iterator[str]:
        yield self.typed


@dataclass(frozen=True, slots=True)
class _Joined:
    """Several conditions taken together: what they name is what their parts name, however they are joined."""

    parts: tuple[Expression, ...]

    def wanted(self) -> Iterator[Term]:
        return (term for part in self.parts for term in part.wanted())

    def terms(self) -> Iterator[Term]:
        return (term for part in self.parts for term in part.terms())

    def authors(self) -> Iterator[str]:
        return (name for part in self.parts for name in part.authors())


@dataclass(frozen=True, slots=True)
class All(_Joined):
    """The paper fits every part."""

    def fits(self, record: Record) -> bool:
        return all(part.fits(record) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf(_Joined):
    """The paper fits at least one part."""

    def fits(self, record: Record) -> bool:
        fitting = [part.fits(record) for part in self.parts]  # all of them, so that the forms of every term are known
        return any(fitting)


@dataclass(frozen=True, slots=True)
class Not:
    """The paper does not fit the part."""

    part: Expression

    def fits(self, record: Record) -> bool:
        return not self.part.fits(record)

    def wanted(self) -> Iterator[Term]:
        return iter(())

    def terms(self) -> Iterator[Term]:
        return self.part.terms()

    def authors(self) -> Iterator[str]:
        return self.part.authors()


def describe(expression: Expression, forms: dict[Term, list[str]]) -> str:
    """The expression in words, every term as the forms in which it occurs: '“noise, noises” and not “speech”'."""
    if isinstance(expression, Word):
        return f"“{', '.join(forms.get(expression.term) or [expression.term.typed])}”"
    if isinstance(expression, Author):
        return f"author “{expression.typed}”"
    if isinstance(expression, Not):
        inner = describe(expression.part, forms)
        return f"not ({inner})" if isinstance(expression.part, All | AnyOf) else f"not {inner}"
    assert isinstance(expression, All | AnyOf)
    word = " and " if isinstance(expression, All) else " or "
    inner_parts = []
    for part in expression.parts:
        text = describe(part, forms)
        inner_parts.append(f"({text})" if isinstance(part, All | AnyOf) and len(expression.parts) > 1 else text)
    return word.join(inner_parts)
