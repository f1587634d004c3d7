"""CSL-JSON (citationstyles.org, schema 1.0): what Zotero, Pandoc and citeproc read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rag.datatypes import Paper
from rag.papers.carried import NAME, carried
from rag.papers.csl_names import DATE_VARIABLES, NAME_VARIABLES, TEXT_VARIABLES
from rag.papers.divided_names import WHOLE_NAMES, csl_name, whole_names
from rag.papers.exporters.bibtex import type_of
from rag.papers.exporters.kept_texts import names_of
from rag.papers.identity import bare_doi
from rag.papers.kept_fields import unpack
from rag.text.unseen import clean, escaped_json, one_line

# What an item is taken for whose type nobody named, by BibTeX's type that its venue suggests: the schema wants one.
_GUESSED = {"article": "article-journal", "inproceedings": "paper-conference", "misc": "article"}


def to_csl_json(papers: Iterable[Paper]) -> str:
    """One array, an item a paper. What is not one of CSL's variables stands in an item's ``custom``."""
    items = [_whole_item(paper) for paper in papers]
    return escaped_json(json.dumps(items, ensure_ascii=False, indent=2)) + "\n"


def csl_item(paper: Paper) -> dict[str, Any]:
    """The item of a paper, without what an import alone needs."""
    whole = whole_names(paper)
    item: dict[str, Any] = {
        "id": one_line(paper.id),
        "citation-key": one_line(paper.key),
        "type": one_line(paper.kind) or _GUESSED[type_of(paper)],
        "title": one_line(paper.title),
        "author": [csl_name(name, name in whole) for name in paper.authors if name.strip()],
        "container-title": one_line(paper.venue),
        "DOI": bare_doi(paper),
        "URL": one_line(paper.url),
        "abstract": clean(paper.abstract).strip(),
        "status": paper.status,
    }
    if paper.year is not None:
        item["issued"] = {"date-parts": [[paper.year]]}
    from rag.papers.importers.field_names import FIELD_NAMES, field_key

    kept = {name: value for name, value in unpack(paper).items() if name != WHOLE_NAMES}  # 'author' says it
    variables = {name: found for name, value in kept.items() if (found := _variable(name, value, paper))}
    # Another name of a field that is read, with what that field cannot be, would cost the whole item.
    custom = {
        name: value
        for name, value in kept.items()
        if name not in variables and (isinstance(value, str) or field_key(name) not in FIELD_NAMES)
    }
    if paper.collections:
        custom["collections"] = list(paper.collections)
    # One text cannot say where a tag with a comma ends, nor a note with an empty line.
    if any("," in tag for tag in paper.tags):
        custom["tags"] = list(paper.tags)
    if any("\n\n" in note for note in paper.notes):
        custom["notes"] = list(paper.notes)
    if "issued" in variables:
        del item["issued"]  # it has its place among the others
    item |= variables | {"keyword": ", ".join(paper.tags), "note": "\n\n".join(paper.notes), "custom": custom}
    return {name: value for name, value in item.items() if value}


def _whole_item(paper: Paper) -> dict[str, Any]:
    item = csl_item(paper)
    if not carried(paper, _read_back(item)):
        return item
    # An item with 'custom' is known to be CSL's, and may be read otherwise than without.
    item["custom"] = {**item.get("custom", {}), NAME: "[]"}
    item["custom"][NAME] = carried(paper, _read_back(item))
    return item


def _read_back(item: dict[str, Any]) -> Paper:
    from rag.papers.importers.field_mapping import described
    from rag.papers.importers.json_shapes import standard

    return described(standard(json.loads(json.dumps(item))) | {"carried": ""}, "")


def _variable(name: str, value: Any, paper: Paper) -> Any:
    """``value`` as the variable ``name`` of CSL has it; None where there is no such variable, or it cannot be that."""
    if name == "issued":
        return {**value, "date-parts": parts} if (parts := _date_parts(value, paper.year)) else None
    if name in NAME_VARIABLES:
        return _names(value)
    if name in DATE_VARIABLES:
        return value if isinstance(value, dict) and isinstance(value.get("date-parts"), list) else None
    fits = isinstance(value, str | int | float) and not isinstance(value, bool)
    return value if fits and name in TEXT_VARIABLES else None


def _names(value: Any) -> list[dict[str, Any]] | None:
    if isinstance(value, list):
        return value if all(isinstance(one, dict) and one.keys() & {"family", "literal"} for one in value) else None
    return [csl_name(one) for one in names_of(value)] if isinstance(value, str) else None


def _date_parts(issued: Any, year: int | None) -> list[list[int]]:
    """The parts of a date as numbers, as the schema wants them; none where they are not of ``year``."""
    try:
        parts = [[int(one) for one in date] for date in issued["date-parts"]]
    except (TypeError, ValueError, KeyError):
        return []
    return parts if parts and parts[0] and parts[0][0] == year else []
