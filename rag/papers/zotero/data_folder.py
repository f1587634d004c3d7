"""Where Zotero keeps its data: the folder that holds ``zotero.sqlite``.

The default is ``Zotero`` in the user's home. Another folder stands in the preferences of Zotero's profile
(https://www.zotero.org/support/zotero_data), which lies where the system keeps such things.
"""

from __future__ import annotations

import configparser
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from rag.errors import ImportFileError

DATABASE = "zotero.sqlite"
_PREFERENCE = re.compile(r'user_pref\("extensions\.zotero\.(dataDir|useDataDir)",\s*+("(?:[^"\\]|\\.)*+"|true|false)\)')
# Below the home: folders of profiles.ini (Linux, Flatpak, Snap, macOS, Windows), and the data where none is named.
_PROFILES = (
    ".zotero/zotero", ".var/app/org.zotero.Zotero/.zotero/zotero", "snap/zotero-snap/common/.zotero/zotero",
    "Library/Application Support/Zotero", "AppData/Roaming/Zotero/Zotero",
)  # fmt: skip
_DEFAULTS = ("Zotero", ".var/app/org.zotero.Zotero/Zotero", "snap/zotero-snap/common/Zotero")


def find_data_folder(named: Path | None = None) -> Path:
    """The folder of Zotero's data: ``named``, else one that a profile names, else a default one.

    Raises :class:`ImportFileError` where none of them holds a database.
    """
    if named is not None:
        folder = named.expanduser().absolute()
        folder = folder.parent if folder.name == DATABASE else folder
        if not (folder / DATABASE).is_file():
            raise ImportFileError(
                f"There is no {DATABASE} in {folder}. Zotero shows the folder of its data in its settings: Advanced, "
                "Files and Folders, Show Data Directory."
            )
        return folder
    for folder in _candidates(Path.home()):
        if (folder / DATABASE).is_file():
            return folder
    raise ImportFileError(
        "Zotero's data were not found. Name their folder, with --data-dir or as FOOTNOTE_ZOTERO: Zotero shows it in "
        "its settings, Advanced, Files and Folders, Show Data Directory."
    )


def _candidates(home: Path) -> Iterator[Path]:
    roots = [home / one for one in _PROFILES]
    if appdata := os.environ.get("APPDATA"):
        roots.insert(0, Path(appdata) / "Zotero" / "Zotero")
    for root in roots:
        for profile in _profiles(root):
            if (folder := _named_in_preferences(profile / "prefs.js")) is not None:
                yield folder
    yield from (home / one for one in _DEFAULTS)


def _profiles(root: Path) -> list[Path]:
    """The folders of the profiles that ``profiles.ini`` lists, the default one first; none where it is no such file."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        parser.read_string((root / "profiles.ini").read_text(encoding="utf-8-sig", errors="replace"))
    except (OSError, configparser.Error):
        return []
    sections = [section for name, section in parser.items() if name.lower().startswith("profile") and "path" in section]
    sections.sort(key=lambda section: section.get("default") != "1")
    return [root / section["path"] for section in sections]  # an absolute path stays what it is


def _named_in_preferences(path: Path) -> Path | None:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = dict(_PREFERENCE.findall(text))
    if found.get("useDataDir") == "false" or not found.get("dataDir", "").startswith('"'):
        return None
    try:
        return Path(json.loads(found["dataDir"]))
    except ValueError:
        return None
