"""Results on disk: JSON for programs, Markdown and a picture for people, one set of files per run.

``<folder>/<kind>/<date>-<commit>.json``, ``.md`` and ``.png``; ``kind`` is ``retrieval``, ``answers`` or ``models``.
The figures of every single query or reply lie beside them in a ``.jsonl``, one record a line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rag.errors import EvaluationError
from rag.evaluation import report_tables
from rag.evaluation.answer_evaluation import AnswersResult
from rag.evaluation.answer_scoring import Reply
from rag.evaluation.ranking_measures import MEASURES
from rag.evaluation.retrieval_evaluation import CollectionResult
from rag.evaluation.significance import RESAMPLES
from rag.evaluation.trust_card import TrustCard
from rag.system.machine import commit, machine

RESULTS = Path("benchmarks") / "results"
BEGIN, END = "<!-- eval:begin -->", "<!-- eval:end -->"
_DIGITS = 4
Record = dict[str, Any]


def write_retrieval(results: Iterable[CollectionResult], seed: int, folder: Path) -> Path:
    """One report over all collections; returns the path of the Markdown."""
    collections = list(results)
    record = _record("retrieval", seed) | {"collections": [_without(c, "per_query") for c in collections]}
    lines = (
        {"collection": c.name, "query": query, "system": s.name}
        | {m: _rounded(s.per_query[m][query]) for m in MEASURES}
        for c in collections
        for s in c.systems
        for query in s.per_query[next(iter(MEASURES))]
    )
    return _write(record, report_tables.retrieval(record), lines, folder)


def write_answers(result: AnswersResult, seed: int, folder: Path) -> Path:
    """One report over one file of questions; returns the path of the Markdown."""
    record = _record("answers", seed) | _without(result, "replies") | {"questions": len(result.questions)}
    lines = (_line(s.name, result, r) for s in result.systems for r in s.replies)
    return _write(record, report_tables.answers(record), lines, folder, _slug(result.name, result.model, result.mode))


def write_trust_card(card: TrustCard, seed: int, folder: Path) -> Path:
    """The card of one model; returns the path of the Markdown."""
    record = _record("models", seed) | _without(card, "replies") | {"questions": len(card.questions)}
    results = [(m.mode, m) for m in card.modes] + [(f"{m.mode}, {m.prompt}.md", m) for m in card.other_prompts]
    results += [(name, m) for name, m in (("writer", card.writer), ("choosing", card.choosing)) if m is not None]
    lines = (_line(name, card, r) for name, m in results for r in m.replies)
    return _write(record, report_tables.trust_card(record), lines, folder, _slug(card.model))


def latest(folder: Path, kind: str) -> Record | None:
    """The record of ``kind`` that was finished last, by its own date; None where there is none.

    Raises :class:`EvaluationError` for a file that is no record.
    """
    return next(reversed(_records(folder, kind)), None)


def _records(folder: Path, kind: str) -> list[Record]:
    """All records of ``kind``, by the date on which they were finished."""
    records = []
    for path in sorted((folder / kind).glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            records.append((str(record["finished"]), path.name, record))
        except (ValueError, KeyError, TypeError) as error:
            raise EvaluationError(f"{path} is no result of an evaluation ({error!r}). Remove it.") from error
    return [record for _, _, record in sorted(records, key=lambda one: one[:2])]


def readme_block(folder: Path) -> str:
    """The table of the README, as Markdown: the newest results in ``folder``.

    Raises :class:`EvaluationError` where there is none.
    """
    retrieval, answers = latest(folder, "retrieval"), latest(folder, "answers")
    if retrieval is None and answers is None:
        raise EvaluationError(f"There are no results in {folder}. Run 'footnote eval retrieval' or 'eval answers'.")
    parts = [report_tables.short_retrieval(retrieval)] if retrieval else []
    parts += [report_tables.short_answers(answers)] if answers else []
    return "\n\n".join(parts)


def cards_block(folder: Path) -> str:
    """The table of all trust cards in ``folder``, as Markdown: the newest of each model.

    Raises :class:`EvaluationError` for a file that is no record.
    """
    newest: dict[str, Record] = {}
    for record in _records(folder, "models"):
        newest[str(record["model"])] = record
    return report_tables.cards(list(newest.values()))


def marked_block(text: str) -> str | None:
    """The text between the markers in ``text``, or None where one of them is missing."""
    if BEGIN not in text or END not in text:
        return None
    return text.split(BEGIN, 1)[1].split(END, 1)[0].strip()


def renew(page: Path, folder: Path, block: Callable[[Path], str] = readme_block) -> None:
    """Put the newest results, as ``block`` writes them, between the markers of ``page``.

    Raises :class:`EvaluationError` where it has none.
    """
    text = page.read_text(encoding="utf-8")
    if marked_block(text) is None:
        raise EvaluationError(f"{page} has no lines '{BEGIN}' and '{END}'. Add them where the table belongs.")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n{block(folder)}\n{END}{after}", encoding="utf-8")


def _record(kind: str, seed: int) -> Record:
    return {
        "kind": kind,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "seed": seed,
        "resamples": RESAMPLES,
        "machine": machine(),
    }


def _write(record: Record, markdown: str, lines: Iterable[Record], folder: Path, slug: str = "") -> Path:
    from rag.evaluation import report_plots

    target = folder / str(record["kind"])
    target.mkdir(parents=True, exist_ok=True)
    stem = f"{record['finished'][:10]}-{record['commit']}" + (f"-{slug}" if slug else "")
    picture = target / f"{stem}.png"
    report_plots.draw(record, picture)
    (target / f"{stem}.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with (target / f"{stem}.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path = target / f"{stem}.md"
    path.write_text(f"{markdown}\n![The same figures as a picture]({picture.name})\n", encoding="utf-8")
    return path


def _line(system: str, result: AnswersResult | TrustCard, reply: Reply) -> Record:
    """One reply with its question, for reading one by one."""
    from rag.evaluation.answer_scoring import score

    question = next(q for q in result.questions if q.id == reply.question)
    figures = {k: _rounded(v) for k, v in score(question, reply).items()}
    return {
        "id": question.id,
        "type": question.type,
        "system": system,
        "question": question.question,
        "refused": reply.refused,
        "refusal": reply.refusal,
        "error": reply.error,
        "sentences": [{"text": s.text, "titles": list(s.titles), "supported": s.supported} for s in reply.sentences],
        "figures": figures,
    }


def _without(result: Any, *names: str) -> Record:
    """A dataclass as plain JSON, floats rounded, the fields ``names`` left out at every level."""
    plain = _as_json(result, frozenset(names))
    assert isinstance(plain, dict)
    return plain


def _as_json(value: Any, left_out: frozenset[str]) -> Any:
    """``value`` in types that JSON has: dataclasses as objects, tuples as lists, floats rounded."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(k): _as_json(v, left_out) for k, v in value.items() if k not in left_out}
    if isinstance(value, list | tuple):
        return [_as_json(v, left_out) for v in value]
    return _rounded(value) if isinstance(value, float) else value


def _rounded(value: float) -> float:
    return round(value, _DIGITS)


def _slug(*parts: str) -> str:
    text = "-".join(parts).lower()
    return "-".join("".join(c if c.isalnum() else " " for c in text).split())[:60]
