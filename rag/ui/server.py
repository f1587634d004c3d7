"""Settings → the chat page on a port of this computer."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.config import Settings, with_overrides
from rag.errors import ConfigError, FootnoteError
from rag.system.accounts import Accounts, read_accounts
from rag.system.memory import share_arenas
from rag.system.offline import enforce_offline
from rag.ui.page_context import LibraryService

if TYPE_CHECKING:
    from rag.datatypes import Answer, Answerer, StopSignal
    from rag.factory import ModelChoice
    from rag.pipeline import Pipeline
    from rag.questions.scope import EVERYTHING, Scope
    from rag.retrieval.related import Related
    from rag.survey.tables import Column, Row
    from rag.verification.claims import CheckedClaim

# The page may speak to nobody but the server that it came from; the browser enforces it. Gradio runs its
# templates with eval and styles itself inline.
_CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
_HEADERS = {
    b"content-security-policy": _CONTENT_POLICY.encode(),
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}

_WRONG_PASSWORD_S = 1.0
OPEN_TO_ALL = (
    "WARNING: listening on {host} without a password. Everybody who reaches this address can read the library and all "
    "kept conversations. Set FOOTNOTE_AUTH=name:password, or listen on 127.0.0.1.\n"
)


def serve(settings: Settings, say: Callable[[str], object] = sys.stderr.write) -> None:
    """Serve the chat until it is interrupted. ``say`` gets the address as soon as the page can be opened.

    Raises :class:`ConfigError` where the address cannot be used, :class:`rag.errors.ModelError` where the model
    of the settings cannot.
    """
    from rag.factory import close_all

    app = launch(settings)
    try:  # whoever reads the address may interrupt at once: from here on that must close the page
        say(open_to_all(settings))
        say(f"Footnote is at {app.local_url} (Ctrl+C ends it).\n")
        threading.Event().wait()  # gradio's own way of waiting writes to stdout
    finally:
        app.close(verbose=False)
        close_all()


def open_to_all(settings: Settings) -> str:
    """The warning for whoever serves beyond this computer without a password; '' where there is nothing to warn of."""
    return "" if is_loopback(settings.host) or settings.auth else OPEN_TO_ALL.format(host=settings.host)


def launch(settings: Settings) -> Any:
    """Build the page from ``settings`` and serve it in the background; returns the ``gradio.Blocks``."""
    enforce_offline()  # before gradio is imported: it reports its start otherwise
    share_arenas()
    from rag.factory import available_models, open_answerer, open_library
    from rag.ui.examples import SHIPPED
    from rag.ui.page import build_app

    accounts = read_accounts(settings.auth)
    models = available_models(settings)
    chosen = next((choice for choice in models if choice.name == settings.model), None)
    if chosen is None:
        chosen = _unlisted(settings)
        models.append(chosen)
    opening = threading.Lock()

    def at(library: str) -> Settings:
        return with_overrides(settings, library=library or None)

    def open_for(model: str, mode: str, library: str) -> Answerer:
        with opening:  # the shipped library is built at its first use: once, however many tabs wait for it
            open_library(at(library))
        return open_answerer(with_overrides(at(library), model=model, mode=mode))

    mode = settings.mode if settings.mode is not None and settings.mode in chosen.modes else chosen.modes[0]
    app = build_app(
        open_for,
        models,
        model=chosen.name,
        mode=mode,
        questions=SHIPPED if settings.is_shipped_library else (),
        private=is_loopback(settings.host),
        protected=bool(accounts),
        settings=settings,
        library_service=Libraries(at),
    )
    start(app, settings.host, settings.port, accounts)
    threading.Thread(target=_warm_up, args=(open_for, chosen.name, mode), daemon=True).start()
    return app


class Libraries(LibraryService):
    """The real libraries; ``at`` gives the settings for the one in a folder."""

    def __init__(self, at: Callable[[str], Settings]) -> None:
        self._at = at

    def fingerprint(self, library: str) -> str:
        from rag.factory import open_library

        return open_library(self._at(library)).fingerprint

    def related(self, library: str, paper_id: str) -> Sequence[Related]:
        from rag.factory import related_papers

        return related_papers(self._at(library), paper_id)

    def follow_ups(self, library: str, answer: Answer, asked: Sequence[str]) -> Sequence[str]:
        from rag.factory import follow_up_questions

        return follow_up_questions(self._at(library), answer, asked)

    def choose(self, library: str, question: str, k: int, scope: Scope | None) -> Sequence[str]:
        pipeline = self._quoting(library)
        if question.strip():
            return [hit.paper.id for hit, _ in pipeline.find(question, k, scope)]
        return (scope or EVERYTHING).admitted(pipeline.library.labels())[:k]

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


def start(app: Any, host: str, port: int, accounts: Accounts | None = None) -> None:
    """Serve ``app`` on ``host``:``port`` (0: a free port) in the background. Raises :class:`ConfigError`.

    With ``accounts`` nothing is shown to anybody who has not signed in.
    """
    port = _usable_port(host, port)
    app.launch(
        server_name=host,
        server_port=port,
        theme=_theme(),
        head=f"<style>{_styles()}</style>",
        favicon_path=str(files("rag.ui").joinpath("icon.svg")),
        app_kwargs={"middleware": _middleware(host), "docs_url": None, "redoc_url": None, "openapi_url": None},
        prevent_thread_lock=True,
        inbrowser=False,
        quiet=True,
        share=False,
        auth=_sign_in(accounts) if accounts else None,
        show_error=False,  # errors are shown by the conversation; a stack trace never is
        footer_links=[],
        run_history=False,  # else each call is kept in the browser, and may be sent to a bucket
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        _frontend=False,  # else a page that takes 3 seconds to come, on a busy machine, is taken for unreachable
        max_file_size="4gb",  # papers to import
    )


def _sign_in(accounts: Accounts) -> Callable[[str, str], Any]:
    """What Gradio asks whether a name and password are right. A wrong one costs time, so that guessing takes long."""

    async def sign_in(name: str, password: str) -> bool:
        right = accounts.admits(name, password)
        if not right:
            await asyncio.sleep(_WRONG_PASSWORD_S)
        return right

    return sign_in


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this computer only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Headers:
    """ASGI middleware that puts the headers above on every response."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS.items()]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _middleware(host: str) -> list[Any]:
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    guards = [Middleware(Headers)]
    if is_loopback(host):
        # A foreign site whose name is made to point here (DNS rebinding) must not read the library.
        guards.append(Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]", host]))
    return guards


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
        open_for(model, mode, "").papers()
    except FootnoteError:
        return
