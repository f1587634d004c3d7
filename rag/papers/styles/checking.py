"""What a file may hold that is used as a citation style. It is data: it declares no entities, names no other file."""

from __future__ import annotations

import re
from typing import Any

from rag.errors import StyleError

LARGEST = 2_000_000  # bytes; the largest style of the project's collection has 250,000
# Elements once every macro is put in where it is called. The largest style of the collection comes to 1.3 million, of
# which a reference uses a few thousand; a file whose macros call one another twenty times over would never end.
_MOST_ELEMENTS = 8_000_000
NAMESPACE = "http://purl.org/net/xbiblio/csl"
# For every lxml parser here. The encoding is not the file's to say: in another one a declaration would not be seen.
SAFE: dict[str, Any] = {
    "encoding": "utf-8", "resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False,
    "remove_comments": True, "remove_pis": True,
}  # fmt: skip
_NS = {"cs": NAMESPACE}
_REMEDY = "Get the style anew from zotero.org/styles."


def parsed(data: bytes, parser: Any) -> Any:
    """The root of a style, read by an lxml ``parser``.

    Raises :class:`StyleError` for a file that is too long, no XML, no CSL 1.0, or without a list of references.
    """
    root = _root(data, parser)
    if root.find("cs:bibliography/cs:layout", _NS) is None:
        raise StyleError("This style has no list of references: it puts all into notes. Choose another one.")
    _check_macros(root)
    return root


def parent_of(data: bytes) -> str | None:
    """The name of the style that this one only refers to, None where it stands for itself. Raises as :func:`parsed`."""
    from lxml import etree

    root = _root(data, etree.XMLParser(**SAFE))
    if root.find("cs:bibliography", _NS) is not None or root.find("cs:citation", _NS) is not None:
        return None
    links = root.iterfind("cs:info/cs:link", _NS)
    address = next((one.get("href", "") for one in links if one.get("rel") == "independent-parent"), "")
    return re.sub(r"[^a-z0-9-]", "", str(address).rpartition("/")[2].lower()) or None


def _root(data: bytes, parser: Any) -> Any:
    from lxml import etree

    if len(data) > LARGEST:
        raise StyleError(f"This style is longer than {LARGEST:,} bytes, so it is none. {_REMEDY}")
    # A declaration of a document type begins every trick that XML knows; no style has one.
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise StyleError(f"This style declares a document type or is not UTF-8, and is not read. {_REMEDY}")
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise StyleError(f"This style is no well-formed XML ({str(error)[:200]}). {_REMEDY}") from error
    if root.tag != f"{{{NAMESPACE}}}style" or not str(root.get("version", "")).startswith("1."):
        raise StyleError(f"This file is no citation style in CSL 1.0. {_REMEDY}")
    return root


def _check_macros(root: Any) -> None:
    """Raise :class:`StyleError` where a macro is missing, calls itself, or where they multiply beyond all use."""
    macros = {macro.get("name"): macro for macro in root.iterfind("cs:macro", _NS)}
    sizes: dict[str, int] = {}

    def size(element: Any, above: tuple[str, ...]) -> int:
        total = 0
        for one in element.iter():
            total += 1
            name = one.get("macro")
            if name is None:
                continue
            if name not in macros or name in above:
                what = "calls itself" if name in above else "is missing"
                raise StyleError(f"In this style the macro '{str(name)[:100]}' {what}. {_REMEDY}")
            if name not in sizes:
                sizes[name] = size(macros[name], (*above, name))
            total += sizes[name]
        return total

    if size(root.find("cs:bibliography", _NS), ()) > _MOST_ELEMENTS:
        raise StyleError(f"The macros of this style call one another too often. {_REMEDY}")
