"""From the files of a model to a model in memory: the GGUF, the adapter that changes it, its chat template."""

from __future__ import annotations

import ctypes
import os
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import ModelError
from rag.generation.generators.loaded_model import LoadedModel, token_text
from rag.generation.generators.template import ChatTemplate
from rag.system import llama_log
from rag.system.hashing import sha256_of

BATCH = 512  # prompt tokens a llama_decode


@dataclass(frozen=True, slots=True)
class Adapter:
    """A low-rank change of a model's weights (LoRA) in a GGUF of its own, which must have that SHA-256."""

    path: Path
    sha256: str

    def verified(self) -> str:
        """The path for llama.cpp. Raises :class:`ModelError` where the file is missing or another."""
        remedy = "Install Footnote again: the file comes with it. Or use another model."
        try:
            found = sha256_of(self.path)
        except OSError as error:
            raise ModelError(f"The adapter {self.path} cannot be read ({error.strerror}). {remedy}") from error
        if found != self.sha256:
            raise ModelError(
                f"The adapter {self.path} has the SHA-256 {found[:12]}…, not {self.sha256[:12]}…: it is another file "
                f"or damaged. {remedy}"
            )
        return str(self.path)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A GGUF, the adapter that is applied to it, if any, and a chat template in the place of the file's own.

    ``sha256`` is what the caller knows the GGUF by; it is not looked at here.
    """

    path: Path
    adapter: Adapter | None = None
    chat_template: str | None = None
    sha256: str = ""


def load(files: ModelFiles, context: int, threads: int) -> LoadedModel:
    """The model in memory, with ``context`` tokens or as many as it was trained for, where those are fewer.

    Raises :class:`ModelError` where a file is missing, damaged or without a chat template; then nothing of it stays
    in memory.
    """
    path = files.path
    if not path.is_file():
        raise ModelError(f"There is no model file {path}. See the known ones with 'footnote models list'.")
    adapter = files.adapter.verified() if files.adapter is not None else None
    # Weights are rearranged when they are loaded; mapped, those of an adapted model would be in memory twice.
    llama = _llama(path, context, threads, use_mmap=adapter is None)
    try:
        trained = int(llama.metadata.get(f"{llama.metadata.get('general.architecture')}.context_length", 0))
        if 0 < trained < context:
            llama.close()
            llama = _llama(path, trained, threads, use_mmap=adapter is None)
        if adapter is not None:
            _apply_adapter(llama, path, adapter)
        return LoadedModel(llama, _chat_template(llama, files), threads)
    except BaseException:
        llama.close()
        raise


def _llama(path: Path, context: int, threads: int, use_mmap: bool) -> Any:
    import llama_cpp

    llama_log.capture()
    llama_log.take_errors()
    try:
        return llama_cpp.Llama(
            str(path),
            n_ctx=context,
            n_batch=BATCH,
            n_threads=threads,
            n_threads_batch=threads,
            swa_full=True,  # else a sliding window would forget the part of the prompt that is kept
            chat_format="chatml",  # unused: the template is applied here; it keeps llama-cpp-python from guessing
            verbose=False,
            use_mmap=use_mmap,
        )
    except Exception as error:  # it reads and compiles what other people wrote, the chat template too
        said = llama_log.take_errors() or str(error)
        # What was loaded until then hangs on the frames of the error, which may be kept for long.
        traceback.clear_frames(error.__traceback__)
        raise ModelError(
            f"llama.cpp cannot load {path.name} ({said[:300]}). Check it with 'footnote models add', "
            "or use another file."
        ) from error


def _apply_adapter(llama: Any, path: Path, adapter: str) -> None:
    """Let ``llama`` compute with the adapter, which is freed with the model.

    Its argument ``lora_path`` would do that, but takes an adapter that could not be loaded for a good one.
    """
    import llama_cpp

    loaded = llama_cpp.llama_adapter_lora_init(llama.model, os.fsencode(adapter))
    if loaded:
        adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(loaded)
        if llama_cpp.llama_set_adapters_lora(llama.ctx, adapters, 1, (ctypes.c_float * 1)(1.0)) == 0:
            return
    raise ModelError(
        f"llama.cpp cannot apply the adapter {Path(adapter).name} to {path.name}: it was made for another "
        "model. Install Footnote again, or use another model."
    )


def _chat_template(llama: Any, files: ModelFiles) -> ChatTemplate:
    """The given template or the file's own. None is guessed: a wrong one gives nonsense that looks like an answer."""
    import llama_cpp

    source = files.chat_template or llama.metadata.get("tokenizer.chat_template")
    if not source:
        raise ModelError(
            f"{files.path.name} has no chat template, so it is not an instruction-tuned model. "
            "Use its '-Instruct', '-Chat' or '-it' version."
        )
    vocab = llama_cpp.llama_model_get_vocab(llama.model)
    bos, eos = (token_text(vocab, token) for token in (llama.token_bos(), llama.token_eos()))
    return ChatTemplate(source, bos, eos)
