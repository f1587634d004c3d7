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
from rag.errors import QuestionError
from rag.output.records import claim_json

if TYPE_CHECKING:
    from rag.verification.claims import CheckedClaim

_NO_SENTENCE = "There is no sentence to check in this text: headings, tables and code are not checked."


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
    from rag.verification.claims import ClaimChecker, check_against_abstract, sentences_of_draft

    sentences = sentences_of_draft(checked.text)
    if not sentences:
        raise QuestionError(_NO_SENTENCE)
    if not checked.abstract.strip():
        pipeline = service.quoting(checked.library)
        yield from ClaimChecker(pipeline.library, pipeline.encoder, pipeline.search).check_each(sentences, stop)
        return
    for sentence in sentences:
        if stop.is_set():
            return
        yield check_against_abstract(sentence, checked.abstract, checked.title, checked.paper_id)
