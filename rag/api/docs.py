"""``/api/v1/docs``: the API described from its own OpenAPI document, as a page that loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse

from rag.output.templating import Template

_TEMPLATE = Template("rag.api", "docs")


def add_docs(api: FastAPI, path: str) -> None:
    """Serve the page at ``path``."""

    async def docs(request: Request) -> HTMLResponse:
        document = api.openapi()
        page = _TEMPLATE.page(document["info"], list(_operations(document)), api.openapi_url)
        return HTMLResponse(f"<!doctype html>{page}")

    api.add_api_route(path, docs, include_in_schema=False)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield {
                "method": method.upper(),
                "path": path,
                "summary": operation.get("summary", ""),
                "description": operation.get("description", ""),
                "fields": [*_parameters(operation), *_body(operation, document)],
            }


def _parameters(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in operation.get("parameters", ()):
        words = one.get("description") or one["schema"].get("description", "")
        yield _field(one["name"], one["in"], one["schema"], one.get("required", False), words)


def _body(operation: dict[str, Any], document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(content["schema"], document)
        where = "JSON" if kind == "application/json" else "form"
        for name, one in schema.get("properties", {}).items():
            known = _resolved(one, document)
            yield _field(name, where, known, name in schema.get("required", ()), one.get("description", ""))


def _field(name: str, where: str, schema: dict[str, Any], required: bool, words: str) -> dict[str, Any]:
    return {"name": name, "where": where, "type": _type(schema), "required": required, "words": words}


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref", "")
    return document["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema


def _type(schema: dict[str, Any]) -> str:
    """'integer', 'one of …', 'list of string'."""
    if "enum" in schema:
        return "one of " + ", ".join(str(one) or "''" for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    return str(schema.get("type", "any"))
