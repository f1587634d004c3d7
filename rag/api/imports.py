"""``POST /api/v1/papers`` and ``/api/v1/imports``: files of papers come in, and what became of their records."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from collections import OrderedDict
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.datastructures import UploadFile

from rag.api.access import require_editor
from rag.api.problems import Json
from rag.api.requests import Library_
from rag.api.service import Service
from rag.errors import ImportFileError
from rag.library.importing import ImportJob
from rag.ui.uploads import MAX_UPLOAD

MOST_FILES = 100  # of one import
_MOST_KEPT = 100  # imports that are remembered
_POLL_S = 0.1
_STRANGE = re.compile(r"[^\w.() -]")
_NO_FILE = "Send one or more files as multipart/form-data, each in a field named 'file'."
_GONE = "There is no such import, or it was too long ago."
_SENT = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            }
        },
    }
}


def routes(service: Service) -> APIRouter:
    """The routes."""
    router, jobs = APIRouter(tags=["papers"]), _Jobs()

    @router.post("/papers", summary="Import files of papers", response_class=Json, openapi_extra=_SENT)
    async def add(
        request: Request,
        library: Library_ = "",
        wait: bool = Query(True, description="Answer when it has ended; otherwise at once, with status 202"),
    ) -> Json:
        """For editors. Any format that `footnote import` reads, recognised by its content. Safe to repeat."""
        editor = require_editor(request)  # before anything is read
        key = service.key_of(library)
        names = await _received(request, service)
        job = await service.in_thread(lambda: service.actions.start_import(editor, key, names))
        id = jobs.keep(job)
        while wait and not job.state.finished:
            await asyncio.sleep(_POLL_S)
        headers = {"location": f"/api/v1/imports/{id}"}
        return Json(_report(id, job), 200 if wait else 202, headers)

    @router.get("/imports/{id}", summary="How far an import is", response_class=Json)
    async def read(id: str) -> Json:
        """Its figures, and every record that was skipped or merged and every file that was not read."""
        return Json(_report(id, jobs.get(id)))

    return router


class _Jobs:
    """The last imports that came by the API, by an id that nobody guesses."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, ImportJob] = OrderedDict()

    def keep(self, job: ImportJob) -> str:
        id = secrets.token_urlsafe(12)
        self._jobs[id] = job
        if len(self._jobs) > _MOST_KEPT:
            self._jobs.popitem(last=False)
        return id

    def get(self, id: str) -> ImportJob:
        if id not in self._jobs:
            raise HTTPException(404, _GONE)
        return self._jobs[id]


async def _received(request: Request, service: Service) -> list[str]:
    """The paths of the uploaded files. Raises :class:`ImportFileError`, :class:`rag.ui.uploads.UploadsFull`."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise ImportFileError(_NO_FILE)
    said = request.headers.get("content-length", "")
    size = min(int(said), MAX_UPLOAD) if re.fullmatch("[0-9]{1,18}", said) else MAX_UPLOAD
    with service.uploads.room_for(size):
        async with request.form(max_files=MOST_FILES, max_fields=0) as form:
            files = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
            if not files:
                raise ImportFileError(_NO_FILE)
            return await asyncio.to_thread(lambda: [_kept(one, service.uploads.cache) for one in files])


def _kept(file: UploadFile, folder: Path) -> str:
    """The path of the file in a folder of its own. Its name is text that somebody sent: only its letters are kept."""
    name = _STRANGE.sub("_", (file.filename or "").replace("\\", "/").rpartition("/")[2])
    while len(name.encode("utf-8", "replace")) > 100:
        name = name[1:]  # the end says the format
    name = name.lstrip(". ") or "upload"
    target = folder / secrets.token_hex(16) / name
    target.parent.mkdir()
    with target.open("wb") as out:
        shutil.copyfileobj(file.file, out)
    return str(target)


def _report(id: str, job: ImportJob) -> dict[str, Any]:
    state, remarks = job.snapshot()
    return {
        "id": id,
        "finished": state.finished,
        "stage": state.stage,
        "total": state.total,
        "read": state.read,
        "added": state.added,
        "updated": state.updated,
        "unchanged": state.unchanged,
        "merged": state.merged,
        "skipped": state.skipped,
        "error": state.error or None,
        "remarks": [
            {"file": one.file, "line": one.line, "outcome": one.outcome, "reason": one.reason} for one in remarks
        ],
    }
