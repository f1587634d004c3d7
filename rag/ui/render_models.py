"""The model page as HTML: what is here, what it needs, how fast it is, and what can be downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from rag.generation.models import (
    BUNDLED,
    BUNDLED_TITLE,
    SHIPPED,
    Offer,
    RegisteredModel,
    Speed,
    memory_needed,
)
from rag.papers.bibliography import clean, one_line

QUOTE = "quote"


def here_html(
    models: Sequence[RegisteredModel],
    speeds: Mapping[str, Speed],
    *,
    coming: Mapping[str, str],
    chosen: str,
    free: int,
    context: int,
    changeable: bool,
    busy: str = "",
) -> str:
    """What can answer, a card each: the quotes, what comes with the installation, then every registered file.

    ``free`` bytes of memory; ``context`` tokens of a question and its answer; ``coming`` are titles by name of models
    that come with the installation and are not prepared yet. Without ``changeable`` nothing can be removed. ``busy`` is
    the model that is being measured.
    """
    ordered = sorted(models, key=lambda m: (SHIPPED.index(m.name) if m.name in SHIPPED else len(SHIPPED), m.name))
    cards = [_quotes(chosen)]
    cards += [_unprepared(name, title, chosen, busy) for name, title in coming.items()]
    cards += [
        _card(model, speeds.get(model.sha256), chosen, free, context, changeable and model.name not in SHIPPED, busy)
        for model in ordered
    ]
    return (
        f'<h3 class="fn-models-heading">Here</h3><p class="fn-models-hint">Free memory: <strong>{_gb(free)}</strong>. '
        "What a model needs is counted with "
        f'{context:,} tokens of question and answer.</p><ul class="fn-models-list">{"".join(cards)}</ul>'
    )


def _quotes(chosen: str) -> str:
    facts = (
        '<p class="fn-models-hint">No language model: answers are sentences of the abstracts, put together by rule.</p>'
    )
    return _item(QUOTE, "Built-in quotes", "", facts, _actions(QUOTE, chosen, measure=False, remove=False))


def _unprepared(name: str, title: str, chosen: str, busy: str) -> str:
    facts = '<p class="fn-models-hint">Comes with the installation and is prepared at its first use, in seconds.</p>'
    actions = _actions(name, chosen, measure=True, remove=False, busy=busy)
    return _item(name, title, "", facts, actions)


def _card(
    model: RegisteredModel, speed: Speed | None, chosen: str, free: int, context: int, removable: bool, busy: str
) -> str:
    info = model.info
    title = BUNDLED_TITLE if model.name == BUNDLED else one_line(info.name) or model.name
    need = memory_needed(info.size, info.kv_bytes, min(context, info.context or context))
    rows = [
        ("Parameters", _count(info.parameters)),
        ("Quantisation", info.quantisation or "not known"),
        ("File", f"{info.size / 1e6:,.0f} MB"),
        ("Context", f"{info.context:,} tokens" if info.context else "not known"),
        ("Memory", f"{_gb(need)} needed"),
        ("Licence", one_line(info.licence) or ("Apache-2.0" if model.name == BUNDLED else "not named in the file")),
        ("SHA-256", f"{model.sha256[:12]}…"),
        ("Speed", _speed(speed)),
    ]
    facts = "".join(f"<div><dt>{name}</dt><dd>{escape(clean(value))}</dd></div>" for name, value in rows)
    state, usable = _state(model, need, free)
    files = [model.path] if model.adapter is None else [model.path, model.adapter]
    where = "".join(f'<p class="fn-models-path" dir="ltr">{escape(clean(str(file)))}</p>' for file in files)
    actions = _actions(model.name, chosen, measure=usable, remove=removable, use=usable, busy=busy)
    return _item(model.name, title, state, f'<dl class="fn-models-facts">{facts}</dl>{where}', actions)


def _state(model: RegisteredModel, need: int, free: int) -> tuple[str, bool]:
    """What stands beside the title, and whether the model can be used."""
    if model.problem:
        remedy = "Install Footnote again." if model.adapter else "Add it again below, or remove it from the list."
        return f'<span class="fn-models-bad">{escape(model.problem)}. {remedy}</span>', False
    if need > free:
        return f'<span class="fn-models-bad">needs {_gb(need)}, {_gb(free)} are free</span>', True
    return '<span class="fn-models-good">fits the free memory</span>', True


def _item(name: str, title: str, state: str, facts: str, actions: str) -> str:
    return (
        f'<li class="fn-models-card" data-name="{escape(name)}"><div class="fn-models-top"><h4 dir="auto">'
        f'{escape(clean(title))} <span class="fn-models-name">{escape(name)}</span></h4>{state}</div>'
        f"{facts}{actions}</li>"
    )


def _actions(name: str, chosen: str, *, measure: bool, remove: bool, use: bool = True, busy: str = "") -> str:
    buttons = []
    if name == chosen:
        buttons.append('<span class="fn-models-chosen">Answers in this tab</span>')
    elif use:
        buttons.append(_button("use", name, "Use in this tab"))
    if measure and busy:
        wait = "Measuring…" if busy == name else "Measure speed"
        buttons.append(f'<button type="button" class="fn-action" disabled>{wait}</button>')
    elif measure:
        buttons.append(_button("measure", name, "Measure speed"))
    if remove:
        buttons.append(_button("remove", name, "Remove from the list"))
    return f'<div class="fn-models-actions">{"".join(buttons)}</div>'


def _button(action: str, name: str, label: str) -> str:
    return (
        f'<button type="button" class="fn-action" data-action="{action}" data-name="{escape(name)}" '
        f'aria-label="{label}: {escape(name)}">{label}</button>'
    )


def offers_html(offers: Sequence[Offer], here: Sequence[str], free: int) -> str:
    """The models that can be downloaded by name, each with the command; those that are here already say so."""
    rows = "".join(_offer(offer, offer.name in here, free) for offer in offers)
    return (
        '<h3 class="fn-models-heading">To download</h3><p class="fn-models-hint">This page never goes online. Type the '
        "command in a terminal: it fetches the file, checks it against the published SHA-256 and adds it to the list."
        f'</p><ul class="fn-models-offers">{rows}</ul>'
    )


def _offer(offer: Offer, here: bool, free: int) -> str:
    if here:
        state = '<span class="fn-models-good">here already</span>'
    elif offer.memory <= free:
        state = f'<span class="fn-models-good">needs {_gb(offer.memory)}: fits</span>'
    else:
        state = f'<span class="fn-models-bad">needs {_gb(offer.memory)}, {_gb(free)} are free</span>'
    facts = f"{offer.size / 1e6:,.0f} MB · {offer.licence} · {offer.note}"
    command = escape(offer.command)
    return (
        f'<li><div class="fn-models-top"><h4>{escape(offer.title)}</h4>{state}</div>'
        f'<p class="fn-models-hint">{escape(facts)}</p><div class="fn-models-command"><code>{command}</code>'
        f'<button type="button" class="fn-action" data-action="copy" data-text="{command}" '
        f'aria-label="Copy the command: {command}">Copy</button></div></li>'
    )


def said_html(word: str, problem: bool = False, busy: bool = False) -> str:
    """The line that says what was done, what is being done, or what went wrong."""
    if not word:
        return ""
    if problem:
        return f'<p class="fn-error" role="alert">{escape(clean(word))}</p>'
    return f'<p class="fn-state{" fn-busy" if busy else ""}" role="status">{escape(clean(word))}</p>'


def _speed(speed: Speed | None) -> str:
    if speed is None:
        return "not measured"
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
