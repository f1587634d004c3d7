"""The library tab: libraries, their papers, imports."""

from __future__ import annotations

from typing import Any

from rag.ui.desk import Desk


def build(gr: Any, desk: Desk) -> None:
    """Lay out the tab."""
    gr.HTML('<h2 class="fn-library-title">Library</h2>', elem_id="fn-library", apply_default_css=False)


def wire(gr: Any, app: Any, desk: Desk) -> None:
    """Connect the events."""
