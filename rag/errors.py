"""Everything that Footnote raises on purpose.

    FootnoteError
    ├── ConfigError            a setting that does not exist or does not fit
    ├── QuestionError          an empty or oversized question
    ├── ScopeError             a venue, source or paper that the library does not have
    ├── StyleError             a citation style that is not there or cannot be used
    ├── TooBusy                more is asked at once than is taken
    ├── ImportFileError        a file that cannot be read at all
    │   └── RecordError        one record of it, with file and line
    ├── LibraryError           a library folder that cannot be used
    │   ├── LibraryNotFound    there is none
    │   ├── LibraryLocked      somebody else is writing to it or reads it just now
    │   ├── LibraryReadOnly    the program was started to read only
    │   ├── LibraryDamaged     its files are inconsistent, or none of a library's
    │   ├── LibraryMismatch    made by another version, embedder or chunker
    │   └── VectorServerError  the user's Chroma server cannot be reached or refuses
    ├── ModelError             a language model that cannot be used
    │   ├── ModelNotFound      a model name that is not known
    │   └── ServerError        the user's model server cannot be reached or gives no answer
    ├── PromptError            a prompt file with missing or unknown variables
    ├── EvaluationError        a collection, questions or results that cannot be evaluated
    ├── HistoryError           kept conversations that cannot be read or written
    │   └── ConversationNotFound   one that is not there, or is another user's
    ├── AccountError           an account that cannot be made, changed or found
    │   └── NotAllowed         a signed-in user who may not do this
    ├── OutboundBlocked        a connection beyond this computer was tried
    └── GenerationCancelled    the user pressed stop

Every message is one or two sentences: what is wrong, and what to do next.
The command line prints it and exits with ``exit_code``; the chat shows it as text.
"""

from __future__ import annotations


class FootnoteError(Exception):
    """Base of all expected errors. ``str(error)`` says what is wrong and what to do next."""

    exit_code = 1


class ConfigError(FootnoteError):
    """A setting that does not exist or whose value does not fit."""

    exit_code = 2


class QuestionError(FootnoteError):
    """A question that cannot be asked: empty, blank or far too long."""

    exit_code = 2


class ScopeError(FootnoteError):
    """A venue, a source or a paper that was named and that the library does not have."""


class StyleError(FootnoteError):
    """A citation style that is not known, or a file of one that cannot be used."""

    exit_code = 2


class TooBusy(FootnoteError):
    """More is asked at once than is taken; ``retry_s`` seconds later there may be room."""

    def __init__(self, message: str, retry_s: int) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class ImportFileError(FootnoteError):
    """A file that cannot be imported at all."""


class RecordError(ImportFileError):
    """One record that cannot be imported. Costs no other record unless ``--strict``."""

    def __init__(self, path: object, line: int | None, reason: str) -> None:
        self.path = str(path)
        self.line = line
        self.reason = reason
        where = self.path if line is None else f"{self.path}:{line}"
        super().__init__(f"{where}: {reason}")


class LibraryError(FootnoteError):
    """A library folder that cannot be used."""


class LibraryNotFound(LibraryError):
    """There is no library in the folder."""


class LibraryLocked(LibraryError):
    """Somebody else is writing to the library, or reads it where it has to be left alone."""


class LibraryReadOnly(LibraryError):
    """The program was started with ``read_only`` and was told to change something."""

    def __init__(self) -> None:
        super().__init__(
            "This was started read-only (--read-only or FOOTNOTE_READ_ONLY): libraries and models stay as they are. "
            "Make the change in a program that was started without it."
        )


class LibraryDamaged(LibraryError):
    """A file of the library holds something else than the program wrote."""


class LibraryMismatch(LibraryError):
    """The library was made by another version, embedder or chunker."""


class VectorServerError(LibraryError):
    """The Chroma server that holds the vectors cannot be reached, or does not do what it is asked.

    ``passing``: the same may succeed in a moment.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class ModelError(FootnoteError):
    """A GGUF file that cannot be used."""


class ModelNotFound(ModelError):
    """A model name that is neither registered nor a file."""


class ServerError(ModelError):
    """A model server that the user named cannot be reached, or its answer cannot be used.

    ``passing``: the same request may succeed in a moment, in ``retry_s`` seconds where the server said when.
    """

    def __init__(self, message: str, *, passing: bool = False, retry_s: float | None = None) -> None:
        super().__init__(message)
        self.passing = passing
        self.retry_s = retry_s


class PromptError(FootnoteError):
    """A prompt file whose variables are missing or unknown."""


class EvaluationError(FootnoteError):
    """A collection, a file of questions or a result that cannot be evaluated."""


class HistoryError(FootnoteError):
    """Kept conversations that cannot be read or written."""


class ConversationNotFound(HistoryError):
    """A conversation or an answer that is not there, or that belongs to another user."""


class AccountError(FootnoteError):
    """An account that cannot be made, changed or found."""


class NotAllowed(AccountError):
    """Whoever is signed in may not do this."""


class OutboundBlocked(FootnoteError, PermissionError):
    """A connection beyond this computer was tried. An ``OSError``, so libraries take it for a missing network."""


class GenerationCancelled(FootnoteError):
    """Generation was stopped by its caller; what was written so far has been yielded."""
