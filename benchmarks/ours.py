"""Our side where the command line cannot show it: warm questions and the first word of a language model.

python -m benchmarks.ours warm LIBRARY QUESTIONS.json --model quote
python -m benchmarks.ours warm LIBRARY QUESTIONS.json --model writer --mode quote
python -m benchmarks.ours first-word LIBRARY QUESTIONS.json --tokens 400
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from threading import Event
from typing import Any

from benchmarks.workload import load_papers


def warm(library: Path, questions: list[str], model: str, mode: str | None, seed: int) -> dict[str, Any]:
    """Ask every question in one process; the first is not counted.

    Returns the seconds to the checked answer, the seconds to the first word of the draft (of those questions where
    one was written), and how many were refused.
    """
    from rag.config import load_settings
    from rag.datatypes import Answer, Draft
    from rag.factory import open_answerer

    answerer = open_answerer(load_settings(library=library, model=model, mode=mode, seed=seed))
    whole: list[float] = []
    first_word: list[float | None] = []
    refused = 0
    for number, question in enumerate(questions):
        start = time.perf_counter()
        word: float | None = None
        for event in answerer.stream(question):
            if isinstance(event, Draft) and event.text.strip() and word is None:
                word = time.perf_counter() - start
            if isinstance(event, Answer):
                refused += number > 0 and event.refusal is not None
        whole.append(time.perf_counter() - start)
        first_word.append(word)
    return {"seconds": whole[1:], "first_word": [one for one in first_word[1:] if one is not None], "refused": refused}


def first_word(questions: list[str], tokens: int, seed: int) -> dict[str, Any]:
    """The bundled model alone: seconds from a prompt of at least ``tokens`` tokens to the first piece of text.

    Each prompt holds other papers and another question than the one before; the fixed part is the same, as it is
    for a user. Evidence is added sentence by sentence until the prompt is long enough. The first is not counted.
    """
    from rag.config import load_settings
    from rag.generation.generators.engine import Engine
    from rag.generation.generators.llama import LlamaGenerator
    from rag.generation.models import prepare_bundled
    from rag.generation.prompting import load_prompt

    render = load_prompt("answer").render
    generator = LlamaGenerator(Engine(prepare_bundled(load_settings().home)), render=render)
    generator.warm()
    seconds, lengths = [], []
    for number, question in enumerate(questions):
        request, length = _request(generator, question, number, tokens, seed)
        start = time.perf_counter()
        pieces = generator.stream(request, Event())
        next(piece for piece in pieces if piece.strip())
        seconds.append(time.perf_counter() - start)
        lengths.append(length)
        pieces.close()  # type: ignore[attr-defined]  # a generator: ends the writing
    generator.close()
    return {"seconds": seconds[1:], "tokens": lengths[1:]}


def _request(generator: Any, question: str, number: int, tokens: int, seed: int) -> tuple[Any, int]:
    """A request whose prompt has at least ``tokens`` tokens, and how many it has."""
    from rag.datatypes import GenerationRequest

    for sentences in range(1, 60):
        request = GenerationRequest(question, _evidence(number, sentences), mode="cite", seed=seed)
        length = generator.fit(request).prompt_tokens
        if length >= tokens:
            return request, length
    raise SystemExit(f"No prompt reaches {tokens} tokens.")


def _evidence(number: int, sentences: int) -> tuple[Any, ...]:
    """``sentences`` sentences, at most three of a paper, from papers that the question before did not get."""
    from rag.datatypes import Evidence, Paper, Sentence

    records = [record for record in load_papers() if record.get("abstract")]
    evidence: list[Evidence] = []
    while sentences > 0:
        rank = len(evidence)
        record = records[(number * 20 + rank) % len(records)]
        texts = [text.strip() + "." for text in record["abstract"].split(". ")[:3]][:sentences]
        paper = Paper(id=record["id"], title=record["title"], abstract=record["abstract"])
        evidence.append(Evidence(rank + 1, paper, tuple(Sentence(text, 0, len(text)) for text in texts), 1.0))
        sentences -= len(texts)
    return tuple(evidence)


def main() -> None:
    from rag.system.offline import enforce_offline

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("warm", "first-word"))
    parser.add_argument("library", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--model", default="quote")
    parser.add_argument("--mode")
    parser.add_argument("--tokens", type=int, default=400, help="of the prompt, for first-word")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    enforce_offline()
    questions = json.loads(options.questions.read_text(encoding="utf-8"))
    if options.what == "warm":
        result = warm(options.library, questions, options.model, options.mode, options.seed)
    else:
        result = first_word(questions, options.tokens, options.seed)
    print(json.dumps({"result": result}), flush=True)


if __name__ == "__main__":
    main()
