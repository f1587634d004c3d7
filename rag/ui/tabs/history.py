"""The conversations that were kept, left of the one that is open."""

from __future__ import annotations

from typing import Any

from rag.ui.desk import Desk


def build(gr: Any, desk: Desk) -> None:
    """Lay out the column; called inside ``gr.Column(elem_id="fn-history")``, which shows while it has content."""


def wire(gr: Any, app: Any, desk: Desk) -> None:
    """Connect the events."""
