"""Cells of CSV files that a spreadsheet program must not run."""

from __future__ import annotations

import pytest

from rag.text.csv_cells import literal_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "＝1+1", "\n=1"])
def test_what_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert literal_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "50%", "'=1", " =1", "a; b", "5,-3"])
def test_everything_else_stays(text: str) -> None:
    assert literal_cell(text) == text


def test_a_program_that_cuts_at_semicolons_finds_no_formula() -> None:
    assert literal_cell("Owl, A.; =cmd|' /C calc'!A0") == "Owl, A.; '=cmd|' /C calc'!A0"
    assert literal_cell("a;;+1") == "a;;'+1"
