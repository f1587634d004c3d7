"""What was found of Zotero, as HTML. Names of folders and items are escaped."""

from __future__ import annotations

from datetime import UTC, datetime

from rag.library.zotero_sync import Changes
from rag.output.templating import Template

_TEMPLATE = Template("rag.ui", "library")
_RECENT = 7  # days that are counted and not dated


def zotero_html(place: str, found: Changes, skipped: int, now: datetime | None = None) -> str:
    """'Zotero, 1,243 items with abstracts, last read yesterday', where it is, and what an import would do."""
    others = found.papers - found.with_abstract
    facts = [f"Zotero, {_items(found.with_abstract)} with abstracts"]
    if others:
        facts.append(f"{others:,} without")
    facts.append(f"last read {when(found.last_read, now)}" if found.last_read else "not read into this library before")
    return _TEMPLATE.zotero(", ".join(facts), place, _plan(found, skipped))


def delete_label(removed: int) -> str:
    """What the box says that has papers deleted."""
    papers = "the paper" if removed == 1 else f"the {removed:,} papers"
    return f"Delete {papers} that Zotero no longer has from this library too"


def _plan(found: Changes, skipped: int) -> list[str]:
    lines = []
    if found.changed:
        lines.append(f"{_items(len(found.changed))} new or changed.")
    elif not found.removed:
        lines.append("Nothing has changed since.")
    if found.removed:
        lines.append(f"{_items(len(found.removed))} no longer in Zotero.")
    if found.is_other:
        lines.append("Nothing that was imported before is in this Zotero, so nothing counts as deleted.")
    if skipped:
        lines.append(f"{_items(skipped)} cannot be used; the report of the import names them.")
    return lines


def when(moment: datetime, now: datetime | None = None) -> str:
    """'today at 14:05', 'yesterday', '3 days ago' or 'on 5 May 2026', by the clock of this computer."""
    here = moment.astimezone()
    today = (now or datetime.now(UTC)).astimezone()
    days = (today.date() - here.date()).days
    if days <= 0:
        return f"today at {here:%H:%M}"
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days < _RECENT else f"on {here.day} {here:%B %Y}"


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count:,} items"
