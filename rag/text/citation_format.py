"""The marks in answers and prompts: footnote numbers behind sentences, letters before sentences to choose from."""

from __future__ import annotations

import re
from collections.abc import Sequence

LABELS = "ABCDEFGHIJKL"  # one for each sentence that a model may choose from


def with_numbers(text: str, numbers: Sequence[int]) -> str:
    """``text`` with ``[n]`` for each of ``numbers`` before its full stop: ``It works [2].`` A missing stop is added."""
    if not numbers:
        return text
    body = text.rstrip()
    end = re.search(r"(?<![.!?。！？।؟])[.!?。！？।؟]++[\"'”’)\]]*+$", body)
    body, mark = (body, ".") if end is None else (body[: end.start()], end.group())
    return f"{body.rstrip(' ,;:')} {''.join(f'[{n}]' for n in numbers)}{mark}"
