"""A JSON file of secrets for its owner alone: read anew when it has changed, changed whole or not at all.

A file that others may read or write is refused, except on Windows, whose files have no such modes. Every change is made
under a lock of its own, so that two commands at once lose nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from rag.errors import AccountError, ConfigError

_PATIENCE_S = 10.0  # for another command that is changing the file

Entry = TypeVar("Entry")


class PrivateFile(Generic[Entry]):
    """The entries by name in ``path``; none where there is no such file. Safe to use from threads and processes.

    ``parse`` makes entries of the file's bytes and raises :class:`ConfigError`, ``record`` makes of entries what is
    written as JSON; ``holds`` says what is in the file.
    """

    def __init__(
        self,
        path: Path,
        parse: Callable[[bytes, Path], dict[str, Entry]],
        record: Callable[[Mapping[str, Entry]], Any],
        holds: str,
    ) -> None:
        self.path = path
        self._parse, self._record, self._holds = parse, record, holds
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._entries: dict[str, Entry] = {}

    def read(self) -> Mapping[str, Entry]:
        """All entries by name. Raises :class:`ConfigError` where the file is not safe or not what it should be."""
        with self._lock:
            try:
                with self.path.open("rb") as file:
                    state = os.fstat(file.fileno())
                    seen = (state.st_ino, state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_mode)
                    if seen != self._seen:
                        self._check_mode(state.st_mode)
                        self._entries, self._seen = self._parse(file.read(), self.path), seen
            except FileNotFoundError:
                self._entries, self._seen = {}, None
            except OSError as error:
                self._seen = None
                raise ConfigError(f"{self.path} cannot be read ({error.strerror}). Let its owner read it.") from error
            except ConfigError:
                self._seen = None
                raise
            return self._entries

    @contextmanager
    def changing(self) -> Iterator[dict[str, Entry]]:
        """The entries under the lock; what the block leaves in them is written. Raises :class:`AccountError`."""
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_name(f"{self.path.name}.lock"), timeout=_PATIENCE_S):
                entries = dict(self.read())
                yield entries
                self._write(json.dumps(self._record(entries), indent=1, ensure_ascii=False))
        except Timeout as error:
            raise AccountError(f"{self.path} is being changed by another command. Try again in a moment.") from error
        except OSError as error:
            raise AccountError(f"{self.path} cannot be written ({error.strerror}). Nothing was changed.") from error

    def _check_mode(self, mode: int) -> None:
        if os.name != "nt" and stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(
                f"{self.path} holds {self._holds}, and others than its owner may open it. Run: chmod 600 {self.path}"
            )

    def _write(self, text: str) -> None:
        # mkstemp makes it 0600 from the first moment on. A link is followed: what it points to is replaced.
        target = self.path.resolve()
        descriptor, temporary = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".tmp", dir=target.parent)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  a descriptor is no path
                file.write(f"{text}\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)  # noqa: PTH105
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
