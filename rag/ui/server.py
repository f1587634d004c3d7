"""Settings → the chat page on a port of this computer."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.config import Settings, with_overrides
from rag.errors import ConfigError, FootnoteError
from rag.system.accounts import NOBODY, Accounts
from rag.system.auth_setting import asks_for_sign_in, open_accounts, passed_over
from rag.system.memory import share_arenas
from rag.system.offline import enforce_offline
from rag.ui.guards import guards, standing_outermost
from rag.ui.page_context import LibraryService
from rag.ui.shelves import LibraryShelf, Shelf
from rag.ui.uploads import MAX_UPLOAD, uploads_of_this_process

if TYPE_CHECKING:
    from rag.datatypes import Answer, Answerer, StopSignal
    from rag.factory import ModelChoice
    from rag.pipeline import Pipeline
    from rag.questions.scope import EVERYTHING, Scope
    from rag.retrieval.related import Related
    from rag.survey.tables import Column, Row
    from rag.system.server_address import ServerAddress
    from rag.verification.claims import CheckedClaim

OPEN_TO_ALL = (
    "WARNING: listening on {host} without a password. Everybody who reaches this address can read the library and all "
    "kept conversations{changing}. Add accounts with 'footnote users add NAME', or listen on 127.0.0.1.\n"
)

READ_ONLY = (
    "Read-only: no library is written to; what others write to it is seen within seconds. Conversations are kept in "
    "{home}.\n"
)


def serve(settings: Settings, say: Callable[[str], object] = sys.stderr.write, beside: Sequence[Any] = ()) -> None:
    """Serve the chat until it is interrupted. ``say`` gets the address as soon as the page can be opened.

    ``beside``: see :func:`launch`.

    Raises :class:`ConfigError` where the address cannot be used, :class:`rag.errors.ModelError` where the model
    of the settings cannot.
    """
    from rag.factory import close_all

    app = launch(settings, beside)
    try:  # whoever reads the address may interrupt at once: from here on that must close the page
        say(open_to_all(settings) + passed_over(settings.auth, settings.home))
        if settings.read_only:
            say(READ_ONLY.format(home=settings.home))
        say(f"Footnote is at {app.local_url} (Ctrl+C ends it).\n")
        threading.Event().wait()  # gradio's own way of waiting writes to stdout
    finally:
        app.close(verbose=False)
        close_all()


def open_to_all(settings: Settings) -> str:
    """The warning for whoever serves beyond this computer without a password; '' where there is nothing to warn of."""
    protected = is_loopback(settings.host) or asks_for_sign_in(settings.auth, settings.home)
    return (
        ""
        if protected
        else OPEN_TO_ALL.format(host=settings.host, changing="" if settings.read_only else ", and change libraries")
    )


def launch(settings: Settings, beside: Sequence[Any] = ()) -> Any:
    """Build the page from ``settings`` and serve it in the background; returns the ``gradio.Blocks``.

    ``beside`` are middlewares for what else is served at the address: see :func:`rag.ui.guards.guards`. Long because it
    is where the page is put together.
    """
    enforce_offline()  # before gradio is imported: it reports its start otherwise
    share_arenas()
    from rag.factory import available_models, background_vectors, open_answerer, open_library, vector_server
    from rag.ui.examples import SHIPPED
    from rag.ui.named import NamedByRequest
    from rag.ui.page import build_app

    accounts = open_accounts(settings.auth, settings.home)
    models = available_models(settings)
    chosen = next((choice for choice in models if choice.name == settings.model), None)
    if chosen is None:
        chosen = _unlisted(settings)
        models.append(chosen)
    opening = threading.Lock()

    named = NamedByRequest(settings)

    def open_for(model: str, mode: str, library: str) -> Answerer:
        wanted = named.answering(model, mode, library)
        with opening:  # the shipped library is built at its first use: once, however many tabs wait for it
            opened = open_library(wanted)
        if opened.without_vectors and not wanted.read_only:
            background_vectors(settings.threads).wake(opened.path, vector_server(wanted))
        return open_answerer(wanted)

    mode = settings.mode if settings.mode is not None and settings.mode in chosen.modes else chosen.modes[0]
    app = build_app(
        open_for,
        models,
        model=chosen.name,
        mode=mode,
        questions=SHIPPED if settings.is_shipped_library else (),
        private=is_loopback(settings.host),
        accounts=accounts,
        settings=settings,
        library_service=Libraries(named.library),
    )
    start(app, settings.host, settings.port, accounts, settings.trusted_proxies, beside)
    threading.Thread(target=_warm_up, args=(open_for, chosen.name, mode), daemon=True).start()
    return app


class Libraries(LibraryService):
    """The real libraries; ``at`` gives the settings for the one in a folder."""

    def __init__(self, at: Callable[[str], Settings]) -> None:
        self._at = at

    def fingerprint(self, library: str) -> str:
        from rag.factory import open_library

        return open_library(self._at(library)).fingerprint

    def shelf(self, library: str) -> Shelf:
        from rag.factory import open_library

        return LibraryShelf(lambda: open_library(self._at(library)))

    def vectors_at(self, library: str) -> ServerAddress | None:
        from rag.factory import open_library

        server = open_library(self._at(library)).vectors_at
        return server.address if server is not None else None

    def related(self, library: str, paper_id: str) -> Sequence[Related]:
        from rag.factory import related_papers

        return related_papers(self._at(library), paper_id)

    def follow_ups(self, library: str, answer: Answer, asked: Sequence[str]) -> Sequence[str]:
        from rag.factory import follow_up_questions

        return follow_up_questions(self._at(library), answer, asked)

    def choose(self, library: str, question: str, k: int, scope: Scope | None) -> Sequence[str]:
        from rag.library.storage.admitting import first_of

        pipeline = self._quoting(library)
        if question.strip():
            return [hit.paper.id for hit, _ in pipeline.find(question, k, scope)]
        return first_of(pipeline.library.admitted([scope or EVERYTHING]), k)

    def rows(
        self, library: str, paper_ids: Sequence[str], columns: Sequence[Column], stop: StopSignal
    ) -> Iterator[Row]:
        from rag.survey.tables import rows

        pipeline = self._quoting(library)
        return rows(paper_ids, columns, pipeline.library, pipeline.encoder, stop)

    def claims(self, library: str, sentences: Sequence[str], stop: StopSignal) -> Iterator[CheckedClaim]:
        from rag.verification.claims import ClaimChecker

        pipeline = self._quoting(library)
        return ClaimChecker(pipeline.library, pipeline.encoder, pipeline.search).check_each(sentences, stop)

    def _quoting(self, library: str) -> Pipeline:
        """No language model is needed."""
        from rag.factory import QUOTE, open_answerer

        return open_answerer(with_overrides(self._at(library), model=QUOTE, mode=QUOTE))


def _unlisted(settings: Settings) -> ModelChoice:
    """The model of the settings where it is a file that is not registered. Raises :class:`rag.errors.ModelError`."""
    from rag.factory import MODEL_MODES, ModelChoice, registered_model

    model = registered_model(settings)
    label = f"{model.info.name or Path(settings.model).stem}, {model.info.size / 1e6:,.0f} MB"
    return ModelChoice(settings.model, label, MODEL_MODES)


def start(
    app: Any,
    host: str,
    port: int,
    accounts: Accounts = NOBODY,
    trusted_proxies: str = "",
    beside: Sequence[Any] = (),
) -> None:
    """Serve ``app`` on ``host``:``port`` (0: a free port) in the background. Raises :class:`ConfigError`.

    With ``accounts`` nothing is shown to anybody who has not signed in. ``trusted_proxies`` are addresses with commas
    that are believed whom they pass requests on for. Long because every
    setting of Gradio has a line of its own.
    """
    from rag.ui.sign_in import signed_in

    port = _usable_port(host, port)
    guarding = guards(uploads_of_this_process(), names_of(host), accounts, bool(trusted_proxies), beside)
    os.environ["FORWARDED_ALLOW_IPS"] = trusted_proxies  # without it uvicorn believes whatever this computer sends
    app.launch(
        server_name=host,
        server_port=port,
        theme=_theme(),
        head=f"<style>{_styles()}</style>",
        favicon_path=str(files("rag.ui").joinpath("icon.svg")),
        app_kwargs={
            "middleware": guarding, "lifespan": standing_outermost(guarding),
            "docs_url": None, "redoc_url": None, "openapi_url": None,
        },
        prevent_thread_lock=True,
        inbrowser=False,
        quiet=True,
        share=False,
        auth_dependency=signed_in if accounts else None,
        show_error=False,  # errors are shown by the conversation; a stack trace never is
        footer_links=[],
        run_history=False,  # else each call is kept in the browser, and may be sent to a bucket
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        _frontend=False,  # else a page that takes 3 seconds to come, on a busy machine, is taken for unreachable
        max_file_size=MAX_UPLOAD,  # said by the page before anything is sent
    )  # fmt: skip


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this computer only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_of(host: str) -> list[str] | None:
    """The names that the page may be asked under: those of this computer on loopback, else any."""
    return ["127.0.0.1", "localhost", "[::1]", host] if is_loopback(host) else None


def _theme() -> Any:
    import gradio as gr

    # Named fonts would be fetched; those of the system are set in page.css.
    fonts = [gr.themes.Font("sans-serif")]
    mono = [gr.themes.Font("monospace")]
    return gr.themes.Base(primary_hue="blue", neutral_hue="stone", font=fonts, font_mono=mono, radius_size="md")


def _styles() -> str:
    """The style sheets of the page and of its tabs."""
    folder = files("rag.ui")
    tabs = sorted((file for file in folder.joinpath("tabs").iterdir() if file.name.endswith(".css")), key=str)
    beside = sorted((file for file in folder.iterdir() if file.name.endswith(".css")), key=str)
    return "\n".join(file.read_text(encoding="utf-8") for file in (*beside, *tabs))


def _usable_port(host: str, port: int) -> int:
    """``port``, or a free one for 0. Raises :class:`ConfigError` where ``host`` or ``port`` cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"The chat cannot listen on {host}:{port} ({error.strerror}). "
                "End the program that uses it, or set FOOTNOTE_PORT to another number (0 takes a free one)."
            ) from error
        return int(probe.getsockname()[1])


def _warm_up(open_for: Callable[[str, str, str], Answerer], model: str, mode: str) -> None:
    """Open the library before the first question asks for it. What fails here is said when somebody asks."""
    try:
        open_for(model, mode, "")
    except FootnoteError:
        return
