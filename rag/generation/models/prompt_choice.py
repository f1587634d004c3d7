"""Which file of ``prompts/`` a model writes its answers with, by what it can do.

A small model answers best where it repeats the sentence that answers (``answer.md``); a larger one reads several papers
and answers in its own words (``compose.md``). What was measured of a model decides (``verdicts.py``), else its size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag.generation.models.registry import RegisteredModel
from rag.generation.models.verdicts import PromptVerdict

REPEATING = "answer"
COMPOSING = "compose"
PROMPTS = (REPEATING, COMPOSING)
COMPOSES_FROM = 400_000_000  # parameters; SmolLM2-360M repeats, Qwen2.5-0.5B composes
SENTENCES = {REPEATING: 4, COMPOSING: 6}  # that an answer may have


@dataclass(frozen=True, slots=True)
class PromptChoice:
    """The prompt of a model, and why it is that one: in words fit for a list of models."""

    prompt: str
    reason: str
    verdict: PromptVerdict | None = None


def prompt_of(
    model: RegisteredModel, known: PromptVerdict | None, sha256: Mapping[str, str], wanted: str = ""
) -> PromptChoice:
    """The prompt that ``model`` writes with.

    ``known`` is what was measured of its file, and holds for the prompts with those hashes alone (``sha256``: by name,
    of the files of today). ``wanted`` is one that was asked for, '' for none. A model that was taught with a prompt
    has that one.
    """
    if model.prompt:
        return PromptChoice(model.prompt, "taught with it")
    if wanted:
        return PromptChoice(wanted, "as set")
    if known is not None and dict(known.prompts_sha256) == {name: sha256[name] for name in PROMPTS}:
        return PromptChoice(known.prompt, f"measured on {known.questions} questions", known)
    millions = f"{model.info.parameters / 1e6:,.0f} million parameters, not measured"
    return PromptChoice(COMPOSING if model.info.parameters >= COMPOSES_FROM else REPEATING, millions)


def in_words(choice: PromptChoice) -> str:
    """'answers from several papers in its own words (measured …)', for a list of models."""
    does = {COMPOSING: "answers from several papers in its own words", REPEATING: "repeats the sentence that answers"}
    said = f"{does.get(choice.prompt, choice.prompt)} ({choice.reason})"
    return f"{said}; {choice.verdict.beside_writer}" if choice.verdict is not None else said
