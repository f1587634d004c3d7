"""``footnote models``: which GGUFs there are, and what fits this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag.cli.printing import say
from rag.text.unseen import one_line

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.generation.models import RegisteredModel


@click.group(invoke_without_command=True)
@click.pass_context
def models(ctx: click.Context) -> None:
    """List, add and download language models (GGUF files)."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@models.command("list")
def list_() -> None:
    """What is registered here, what fits this machine's memory, and a few good small models."""
    from rag.config import SERVER, load_settings
    from rag.factory import prompt_choice
    from rag.generation.models import (
        WRITER,
        fits,
        in_words,
        list_models,
        memory_available,
        recommended,
        unprepared,
    )

    settings = load_settings()
    home = settings.home
    registered = list_models(home)
    say(f"Memory free: {_gigabytes(memory_available())}\n\nHere:")
    say("  quote             built-in quotes, no language model")
    for model in registered:
        say(_line(model))
        if model.name != WRITER:
            say(f"  {'':<17} {in_words(prompt_choice(settings, model))}")
    for name, title in unprepared([model.name for model in registered]).items():
        say(f"  {name:<17} {title}, comes with the installation; prepared at first use")
    if settings.llm_url:
        say(f"  {SERVER:<17} {_served(settings)}")
    say("\nTo download (only when you ask; checked against the published SHA-256):")
    for offer in recommended():
        state = "fits" if fits(offer.size, offer.kv_bytes) else "needs more memory than is free"
        say(
            f"  {offer.title}, {offer.size / 1e6:,.0f} MB, {offer.licence}, {offer.note}, "
            f"needs {_gigabytes(offer.memory)}: {state}\n    {offer.command}"
        )


def _served(settings: Settings) -> str:
    """What runs on the user's server, how it is asked and how fast it was measured to be, or what is wrong."""
    from rag.errors import ServerError
    from rag.factory import close_all, model_server
    from rag.generation.models import in_words, speeds
    from rag.generation.served import server_identity, server_label, server_prompt

    server = model_server(settings)
    try:
        about = server.about()
        grammar = "takes the grammar" if about.grammar else "takes no grammar: the check does its work"
        speed = speeds(settings.home).get(server_identity(server))
        pace = f"; reads {speed.reading:,.0f}, writes {speed.writing:,.0f} tokens/s" if speed is not None else ""
        asked = in_words(server_prompt(server, "" if settings.prompt == "measured" else settings.prompt))
        return f"{server_label(server)} ({about.shown}, {server.address.place}): {grammar}{pace}\n  {'':<17} {asked}"
    except ServerError as error:
        return str(error)
    finally:
        close_all()


def _line(model: RegisteredModel) -> str:
    """What a model is, what memory it needs, and whether it fits."""
    from rag.generation.models import BUNDLED, BUNDLED_TITLE, fits, memory_needed

    info = model.info
    title = BUNDLED_TITLE if model.name == BUNDLED else one_line(info.name or model.path.name)
    need = _gigabytes(memory_needed(info.size, info.kv_bytes))
    state = model.problem or ("fits" if fits(info.size, info.kv_bytes) else "needs more memory than is free")
    return f"  {model.name:<17} {title}, {info.quantisation}, {info.size / 1e6:,.0f} MB, needs {need}: {state}"


@models.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", help="Under which it is asked for (default: from the file's name).")
def add(path: Path, name: str | None) -> None:
    """Verify the GGUF file PATH and register it; it stays where it lies."""
    from rag.config import load_settings
    from rag.generation.models import add_model

    model = add_model(load_settings().home, path, name)
    info = model.info
    say(
        f"{model.name}: {info.architecture}, {info.quantisation}, {info.size / 1e6:,.0f} MB, "
        f'context {info.context} tokens, with a chat template.\nAsk it: footnote ask --model {model.name} "…"'
    )


@models.command()
@click.argument("name")
def pull(name: str) -> None:
    """Download the recommended model NAME (goes online), verify and register it."""
    from rag.config import load_settings
    from rag.generation.models import pull_model

    model = pull_model(load_settings().home, name)
    say(f'{model.name} is here: {model.path}\nAsk it: footnote ask --model {model.name} "…"')


@models.command()
@click.argument("name")
def remove(name: str) -> None:
    """Forget the registered model NAME; its file stays."""
    from rag.config import load_settings
    from rag.generation.models import remove_model

    remove_model(load_settings().home, name)
    say(f"{name} is no longer registered.")


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
