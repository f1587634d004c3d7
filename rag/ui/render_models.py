"""The model page as HTML: what is here, what it needs, how fast it is, and what can be downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from rag.generation.models import (
    BUNDLED,
    BUNDLED_TITLE,
    SHIPPED,
    Offer,
    RegisteredModel,
    Speed,
    memory_needed,
)
from rag.output.templating import Template
from rag.papers.bibliography import clean, one_line
from rag.ui.render_messages import error_html, working_html

QUOTE = "quote"
_TEMPLATE = Template("rag.ui", "models")


@dataclass(frozen=True, slots=True)
class _Card:
    """One model that can answer. ``state`` says whether it fits, '' where there is no doubt.

    ``busy`` is the name of the model that is being measured, this or another one.
    """

    name: str
    title: str
    is_chosen: bool
    hint: str = ""
    facts: Sequence[tuple[str, str]] = ()
    files: Sequence[Path] = ()
    state: str = ""
    is_good: bool = True  # the state
    usable: bool = True
    measurable: bool = True
    removable: bool = False
    busy: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """The model of the user's server: its name in the settings, what the page calls it, its address and its speed."""

    name: str
    label: str
    url: str
    speed: Speed | None = None


def here_html(
    models: Sequence[RegisteredModel],
    speeds: Mapping[str, Speed],
    *,
    coming: Mapping[str, str],
    chosen: str,
    free: int,
    context: int,
    changeable: bool,
    measurable: bool = True,
    busy: str = "",
    served: Served | None = None,
) -> str:
    """What can answer, a card each: the quotes, what comes with the installation, then every registered file.

    ``free`` bytes of memory; ``context`` tokens of a question and its answer; ``coming`` are titles by name of models
    that come with the installation and are not prepared yet. Without ``changeable`` nothing can be removed, without
    ``measurable`` no speed be measured. ``busy`` is the model that is being measured; ``served`` is the one
    of the user's server.
    """
    ordered = sorted(models, key=lambda m: (SHIPPED.index(m.name) if m.name in SHIPPED else len(SHIPPED), m.name))
    cards = [_quotes(chosen)]
    cards += [_unprepared(name, title, chosen, busy) for name, title in coming.items()]
    cards += [
        replace(
            _card(model, speeds.get(model.sha256), free, context),
            is_chosen=model.name == chosen,
            removable=changeable and model.name not in SHIPPED,
            busy=busy,
        )
        for model in ordered
    ]
    if served is not None:
        cards.append(_of_server(served, chosen, busy))
    if not measurable:
        cards = [replace(card, measurable=False) for card in cards]
    return _TEMPLATE.here(cards, _gb(free), f"{context:,}")


def _of_server(served: Served, chosen: str, busy: str) -> _Card:
    hint = "Runs on the server that the settings name: questions and the sentences that answer them go there."
    facts = [("Address", served.url), ("Speed", _speed(served.speed))]
    return _Card(served.name, served.label, chosen == served.name, hint, facts, busy=busy)


def _quotes(chosen: str) -> _Card:
    hint = "No language model: answers are sentences of the abstracts, put together by rule."
    return _Card(QUOTE, "Built-in quotes", chosen == QUOTE, hint, measurable=False)


def _unprepared(name: str, title: str, chosen: str, busy: str) -> _Card:
    hint = "Comes with the installation and is prepared at its first use, in seconds."
    return _Card(name, title, chosen == name, hint, busy=busy)


def _card(model: RegisteredModel, speed: Speed | None, free: int, context: int) -> _Card:
    info = model.info
    need = memory_needed(info.size, info.kv_bytes, min(context, info.context or context))
    state, is_good = _state(model, need, free)
    return _Card(
        model.name,
        BUNDLED_TITLE if model.name == BUNDLED else one_line(info.name) or model.name,
        is_chosen=False,
        facts=_facts(model, speed, need),
        files=[model.path] if model.adapter is None else [model.path, model.adapter],
        state=state,
        is_good=is_good,
        usable=not model.problem,
        measurable=not model.problem,
    )


def _facts(model: RegisteredModel, speed: Speed | None, need: int) -> list[tuple[str, str]]:
    info = model.info
    return [
        ("Parameters", _count(info.parameters)),
        ("Quantisation", info.quantisation or "not known"),
        ("File", f"{info.size / 1e6:,.0f} MB"),
        ("Context", f"{info.context:,} tokens" if info.context else "not known"),
        ("Memory", f"{_gb(need)} needed"),
        ("Licence", one_line(info.licence) or ("Apache-2.0" if model.name == BUNDLED else "not named in the file")),
        ("SHA-256", f"{model.sha256[:12]}…"),
        ("Speed", _speed(speed)),
    ]


def _state(model: RegisteredModel, need: int, free: int) -> tuple[str, bool]:
    """What stands beside the title, and whether it is good. A model that does not fit may be used all the same."""
    if model.problem:
        remedy = "Install Footnote again." if model.adapter else "Add it again below, or remove it from the list."
        return f"{model.problem}. {remedy}", False
    if need > free:
        return f"needs {_gb(need)}, {_gb(free)} are free", False
    return "fits the free memory", True


def offers_html(offers: Sequence[Offer], here: Sequence[str], free: int) -> str:
    """The models that can be downloaded by name, each with the command; those that are here already say so."""
    return _TEMPLATE.offers([_offer(offer, offer.name in here, free) for offer in offers])


def _offer(offer: Offer, here: bool, free: int) -> tuple[Offer, str, bool, str]:
    """The offer, its facts, whether it fits, and what is said of that."""
    facts = f"{offer.size / 1e6:,.0f} MB · {offer.licence} · {offer.note}"
    if here:
        return offer, facts, True, "here already"
    if offer.memory <= free:
        return offer, facts, True, f"needs {_gb(offer.memory)}: fits"
    return offer, facts, False, f"needs {_gb(offer.memory)}, {_gb(free)} are free"


def said_html(word: str, problem: bool = False, busy: bool = False) -> str:
    """What was done, what is being done (``busy``), or what went wrong (``problem``)."""
    if problem:
        return error_html(word)
    if busy or not word:
        return working_html(word)
    return f'<p class="fn-state" role="status">{escape(clean(word))}</p>'


def _speed(speed: Speed | None) -> str:
    if speed is None:
        return "not measured"
    if not speed.threads:
        pace = f"reads {speed.reading:,.0f}, writes {speed.writing:,.0f} tokens/s"
        return f"{pace} (asked from here; {speed.measured})"
    busy = f", which was busy (load {speed.load:.1f})" if speed.load > speed.cores else ""
    threads = f"{speed.threads} thread{'' if speed.threads == 1 else 's'}"
    return (
        f"reads {speed.reading:,.0f}, writes {speed.writing:,.0f} tokens/s "
        f"({threads} on {speed.processor}{busy}; {speed.measured})"
    )


def _count(parameters: int) -> str:
    for unit, word in ((1e9, "billion"), (1e6, "million")):
        if parameters >= unit:
            return f"{parameters / unit:.3g} {word}"
    return f"{parameters:,}"


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
