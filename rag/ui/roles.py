"""What a request may do. Every handler that changes what all users share asks :func:`require_editor` first."""

from __future__ import annotations

from dataclasses import dataclass

from rag.errors import ConfigError, LibraryReadOnly, NotAllowed
from rag.system.accounts import EDITOR, Accounts

READER_HINT = (
    "You are signed in as a reader: you may ask, read and export. To change libraries and models, ask whoever runs "
    "this page to make you an editor."
)

READ_ONLY_HINT = (
    "This page is served read-only: you may ask, read and export. Whoever runs it changes libraries and models in "
    "another program."
)


@dataclass(frozen=True, slots=True)
class Editor:
    """Whoever may change libraries, papers and models; made by :func:`require_editor` only.

    What changes them takes one, so that no handler can leave the question out. ``name`` is "" where nobody signs in.
    """

    name: str


def require_editor(accounts: Accounts, user: str, read_only: bool = False) -> Editor:
    """``user`` as an editor; everybody is one where nobody needs to sign in, nobody where all is ``read_only``.

    Raises :class:`NotAllowed` or :class:`LibraryReadOnly`.
    """
    if read_only:
        raise LibraryReadOnly
    if not may_edit(accounts, user):
        raise NotAllowed(READER_HINT)
    return Editor(user)


def may_edit(accounts: Accounts, user: str) -> bool:
    """Whether ``user`` is an editor now: an account that was removed, or whose file cannot be read, is none."""
    if not accounts:
        return True
    try:
        account = accounts.find(user)
    except ConfigError:
        return False
    return account is not None and account.role == EDITOR
