"""A server with a language model: what it is, and what its model writes. Any number of callers at once."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rag.datatypes import Message, StopSignal
from rag.errors import GenerationCancelled, ServerError
from rag.generation.generators.stopping import AnySignal
from rag.generation.servers.about import About, find_out
from rag.generation.servers.exchange import Exchange, Head, Patience, Silence, exchange
from rag.generation.servers.faults import Faults
from rag.generation.servers.replies import DONE, Garbage, Piece, Reported, events, piece_of, whole_of
from rag.system.server_address import ServerAddress

if TYPE_CHECKING:
    import httpx

CONNECTING_S = 10.0
ASKING_S = 15.0  # for what the server says of itself
TRIES = 3  # of one request, as long as nothing of its answer has come
_PAUSES_S = (1.0, 3.0)
_MOST_BODY = 2**22  # bytes of an answer that is not streamed; a list of models has some thousand
_AFTER_THE_END_S = 2.0  # that a server may take to close a stream whose text has ended
_CHARACTERS_A_TOKEN = 64  # at the most: what writes more does not keep to ``max_tokens``


class ModelServer:
    """The server at ``address``, asked for ``model`` ('' for its only one), with ``key`` where it wants one.

    ``silence`` is for how many seconds it may write nothing. Nothing is sent before the first question. All methods
    that ask it raise :class:`ServerError`, and :class:`GenerationCancelled` soon after ``stop`` is set.
    """

    def __init__(self, address: ServerAddress, *, key: str = "", model: str = "", silence: float = 120.0) -> None:
        self.address, self.wanted = address, model
        self._key, self._silence = key, silence
        path = address.path.removesuffix("/chat/completions") or "/v1"
        self._api, self._root = address.root + path, address.root + path.removesuffix("/v1")
        self._faults = Faults(address.place, key, model)
        self.last = About(model=model)  # what was found out last, kept over a failure
        self._about: About | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None

    def about(self, stop: StopSignal | None = None) -> About:
        """What it is; found out at the first call, and anew after a failure. Has a model to ask for."""
        if (known := self._about) is None:
            ended = self._ended(stop)
            known = find_out(lambda path: self._asked(self._api + path, ended, must=True),
                             lambda path: self._asked(self._root + path, ended), self.wanted)  # fmt: skip
            if known.models and not known.model:
                faults = self._faults
                raise faults.unknown_model(known.models) if self.wanted else faults.several_models(known.models)
            self._about = self.last = known
        return known

    def pieces(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        grammar: str | None = None,
        stop: StopSignal | None = None,
    ) -> Iterator[Piece]:
        """What the model writes, as it comes. A ``grammar`` is sent to a server that takes one (:meth:`about`).

        A request that fails before anything has come is sent again, at most ``TRIES`` times, where that may help.
        """
        ended = self._ended(stop)
        asked = {
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "max_tokens": max_tokens, "temperature": temperature, "seed": seed,
            "stream": True, "stream_options": {"include_usage": True},
        }  # fmt: skip
        for tried in itertools.count(1):
            begun = False
            try:
                for piece in self._written(asked, grammar, max_tokens, ended):
                    begun = begun or bool(piece.text)
                    yield piece
                return
            except ServerError as error:
                if not begun and grammar is not None and self._refuses_grammar(error):
                    continue
                self._about = None  # it may come back as another
                if begun or not error.passing or tried == TRIES:
                    raise
                _pause(_PAUSES_S[tried - 1] if error.retry_s is None else error.retry_s, ended)

    def close(self) -> None:
        """End what is being written; the server cannot be used afterwards."""
        self._closing.set()
        with self._lock:
            if self._made is not None:
                self._made.close()
            self._made = None

    # --- one request ---

    def _written(self, asked: Mapping[str, Any], grammar: str | None, limit: int, stop: StopSignal) -> Iterator[Piece]:
        about = self.about(stop)
        body = {"model": about.model or "default", **asked}
        if grammar is not None and about.grammar:
            body["grammar"] = grammar
        if about.is_configured_to_think:
            body["chat_template_kwargs"] = {"enable_thinking": False}  # there is no time for it within ``max_tokens``
        patience = Patience(self._silence)
        request = self._client().build_request("POST", f"{self._api}/chat/completions", json=body)
        yield from self._heard(
            request, stop, patience, lambda one, head: self._answer(one, head, limit, patience, about)
        )

    def _answer(self, one: Exchange, head: Head, limit: int, patience: Patience, about: About) -> Iterator[Piece]:
        if head.status != 200:
            raise self._faults.of_status(head.status, head.headers, one.body(_MOST_BODY), about.models)
        if "text/event-stream" in head.headers.get("content-type", ""):
            yield from self._streamed(one.chunks(), limit, patience)
            return
        body = one.body(_MOST_BODY)
        if body.startswith(b"data:"):
            yield from self._streamed([body], limit, patience)
        elif body.lstrip()[:1] == b"{":
            yield whole_of(body)
        else:
            raise self._faults.not_such_a_server("it writes no JSON")

    def _streamed(self, chunks: Iterable[bytes], limit: int, patience: Patience) -> Iterator[Piece]:
        room, ended = limit * _CHARACTERS_A_TOKEN, False
        try:
            for data in events(chunks):
                if data == DONE:
                    return
                piece = piece_of(data)
                room -= len(piece.text) + len(piece.thought)
                if room < 0:
                    return
                patience.renew()
                yield piece
                if piece.finish and not ended:
                    ended = True
                    patience.at_most(_AFTER_THE_END_S)
        except Silence:
            if not ended:
                raise
        if not ended:
            raise self._faults.cut_off()

    def _heard(
        self,
        request: httpx.Request,
        stop: StopSignal,
        patience: Patience,
        read: Callable[[Exchange, Head], Iterator[Piece]],
    ) -> Iterator[Piece]:
        """What ``read`` makes of the answer to a request; whatever goes wrong is a :class:`ServerError`."""
        import httpx

        try:
            with exchange(self._client(), request, stop, patience) as one:
                yield from read(one, one.head())
        except Silence:
            raise self._faults.of_silence(self._silence) from None
        except Garbage as garbage:
            raise self._faults.of_garbage(str(garbage)) from None
        except Reported as reported:
            raise self._faults.of_report(str(reported)) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._faults.of_connection(error) from None

    def _asked(self, url: str, stop: StopSignal, must: bool = False) -> object:
        """The JSON at an address, None for anything else; with ``must`` a key that is refused is an error."""
        found: list[object] = []

        def read(one: Exchange, head: Head) -> Iterator[Piece]:
            body = one.body(_MOST_BODY)
            if must and (head.status in (401, 403, 429) or head.status >= 500):
                raise self._faults.of_status(head.status, head.headers, body)
            if head.status == 200:
                try:
                    found.append(json.loads(body))
                except (ValueError, RecursionError):
                    found.append(None)
            yield from ()

        for _ in self._heard(self._client().build_request("GET", url), stop, Patience(ASKING_S), read):
            pass
        return found[0] if found else None

    def _refuses_grammar(self, error: ServerError) -> bool:
        """Whether it did not take the grammar that was sent; it is sent none from here on, and ``last`` says so."""
        known = self._about
        if known is None or not known.grammar or "grammar" not in str(error).lower():
            return False
        self._about = self.last = replace(known, grammar=False)
        return True

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._closing.is_set():
                raise GenerationCancelled("Stopped.")
            if self._made is None:
                self._made = _new_client(self.address, self._key)
            return self._made

    def _ended(self, stop: StopSignal | None) -> StopSignal:
        return AnySignal((self._closing,) if stop is None else (self._closing, stop))


def _new_client(address: ServerAddress, key: str) -> httpx.Client:
    """No proxy, no redirection, no reuse of connections: each request goes to that address, on a socket of its own."""
    import ssl

    import httpx

    # Those that the system trusts, and SSL_CERT_FILE; reading them takes a moment that plain HTTP need not.
    tls = ssl.create_default_context() if address.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    headers = {"accept-encoding": "identity", "user-agent": "footnote"}
    return httpx.Client(
        headers=headers | ({"authorization": f"Bearer {key}"} if key else {}),
        verify=tls,
        trust_env=False,
        timeout=httpx.Timeout(connect=CONNECTING_S, read=None, write=CONNECTING_S, pool=None),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
    )


def _pause(seconds: float, stop: StopSignal) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if stop.is_set():
            raise GenerationCancelled("Stopped.")
        time.sleep(0.02)
