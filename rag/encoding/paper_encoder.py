"""Papers to unit vectors in bulk, through sentence-transformers and torch.

A paper's sentences get their vectors by late pooling (Günther et al. 2024, "Late Chunking"): one pass over a passage
gives a vector for every token; the mean over all of them is the passage's vector, the mean over a sentence's tokens is
that sentence's. A sentence is thus encoded in its context, title included, at no extra cost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.datatypes import Passage, Sentence
from rag.encoding.normalisation import unit_rows, without_nul
from rag.encoding.packaged_weights import (
    DIMENSION,
    MAX_TOKENS,
    MODEL_NAME,
    WEIGHTS_SHA256,
    tokenizer,
    verified_weights,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.datatypes import Matrix

_SPECIAL_TOKENS = 2  # [CLS] and [SEP]
_MAX_TITLE_TOKENS = 96  # a longer title is truncated, so that a passage always has room for its text
_BATCH_TOKENS = 2048  # per forward pass, padding included; 8,192 takes a fifth longer on 2 cores


@dataclass(frozen=True, slots=True)
class EncodedPaper:
    """Unit vectors, float32: ``passages`` of shape ``(passages, 384)``, ``sentences`` of ``(sentences, 384)``."""

    passages: Matrix
    sentences: Matrix


class PaperEncoder:
    """Papers to vectors in bulk, through sentence-transformers; satisfies :class:`rag.datatypes.Encoder`.

    Computes in bfloat16 where the processor has instructions for it (twice as fast or more), else in float32. In
    bfloat16 a vector depends on its neighbours in the third decimal. ``threads`` 0 takes the cores that are free
    when the first text comes. Several threads may call: their passes through the network alternate.
    """

    name = MODEL_NAME
    weights_sha256 = WEIGHTS_SHA256
    dimension = DIMENSION
    max_tokens = MAX_TOKENS

    def __init__(self, threads: int = 0) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._waiting_lock = threading.Lock()
        self._waiting = 0
        self._model: Any = None

    def count_tokens(self, text: str) -> int:
        """Word pieces of ``text`` without the special tokens. Loads the tokenizer, never torch."""
        return len(tokenizer().encode(text, add_special_tokens=False).ids)

    def passage_limit(self, title: str) -> int:
        """Word pieces that a passage may have so that it fits the network together with its paper's title."""
        return MAX_TOKENS - _SPECIAL_TOKENS - self.count_tokens(_heading(title))

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, shape ``(len(texts), 384)``, float32. Text beyond 256 word pieces is cut."""
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, tokens, _ in self._token_vectors(texts):
            vectors[row] = tokens.mean(axis=0)
        return unit_rows(vectors)

    def encode_passages(
        self, papers: Sequence[tuple[str, Sequence[Passage], Sequence[Sentence]]]
    ) -> list[EncodedPaper]:
        """Vectors of passages and sentences for every ``(title, passages, sentences)``, in one pass over each passage.

        A sentence that was cut in two passages gets the mean over its tokens in both; one without any token of its
        own (a row of symbols that the tokenizer drops) gets its passage's vector.
        """
        import numpy as np

        headings = [_heading(title) for title, _, _ in papers]
        where = [(p, i) for p, (_, passages, _) in enumerate(papers) for i in range(len(passages))]
        texts = [_passage_text(headings[p], papers[p][1][i]) for p, i in where]
        passages = [np.zeros((len(entry[1]), self.dimension), dtype=np.float32) for entry in papers]
        sentences = [np.zeros((len(entry[2]), self.dimension), dtype=np.float32) for entry in papers]
        for row, tokens, offsets in self._token_vectors(texts):
            p, i = where[row]
            passage = papers[p][1][i]
            mean = tokens.mean(axis=0)
            passages[p][i] = mean
            shift = passage.start - len(headings[p])
            for s, sentence in enumerate(papers[p][2]):
                begin, end = max(sentence.start, passage.start), min(sentence.end, passage.end)
                if begin < end:
                    own = (offsets[:, 0] >= begin - shift) & (offsets[:, 1] <= end - shift) & (offsets[:, 1] > 0)
                    sentences[p][s] += tokens[own].sum(axis=0) if own.any() else mean
        return [EncodedPaper(unit_rows(a), unit_rows(b)) for a, b in zip(passages, sentences, strict=True)]

    def _token_vectors(self, texts: Sequence[str]) -> Iterator[tuple[int, Matrix, npt.NDArray[np.int64]]]:
        """For each text its row, the vectors of its tokens (float32) and their offsets; longest texts first."""
        import numpy as np

        encoded = tokenizer().encode_batch([without_nul(text) for text in texts])
        ids = [_truncate(entry.ids) for entry in encoded]
        for batch in _batches([len(entry) for entry in ids]):
            with self._turn():
                hidden = _forward(self._load(), [ids[row] for row in batch])
            for row, vectors in zip(batch, hidden, strict=True):
                offsets = np.asarray(encoded[row].offsets, dtype=np.int64).reshape(-1, 2)
                yield row, vectors[: len(ids[row])], _truncate(offsets)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One pass at a time, of whoever has waited: a question does not wait for all that an import has begun."""
        with self._waiting_lock:
            self._waiting += 1
        with self._lock:
            with self._waiting_lock:
                self._waiting -= 1
            yield
        if self._waiting:
            time.sleep(0.002)  # a lock that is taken again at once is not handed over

    def _load(self) -> Any:
        if self._model is None:
            folder = verified_weights()
            import torch
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging

            from rag.system.threads import free_cores

            transformers_logging.disable_progress_bar()
            torch.set_num_threads(free_cores(self._threads))
            dtype = torch.bfloat16 if _has_fast_bfloat16() else torch.float32
            pipeline = SentenceTransformer(
                str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": dtype}
            )
            # Its first module is the network; the second and third, mean and normalisation, are done here per span.
            self._model = pipeline[0].auto_model.eval()
        return self._model


def _heading(title: str) -> str:
    """What stands before each passage of a paper: its title, cut to 96 word pieces."""
    encoded = tokenizer().encode(title, add_special_tokens=False)
    if len(encoded.ids) > _MAX_TITLE_TOKENS:
        title = title[: encoded.offsets[_MAX_TITLE_TOKENS - 1][1]]
    return f"{title}. "


def _passage_text(heading: str, passage: Passage) -> str:
    """Title and text; of a paper without an abstract (``end == 0``) the title alone."""
    return heading + passage.text if passage.end else passage.text


def _truncate(items: Any) -> Any:
    """At most 256 tokens: the beginning, and [SEP] at the end as the network expects."""
    if len(items) <= MAX_TOKENS:
        return items
    if isinstance(items, list):
        return [*items[: MAX_TOKENS - 1], items[-1]]
    import numpy as np

    return np.concatenate([items[: MAX_TOKENS - 1], items[-1:]])


def _batches(lengths: list[int]) -> Iterator[list[int]]:
    """Row numbers, longest texts first, in batches of at most 2,048 tokens with their padding."""
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    start = 0
    while start < len(order):
        size = max(1, _BATCH_TOKENS // lengths[order[start]])
        yield order[start : start + size]
        start += size


def _forward(model: Any, batch: list[list[int]]) -> Matrix:
    """Vectors of all tokens, shape ``(len(batch), longest, 384)``, float32."""
    import torch

    longest = max(map(len, batch))
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(batch):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    with torch.inference_mode():
        hidden: Matrix = model(input_ids=ids, attention_mask=mask).last_hidden_state.float().numpy()
    return hidden


def _has_fast_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 by itself; without that torch emulates it, slower than float32."""
    import torch

    features = torch.cpu.get_capabilities()
    return any(bool(features.get(name)) for name in ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16"))
