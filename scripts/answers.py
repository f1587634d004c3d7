"""Answer a file of questions with each shipped model and keep what came out, so that two checkouts can be compared.

    python -m scripts.answers --questions QUESTIONS.jsonl --out before [--checkout OTHER]
    python -m scripts.answers --questions QUESTIONS.jsonl --out after
    diff -r before after

What may differ from run to run, the times, is left out, and names of modes that were renamed are brought to one.
``--checkout`` asks the program of another folder, with the packages of this one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MODELS = ("quote", "writer", "smollm2")
RENAMED = {("writer", "cite"): "shorten"}


def stable(reply: dict[str, Any]) -> dict[str, Any]:
    """``reply`` without its times; the mode under today's name."""
    trace = reply["trace"]
    trace.pop("timings_ms")
    for holder in (trace, trace.get("settings", {})):
        if "mode" in holder:
            holder["mode"] = RENAMED.get((trace["model"], holder["mode"]), holder["mode"])
    return reply


def ask(questions: Path, model: str, checkout: Path) -> list[dict[str, Any]]:
    """The replies of ``footnote ask --batch``. Raises ``CalledProcessError`` where the program fails."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "replies.jsonl"
        command = ["ask", "--batch", str(questions.absolute()), "--out", str(out), "--model", model]
        code = f"from rag.cli import main; main({command!r})"
        subprocess.run([sys.executable, "-c", code], cwd=checkout, check=True, env={**os.environ, "PYTHONPATH": "."})
        return [stable(json.loads(line)) for line in out.read_text(encoding="utf-8").splitlines()]


def main() -> int:
    """One file a model, one indented JSON object a question, so that ``diff`` names what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkout", type=Path, default=Path())
    parser.add_argument("--models", nargs="*", default=MODELS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for model in options.models:
        replies = ask(options.questions, model, options.checkout)
        lines = [json.dumps(reply, ensure_ascii=False, indent=1, sort_keys=True) for reply in replies]
        (options.out / f"{model}.json").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{model}: {len(replies)} replies")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
