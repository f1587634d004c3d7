"""The pipeline as a LangChain ``Runnable``, so that a footnoted answer can be a step in a chain of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rag.datatypes import Answer, Answerer, Turn

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

_ROLES = {"human": "user", "ai": "assistant"}  # LangChain's names


def as_runnable(pipeline: Answerer) -> Runnable[str | dict[str, Any], Answer]:
    """A question to a checked answer.

    The input is the question, or a mapping with ``question`` and, if there was talk before, ``history``: a list of
    :class:`Turn`, of LangChain messages, of ``{"role", "content"}`` or of ``(role, content)``. ``stream`` gives the
    answer once, at the end: a draft that was not checked does not leave the pipeline (:meth:`Pipeline.stream` of
    ``rag.pipeline`` shows them). The runnable raises what the pipeline raises, and :class:`TypeError` or
    :class:`ValueError` for another input.
    """
    from langchain_core.runnables import RunnableLambda

    def footnote(asked: str | dict[str, Any]) -> Answer:
        if isinstance(asked, str):
            return pipeline.answer(asked)
        if not isinstance(asked, Mapping) or not isinstance(asked.get("question"), str):
            raise TypeError("The input must be a question, or a mapping with 'question' and optionally 'history'.")
        return pipeline.answer(asked["question"], _turns(asked.get("history") or ()))

    return RunnableLambda(footnote)


def _turns(history: Sequence[Any]) -> list[Turn]:
    turns = [_turn(one) for one in history]
    unknown = {turn.role for turn in turns} - {"user", "assistant", "system"}
    if unknown:
        raise ValueError(f"The role '{min(unknown)}' is not known; a turn is of 'user' or 'assistant'.")
    return [turn for turn in turns if turn.role != "system"]  # instructions to another model are no conversation


def _turn(one: Any) -> Turn:
    if isinstance(one, Turn):
        return one
    if isinstance(one, Mapping):
        role, content = one["role"], one["content"]
    elif isinstance(one, tuple):
        role, content = one
    else:
        role, content = one.type, one.text  # a BaseMessage
    return Turn(_ROLES.get(role, str(role)), str(content))
