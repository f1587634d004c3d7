"""Which papers a question may use, as HTML: the bar above the question box, and what an answer was limited to."""

from __future__ import annotations

from html import escape

from rag.datatypes import Answer
from rag.papers.bibliography import one_line
from rag.questions.scope import Scope
from rag.ui.render_library import years_html


def bar_html(scope: Scope | None, admitted: int, total: int, opened: bool, problem: str = "") -> str:
    """The scope of the next question: a button that opens its fields, and what is set, each part removable."""
    state = "true" if opened else "false"
    edit = (
        f'<button type="button" class="fn-scope-edit" data-action="edit" aria-expanded="{state}">'
        f'<span aria-hidden="true">{"▾" if opened else "▸"}</span> Scope</button>'
    )
    wrong = f'<span class="fn-scope-problem" role="alert">{escape(problem)}</span>' if problem else ""
    if scope is None or scope.is_everything:
        everything = f"all {total:,} papers" if total else "all papers"
        return f'<div class="fn-scope-line">{edit}<span class="fn-scope-count">{everything}</span>{wrong}</div>'
    chips = "".join(_chip(name, words, f"Remove “{words}” from the scope", "remove") for name, words in scope.parts())
    count = f'<span class="fn-scope-count">{admitted:,} of {total:,} papers</span>' if total else ""
    clear = '<button type="button" class="fn-scope-clear" data-action="clear">Clear</button>'
    return f'<div class="fn-scope-line">{edit}{chips}{clear}{count}{wrong}</div>'


def used_html(answer: Answer, turn: int, last: bool) -> str:
    """What an answer was limited to; what was read from its question can be taken back, and is asked again without."""
    if not answer.trace.scope:
        return ""
    read = Scope.of_record(answer.trace.filters).parts()
    given = answer.trace.scope.removesuffix(", ".join(words for _, words in read)).rstrip(", ")
    chips = _plain(given) if given else ""
    if read:
        chips += "<span>Read from the question:</span>" if given else ""
        chips += "".join(
            _chip(name, words, f"Ask again without “{words}”", "unscope", f' data-turn="{turn}"')
            if last
            else _plain(words)
            for name, words in read
        )
    return f'<p class="fn-scope-used"><span>Only searched:</span>{chips}</p>'


def _plain(words: str) -> str:
    return f'<span class="fn-scope-chip">{escape(one_line(words))}</span>'


def _chip(part: str, words: str, label: str, action: str, data: str = "") -> str:
    shown, label = escape(one_line(words)), escape(one_line(label))
    return (
        f'<span class="fn-scope-chip">{shown}<button type="button" data-action="{action}" data-part="{part}"{data} '
        f'aria-label="{label}" title="{label}">×</button></span>'
    )


def chart_html(answer: Answer) -> str:
    """Papers by year where the answer was counted over the library; nothing where they are all of one year."""
    years = sorted((int(year), count) for year, count in answer.trace.years.items())
    return f'<div class="fn-answer-years">{years_html(years)}</div>' if len(years) > 1 else ""
