"""What a request names → what is meant: the one place of the page where a name becomes a folder or a file.

A browser may send any text as the name of a library or a model. Only names of lists that the program made itself are
taken: a text is compared with them and never looked up on the disk, so that nobody learns from the page whether a file
is there. The words of an unknown name say nothing that depends on it either.
"""

from __future__ import annotations

from rag.config import SERVER, Settings, with_overrides
from rag.errors import ModelNotFound
from rag.factory import QUOTE, library_manager

NO_SUCH_MODEL = "This model is not in the list of this page any more. Choose another one in the Models tab."


class NamedByRequest:
    """Settings for the libraries and models that requests name; ``settings`` are those the program was started with."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._manager = library_manager(settings)

    def library(self, key: str) -> Settings:
        """Settings for a listed library, "" for the one that was started with.

        Raises :class:`rag.errors.LibraryError` for any other key.
        """
        folder = self._manager.folder_of(key)
        if folder == self._manager.folder_of(""):
            return self._settings
        return with_overrides(self._settings, library=folder)

    def answering(self, model: str, mode: str, library: str) -> Settings:
        """Settings for a listed model, in ``mode``, over a listed library.

        Raises :class:`ModelNotFound` or :class:`rag.errors.LibraryError` for any other.
        """
        return with_overrides(self.library(library), model=self._listed(model), mode=mode)

    def model(self, name: str) -> Settings:
        """Settings for a listed language model. Raises :class:`ModelNotFound` for any other name."""
        if name == QUOTE:
            raise ModelNotFound(NO_SUCH_MODEL)
        return with_overrides(self._settings, model=self._listed(name))

    def _listed(self, name: str) -> str:
        """``name``, if it is registered, comes with the program, or is what the program was started with; the server's
        model where the settings name a server."""
        from rag.generation.models import list_models, unprepared

        listed = [model.name for model in list_models(self._settings.home)]
        served = (SERVER,) if self._settings.llm_url else ()
        if name not in (QUOTE, self._settings.model, *served, *listed, *unprepared(listed)):
            raise ModelNotFound(NO_SUCH_MODEL)
        return name
