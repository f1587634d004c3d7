"""Whether an answer that was asked for again is the same, and if not, what has changed around it."""

from __future__ import annotations

from typing import Any

from rag.datatypes import Answer

_CIRCUMSTANCES = {  # fields of the trace → how to call a change of them
    "model": "another model",
    "model_sha256": "another file of the model",
    "mode": "another way of writing",
    "library": "the library has changed or is another one",
    "scope": "other papers were allowed",
    "seed": "another seed",
    "prompt_sha256": "another prompt",
    "settings": "other settings",
}


def same(before: Answer, after: Answer) -> bool:
    """Whether two answers say the same words with the same footnotes on the same sentences."""
    return bool(_essence(before) == _essence(after))


def compare(before: Answer, after: Answer) -> str:
    """One or two sentences: the same or not, and what was different when it was asked again."""
    changed = [words for name, words in _CIRCUMSTANCES.items() if _of(before, name) != _of(after, name)]
    if "another model" in changed and "another file of the model" in changed:
        changed.remove("another file of the model")
    if "other settings" in changed and len(changed) > 1:
        changed.remove("other settings")
    around = f" What is different: {'; '.join(changed)}." if changed else ""
    if same(before, after):
        return f"Asked again: the same answer, every sentence and every footnote.{around}"
    if (before.refusal is None) != (after.refusal is None):
        turn = "it was refused before" if before.refusal is not None else "it was answered before"
        return f"Asked again: {turn}.{around}"
    kept = {sentence.text for sentence in before.sentences} & {sentence.text for sentence in after.sentences}
    told = f"{len(kept)} of {len(after.sentences)} sentences are the same" if after.sentences else "it differs"
    return f"Asked again: the answer has changed; {told}.{around or ' Nothing else has changed.'}"


def _of(answer: Answer, name: str) -> Any:
    return getattr(answer.trace, name, None)


def _essence(answer: Answer) -> Any:
    """What a reader sees of an answer: words, numbers, the spans behind them, the grade of a refusal."""
    refusal = answer.refusal
    return (
        answer.text,
        tuple((s.text, s.citations, s.verdict) for s in answer.sentences),
        tuple((c.sentence, c.number, c.paper_id, c.start, c.end, c.verdict) for c in answer.citations),
        None if refusal is None else (refusal.grade, refusal.message, refusal.nearest),
    )
