"""What of a run is done, in ``run.json`` of its folder: a run that was stopped goes on behind its last step."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

FILE = "run.json"


class State:
    """Figures by name, steps that are done, seconds that an unfinished import has taken.

    ``settings`` say what is measured. Raises ``ValueError`` where the folder holds a run with others.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._path, self._saving = folder / FILE, threading.RLock()  # an import and its questions keep figures
        self._all: dict[str, Any] = {"settings": settings, "figures": {}, "done": [], "spent": {}, "notes": []}
        if self._path.exists():
            self._all = json.loads(self._path.read_text(encoding="utf-8"))
            if self._all["settings"] != settings:
                raise ValueError(
                    f"{folder} holds a run with other settings ({self._all['settings']}): remove it, or name another "
                    "folder with --folder."
                )

    @property
    def figures(self) -> dict[str, float]:
        return dict(self._all["figures"])

    @property
    def notes(self) -> list[str]:
        return list(self._all["notes"])

    def is_done(self, step: str) -> bool:
        return step in self._all["done"]

    def spent(self, name: str) -> float:
        """Seconds that an import took until the run was last stopped."""
        return float(self._all["spent"].get(name, 0.0))

    def spend(self, name: str, seconds: float) -> None:
        with self._saving:
            self._all["spent"][name] = seconds
            self._save()

    def keep(self, **figures: float) -> None:
        """Keep figures before their step is done."""
        with self._saving:
            self._all["figures"] |= figures
            self._save()

    def note(self, text: str) -> None:
        """Keep what is to be said beside the figures."""
        if text not in self._all["notes"]:
            self._all["notes"].append(text)
            self._save()

    def finish(self, step: str) -> None:
        self._all["done"].append(step)
        self._save()

    def _save(self) -> None:
        partial = self._path.with_suffix(".partial")
        with self._saving:
            partial.write_text(json.dumps(self._all, indent=1), encoding="utf-8")
            partial.replace(self._path)
