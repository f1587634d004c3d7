"""Papers, search hits and checked sentences as records for programs and as lines for people; pure.

The keys of the records are an interface: some may be added, none renamed or taken away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rag.datatypes import Paper, PaperHit, Sentence
from rag.output.presentation import CLAIM_SIGNS
from rag.text.unseen import one_line

if TYPE_CHECKING:
    from rag.library.storage.merges import Merge
    from rag.verification.claims import CheckedClaim


def paper_json(paper: Paper) -> dict[str, Any]:
    """All fields of a paper, as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(paper).items()}


def merge_json(merge: Merge, paper: Paper | None) -> dict[str, Any]:
    """One object of what ``footnote merges --json`` prints: a record that was merged, as its file had it, and into
    which paper. None as the paper: it was deleted."""
    return {
        "id": merge.id,
        "reason": merge.reason,
        "record": paper_json(merge.record),
        "paper_id": merge.paper_id,
        "paper": None if paper is None else paper_json(paper),
        "filled_in": sorted(merge.added),
    }


def merge_lines(merge: Merge, paper: Paper | None) -> list[str]:
    """A merge for people: the record, why, and its paper."""

    def said(one: Paper) -> str:
        about = ", ".join(filter(None, [one_line(one.id), str(one.year or ""), one.doi, one_line(one.source)]))
        return f"{one_line(one.title)} ({about})"

    return [f"{merge.id}  {said(merge.record)}", f"    {merge.reason}: {said(paper) if paper else merge.paper_id}"]


def hits_json(query: str, found: Iterable[tuple[PaperHit, Sentence]], id: str | None = None) -> dict[str, Any]:
    """The object that ``footnote search --json`` prints: one hit per paper, best first."""
    hits = [
        {
            "paper_id": h.paper.id,
            "title": h.paper.title,
            "score": round(h.score, 6),
            "sentence": s.text,
            **({"status": h.paper.status} if h.paper.status else {}),
        }
        for h, s in found
    ]
    return {"id": id, "query": query, "hits": hits}


def claim_json(claim: CheckedClaim, id: str | None = None) -> dict[str, Any]:
    """One object of what ``footnote check --json`` prints."""
    citations = [{k: v for k, v in asdict(c).items() if k != "score"} for c in claim.citations]
    return {"id": id, "text": claim.text, "verdict": claim.verdict, "score": claim.score, "citations": citations}


def claim_lines(claim: CheckedClaim) -> list[str]:
    """The sentence with its verdict, then what each paper says of it."""
    lines = [f"{CLAIM_SIGNS[claim.verdict]} {one_line(claim.text)}  [{claim.verdict}]"]
    for citation in claim.citations:
        lines.append(f"    {citation.verdict}: “{one_line(citation.quote)}”")
        lines.append(f"      {one_line(citation.title)} ({one_line(citation.paper_id)})")
    return lines
