"""How a handler is connected to an event of Gradio.

Gradio passes the request or the event to a handler only where an annotation of it is the class itself. Gradio is
imported late, so methods cannot be annotated with its classes; the functions below give them such a wrapper. They
take ``gr``, and this module does without postponed evaluation of annotations.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

Handler = Callable[..., Any]  # a function or a generator function

QUIET = {"show_progress": "hidden", "api_visibility": "private"}  # no spinner; no handler is offered as an API
UNQUEUED = QUIET | {"queue": False}  # for what answers at once


def with_request(gr: Any, handler: Handler) -> Handler:
    """``handler(request, *values)`` as a handler of ``*values``."""

    def call(request: gr.Request, *values: Any) -> Any:
        return handler(request, *values)

    def steps(request: gr.Request, *values: Any) -> Iterator[Any]:
        yield from handler(request, *values)

    return steps if inspect.isgeneratorfunction(handler) else call


def with_event(gr: Any, handler: Handler) -> Handler:
    """``handler(event, *values)`` as a handler of ``*values``."""

    def call(event: gr.EventData, *values: Any) -> Any:
        return handler(event, *values)

    def steps(event: gr.EventData, *values: Any) -> Iterator[Any]:
        yield from handler(event, *values)

    return steps if inspect.isgeneratorfunction(handler) else call


def with_selection(gr: Any, handler: Handler) -> Handler:
    """``handler(selected, *values)`` as a handler of ``*values``; ``selected`` is the label of the tab chosen."""

    def call(event: gr.SelectData, *values: Any) -> Any:
        return handler(str(event.value), *values)

    def steps(event: gr.SelectData, *values: Any) -> Iterator[Any]:
        yield from handler(str(event.value), *values)

    return steps if inspect.isgeneratorfunction(handler) else call


def with_request_and_event(gr: Any, handler: Handler) -> Handler:
    """``handler(request, event, *values)`` as a handler of ``*values``."""

    def call(request: gr.Request, event: gr.EventData, *values: Any) -> Any:
        return handler(request, event, *values)

    def steps(request: gr.Request, event: gr.EventData, *values: Any) -> Iterator[Any]:
        yield from handler(request, event, *values)

    return steps if inspect.isgeneratorfunction(handler) else call


def with_request_and_selection(gr: Any, handler: Handler) -> Handler:
    """``handler(request, selected, *values)`` as a handler of ``*values``; see :func:`with_selection`."""

    def call(request: gr.Request, event: gr.SelectData, *values: Any) -> Any:
        return handler(request, str(event.value), *values)

    return call


def browser_tab(request: Any) -> str:
    """The name of the browser tab that a request comes from."""
    return str(request.session_hash)
