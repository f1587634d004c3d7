"""Checked sentences as HTML: each with its verdict as sign and words, and below it the papers that it rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.datatypes import Paper, Verdict
from rag.output.footnote_html import paper_html
from rag.output.presentation import CLAIM_SIGNS, VERDICT_SHORT
from rag.output.templating import Template

if TYPE_CHECKING:
    from rag.verification.claims import CheckedClaim, ClaimCitation

_TEMPLATE = Template("rag.ui", "check")
_WORDS = {str(verdict): words for verdict, words in VERDICT_SHORT.items()} | {
    "nothing": "nothing in the library says so"
}
_BY_SOURCE = {  # how a paper stands to the sentence above it
    str(Verdict.SUPPORTED): "says so",
    str(Verdict.WEAK): "says something like it",
    str(Verdict.CONTRADICTED): "contradicts it",
}
# Of the summary, in its order; 'unsupported' is what one abstract alone is said not to state.
_COUNTED = {
    ("supported",): "supported",
    ("weak",): "weakly supported",
    ("contradicted",): "contradicted",
    ("nothing", "unsupported"): "without a source",
}
NOTHING_YET = (
    '<p class="fn-check-hint">Every sentence is held against the papers of the library that come nearest to it. '
    "A sentence is marked as supported, weakly supported or contradicted, with the papers that say so, or it is said "
    "that nothing in the library says so. A click on a paper opens its abstract with the sentence in question "
    "marked. Headings, tables and code are left out.</p>"
)


def checked_html(checked: Sequence[CheckedClaim]) -> str:
    """All sentences so far; what opens a source carries the places of sentence and source as data."""
    return _TEMPLATE.checked(checked, CLAIM_SIGNS, _WORDS, _BY_SOURCE)


def progress_html(done: int, count: int) -> str:
    """Which sentence is being checked."""
    return _TEMPLATE.progress(f"Sentence {min(done + 1, count):,} of {count:,}…", (done, count))


def summary_html(checked: Sequence[CheckedClaim], count: int) -> str:
    """How many sentences have which verdict, of ``count`` that there are."""
    verdicts = Counter(one.verdict for one in checked)
    counts = [(sum(verdicts[v] for v in counted), words) for counted, words in _COUNTED.items()]
    listed = ", ".join(f"{n:,} {words}" for n, words in counts if n)
    sentences = f"{count:,} sentence{'s' if count != 1 else ''}"
    head = sentences if len(checked) == count else f"Stopped after {len(checked):,} of {sentences}"
    return _TEMPLATE.progress(f"{head}: {listed}." if listed else f"{head}.", None)


def opened_html(paper: Paper, citation: ClaimCitation) -> str:
    """The abstract with the quote marked, where it still stands there."""
    unchanged = paper.abstract[citation.start : citation.end] == citation.quote
    return paper_html(paper, marks=[(citation.start, citation.end)] if unchanged else ())
