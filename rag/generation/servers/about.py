"""What a server is, by what it answers: which models it has, whether it takes a grammar, how much it reads.

llama.cpp's two servers take a grammar of ours beside the messages: ``llama-server`` answers ``/props``, the one of
llama-cpp-python describes ``grammar`` in its ``/openapi.json``. Others (Ollama, LM Studio, vLLM) are known by the owner
that they name in their list of models, and are sent none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rag.text.unseen import one_line

# A path of the server → the JSON that it answers there, None for anything else.
Ask = Callable[[str], object]

_OWNERS = {"llamacpp": "llama-server", "library": "Ollama", "vllm": "vLLM", "organization_owner": "LM Studio"}
_PROPS = frozenset({"default_generation_settings", "total_slots", "chat_template", "model_path", "build_info"})
_MOST_MODELS = 1000
_LONGEST = 60  # characters of a name that are shown
# 'qwen2.5-0.5b-instruct', 'llama3.2:3b', 'SmolLM2-135M'; of 'Mixtral-8x7B' the 7B.
_SIZE = re.compile(r"(?<![A-Za-z0-9.])(?:\d{1,2}x)?(\d{1,4}(?:\.\d{1,2})?)([bm])(?![a-z0-9])", re.IGNORECASE)
_TOKENS = (256, 2**31)  # a context has more than the first and fewer than the second


@dataclass(frozen=True, slots=True)
class About:
    """A server: ``kind`` is what it is called, '' where that is not known; ``model`` what it is asked for.

    ``grammar`` says whether one is sent along. ``context`` is in tokens and ``parameters`` a count, 0 where unknown.
    """

    kind: str = ""
    model: str = ""
    models: tuple[str, ...] = ()
    grammar: bool = False
    context: int = 0
    parameters: int = 0

    @property
    def shown(self) -> str:
        """What the server is called: its kind, or that it speaks as OpenAI's does."""
        return self.kind or "a server that speaks as OpenAI's does"

    @property
    def is_configured_to_think(self) -> bool:
        """Whether it takes the option that a model which reasons first should not."""
        return self.kind in ("llama-server", "vLLM")


def shown_name(model: str) -> str:
    """What a model is called: its name, of a file the name without the folder."""
    name = re.split(r"[/\\]", model)[-1] if model.lower().endswith(".gguf") else model
    line = one_line(name.removesuffix(".gguf"))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def find_out(ask_api: Ask, ask_root: Ask, wanted: str) -> About:
    """What the server says of itself. ``wanted`` is the model that the user named, '' for none.

    Where several models are listed and none was named, or the one that was named is not there, ``model`` is ''.
    """
    entries = _entries(ask_api("/models"))
    ids = tuple(str(entry["id"]) for entry in entries)
    chosen = _chosen(ids, wanted)
    entry: Mapping[str, Any] = next((one for one in entries if one["id"] == chosen), {})
    kind = _OWNERS.get(str(entry.get("owned_by") or (entries[0].get("owned_by") if entries else "")), "")
    context = _tokens(entry.get("max_model_len"))
    grammar = False
    if kind in ("", "llama-server"):
        props = ask_root("/props")
        if isinstance(props, dict) and _PROPS & props.keys():
            settings = props.get("default_generation_settings")
            context = _tokens(settings.get("n_ctx")) if isinstance(settings, dict) else 0
            kind = "llama-server"
        elif not kind and _describes_grammar(ask_root("/openapi.json")):
            kind = "llama_cpp.server"
        grammar = kind in ("llama-server", "llama_cpp.server")
    return About(kind, chosen, ids, grammar, context, _parameters(entry, chosen or wanted))


def _entries(listing: object) -> list[Mapping[str, Any]]:
    found = listing.get("data") if isinstance(listing, dict) else None
    if not isinstance(found, list):
        return []
    return [one for one in found[:_MOST_MODELS] if isinstance(one, dict) and isinstance(one.get("id"), str)]


def _chosen(ids: tuple[str, ...], wanted: str) -> str:
    if not ids:
        return wanted
    if not wanted:
        return ids[0] if len(ids) == 1 else ""
    # Ollama calls the default of a model 'name:latest'; a file is called by its path.
    same = [one for one in ids if wanted in (one, one.removesuffix(":latest"), shown_name(one))]
    return wanted if wanted in ids else same[0] if same else ""


def _parameters(entry: Mapping[str, Any], name: str) -> int:
    meta = entry.get("meta")
    count = meta.get("n_params") if isinstance(meta, dict) else None
    if isinstance(count, int) and count > 0:
        return count
    return parameters_in(name)


def parameters_in(name: str) -> int:
    """How many parameters the name of a model says that it has; 0 where it says nothing."""
    found = _SIZE.search(shown_name(name))
    return round(float(found[1]) * (1e9 if found[2] in "bB" else 1e6)) if found else 0


def _describes_grammar(page: object) -> bool:
    try:
        return "grammar" in page["components"]["schemas"]["CreateChatCompletionRequest"]["properties"]  # type: ignore[index]
    except (TypeError, KeyError, IndexError):
        return False


def _tokens(value: object) -> int:
    low, high = _TOKENS
    return value if isinstance(value, int) and not isinstance(value, bool) and low <= value < high else 0
