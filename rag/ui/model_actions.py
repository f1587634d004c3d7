"""What the models tab does: list, add, remove and measure models. Knows nothing of Gradio."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue

from rag.config import SERVER
from rag.errors import FootnoteError, ModelError
from rag.ui.page_context import PageContext
from rag.ui.render_models import Served, here_html, offers_html
from rag.ui.roles import Editor

_log = logging.getLogger(__name__)
_ELSEWHERE = (
    "This page may be open to others than the owner of this computer, so it takes no paths. On the computer that "
    "Footnote runs on: footnote models add PATH"
)


class ModelActions:
    """What the models tab shows and does. One object serves all browser tabs.

    What changes the list, or takes the whole computer for a while, takes an :class:`Editor`.
    """

    def __init__(self, context: PageContext) -> None:
        self._context = context

    @property
    def home(self) -> Path:
        """Where the list of models lies. Raises :class:`ModelError` where there is none."""
        if self._context.settings is None:
            raise ModelError("There are no settings to find models by. Start the program with 'footnote serve'.")
        return self._context.settings.home

    def page(self, chosen: str, may_edit: bool, busy: str = "") -> tuple[str, str]:
        """The models that are here, and those that can be downloaded; ``may_edit``: the reader of the page
        may remove and measure them. Raises :class:`FootnoteError`."""
        from rag.generation.models import list_models, memory_available, recommended, speeds, unprepared

        models, free = list_models(self.home), memory_available()
        assert self._context.settings is not None
        here = here_html(
            models, speeds(self.home), coming=unprepared([model.name for model in models]), chosen=chosen,
            free=free, context=self._context.settings.context, changeable=may_edit and self._context.takes_paths,
            measurable=may_edit, busy=busy, served=self._served(),
        )  # fmt: skip
        return here, offers_html(recommended(), [model.name for model in models], free)

    def _served(self) -> Served | None:
        """The model of the server that the settings name."""
        settings = self._context.settings
        if settings is None or not settings.llm_url:
            return None
        from rag.factory import model_server
        from rag.generation.models import speeds
        from rag.generation.served import server_identity, server_label

        server = model_server(settings)
        label = server_label(server)
        return Served(SERVER, label, server.address.url, speeds(settings.home).get(server_identity(server)))

    def choices(self) -> list[tuple[str, str]]:
        """Label and name of everything that can be chosen now, what was added since the start included."""
        from rag.factory import available_models

        assert self._context.settings is not None
        found = available_models(self._context.settings)
        self._context.offer_models(found)
        names = [choice.name for choice in found]
        started = self._context.settings.model  # may be a file that is not registered
        if started in self._context.models and started not in names:
            names.append(started)
        return [(self._context.models[name].label, name) for name in names]

    def add(self, editor: Editor, path: str, name: str) -> str:
        """Register a file; the sentence that says so. Raises :class:`ModelError`."""
        from rag.generation.models import add_model

        if not self._context.takes_paths:
            raise ModelError(_ELSEWHERE)
        if not path.strip():
            raise ModelError("Write the path of a GGUF file into the first field.")
        model = add_model(self.home, Path(path.strip().strip("\"'")), name.strip() or None)
        return f"{model.info.name or model.name} is in the list as '{model.name}'."

    def remove(self, editor: Editor, name: str) -> str:
        """Forget a file, which stays where it lies. Raises :class:`ModelError`."""
        from rag.generation.models import SHIPPED, remove_model

        if not self._context.takes_paths:
            raise ModelError(f"On the computer that Footnote runs on: footnote models remove {name}")
        if name in SHIPPED:
            raise ModelError(f"'{name}' comes with the installation and stays in the list.")
        remove_model(self.home, name)
        return f"'{name}' is no longer in the list; its file stays where it is."

    def measure(self, editor: Editor, name: str) -> Iterator[str | FootnoteError]:
        """Words about the progress; the last one is the result, or what went wrong."""
        from rag.factory import measure_model
        from rag.ui.named import NamedByRequest

        def work(say: Callable[[str], object]) -> str:
            assert self._context.settings is not None
            speed = measure_model(NamedByRequest(self._context.settings).model(name), say)
            return f"'{name}' reads {speed.reading:,.0f} and writes {speed.writing:,.0f} tokens a second here."

        yield from _aside(work)


def _aside(work: Callable[[Callable[[str], object]], str]) -> Iterator[str | FootnoteError]:
    """What ``work`` says while it runs in a thread of its own, and last what it returns or raises."""
    said: SimpleQueue[tuple[bool, str | FootnoteError]] = SimpleQueue()

    def run() -> None:
        try:
            said.put((True, work(lambda word: said.put((False, word)))))
        except FootnoteError as error:
            said.put((True, error))
        except Exception as error:  # the edge: whatever it is, the page gets a sentence
            _log.exception("A measurement failed")
            text = (
                f"Something went wrong inside Footnote ({type(error).__name__}); see the terminal it was started from."
            )
            said.put((True, FootnoteError(text)))

    threading.Thread(target=run, name="footnote-measure", daemon=True).start()
    last = False
    while not last:
        last, word = said.get()
        yield word
