"""The chat: ``python app.py`` serves it, as ``footnote serve`` does. The page itself is in :mod:`rag.ui`, the
HTTP API beside it in :mod:`rag.api`."""

from __future__ import annotations

import sys

from rag.errors import FootnoteError


def main() -> int:
    """Serve until interrupted; the exit code."""
    from rag.api.server import serve
    from rag.config import load_settings

    try:
        serve(load_settings())
    except FootnoteError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
