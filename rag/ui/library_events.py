"""What the groups of handlers of the library tab share: components by name, updates, errors as sentences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rag.errors import FootnoteError
from rag.ui.events import QUIET, with_request
from rag.ui.library_actions import LibraryActions
from rag.ui.page_context import PageContext
from rag.ui.render_messages import error_html, working_html

Updates = dict[str, Any]  # name of a component → its new value, or a dict of properties for gr.update
Values = dict[Any, Any]  # component → its new value, as Gradio takes it

CONVERSATION = "conversation view"  # the name in Updates for the values of PageContext.view
_PAGE_PARTS = ("library", "library_choice")  # those of the page that the tab changes


class LibraryEvents:
    """Connects the handlers of the tab.

    A handler may update every component of the tab, the choice of the library in the header, and the conversation.
    """

    def __init__(self, gr: Any, context: PageContext, library_actions: LibraryActions) -> None:
        self.gr, self.context, self.library_actions = gr, context, library_actions
        own = [part for name, part in context.parts.items() if name.startswith("library.")]
        self._outputs = [*own, *(context.parts[name] for name in _PAGE_PARTS), *context.view_parts]

    def part(self, name: str) -> Any:
        """A component of the tab, or else of the page."""
        parts = self.context.parts
        return parts[f"library.{name}"] if f"library.{name}" in parts else parts[name]

    def on(self, event: Any, handler: Callable[..., Any], *inputs: str, **more: Any) -> Any:
        """Connect ``handler``, which takes the values of ``inputs``; ``more`` goes to Gradio."""
        return event(handler, [self.part(name) for name in inputs], self._outputs, **(QUIET | more))

    def on_any(self, events: list[Any], handler: Callable[..., Any], *inputs: str, **more: Any) -> Any:
        """As :meth:`on`, for any of several events."""
        return self.on(partial(self.gr.on, events), handler, *inputs, **more)

    def values(self, updates: Updates) -> Values:
        """What Gradio takes for the answer of a handler."""
        view = dict(zip(self.context.view_parts, updates.get(CONVERSATION, ()), strict=False))
        nothing = {self.part("view"): self.gr.skip()}  # an empty answer is taken for a missing one
        return (
            nothing
            | view
            | {
                self.part(name): self.gr.update(**value) if isinstance(value, dict) else value
                for name, value in updates.items()
                if name != CONVERSATION
            }
        )

    def reported(self, handler: Callable[..., Updates], clear: bool = True) -> Callable[..., Values]:
        """``handler``, an error of it as the message of the tab. ``clear``: the message before goes."""

        def reported(*values: Any) -> Values:
            try:
                return self.values(({"message": ""} if clear else {}) | handler(*values))
            except FootnoteError as error:
                return self.values({"message": error_html(str(error))})

        return reported

    def changing(self, handler: Callable[..., Updates], clear: bool = True) -> Callable[..., Values]:
        """As :meth:`reported`, for a handler of ``(editor, *values)`` that only who may change things gets to."""

        def checked(request: Any, *values: Any) -> Updates:
            return handler(self.context.require_editor(request), *values)

        return with_request(self.gr, self.reported(checked, clear))

    def always(self, updates: Updates) -> Callable[[], Values]:
        """A handler that does nothing but these updates."""
        return lambda: self.values(updates)

    def announce(self, words: str) -> Callable[[], Values]:
        """A handler that says what is being done, since it may take seconds."""
        return self.always({"message": working_html(words)})


def visible(shown: bool) -> dict[str, Any]:
    """The update that shows or hides a component."""
    return {"visible": shown}
