"""What the quotes say and a language model's own answer leaves out, so that no model answers with less than they do."""

from __future__ import annotations

from dataclasses import replace

from rag.verification.checked import Checked


def completed(written: Checked, quoted: Checked) -> Checked:
    """``written`` with those sentences of ``quoted`` behind it that stand on a sentence of an abstract that it does
    not cite; their footnotes are counted on. Both cite the same papers by the same numbers."""
    cited = {(one.paper_id, one.start) for one in written.citations}
    told = {one.sentence for one in quoted.citations if (one.paper_id, one.start) in cited}
    return written.with_more(replace(quoted.without(told), dropped=(), repaired=()))
