"""What Gradio is given as handlers: it must see which of them want the request or the event, and which go in steps."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from rag.ui.events import with_event, with_request, with_request_and_event, with_selection

WRAPPERS = {
    with_request: ["Request"],
    with_event: ["EventData"],
    with_selection: ["SelectData"],
    with_request_and_event: ["Request", "EventData"],
}


def once(*values: Any) -> tuple[Any, ...]:
    return values


def in_steps(*values: Any) -> Iterator[Any]:
    yield from values


@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda wrapper: wrapper.__name__)
def test_gradio_sees_what_a_handler_wants(wrapper: Callable[..., Any]) -> None:
    import gradio as gr

    wanted = [getattr(gr, name) for name in WRAPPERS[wrapper]]
    given = [SimpleNamespace(value="Map") for _ in wanted]
    seen = ["Map"] if wrapper is with_selection else given
    for handler in (once, in_steps):
        wrapped = wrapper(gr, handler)
        hints = typing.get_type_hints(wrapped)
        assert [hints[name] for name in list(inspect.signature(wrapped).parameters)[: len(wanted)]] == wanted
        assert inspect.isgeneratorfunction(wrapped) is (handler is in_steps)
        assert list(wrapped(*given, 1, 2)) == [*seen, 1, 2]
