"""Questions that may follow an answer, made by rule from the papers that it cites and those near them.

None is offered that the library would refuse: whoever calls brings the judgement of the pipeline along.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest

from rag.datatypes import Answer, Paper, RefusalGrade
from rag.output.presentation import Papers, cited, nearest_papers
from rag.papers.bibliography import one_line
from rag.text.tokenization import stems

_LONGEST_TITLE = 90  # characters; a longer one makes no readable question
_LONGEST_NAME = 28
_TRIED = 8  # candidates that are judged at most: each costs a search


def follow_ups(
    answer: Answer,
    near: Callable[[str], Sequence[Paper]],
    answers: Callable[[str], bool],
    asked: Iterable[str] = (),
    papers: Papers | None = None,
    most: int = 3,
) -> tuple[str, ...]:
    """At most ``most`` questions, each of which ``answers`` says the library can answer; none of ``asked`` again.

    ``near`` gives the papers nearest to one, best first; ``papers`` holds those that a refusal names.
    """
    if answer.refusal is not None and answer.refusal.grade is RefusalGrade.NOTHING:
        return ()  # what is nearest to it has nothing to do with it
    said = {_stemmed(question) for question in (*asked, answer.question)}
    kept: list[str] = []
    for tried, question in enumerate(_candidates(answer, near, papers)):
        if len(kept) == most or tried == _TRIED:
            break
        if _stemmed(question) not in said and answers(question):
            kept.append(question)
            said.add(_stemmed(question))
    return tuple(kept)


def _candidates(answer: Answer, near: Callable[[str], Sequence[Paper]], known: Papers | None) -> Iterator[str]:
    """Questions of different kinds in turn: into a cited paper, across to a near one, over to the near one itself."""
    papers = [item.paper for item in cited(answer)] or nearest_papers(answer, known)
    papers = papers[:2]
    others = [[paper for paper in near(one.id) if paper.id not in {p.id for p in papers}] for one in papers]
    lists = [
        [*_into(papers, answer.question)],
        [*_across(papers, others)],
        [*_beside(others)],
    ]
    for row in zip_longest(*lists):
        yield from filter(None, row)


def _into(papers: Sequence[Paper], question: str) -> Iterator[str]:
    """What else a cited paper says. A paper that the question names is known by name: its results, not its summary."""
    for paper in papers:
        called = name_of(paper)
        if called and set(stems(called)) <= set(stems(question)):
            yield f"What are the main results of {called}?"
        elif title := _quoted(paper):
            yield f"Summarise {title}."


def _across(papers: Sequence[Paper], others: Sequence[Sequence[Paper]]) -> Iterator[str]:
    """Two papers with names, side by side: two cited ones first."""
    pairs = [papers] if len(papers) == 2 else []
    pairs += [[paper, other] for paper, near in zip(papers, others, strict=True) for other in near]
    for first, second in pairs:
        one, two = name_of(first), name_of(second)
        if one and two and one.casefold() != two.casefold():
            yield f"How does {one} compare with {two}?"


def _beside(others: Sequence[Sequence[Paper]]) -> Iterator[str]:
    """The nearest papers that the answer does not cite."""
    for near in zip_longest(*others):
        for paper in filter(None, near):
            if title := _quoted(paper):
                yield f"What does {title} report?"


def name_of(paper: Paper) -> str:
    """What a title calls its subject before the colon, where that reads like a name ('SpineNet: …'), else ''."""
    head, colon, _ = one_line(paper.title).partition(":")
    fits = colon and len(head) <= _LONGEST_NAME and len(head.split()) <= 3 and re.search(r"[A-Z]", head[1:])
    return head.strip() if fits else ""


def _quoted(paper: Paper) -> str:
    title = one_line(paper.title).rstrip(" .")
    return f"“{title}”" if title and len(title) <= _LONGEST_TITLE and paper.abstract.strip() else ""


def _stemmed(question: str) -> str:
    """By this two questions with the same content words are the same."""
    return " ".join(stems(question))
