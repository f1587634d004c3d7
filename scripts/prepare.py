"""Makes what the first question needs and is not there yet: the models, and the library of the shipped abstracts.

python -m scripts.prepare                 both; quick and silent when both are there
python -m scripts.prepare --models-only   the models
"""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Prepare, and say on stderr in one sentence what stands in the way."""
    from rag.system.offline import enforce_offline

    enforce_offline()
    from rag.config import load_settings
    from rag.errors import FootnoteError
    from rag.factory import prepare_library, prepare_models

    try:
        settings = load_settings()
        prepare_models(settings)
        if "--models-only" not in arguments:
            prepare_library(settings)
    except FootnoteError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
