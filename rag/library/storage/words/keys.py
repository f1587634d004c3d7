"""Keys of 64 bits that stand for terms and paper ids, so that thousands are looked up in one sorted array at once.

The key is the beginning of the text's BLAKE2b digest (RFC 7693). Among a million texts the chance that two have the
same key is one in 40 million; they would be taken for one term, and no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def keys_of(texts: Iterable[str]) -> npt.NDArray[np.uint64]:
    """The keys of ``texts``, in order."""
    import numpy as np

    return np.frombuffer(b"".join(map(_key, texts)), dtype="<u8")


@lru_cache(maxsize=16_384)  # the words of the same papers are looked up for one question after another
def _key(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def places_of(keys: npt.NDArray[np.uint64], among: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Where each key lies in the sorted array ``among``; -1 where it does not."""
    import numpy as np

    if not len(among):
        return np.full(len(keys), -1, dtype=np.int64)
    places: Any = np.searchsorted(among, keys)
    places[places == len(among)] = 0
    places[among[places] != keys] = -1
    return np.asarray(places, dtype=np.int64)
