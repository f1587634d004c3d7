"""Which papers a question may use and how it was read, as HTML: the bar above the question box, the line above an
answer."""

from __future__ import annotations

from rag.datatypes import KINDS, Answer
from rag.output.templating import Template
from rag.questions.scope import Scope
from rag.ui.render_library import years_html

_TEMPLATE = Template("rag.ui", "scope")
_KIND_WORDS = {
    "answer": "one thing",
    "papers": "several papers",
    "compare": "a comparison",
    "review": "a review",
    "summary": "summary of one paper",
    "library": "the whole library",
    "record": "record of a paper",
    "talk": "no question",
}


def bar_html(scope: Scope | None, admitted: int, total: int, opened: bool, problem: str = "") -> str:
    """The scope of the next question: a button that opens its fields, and what is set, each part removable."""
    if scope is None or scope.is_everything:
        return _TEMPLATE.bar((), opened, f"all {total:,} papers" if total else "all papers", problem)
    count = f"{admitted:,} of {total:,} papers" if total else ""
    return _TEMPLATE.bar(scope.parts(), opened, count, problem)


def reading_html(answer: Answer, turn: int, last: bool) -> str:
    """How a question was read: its kind, the filters of its words, what a follow-up was made into.

    Where the answer is the ``last`` one, each part can be changed or taken away, and is asked again so. Answers that
    were kept before readings were have no such line.
    """
    reading = answer.trace.reading
    if not reading:
        return ""
    kinds = [(kind, _KIND_WORDS[kind]) for kind in dict.fromkeys(KINDS.values())]
    filters = Scope.of_record(answer.trace.filters).parts()
    return _TEMPLATE.reading(str(reading["kind"]), kinds, filters, str(reading.get("follow_up") or ""), turn, last)


def used_html(answer: Answer, turn: int, last: bool) -> str:
    """What an answer was limited to. What was read from its question stands above it, see :func:`reading_html`;
    where it does not, it can be taken back here, and is asked again without."""
    if not answer.trace.scope:
        return ""
    read = Scope.of_record(answer.trace.filters).parts()
    given = answer.trace.scope.removesuffix(", ".join(words for _, words in read)).rstrip(", ")
    read = [] if answer.trace.reading else read
    return _TEMPLATE.used(given, read, turn, last) if given or read else ""


def chart_html(answer: Answer) -> str:
    """Papers by year where the answer was counted over the library; nothing where they are all of one year."""
    years = sorted((int(year), count) for year, count in answer.trace.years.items())
    return f'<div class="fn-answer-years">{years_html(years)}</div>' if len(years) > 1 else ""
