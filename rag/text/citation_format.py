"""How answers are marked: footnote numbers, letters for sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence

LABELS = "ABCDEFGHIJKL"  # behind which sentences stand that a model may choose from


def with_numbers(text: str, numbers: Sequence[int]) -> str:
    """``text`` as one sentence with ``[n]`` for each number before its full stop: ``It works [2].``"""
    if not numbers:
        return text
    body = text.rstrip()
    end = re.search(r"[.!?。！？।؟]+[\"'”’)\]]*$", body)
    body, mark = (body, ".") if end is None else (body[: end.start()], end.group())
    return f"{body.rstrip(' ,;:')} {''.join(f'[{n}]' for n in numbers)}{mark}"
