"""The packages of the extra ``eval``, which not every installation has."""

from __future__ import annotations

from importlib.util import find_spec

from rag.errors import EvaluationError

MEASURING = {"ir_measures": "ir-measures"}
STOCK_CHAIN = {
    "langchain_huggingface": "langchain-huggingface",
    "langchain_text_splitters": "langchain-text-splitters",
}


def require_packages(*groups: dict[str, str]) -> None:
    """Check that the modules in ``groups`` (module to package) can be imported, without importing them.

    Raises :class:`EvaluationError` that names the missing packages and the command that installs them.
    """
    missing = [package for group in groups for module, package in group.items() if not _is_installed(module)]
    if missing:
        raise EvaluationError(
            f"This evaluation needs {' and '.join(missing)}, which this installation lacks. "
            "Install the extra with: pip install 'footnote[eval]'"
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
