"""llama.cpp's own messages: kept for error messages and the log, never on the terminal."""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

logger = logging.getLogger(__name__)

_ERROR, _CONTINUED = 3, 5  # enum ggml_log_level; a continued line has the level of the one before it
_errors: deque[str] = deque(maxlen=20)
_callback: Any = None  # C holds a bare pointer to it: it must not be garbage-collected


def capture() -> None:
    """Send llama.cpp's messages to the log of this module instead of stderr. Imports llama_cpp; safe to repeat."""
    global _callback
    if _callback is not None:
        return
    import llama_cpp

    last = 0

    def receive(level: int, text: bytes, _: Any) -> None:
        nonlocal last
        last = last if level == _CONTINUED else level
        line = text.decode("utf-8", "replace").strip()
        if not line or line == ".":
            return
        if last == _ERROR:
            _errors.append(line)
        logger.debug("%s", line)

    _callback = llama_cpp.llama_log_callback(receive)
    llama_cpp.llama_log_set(_callback, None)


def take_errors() -> str:
    """The errors of llama.cpp since the last call, as one line, possibly empty."""
    taken = "; ".join(dict.fromkeys(_errors))
    _errors.clear()
    return taken
