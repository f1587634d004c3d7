"""A thread of one's own: where the browser tests ran before, an event loop is running in the tests' own thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def apart(work: Callable[[], Result]) -> Result:
    """What ``work`` gives, in a thread that has no event loop yet. Its exceptions pass through."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()
