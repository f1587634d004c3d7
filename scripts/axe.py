"""Fetch axe-core, with which the browser tests check accessibility, from npm into tests/browser/axe/.

Only the tests use it; it is kept out of git. Its licence (MPL-2.0) lies beside it. Without npm the test that
needs it is skipped, except where CI is set.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "4.14.1"
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
FOLDER = Path(__file__).resolve().parent.parent / "tests" / "browser" / "axe"
FILES = ("LICENSE", "package.json", "axe.min.js")  # the script last: where it is, the rest is


def main() -> int:
    """0, also where axe-core cannot be had: what is missing is said."""
    there = FOLDER / "package.json"
    if (FOLDER / "axe.min.js").is_file() and f'"version": "{VERSION}"' in there.read_text(encoding="utf-8"):
        return 0
    npm = shutil.which("npm")
    if npm is None:
        return _without("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", "--silent", f"axe-core@{VERSION}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        packed = Path(folder) / f"axe-core-{VERSION}.tgz"
        if done.returncode or not packed.is_file():
            return _without(f"npm could not fetch axe-core ({done.stderr.strip()[-200:]})")
        if base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() != SHA512:
            return _without("what npm fetched is not the axe-core that is pinned")
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tarfile.open(packed) as archive:
            for name in FILES:
                member = archive.extractfile(f"package/{name}")
                assert member is not None
                (FOLDER / name).write_bytes(member.read())
    return 0


def _without(reason: str) -> int:
    sys.stderr.write(f"The accessibility test will be skipped: {reason}. Install npm and run 'make dev' again.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
