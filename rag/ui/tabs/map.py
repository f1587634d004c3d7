"""The map tab: the papers of the library by topic."""

from __future__ import annotations

from typing import Any

from rag.ui.desk import Desk


def build(gr: Any, desk: Desk) -> None:
    """Lay out the tab."""
    gr.HTML('<h2 class="fn-map-title">Map</h2>', elem_id="fn-map", apply_default_css=False)


def wire(gr: Any, app: Any, desk: Desk) -> None:
    """Connect the events."""
