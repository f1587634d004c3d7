"""The records of :mod:`rag.datatypes` as JSON objects and back, complete: what comes back equals what went in.

The fields are read off the dataclasses themselves, so a field that is added there is kept from then on. A record
that was written before a field existed takes its default; a field that no longer exists is passed over.

Not by pydantic's ``TypeAdapter``: loading it costs more than listing the conversations, it refuses JSON with half a
surrogate pair, and it accepts values of another type, where a damaged record is to be named. docs/dependencies.md.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from rag.datatypes import Answer
from rag.errors import HistoryError

T = TypeVar("T")


def answer_to_record(answer: Answer) -> dict[str, Any]:
    """The whole answer as an object for ``json.dumps``."""
    return dict(to_record(answer))


def answer_from_record(record: Mapping[str, Any]) -> Answer:
    """The answer that :func:`answer_to_record` was given. Raises :class:`HistoryError` where the record is none."""
    answer = from_record(Answer, record)
    mode = mode_today(answer.trace.model, answer.trace.mode)
    if mode == answer.trace.mode:
        return answer
    settings = {**answer.trace.settings, **({"mode": mode} if "mode" in answer.trace.settings else {})}
    return replace(answer, trace=replace(answer.trace, mode=mode, settings=settings))


def mode_today(model: str, mode: str) -> str:
    """The mode under today's name: the writer's ``shorten`` was called ``cite`` until ``cite`` meant one thing."""
    return "shorten" if (model, mode) == ("writer", "cite") else mode


def to_record(value: Any) -> Any:
    """A dataclass, and what stands in it, as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_record(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_record(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_record(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((to_record(item) for item in value), key=str)
    if hasattr(value, "item"):  # a figure of NumPy
        return to_record(value.item())
    return str(value)


def from_record(kind: type[T], record: Any) -> T:
    """A record of the dataclass ``kind``. Raises :class:`HistoryError` naming what does not fit."""
    try:
        value: T = _dataclass(kind, record)
    except (KeyError, TypeError, ValueError) as error:
        raise HistoryError(
            f"A kept {kind.__name__} cannot be read ({type(error).__name__}: {error}). "
            "It was written by another version, or damaged; delete its conversation."
        ) from error
    return value


def _dataclass(kind: Any, record: Any) -> Any:
    if not isinstance(record, Mapping):
        raise TypeError(f"{kind.__name__} is a {type(record).__name__}, not an object")
    values = {}
    for field, hint in _fields(kind):
        if field.name in record:
            values[field.name] = _value(hint, record[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise KeyError(f"{kind.__name__}.{field.name}")
    return kind(**values)


@lru_cache(maxsize=64)
def _fields(kind: Any) -> tuple[tuple[Any, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((field, hints[field.name]) for field in fields(kind))


def _value(hint: Any, value: Any) -> Any:
    """``value`` as what the annotation ``hint`` says."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _value(next(argument for argument in arguments if argument is not type(None)), value)
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError(f"{value!r} is not a list")
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_value(arguments[0], item) for item in value)
        return tuple(_value(item_hint, item) for item_hint, item in zip(arguments, value, strict=True))
    if origin is frozenset:
        return frozenset(_value(arguments[0], item) for item in value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _value(arguments[1], item) for key, item in value.items()}
    if is_dataclass(hint):
        return _dataclass(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in (str, int, float, bool) and type(value) is not hint:
        raise TypeError(f"{value!r} is not of type {hint.__name__}")
    return value
