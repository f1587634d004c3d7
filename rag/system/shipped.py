"""Paths of the files that come with the program: inside the package of a wheel, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_INSIDE = {"models": "model_files"}  # in a wheel these folders have other names


def shipped_path(folder: str, name: str = "") -> Path:
    """``name`` in ``prompts``, ``data`` or ``models`` of this installation; it may not be there."""
    inside = _PACKAGE / _INSIDE.get(folder, folder) / name
    return inside if inside.exists() else _PACKAGE.parent / folder / name
