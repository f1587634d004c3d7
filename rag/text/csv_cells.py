"""Text for a cell of a CSV file that a spreadsheet program will open."""

from __future__ import annotations

import re

# OWASP, 'CSV Injection'. A program that is set to semicolons cuts a cell there, whatever quotes stand around it.
_FORMULA = re.compile(r"(^|;\s*)(?=[=+\-@\t\r\n＝＋－＠])")


def literal_cell(text: str) -> str:
    """``text`` as a spreadsheet shows it: what would be run as a formula gets an apostrophe before it."""
    return _FORMULA.sub(r"\1'", text)
