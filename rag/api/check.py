"""``POST /api/v1/check``: which paper bears each sentence of a text out, or contradicts it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from rag.api.problems import Json
from rag.api.requests import Checked
from rag.api.service import Service
from rag.api.work import Beat, made
from rag.output.records import claim_json

if TYPE_CHECKING:
    from rag.verification.claims import CheckedClaim


def routes(service: Service) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["check"])

    @router.post("/check", summary="Check the sentences of a text", response_class=Json)
    async def check(checked: Checked, request: Request) -> Json:
        """`sentences` are the objects that `footnote check --json` prints, `verdicts` counts them."""
        claims = [
            one
            async for one in made(service.asks, lambda stop: _claims(service, checked, stop), request.is_disconnected)
            if not isinstance(one, Beat)
        ]
        verdicts = dict(Counter(one.verdict for one in claims))
        return Json({"sentences": [claim_json(one) for one in claims], "verdicts": verdicts})

    return router


def _claims(service: Service, checked: Checked, stop: threading.Event) -> Iterator[CheckedClaim]:
    from rag.verification.claims import ClaimChecker, check_each_against, sentences_to_check

    sentences = sentences_to_check(checked.text)
    if not checked.abstract.strip():
        pipeline = service.quoting(checked.library)
        yield from ClaimChecker(pipeline.library, pipeline.encoder, pipeline.search).check_each(sentences, stop)
    else:
        yield from check_each_against(sentences, checked.abstract, checked.title, checked.paper_id, stop)
