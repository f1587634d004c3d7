"""The tables tab: papers side by side, every cell footnoted."""

from __future__ import annotations

from typing import Any

from rag.ui.desk import Desk


def build(gr: Any, desk: Desk) -> None:
    """Lay out the tab."""
    gr.HTML('<h2 class="fn-tables-title">Tables</h2>', elem_id="fn-tables", apply_default_css=False)


def wire(gr: Any, app: Any, desk: Desk) -> None:
    """Connect the events."""
