"""Which papers were retracted, corrected or doubted, from everything that files say of it; pure.

A *status* is one of ``retracted``, ``concern``, ``corrected``, ``notice`` or empty. A notice (of a retraction, an
erratum, an expression of concern) is a record of its own: it is never merged into its paper and is no evidence for what
that paper claims, but it says something of it: an :class:`Event`. Events come from notices and from a table that the
user supplies in the form of the Retraction Watch database, which Crossref publishes as CSV.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers import kept_fields
from rag.papers.identity import is_generic_title, normalised_doi, normalised_title
from rag.papers.kept_fields import NOTICE, strongest
from rag.papers.title_marks import is_marked, notice_in, unmarked

REINSTATED = "reinstated"
WORDS = {
    "retracted": "Retracted",
    "concern": "Expression of concern",
    "corrected": "Corrected",
    NOTICE: "Notice",
}
_VERBS = {
    "retracted": ("was retracted", "were retracted"),
    "concern": ("has an expression of concern", "have expressions of concern"),
    "corrected": ("was corrected", "were corrected"),
}
# A paper that studies retractions may be called "Retraction: …" as well; a notice has no long abstract.
_LONGEST_NOTICE = 1000
_WITHDRAWN = re.compile(
    r"\A\W*+(?:this|the)\s++(?:paper|article|submission|manuscript|preprint|work)\s++(?:has\s++been|was|is)\s++(?:now\s++)?+"
    r"(?:withdrawn|retracted)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to the paper with one of the identity ``keys``: a status, or ``reinstated``.

    ``date`` is ``YYYY-MM-DD`` or empty; ``reason`` is the source's words.
    """

    keys: tuple[str, ...]
    nature: str
    date: str = ""
    reason: str = ""


def with_status(paper: Paper) -> Paper:
    """``paper`` with the status that its title, abstract and kept fields give it; a status it brings counts as well.

    Read are Crossref's ``update-to`` and ``updated-by``, OpenAlex's ``is_retracted``, PubMed's ``publication_types``
    and ``comments_corrections`` (objects with ``type``, PubMed's RefType).
    """
    fields = kept_fields.unpack(paper)
    types = fields.get("publication_types")
    status = strongest(paper.status, status_from_types(types if isinstance(types, list) else ()))
    if status != NOTICE:
        status = strongest(status, _own_status(paper, fields))
    return paper if status == paper.status else replace(paper, status=status)


def _own_status(paper: Paper, fields: Mapping[str, Any]) -> str:
    if _update_targets(fields) or (notice_in(paper.title) and len(paper.abstract) <= _LONGEST_NOTICE):
        return NOTICE
    found = [status_from_updates(fields.get("updated-by")), status_from_links(_link_types(fields))]
    if is_marked(paper.title) or _WITHDRAWN.match(paper.abstract):
        found.append("retracted")
    if fields.get("is_retracted") in (True, "true", "True", "TRUE", "1", 1):
        found.append("retracted")
    return strongest(*found)


def status_from_types(types: Iterable[Any]) -> str:
    """The status that PubMed's publication types give a record; the types of notices make it a ``notice``."""
    names = {str(one).strip().lower() for one in types}
    if names & {"retraction of publication", "retraction notice", "published erratum", "expression of concern"}:
        return NOTICE
    return "retracted" if names & {"retracted publication", "retracted article"} else ""


def status_from_links(ref_types: Iterable[str]) -> str:
    """The status that PubMed's ``CommentsCorrections`` give a record, by their RefType (``RetractionIn``, …)."""
    names = {re.sub(r"[^a-z]", "", one.lower()) for one in ref_types}
    if names & {"retractionof", "erratumfor", "expressionofconcernfor", "partialretractionof"}:
        return NOTICE
    found = {
        "retractionin": "retracted", "retractedandrepublishedin": "retracted", "expressionofconcernin": "concern",
        "erratumin": "corrected", "correctedandrepublishedin": "corrected", "partialretractionin": "corrected",
    }  # fmt: skip
    return strongest(*(found.get(name, "") for name in names))


def status_from_updates(updates: Any) -> str:
    """The status that Crossref's ``updated-by`` gives a work: a list of objects with ``type``."""
    listed = updates if isinstance(updates, list) else []
    return strongest(*(_nature(str(one.get("type", ""))) for one in listed if isinstance(one, dict)))


def events_of(paper: Paper) -> tuple[Event, ...]:
    """What a record says of others: a notice of its paper, a title marked as retracted of all that have it."""
    fields = kept_fields.unpack(paper)
    events = list(_update_targets(fields))
    if paper.status == NOTICE and (found := notice_in(paper.title)):
        nature, title = found
        events += [Event((key,), nature) for key in title_keys(title)]
    elif is_marked(paper.title):
        events += [Event((key,), "retracted") for key in title_keys(unmarked(paper.title))]
    return tuple(events)


def title_keys(title: str) -> tuple[str, ...]:
    """The identity key of a title, where it is distinctive enough to be one."""
    return () if not title or is_generic_title(title) else (f"title:{normalised_title(title)}",)


def resolved(events: Iterable[tuple[str, str]]) -> str:
    """The status after events (nature, date) in the order of their dates; ``reinstated`` where that came last."""
    status = ""
    for nature, _ in sorted(events, key=lambda one: (one[1], one[0] == REINSTATED)):
        if nature == REINSTATED:
            status = REINSTATED
        else:
            status = nature if status in ("", REINSTATED) else strongest(status, nature)
    return status


def label(paper: Paper) -> str:
    """What is written beside the paper wherever it is shown: ``Retracted``; empty without a status."""
    return WORDS.get(paper.status, "")


def sentences(papers: Iterable[tuple[int, Paper]]) -> tuple[str, ...]:
    """``[2] was retracted.``: a sentence for each status among numbered papers."""
    listed = list(papers)
    said = []
    for status, (one, several) in _VERBS.items():
        numbers = [f"[{number}]" for number, paper in listed if paper.status == status]
        names = " and ".join(filter(None, [", ".join(numbers[:-1]), *numbers[-1:]]))
        if numbers:
            said.append(f"{names} {one if len(numbers) == 1 else several}.")
    return tuple(said)


# --- Retraction Watch ---


_COLUMNS = ("OriginalPaperDOI", "RetractionNature")


def read_retraction_watch(path: Path) -> Iterator[Event]:
    """The events of a CSV with the columns of the Retraction Watch database, one at a time.

    Raises :class:`ImportFileError` where the file cannot be read or has other columns.
    """
    try:
        # Crossref's file has some bytes of other encodings in the names of authors, which nothing here uses.
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = csv.DictReader(file)
            names = {(name or "").strip() for name in rows.fieldnames or ()}
            if missing := [name for name in _COLUMNS if name not in names]:
                raise ImportFileError(
                    f"{path} has no column {' or '.join(missing)}. Give the CSV of the Retraction Watch database as "
                    "Crossref publishes it."
                )
            for row in rows:
                if (event := _event(row)) is not None:
                    yield event
    except csv.Error as error:
        raise ImportFileError(f"{path} cannot be read as CSV: {error}. Download it again.") from error
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror or error}.") from error


def _event(row: Mapping[str, Any]) -> Event | None:
    def cell(name: str) -> str:
        value = row.get(name)
        return value.strip() if isinstance(value, str) else ""

    nature = _nature(cell("RetractionNature"))
    doi, pmid = normalised_doi(cell("OriginalPaperDOI")), cell("OriginalPaperPubMedID")
    keys = [f"doi:{doi}"] if doi else []
    keys += [f"pmid:{int(pmid)}"] if re.fullmatch(r"[0-9]{1,9}", pmid) and int(pmid) else []
    found = tuple(keys) or title_keys(cell("Title"))
    if not nature or not found:
        return None
    return Event(found, nature, _date(cell("RetractionDate")), cell("Reason").strip(";+ ")[:1000])


def _nature(word: str) -> str:
    """The status that a word of Retraction Watch or Crossref means; empty for others (``new_version``)."""
    plain = re.sub(r"[^a-z]", "", word.lower())
    natures = {
        "retracted": ("retraction", "withdrawal", "removal", "partialretraction"),
        "concern": ("expressionofconcern",),
        "corrected": ("correction", "erratum", "corrigendum", "addendum"),
        REINSTATED: ("reinstatement",),
    }
    return next((nature for nature, words in natures.items() if plain in words), "")


def _date(text: str) -> str:
    """``1/18/2023 0:00`` or ``2023-01-18`` as ``2023-01-18``; empty for anything else."""
    if found := re.match(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):
        return f"{found[3]}-{int(found[1]):02}-{int(found[2]):02}"
    return found[0] if (found := re.match(r"\d{4}-\d{2}-\d{2}", text)) else ""


# --- the fields of other formats ---


def _update_targets(fields: Mapping[str, Any]) -> tuple[Event, ...]:
    """The papers that a notice is about: Crossref's ``update-to``, and PubMed's links by PMID."""
    updates, links = fields.get("update-to"), fields.get("comments_corrections")
    found = []
    for one in updates if isinstance(updates, list) else ():
        nature, doi = _nature(str(_of(one, "type"))), normalised_doi(str(_of(one, "DOI")))
        if nature and doi:
            found.append(Event((f"doi:{doi}",), nature))
    about = {"retractionof": "retracted", "erratumfor": "corrected", "expressionofconcernfor": "concern"}
    for one in links if isinstance(links, list) else ():
        nature, pmid = about.get(str(_of(one, "type")).lower(), ""), str(_of(one, "pmid"))
        if nature and re.fullmatch(r"[0-9]{1,9}", pmid):
            found.append(Event((f"pmid:{int(pmid)}",), nature))
    return tuple(found)


def _link_types(fields: Mapping[str, Any]) -> list[str]:
    links = fields.get("comments_corrections")
    return [str(_of(one, "type")) for one in links] if isinstance(links, list) else []


def _of(one: Any, name: str) -> Any:
    return one.get(name, "") if isinstance(one, dict) else ""
