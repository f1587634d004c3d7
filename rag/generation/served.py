"""How a server's model is asked, how much it is given to read, and what it is called where people read it."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from pathlib import Path

from rag.errors import ModelError, ServerError
from rag.generation.generators.server import MeasuredServer, ServerGenerator, estimated_tokens
from rag.generation.models import Speed, keep_speed, measure, readable_tokens, speeds
from rag.generation.models.prompt_choice import COMPOSES_FROM, COMPOSING, REPEATING, PromptChoice
from rag.generation.prompting import Prompt
from rag.generation.servers import About, ModelServer, shown_name
from rag.generation.servers.about import parameters_in
from rag.system.hashing import sha256_of_text


def server_prompt(server: ModelServer, wanted: str = "") -> PromptChoice:
    """The prompt for the model of ``server``: as wanted, else by its size, where that is known.

    Asks the server where neither its name nor what was found out before tells; one that does not answer is taken for
    a large model.
    """
    if wanted:
        return PromptChoice(wanted, "as set")
    parameters = server.last.parameters or parameters_in(server.wanted)
    if not parameters and not server.last.model:
        parameters = _about(server).parameters
    if not parameters:
        return PromptChoice(COMPOSING, "its size is not known")
    prompt = COMPOSING if parameters >= COMPOSES_FROM else REPEATING
    return PromptChoice(prompt, f"{parameters / 1e6:,.0f} million parameters")


def server_label(server: ModelServer) -> str:
    """'qwen2.5 at 10.0.0.5, yours'. Asks the server what its model is called, where the user did not say."""
    named = shown_name(server.last.model or server.wanted or _about(server).model)
    return f"{named or 'the model'} at {server.address.shown_host}, yours"


def measure_server(
    server: ModelServer, context: int, home: Path, say: Callable[[str], object] = lambda word: None
) -> Speed:
    """How fast the model of ``server`` reads and writes, the way to it included; kept for the next look.

    The text is another one each time, because servers keep what they have read. Raises :class:`ModelError`.
    """
    speed = measure(
        MeasuredServer(ServerGenerator(server, context=context)),
        processor=server.address.place,
        cores=0,
        load=0.0,
        today=datetime.date.today().isoformat(),
        say=say,
        mark=f"Report {time.time_ns()}. ",
    )
    keep_speed(home, server_identity(server), speed)
    return speed


def readable_by_server(generator: ServerGenerator, prompt: Prompt, home: Path, patience: int, max_tokens: int) -> int:
    """Tokens of evidence that the server's model reads in ``patience`` seconds, measured where that is not known yet.

    0, for the chosen sentences alone, where it cannot be measured: what is wrong is said once it is asked to write.
    """
    server = generator.server
    try:
        context = generator.context()
        speed = speeds(home).get(server_identity(server)) or measure_server(server, context, home)
    except ModelError:
        return 0
    return readable_tokens(speed, patience, context - max_tokens - estimated_tokens(prompt.render("", ())))


def server_identity(server: ModelServer) -> str:
    """Stands for server and model where that of a local model stands for its file."""
    return sha256_of_text(f"{server.address.url}\n{server.last.model or server.wanted}")


def _about(server: ModelServer) -> About:
    try:
        return server.about()
    except ServerError:
        return server.last
