"""The two-letter fields of the Web of Science, the same in both of its kinds of files.

https://images.webofknowledge.com/images/help/WOS/hs_wos_fieldtags.html lists them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

# CSL's variables and the fields that hold them; the first that is not empty is used.
_ONE = {
    "title": ("TI",), "container-title": ("SO",), "collection-title": ("SE",), "abstract": ("AB",), "language": ("LA",),
    "event-title": ("CT",), "event-date": ("CY",), "event-place": ("CL",), "publisher": ("PU",),
    "publisher-place": ("PI",), "ISSN": ("SN",), "eISSN": ("EI",), "ISBN": ("BN",), "container-title-short": ("JI",),
    "volume": ("VL",), "issue": ("IS",), "number": ("AR",), "number-of-pages": ("PG",), "PMID": ("PM",),
    "publication_type": ("PT",), "document_type": ("DT",), "id": ("UT",), "month": ("PD",),
    "keywords_plus": ("ID",),
}  # fmt: skip
_USED = {field for fields in _ONE.values() for field in fields} | {
    "AU",
    "AF",
    "CA",
    "BE",
    "DE",
    "PY",
    "DI",
    "D2",
    "BP",
    "EP",
}
_KINDS = {"J": "article-journal", "B": "book", "S": "book", "C": "paper-conference", "P": "patent", "D": "dataset"}
_DOCUMENTS = (("proceedings paper", "paper-conference"), ("book chapter", "chapter"), ("book", "book"))
_KEYWORDS = re.compile(r";\s*+")

One = Callable[[str], str]
Several = Callable[[str], list[str]]


def record_of(names: list[str], one: One, several: Several) -> dict[str, Any]:
    """The fields ``names`` of a record under the names of CSL's variables.

    ``one`` gives the text of a field and ``several`` the values of a list of authors, addresses or references; both
    give an empty one for a field that the record lacks.
    """
    rest = {name: several(name) if name in ("C1", "CR", "RP") else one(name) for name in names if name not in _USED}
    document = one("DT").lower()
    kind = next((kind for word, kind in _DOCUMENTS if word in document), "")
    return {
        **rest,
        **{name: next((text for field in fields if (text := one(field))), "") for name, fields in _ONE.items()},
        "author": [*(several("AF") or several("AU")), *({"literal": name} for name in several("CA"))],
        "editor": several("BE"),
        "issued": f"{one('PY')} {one('PD')}".strip() if one("PY") else "",
        "DOI": one("DI") or one("D2"),
        "page": "-".join(filter(None, (one("BP"), one("EP")))),
        "item_type": kind if one("PT") not in ("P", "D") and kind else _KINDS.get(one("PT"), ""),
        "status": "retracted" if "retracted publication" in document else "",
        "tags": _KEYWORDS.split(one("DE")),
    }
