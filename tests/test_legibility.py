"""Words that the network which judges claims cannot read are not passed over."""

from __future__ import annotations

import pytest

from rag.text.legibility import illegible_words
from rag.verification.claims import check_against_abstract

TRIAL = (
    "Statins lower low-density lipoprotein cholesterol. In a trial of 4,444 patients, simvastatin reduced mortality by "
    "30% compared with placebo."
)


@pytest.mark.parametrize(
    ("text", "source", "words"),
    [
        ("The β-lactam 𝛼 of Ångström", "", []),
        ("It lowers 死亡率 and смерть", "", ["死亡率", "смерть"]),
        ("It lowers 死亡率", "The rate (死亡率) fell.", []),
        ("Simvastatinreducedmortalitybythirtypercent", "", ["Simvastatinreducedmortalitybythirtypercent"]),
    ],
)
def test_another_script_and_glued_words_are_illegible_where_the_source_lacks_them(
    text: str, source: str, words: list[str]
) -> None:
    assert illegible_words(text, source) == words


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("Simvastatin reduced mortality by 30%.", "supported"),
        ("Simvastatin reduced mortality 辛伐他汀降低死亡率 by 30%.", "unsupported"),
        ("Simvastatinreducedmortalityby30%comparedwithplacebo.", "unsupported"),
        ("Simvastatin снизил mortality by 30%.", "unsupported"),
    ],
)
def test_a_claim_is_not_judged_by_the_words_that_can_be_read_alone(claim: str, verdict: str) -> None:
    assert check_against_abstract(claim, TRIAL).verdict == verdict
