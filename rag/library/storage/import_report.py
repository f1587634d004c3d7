"""What an import counts: its progress, its report, and the counts while it is under way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is. ``stage``: ``papers`` while records are read, ``index`` while the indexes are finished."""

    stage: str
    read: int
    added: int
    updated: int
    unchanged: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Numbers of records by outcome, each counted once. ``merged`` has ``(record id, reason)`` of the duplicates."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    merged: tuple[tuple[str, str], ...] = ()

    @property
    def read(self) -> int:
        """Records in total."""
        return self.added + self.updated + self.unchanged + self.duplicates


@dataclass(slots=True)
class Counts:
    """The counts of an import under way."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    merged: list[tuple[str, str]] = field(default_factory=list)

    def copy(self) -> Counts:
        """Counts that go on from here, while these stay."""
        return replace(self, merged=list(self.merged))

    def duplicate(self, record_id: str, reason: str) -> None:
        """Count a record that was merged."""
        self.duplicates += 1
        self.merged.append((record_id, reason))

    def progress(self, stage: str) -> ImportProgress:
        """As a progress."""
        read = self.added + self.updated + self.unchanged + self.duplicates
        return ImportProgress(stage, read, self.added, self.updated, self.unchanged, self.duplicates)

    def report(self) -> ImportReport:
        """As a report."""
        return ImportReport(self.added, self.updated, self.unchanged, self.duplicates, tuple(self.merged))
