"""Markdown reports. A record is what the JSON file of a run holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rag.evaluation.answer_scoring import FIGURES, TIMES
from rag.evaluation.ranking_measures import MEASURES

Record = Mapping[str, Any]
_CHOOSES = {True: "Chooses quotes better than the ranker.", False: "The ranker's choice of quotes stands.",
            None: "Whether it chooses quotes better is not known."}  # fmt: skip
# The rows of the short table of answers.
SHORT = ("key_facts", "citation_precision", "evidence_quoted", "false_refusal", "true_refusal", "words")


def retrieval(record: Record) -> str:
    """The report over all collections."""
    lines = [*_head("Retrieval", record), ""]
    lines += [f"Means over the queries with 95% intervals of a bootstrap ({record['resamples']:,} resamples).", ""]
    lines += ["Index and query times are of this machine, from an index that was made once and kept.", ""]
    for collection in record["collections"]:
        lines += _collection(collection)
    return "\n".join(lines)


def _collection(collection: Record) -> list[str]:
    names = list(MEASURES)
    rows = [
        [
            s["label"],
            *(_interval(s["estimates"][m]) for m in names),
            _seconds(s["index_seconds"]),
            f"{s['query_ms']:.1f}",
        ]
        for s in collection["systems"]
    ]
    lines = [
        f"## {collection['name']}",
        "",
        f"{collection['documents']:,} documents, {collection['queries']:,} queries, {collection['judgements']:,} "
        f"relevant judgements; corpus {collection['sha256'][:12]}.",
        "",
        *table(["system", *names, "index, s", "query, ms"], rows),
        "",
    ]
    others = [s for s in collection["systems"] if s["against"]]
    if others:
        rows = [[s["label"], *(_difference(s["against"][m]) for m in names)] for s in others]
        lines += ["Footnote minus the baseline, p of a paired randomisation test:", ""]
        lines += [*table(["baseline", *names], rows), ""]
    return lines + [f"- {note}." for note in collection["notes"]] + ([""] if collection["notes"] else [])


def answers(record: Record) -> str:
    """The report over one file of questions."""
    lines = [
        *_head(f"Answers to {record['name']}", record),
        "",
        f"{record['questions']} questions over {record['papers']:,} papers (library {record['library'][:12]}); "
        f"answers by {record['model']} in {record['mode']} mode.",
        "",
        "Shares are means over the questions that have the figure, with 95% bootstrap intervals; precision of "
        "citations is over answered questions that a paper answers. docs/evaluation.md defines every row.",
        "",
    ]
    systems = record["systems"]
    lines += table(["all questions", *(s["label"] for s in systems)], _figure_rows([s["rows"][0] for s in systems]))
    lines += ["", *_against(systems)]
    for system in systems:
        if len(system["rows"]) > 1:
            lines += [f"## {system['label']}, by type of question", ""]
            header = ["", *(f"{r['type']} ({r['questions']})" for r in system["rows"])]
            lines += [*table(header, _figure_rows(system["rows"], short=True)), ""]
    return "\n".join([*lines, *(f"- {note}." for note in record["notes"]), ""])


def trust_card(record: Record) -> str:
    """The card of one model."""
    made = "made from the library by rule" if record["generated"] else "given"
    facts = f"{record['parameters'] / 1e6:,.0f} million parameters, {record['quantisation']}, "
    lines = [
        *_head(f"Trust card of {record['model']}", record),
        "",
        f"**Suits: {record['suits']}.** {record['reason']}",
        "",
        _choice(record),
        "",
        f"{facts}{record['size'] / 1e6:,.0f} MB, context {record['context']:,}, "
        f"licence {record['licence'] or 'not stated'}, SHA-256 {record['sha256'][:16]}….",
        f"{record['questions']} questions {made}, over {record['papers']:,} papers (library {record['library'][:12]}).",
        f"The process held at most {record['memory_mb']:,.0f} MB. A model that answers from several papers was given "
        f"what it reads in {record['patience']} s.",
        "",
    ]
    others = (*record["other_prompts"], record["writer"], record["choosing"])
    modes = [*record["modes"], *(m for m in others if m is not None)]
    lines += table(["", *(m["label"] for m in modes)], [*_figure_rows([m["rows"][0] for m in modes]), *_speeds(modes)])
    return "\n".join([*lines, ""])


# Of the table of all cards: the heading, and the figure of a row of type ``all``.
_CARD_FIGURES = {
    "key facts": "key_facts",
    "citation precision": "citation_precision",
    "supported": "supported",
    "refused as it should be": "true_refusal",
    "refused though answerable": "false_refusal",
    "words": "words",
}


def cards(records: Sequence[Record]) -> str:
    """Every card in one table, a line for each model in the mode that it writes in, models by size."""
    if not records:
        return "No model has been measured for this table yet."
    head = ["model", "asked with", "questions", *_CARD_FIGURES, "first word", "whole answer", "memory"]
    rows = [_card_row(r, r["modes"][1]) for r in sorted(records, key=lambda r: (r["size"], r["model"]))]
    return "\n".join(table(head, rows))


def _card_row(record: Record, mode: Record) -> list[str]:
    row = mode["rows"][0]
    figures = [_figure(key, row["estimates"].get(key), short=True) for key in _CARD_FIGURES.values()]
    times = [f"{row['times'][key][0] / 1000:.1f} s" if key in row["times"] else "" for key in TIMES]
    asked = f"{mode['prompt']}.md" if mode["prompt"] else mode["mode"]
    return [record["model"], asked, str(record["questions"]), *figures, *times, f"{record['memory_mb']:,.0f} MB"]


def _choice(record: Record) -> str:
    """Whether the model chooses quotes better than the ranker."""
    return f"**{_CHOOSES[record['chooses']]}** It chose the quotes in the ranker's place: {record['choosing_reason']}."


def short_retrieval(record: Record) -> str:
    """nDCG@10 of every system on every collection, for the README."""
    collections = record["collections"]
    labels = {s["name"]: s["label"] for c in collections for s in c["systems"]}
    rows = []
    for name, label in labels.items():
        means = [next((s["estimates"]["nDCG@10"]["mean"] for s in c["systems"] if s["name"] == name), None)
                 for c in collections]  # fmt: skip
        rows.append([label, *("" if m is None else _share(m) for m in means)])
    head = ["nDCG@10", *(f"{c['name']} ({c['queries']:,} queries)" for c in collections)]
    return "\n".join([*table(head, rows), "", _source(record)])


def short_answers(record: Record) -> str:
    """The main figures of every system, for the README."""
    systems = record["systems"]
    rows = _figure_rows([s["rows"][0] for s in systems], short=True, keys=SHORT)
    head = [f"{record['questions']} questions, {record['papers']:,} papers", *(s["label"] for s in systems)]
    return "\n".join([*table(head, rows), "", _source(record)])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table; what could break it is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(_cell(c) for c in row) + " |" for row in lines]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _head(title: str, record: Record) -> list[str]:
    place = record["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in place["packages"].items())
    return [
        f"# {title}: {record['finished'][:10]}, commit {record['commit']}",
        "",
        f"{place['processor']}, {place['cores']} cores, {place['memory_gb']} GB, {place['system']}, "
        f"load {place['load']} at the end. Python {place['python']}, {packages}. Seed {record['seed']}.",
    ]


def _figure_rows(rows: Sequence[Record], short: bool = False, keys: Sequence[str] | None = None) -> list[list[str]]:
    """A row for each figure that any of the columns ``rows`` has; refusals and times below."""
    lines = []
    for key, (label, _) in FIGURES.items():
        if key in TIMES or (keys is not None and key not in keys):
            continue
        cells = [_figure(key, r["estimates"].get(key), short) for r in rows]
        if any(cells):
            lines.append([label, *cells])
    if keys is None and any(r["refusals"]["unanswerable"] for r in rows):
        lines.append(["refusals: precision, recall, F1", *(_refusals(r["refusals"]) for r in rows)])
    for key in TIMES:
        if any(key in r["times"] for r in rows):
            cells = [f"{r['times'][key][0]:,.0f}, {r['times'][key][1]:,.0f}" if key in r["times"] else "" for r in rows]
            lines.append([f"{FIGURES[key][0]}: p50, p95", *cells])
    return lines


def _figure(key: str, found: Record | None, short: bool) -> str:
    if found is None:
        return ""
    if key == "words":
        return f"{found['mean']:.0f}"
    return _share(found["mean"]) if short else _interval(found)


def _refusals(counts: Record) -> str:
    from rag.evaluation.answer_scoring import Refusals

    made = Refusals(**counts)
    return ", ".join("–" if v is None else _share(v) for v in (made.precision, made.recall, made.f1))


def _against(systems: Sequence[Record]) -> list[str]:
    others = [s for s in systems if s["against"]]
    if not others:
        return []
    keys = [k for k in FIGURES if k not in TIMES and any(k in s["against"] for s in others)]
    rows = [[FIGURES[k][0], *(_difference(s["against"][k]) if k in s["against"] else "" for s in others)] for k in keys]
    head = ["Footnote minus …", *(s["label"] for s in others)]
    return ["Differences over the questions where both have the figure, p of a paired randomisation test:", "",
            *table(head, rows), ""]  # fmt: skip


def _speeds(modes: Sequence[Record]) -> list[list[str]]:
    def rate(value: float | None) -> str:
        return "" if value is None else f"{value:,.0f}"

    return [
        ["tokens read a second", *(rate(m["speed"]["read"]) for m in modes)],
        ["tokens written a second", *(rate(m["speed"]["written"]) for m in modes)],
    ]


def _source(record: Record) -> str:
    place = record["machine"]
    return f"Measured on {record['finished'][:10]} at {record['commit']}: {place['processor']}, {place['cores']} cores."


def _interval(found: Record) -> str:
    return f"{_share(found['mean'])} [{_share(found['low'])}, {_share(found['high'])}]"


def _difference(found: Record) -> str:
    p = f"p={found['p']:.3f}" if found["p"] >= 0.001 else "p<0.001"
    return f"{found['difference']:+.3f} ({p})"


def _share(value: float) -> str:
    return f"{value:.3f}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"
