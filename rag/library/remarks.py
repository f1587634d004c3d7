"""What an import says of single records and files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from rag.text.csv_cells import literal_cell
from rag.text.unseen import one_line

SKIPPED, MERGED, UNREAD = "skipped", "merged", "not read"


@dataclass(frozen=True, slots=True)
class Remark:
    """Why a record became no paper of its own (``skipped``, ``merged``), or a file was ``not read``."""

    file: str
    line: int | None
    outcome: str
    reason: str


def remarks_csv(remarks: Sequence[Remark]) -> str:
    """The remarks as CSV with a header, safe to open in a spreadsheet program."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["file", "line", "outcome", "reason"])
    for remark in remarks:
        line = "" if remark.line is None else remark.line
        file, reason = (literal_cell(one_line(text)) for text in (remark.file, remark.reason))
        table.writerow([file, line, remark.outcome, reason])
    return out.getvalue()
