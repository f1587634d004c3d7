"""Texts that a language model wrote during an evaluation, kept in a file, so that a run that was killed goes on.

An answer of a larger model takes a minute on a slow machine. Everything but the writing is done anew, so a change of
the check can be measured without asking the model again. Times are those of the first writing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Generator as YieldsPieces
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rag.datatypes import GenerationRequest, Generator, StopSignal


class KeptTexts:
    """A :class:`rag.datatypes.Generator` that asks ``inner`` only for what is not in ``path`` yet, JSON a line.

    ``saved_ms`` adds up what was not waited for, of first pieces and of whole texts, since :meth:`forget_saved`.
    """

    def __init__(self, inner: Generator, path: Path) -> None:
        self.inner = inner
        self.name, self.model, self.model_sha256 = inner.name, inner.model, inner.model_sha256
        self.saved_ms = (0.0, 0.0)
        self._path = path
        self._texts = {record["key"]: record for record in _records(path)}

    def forget_saved(self) -> None:
        """Begin to add up anew."""
        self.saved_ms = (0.0, 0.0)

    def stream(self, request: GenerationRequest, stop: StopSignal) -> Iterator[str]:
        """The kept text as one piece, else what the model writes, which is kept when it is whole."""
        key = self._key(request)
        known = self._texts.get(key)
        if known is None:
            known = yield from self._written(key, request, stop)
            self._texts[key] = known
            return
        first, whole = self.saved_ms
        self.saved_ms = (first or known["first_ms"], whole + known["total_ms"])
        yield known["text"]

    def _written(
        self, key: str, request: GenerationRequest, stop: StopSignal
    ) -> YieldsPieces[str, None, dict[str, Any]]:
        begun, first, text = time.perf_counter(), 0.0, ""
        for piece in self.inner.stream(request, stop):
            first = first or 1000 * (time.perf_counter() - begun)
            text += piece
            yield piece
        total = 1000 * (time.perf_counter() - begun)
        record = {"key": key, "text": text, "first_ms": round(first, 3), "total_ms": round(total, 3)}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as out:
            out.write(f"\n{json.dumps(record, ensure_ascii=False)}\n")  # a line that was left half ends here
        return record

    def _key(self, request: GenerationRequest) -> str:
        asked = asdict(request) | {"evidence": [item.number for item in request.evidence], "model": self.model_sha256}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of the file; a killed run leaves half a line at most."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for line in lines:
        with contextlib.suppress(ValueError):
            yield json.loads(line)
