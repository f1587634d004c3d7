"""One segment of the word index: which papers have which terms how often, in one file that is never changed.

The file is a safetensors file (its format: https://huggingface.co/docs/safetensors), memory-mapped, and named by the
SHA-256 of its content. It holds counts alone, no score: scores follow from the statistics of all segments together.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.library.storage.words.keys import keys_of, places_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_SMALL = 1 << 20  # bytes
SUFFIX = ".words"
MOST_PAPERS = 65_536  # of one segment, so that a row has 16 bits
_DTYPES = {"U8": "<u1", "U16": "<u2", "U32": "<u4", "U64": "<u8"}
_ARRAYS = frozenset({"term_keys", "starts", "rows", "counts", "lengths", "terms", "term_ends", "paper_keys", "ids",
                     "id_ends"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Strings:
    """Many short texts as one array: ``ends[i]`` is where the i-th ends in the UTF-8 of all, ``text``."""

    text: Array
    ends: Array

    @classmethod
    def of(cls, texts: Sequence[str]) -> Strings:
        """``texts``, in order."""
        import numpy as np

        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum([len(one) for one in encoded], dtype=np.uint32)
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, place: int) -> str:
        start = int(self.ends[place - 1]) if place else 0
        return bytes(self.text[start : int(self.ends[place])]).decode("utf-8", "surrogatepass")

    def starts(self) -> npt.NDArray[np.int64]:
        """Where each text begins."""
        import numpy as np

        return np.concatenate([[0], self.ends[:-1]]).astype(np.int64) if len(self.ends) else np.zeros(0, np.int64)

    def texts(self, places: Array) -> list[str]:
        """The texts at these places, in that order."""
        chosen = self.take(places)
        joined, ends = chosen.text.tobytes(), chosen.ends.tolist()
        pairs = zip([0, *ends[:-1]], ends, strict=True) if ends else ()
        return [joined[start:end].decode("utf-8", "surrogatepass") for start, end in pairs]

    def take(self, places: Array) -> Strings:
        """The texts at these places, in that order."""
        import numpy as np

        starts = self.starts()[places]
        lengths = self.ends[places].astype(np.int64) - starts
        ends = np.cumsum(lengths)
        # Each byte of the result: how far it is from the beginning of its text, and where that lies in the source.
        source = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
        return Strings(self.text[source], ends.astype(np.uint32))


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """The postings of at most 65,536 papers, P of them, with T terms and N pairs of a term and a paper.

    ``term_keys`` (T,) is sorted; ``rows[starts[t]:starts[t + 1]]`` are the papers that have term t, ascending, and
    ``counts`` how often each has it. ``lengths`` (P,) are the papers' lengths in stems, ``paper_keys`` (P,) their
    sorted keys. ``name`` is the file's name, "" for a segment in memory.
    """

    term_keys: Array
    starts: Array
    rows: Array
    counts: Array
    lengths: Array
    terms: Strings
    paper_keys: Array
    ids: Strings
    name: str = ""

    @property
    def papers(self) -> int:
        """How many papers it holds, deleted ones too."""
        return len(self.lengths)

    def frequencies(self) -> npt.NDArray[np.int64]:
        """In how many papers each term occurs, deleted ones too; (T,)."""
        import numpy as np

        starts = self.starts.astype(np.int64)
        return np.asarray(starts[1:] - starts[:-1])

    def rows_of(self, ids: Iterable[str]) -> npt.NDArray[np.int64]:
        """The rows of those papers that the segment holds, without order."""
        return self.rows_of_keys(keys_of(ids))

    def rows_of_keys(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """The rows of those papers that the segment holds, by :func:`keys_of` their ids, in the order of these."""
        places = places_of(keys, self.paper_keys)
        return places[places >= 0]

    def to_bytes(self) -> bytes:
        """The content of its file."""
        from safetensors.numpy import save

        return save(
            {"term_keys": self.term_keys, "starts": self.starts, "rows": self.rows, "counts": self.counts,
             "lengths": self.lengths, "terms": self.terms.text, "term_ends": self.terms.ends,
             "paper_keys": self.paper_keys, "ids": self.ids.text, "id_ends": self.ids.ends}
        )  # fmt: skip

    def save(self, folder: Path) -> str:
        """Write its file into ``folder``, atomically; returns its name. Raises :class:`OSError`."""
        content = self.to_bytes()
        name = hashlib.sha256(content).hexdigest()[:32] + SUFFIX
        partial = folder / f"{name}.partial"
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(folder / name)
        return name

    @classmethod
    def load(cls, folder: Path, name: str) -> Segment:
        """Map the file ``name``, or read it where it is small: a map holds the file open.

        Raises :class:`OSError`, or :class:`ValueError` where it is damaged.
        """
        import numpy as np

        with (folder / name).open("rb") as file:
            small = os.fstat(file.fileno()).st_size <= _SMALL
            mapped = file.read() if small else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        body = 8 + int.from_bytes(mapped[:8], "little")
        try:
            header = json.loads(mapped[8:body])
            arrays = {
                key: np.frombuffer(mapped, _DTYPES[one["dtype"]], one["shape"][0], body + one["data_offsets"][0])
                for key, one in header.items()
                if key in _ARRAYS
            }
            terms, ids = Strings(arrays["terms"], arrays["term_ends"]), Strings(arrays["ids"], arrays["id_ends"])
            found = cls(
                arrays["term_keys"], arrays["starts"], arrays["rows"], arrays["counts"], arrays["lengths"], terms,
                arrays["paper_keys"], ids, name,
            )  # fmt: skip
        except (KeyError, TypeError, IndexError, UnicodeDecodeError) as error:
            raise ValueError(f"{name} is no segment of words: {error!r}") from error
        found.check_sizes()
        return found

    def check_sizes(self) -> None:
        """Raise :class:`ValueError` where the arrays do not fit together."""
        pairs = int(self.starts[-1]) if len(self.starts) else -1
        fit = (
            len(self.starts) == len(self.term_keys) + 1 == len(self.terms) + 1
            and pairs == len(self.rows) == len(self.counts)
            and len(self.lengths) == len(self.paper_keys) == len(self.ids) <= MOST_PAPERS
        )
        if not fit:
            raise ValueError(f"{self.name} is damaged: its parts have other sizes than they should")


def is_intact(folder: Path, name: str) -> bool:
    """Whether the file still has the content that it was named by. Raises :class:`OSError`."""
    with (folder / name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32] + SUFFIX == name
