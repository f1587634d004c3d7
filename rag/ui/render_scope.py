"""Which papers a question may use, as HTML: the bar above the question box, and what an answer was limited to."""

from __future__ import annotations

from rag.datatypes import Answer
from rag.output.templating import Template
from rag.questions.scope import Scope
from rag.ui.render_library import years_html

_TEMPLATE = Template("rag.ui", "scope")


def bar_html(scope: Scope | None, admitted: int, total: int, opened: bool, problem: str = "") -> str:
    """The scope of the next question: a button that opens its fields, and what is set, each part removable."""
    if scope is None or scope.is_everything:
        return _TEMPLATE.bar((), opened, f"all {total:,} papers" if total else "all papers", problem)
    count = f"{admitted:,} of {total:,} papers" if total else ""
    return _TEMPLATE.bar(scope.parts(), opened, count, problem)


def used_html(answer: Answer, turn: int, last: bool) -> str:
    """What an answer was limited to; what was read from its question can be taken back, and is asked again without."""
    if not answer.trace.scope:
        return ""
    read = Scope.of_record(answer.trace.filters).parts()
    given = answer.trace.scope.removesuffix(", ".join(words for _, words in read)).rstrip(", ")
    return _TEMPLATE.used(given, read, turn, last)


def chart_html(answer: Answer) -> str:
    """Papers by year where the answer was counted over the library; nothing where they are all of one year."""
    years = sorted((int(year), count) for year, count in answer.trace.years.items())
    return f'<div class="fn-answer-years">{years_html(years)}</div>' if len(years) > 1 else ""
