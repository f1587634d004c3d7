"""What follows from the figures of a model: which mode suits, which prompt, and whether it chooses quotes better."""

from __future__ import annotations

from collections.abc import Sequence

from rag.evaluation.answer_scoring import Row, comparisons
from rag.evaluation.datasets import EvalQuestion
from rag.evaluation.mode_results import ModeResult, mean

MAX_REPLACED = 0.25  # a mode whose answers are replaced by quotes more often is not worth its time
MAX_DROPPED = 0.5  # share of its sentences that the check may drop
MIN_SUPPORTED = 0.8  # share of the sentences shown that their citation must support outright, not just weakly
CHANCE = 0.1  # two-sided p above which a better choice of sentences may be luck
PRECISION_MARGIN = 0.05  # how much less precise its citations may be than those of the quotes


def verdict(modes: Sequence[ModeResult]) -> tuple[str, str]:
    """The mode that suits and why; ``modes`` begins with the quotes.

    A mode qualifies where few of its answers had to be replaced and not most of its sentences dropped, its citations
    support nearly all that is shown and are nearly as precise as those of the quotes, and it finds at least as many
    key facts (where the questions have any). The best that qualifies is taken: by key facts, then by how few of its
    sentences the check dropped.
    """
    quotes = modes[0].rows[0]
    reasons, good = [], []
    for mode in modes[1:]:
        failing = _failing(mode.rows[0], quotes)
        reasons += [f"in {mode.mode} mode {failing}"] if failing else []
        good += [] if failing else [mode]
    if not good:
        return modes[0].mode, f"Use the built-in quotes: {'; '.join(reasons)}."
    best = max(good, key=lambda m: (mean(m.rows[0], "key_facts") or 0.0, -(mean(m.rows[0], "dropped") or 0.0)))
    others = f" ({'; '.join(reasons)})" if reasons else ""
    return best.mode, f"{best.mode} mode keeps up with the built-in quotes on these questions{others}."


def choice_verdict(
    questions: Sequence[EvalQuestion], ranker: ModeResult, model: ModeResult, seed: int
) -> tuple[bool | None, str]:
    """Whether the model chooses quotes better than the ranker, and why; None where the questions do not tell.

    It does where it has a sentence of the evidence first more often, by more than chance, has one among its first two
    no less often, finds no fewer key facts and refuses no more of what can be answered. Doubt goes to the ranker: a
    model that is trusted wrongly makes answers worse, one that is not costs nothing.
    """
    found = comparisons(questions, model.replies, ranker.replies, seed)
    if "evidence_1" not in found:
        return None, "the questions name no supporting sentences; give some that do with --questions"
    shares = [mean(result.rows[0], "evidence_1") or 0.0 for result in (model, ranker)]
    first = f"a supporting sentence comes first for {shares[0]:.0%} of the questions, against {shares[1]:.0%}"
    if found["evidence_1"].difference <= 0:
        return False, first
    if found["evidence_1"].p > CHANCE:
        return False, f"{first}, which may be chance (p={found['evidence_1'].p:.2f})"
    worse = (("evidence_2", 1, "fewer among the first two"), ("key_facts", 1, "fewer key facts"),
             ("false_refusal", -1, "more refusals of what can be answered"))  # fmt: skip
    for key, sign, what in worse:
        if key in found and sign * found[key].difference < 0:
            return False, f"{first}, but {what} ({found[key].difference:+.0%})"
    return True, first


def _failing(row: Row, quotes: Row) -> str:
    """What speaks against a mode, or ``''``."""
    replaced, dropped, supported = (mean(row, key) for key in ("replaced", "dropped", "supported"))
    precision, wanted = mean(row, "citation_precision"), mean(quotes, "citation_precision")
    facts, wanted_facts = mean(row, "key_facts"), mean(quotes, "key_facts")
    if replaced is None or dropped is None or supported is None or precision is None:
        return "it answered nothing"
    if replaced > MAX_REPLACED:
        return f"{replaced:.0%} of the answers had to be replaced by quotes"
    if dropped > MAX_DROPPED:
        return f"the check dropped {dropped:.0%} of the sentences"
    if supported < MIN_SUPPORTED:
        return f"only {supported:.0%} of the sentences are supported outright by what they cite"
    if wanted is not None and precision < wanted - PRECISION_MARGIN:
        return f"citations are {precision:.0%} precise against {wanted:.0%}"
    if facts is not None and wanted_facts is not None and facts < wanted_facts:
        return f"{facts:.0%} of the key facts are found against {wanted_facts:.0%}"
    return ""


def better_prompt(results: Sequence[ModeResult]) -> ModeResult:
    """The one of several prompts in the same mode that does best; the first of equals.

    By key facts where the questions have any, else by the share of cited papers that are right, then by how few of the
    sentences the check dropped.
    """

    def worth(result: ModeResult) -> tuple[float, float, float]:
        row = result.rows[0]
        figures = (mean(row, key) for key in ("key_facts", "citation_precision"))
        facts, precision = (value if value is not None else 0.0 for value in figures)
        return facts, precision, -(mean(row, "dropped") or 0.0)

    return max(results, key=worth)
