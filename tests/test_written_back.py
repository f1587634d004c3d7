"""What a paper keeps is in its exports: the user's key, the kind of item, and every other field."""

from __future__ import annotations

import json

from rag.datatypes import Paper
from rag.papers.bibliography import citation_keys, to_bibtex, to_csl_json
from rag.papers.kept_fields import pack


def test_csl_json_holds_key_kind_tags_notes_and_kept_fields():
    date = {"date-parts": [[2020, 5, 1]]}
    fields = pack({"volume": "7", "Shelf": "Q 4", "issued": date})
    paper = Paper(
        "a", "Reeds", year=2020, key="reed20", kind="book", tags=("x", "y"), collections=("C",), notes=("n",),
        fields=fields,
    )  # fmt: skip
    [item] = json.loads(to_csl_json([paper]))
    assert item["id"] == "a" and item["citation-key"] == "reed20" and item["type"] == "book"
    assert item["volume"] == "7" and item["issued"] == date
    assert item["keyword"] == "x, y" and item["note"] == "n"
    assert item["custom"].pop("footnote-kept") == '[["order", "", ["volume", "Shelf", "issued"]]]'
    assert item["custom"] == {"Shelf": "Q 4", "collections": ["C"]}


def test_own_keys_are_used_where_they_can_be_read_and_are_unique():
    papers = [Paper(str(n), "Reeds grow", key=key) for n, key in enumerate(["Reed:20", "Reed:20", "a b}", "", "end."])]
    keys = citation_keys(papers)
    assert keys[:2] == ["Reed:20", "Reed:20-2"]
    assert keys[2:] == ["reeds", "reeds-2", "end."]
    assert "{Reed:20," in to_bibtex(papers[:1])
