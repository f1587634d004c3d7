"""``python -m rag.cli.background FOLDER THREADS``: what ``footnote import`` leaves behind to compute vectors.

Not a command: it is told the library and the threads by the process that starts it, and reads the same settings.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path


def main(folder: str, threads: str) -> int:
    """Compute the vectors that the library in ``folder`` lacks; a line to stdout now and then."""
    from rag.cli.printing import say
    from rag.cli.vectors import be_gentle
    from rag.config import load_settings
    from rag.errors import FootnoteError
    from rag.factory import embedder_id, paper_encoder, vector_server
    from rag.library.embedding import compute_vectors
    from rag.system.offline import enforce_offline

    enforce_offline()
    be_gentle()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    said = 0.0

    def show(done: int, of: int) -> None:
        nonlocal said
        if done == of or time.monotonic() - said > 60:
            said = time.monotonic()
            say(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {done:,} of {of:,} papers have vectors")

    try:
        settings = load_settings(library=Path(folder), threads=int(threads))
        compute_vectors(
            settings.library_path,
            embedder_id(),
            lambda: paper_encoder(settings.threads),
            stop,
            server=vector_server(settings),
            on_progress=show,
        )
    except FootnoteError as error:
        say(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
