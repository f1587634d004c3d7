"""What is no part of an abstract: headings, statements of rights, placeholders."""

from __future__ import annotations

import pytest

from rag.papers.importers.abstract_text import bare
from rag.papers.importers.field_mapping import paper_from
from rag.papers.kept_fields import unpack

TEXT = "Kites fly. Of 60 knots, 12 held."

RIGHTS = [
    "© 2022 The Invented Kite Society. All rights reserved.", "Copyright © 2020 Elsevier Ltd. All rights reserved.",
    "Copyright 2001 Wiley-Liss, Inc.", "(C) 2001 Academic Press.", "(c) 2010 Elsevier B.V. All rights reserved.",
    "Crown Copyright © 2010 Published by Elsevier Inc. All rights reserved.", "© The Author(s) 2020.", "©2013 AACR.",
    "Published by Elsevier Inc.", "All rights reserved.", "2011 Elsevier Ltd. All rights reserved.",
    "This article is protected by copyright. All rights reserved.", "[ABSTRACT FROM AUTHOR]",
    "© 2004 Wiley Periodicals, Inc. J Polym Sci Part A: Polym Chem 42: 1–9, 2004",
    "© 2020 The Authors. Journal of Kites published by John Wiley & Sons Ltd on behalf of the Kite Society.",
    "(PsycInfo Database Record (c) 2020 APA, all rights reserved).",
    "(PsycINFO Database Record (c) 2012 APA, all rights reserved)",
    "[ABSTRACT FROM AUTHOR] Copyright of Kite Quarterly is the property of Wind Press and its content may not be "
    "copied or emailed to multiple sites or posted to a listserv without the copyright holder's express written "
    "permission. However, users may print, download, or email articles for individual use. This abstract may be "
    "abridged. No warranty is given about the accuracy of the copy. (Copyright applies to all Abstracts.)",
]  # fmt: skip


@pytest.mark.parametrize("rights", RIGHTS)
def test_a_statement_of_rights_at_the_end_is_kept_beside_the_abstract(rights: str) -> None:
    paper = paper_from({"title": "Knots that slip", "abstract": f"{TEXT} {rights}"}, "test")
    assert paper.abstract == TEXT
    assert unpack(paper) == {"rights": rights}


@pytest.mark.parametrize(
    "rights", ["© 2015 Elsevier B.V. All rights reserved.", "© 2016 IEEE.", "© 2014 Springer-Verlag."]
)
def test_and_at_the_beginning(rights: str) -> None:
    long = TEXT + " They were tied by hand on four islands and in two harbours." * 8
    assert bare("", f"{rights} {long}", "Knots") == (long, rights)


def test_glued_to_the_text_and_alone() -> None:
    assert bare("", f"{TEXT}© 2018 Elsevier Ltd", "K") == (TEXT, "© 2018 Elsevier Ltd")
    assert bare("", "© 2018 Elsevier Ltd. All rights reserved.", "K") == (
        "",
        "© 2018 Elsevier Ltd. All rights reserved.",
    )


@pytest.mark.parametrize(
    "text",
    [
        "Copyright law protects software. We ask whether it should.", "Courts differ. Copyright reform is due.",
        "We study (a) string, (b) wood and (c) 2010 census data.",
        "They were published by Elsevier, and others by Wiley.",
        "The rate rose (c) slowly. In 2010 it fell.", "The © sign is read as text by 4 of 9 readers.",
        "Of all books, 40% said that all rights were reserved.", "It was first shown in 2011 by Springer and Lee.",
    ],
)  # fmt: skip
def test_a_text_that_speaks_of_such_things_stays(text: str) -> None:
    assert bare(text, text, "Books and the law") == (text, "")


@pytest.mark.parametrize(
    "written",
    ["Abstract Kites fly. X.", "Abstract: Kites fly. X.", "ABSTRACT. Kites fly. X.", "Abstract\nKites fly. X.",
     "ABSTRACT — Kites fly. X.", "Abstract.—Kites fly. X.", "Zusammenfassung: Kites fly. X.", "ABSTRACT Kites fly. X."],
)  # fmt: skip
def test_the_word_abstract_before_an_abstract_is_no_part_of_it(written: str) -> None:
    assert bare(written, " ".join(written.split()), "On kites").text == "Kites fly. X."


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Abstract interpretation is a theory.", "Widening"),
        ("Abstract Interpretation is a theory.", "Abstract domains"),
        ("Abstract Meaning Representation (AMR) is used.", "Parsing AMR"), ("Abstract-level notes.", "Notes"),
        ("Abstraction helps.", "Notes"), ("Summary statistics are given.", "Notes"),
    ],
)  # fmt: skip
def test_texts_that_begin_with_the_word_stay(text: str, title: str) -> None:
    assert bare(text, text, title).text == text
