"""Text for a cell of a CSV file that a spreadsheet program will open."""

from __future__ import annotations

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # OWASP, 'CSV Injection'


def literal_cell(text: str) -> str:
    """``text`` as a spreadsheet shows it: one that would be run as a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
