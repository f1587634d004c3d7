"""The models tab: what can answer, what it needs, how fast it is."""

from __future__ import annotations

from typing import Any

from rag.ui.desk import Desk


def build(gr: Any, desk: Desk) -> None:
    """Lay out the tab."""
    gr.HTML('<h2 class="fn-models-title">Models</h2>', elem_id="fn-models", apply_default_css=False)


def wire(gr: Any, app: Any, desk: Desk) -> None:
    """Connect the events."""
