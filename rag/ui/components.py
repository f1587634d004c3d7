"""Gradio components that every part of the page uses."""

from __future__ import annotations

from importlib.resources import files
from typing import Any


def html(gr: Any, elem_id: str, value: str = "", *, script: str = "", role: str = "") -> Any:
    """A ``gr.HTML``. ``script`` is a JavaScript file below ``rag/ui`` that is run for it.

    ``role`` tells the script which of its components this is.
    """
    start = None
    if script:
        code = files("rag.ui").joinpath(script).read_text(encoding="utf-8")
        start = f"({code})({{role: '{role}', element, props, trigger, watch}});"
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, js_on_load=start)
