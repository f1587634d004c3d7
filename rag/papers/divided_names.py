"""Names of people, divided into given and family name as bibliographies want them."""

from __future__ import annotations

from rag.text.unseen import one_line

_LONGEST = 1_000  # characters of a name that is divided into its parts


def divided(name: str) -> tuple[str, str]:
    """Given and family name, the particles with the family; a name that cannot be divided is all family."""
    from bibtexparser.middlewares.names import InvalidNameError, parse_single_name_into_parts

    text = one_line(name)
    if len(text) > _LONGEST:
        return "", text
    try:
        parts = parse_single_name_into_parts(text, strict=False)
    except InvalidNameError:
        return "", text
    family = " ".join([*parts.von, *parts.last, *parts.jr]).replace("{", "").replace("}", "")
    return (" ".join(parts.first), family) if family else ("", text)


def inverted(name: str) -> str:
    """``Doe, Jane``."""
    given, family = divided(name)
    return f"{family}, {given}" if given else family


def csl_name(name: str) -> dict[str, str]:
    """A name as CSL-JSON has it."""
    given, family = divided(name)
    return {"family": family, "given": given} if given else {"literal": family}
