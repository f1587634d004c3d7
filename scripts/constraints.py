"""Writes constraints.txt from what is installed: ``make constraints``, after a ``pip install`` that changed versions.

Local version suffixes (``+cpu``) and the places that packages were installed from are left out, so that the
file holds on other machines too.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import distributions
from pathlib import Path

HEADER = """\
# Exact versions of everything that 'make install' and 'make test' install, Python 3.11 to 3.13, Linux and macOS.
# Written by 'make constraints' from the environment that the tests passed in; change pyproject.toml, not this.
"""


def pins() -> list[str]:
    """One ``name==version`` for each installed package but this project, sorted by normalised name."""
    found = {}
    for distribution in distributions():
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
        if name != "footnote":
            found[name] = distribution.version.split("+")[0]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def main() -> int:
    """Write the file and say how many packages it pins."""
    lines = pins()
    path = Path(__file__).parent.parent / "constraints.txt"
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    sys.stderr.write(f"{path.name} pins {len(lines)} packages.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
