"""Our side where the command line cannot show it: warm questions and the first word of a language model.

python -m benchmarks.ours warm LIBRARY QUESTIONS.json --model quote
python -m benchmarks.ours warm LIBRARY QUESTIONS.json --model smollm2 --mode cite
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any


def warm(library: Path, questions: list[str], model: str, mode: str | None, seed: int) -> dict[str, Any]:
    """Ask every question in one process; the first is not counted.

    Returns seconds to the checked answer, seconds to the first word of the draft (questions where one
    was written), and how many were refused.
    """
    from rag.config import load_settings
    from rag.datatypes import Answer, Draft
    from rag.factory import open_answerer

    answerer = open_answerer(load_settings(library=library, model=model, mode=mode, seed=seed))
    whole, first_word, refused = [], [], 0
    for question in questions:
        start = time.perf_counter()
        word: float | None = None
        for event in answerer.stream(question):
            if isinstance(event, Draft) and event.text.strip() and word is None:
                word = time.perf_counter() - start
            if isinstance(event, Answer):
                refused += event.refusal is not None
        whole.append(time.perf_counter() - start)
        if word is not None:
            first_word.append(word)
    return {"seconds": whole[1:], "first_word": first_word[1:], "refused": refused}


def main() -> None:
    from rag.offline import enforce_offline

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("warm",))
    parser.add_argument("library", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--model", default="quote")
    parser.add_argument("--mode")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    enforce_offline()
    questions = json.loads(options.questions.read_text(encoding="utf-8"))
    result = warm(options.library, questions, options.model, options.mode, options.seed)
    print(json.dumps({"result": result}), flush=True)


if __name__ == "__main__":
    main()
