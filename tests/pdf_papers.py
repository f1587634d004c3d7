"""First pages of papers as journals set them, written by ReportLab: for the tests of the PDF reader."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import reportlab  # type: ignore[import-untyped]
from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
from reportlab.lib.utils import simpleSplit  # type: ignore[import-untyped]
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

TITLE = "Kites of silk rise higher than kites of paper in a westerly wind"
SENTENCES = (
    "We flew 31 kites of silk and 29 of paper from one hill, on twelve days of a westerly wind.",
    "Kites of silk rose to a mean height of 212 m, those of paper to 148 m, a difference of 64 m.",
    "The difference was largest in weak wind, and vanished above 9 m per second.",
    "We conclude that silk is worth its price where the wind is weak and the hill is low.",
)
ABSTRACT = " ".join(SENTENCES)
BODY = (
    "Kites have been flown for two thousand years. Of what they are made has been a matter of taste and of trade, and "
    "nobody has measured what it changes. In what follows we describe the hill, the wind and the kites, and then what "
    "became of each of them. All were made in one workshop by the same two makers, who did not know what we asked. "
)
AUTHORS = "Ann Lee1, Bo Chan2 and Cleo Roe1"
PLACES = ("1 Department of Wind, University of Ghent, Belgium", "2 Kite Laboratory, Leeds, UK")
FONTS = {"": "Vera", "b": "VeraBd"}  # they have the ligatures fi and fl


class Page:
    """A page that is written from above: a line or a paragraph at a time, in columns where these are given."""

    def __init__(self, path: Path, **metadata: str) -> None:
        folder = Path(reportlab.__file__).parent / "fonts"
        for name in FONTS.values():
            pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
        self.canvas: Any = Canvas(str(path), pagesize=A4)
        for name, value in metadata.items():
            getattr(self.canvas, f"set{name.title()}")(value)
        self.x, self.y, self.width = 60.0, 790.0, 475.0

    def column(self, x: float, y: float, width: float) -> None:
        self.x, self.y, self.width = x, y, width

    def line(self, text: str, size: float = 10, style: str = "") -> None:
        self.canvas.setFont(FONTS[style], size)
        self.y -= size * 1.3
        self.canvas.drawString(self.x, self.y, text)

    def paragraph(self, text: str, size: float = 10, style: str = "", gap: float = 8) -> None:
        for line in simpleSplit(text, FONTS[style], size, self.width):
            self.line(line, size, style)
        self.y -= gap

    def lines(self, texts: Sequence[str], size: float = 10, style: str = "") -> None:
        for text in texts:
            self.line(text, size, style)
        self.y -= 8

    def save(self) -> None:
        self.canvas.showPage()
        self.canvas.save()


def hyphenated(text: str, width: int) -> list[str]:
    """Lines of ``width`` characters, words divided by a hyphen at their ends where they are long enough."""
    lines, line = [], ""
    for word in text.split():
        room = width - len(line) - 1
        if len(word) <= room:
            line = f"{line} {word}".strip()
        elif room >= 4 and len(word) >= 6 and word.isalpha():
            lines.append(f"{line} {word[:3]}-")
            line = word[3:]
        else:
            lines.append(line)
            line = word
    return [*lines, line]


def one_column(path: Path) -> None:
    """As arXiv has it: a stamp, the word Abstract on a line of its own, then 1 Introduction."""
    page = Page(path)
    page.line("arXiv:2101.01234v2 [physics.pop-ph] 3 Jan 2021", 20)
    page.y -= 20
    page.paragraph(TITLE, 17, "b")
    page.lines([AUTHORS, *PLACES])
    page.line("Abstract", 12, "b")
    page.paragraph(ABSTRACT, 10)
    page.line("1 Introduction", 13, "b")
    page.paragraph(BODY * 4)
    page.save()


def two_columns(path: Path) -> None:
    """As the IEEE has it: Abstract— runs in, Index Terms follow, words are divided, the DOI stands at the foot."""
    page = Page(path, title="untitled.dvi")
    page.line("IEEE TRANSACTIONS ON KITES, VOL. 4, NO. 2, MAY 2021                                   117", 7)
    page.y -= 14
    page.paragraph(TITLE, 22)
    page.line("Ann Lee, Senior Member, IEEE, Bo Chan, and Cleo Roe", 11)
    page.column(60, page.y - 20, 225)
    page.lines(hyphenated(f"Abstract—{ABSTRACT}", 48), 8.5, "b")
    page.lines(["Index Terms—Kites, silk, wind."], 8.5, "b")
    page.line("I. INTRODUCTION", 10)
    page.paragraph(BODY * 3, 9)
    page.line("Digital Object Identifier 10.5555/TK.2021.3051", 7)
    page.column(310, 640, 225)
    page.paragraph(BODY * 5, 9)
    page.save()


def spaced_heading(path: Path) -> None:
    """As Elsevier has it: a banner, A R T I C L E I N F O with key words beside A B S T R A C T, then its copyright."""
    page = Page(
        path, title="PII: S0123-4567(21)00117-X", subject="Kite Research, 4 (2021) 117. doi:10.5555/j.kite.2021.117"
    )
    page.line("Contents lists available at KiteDirect", 8)
    page.line("International Journal of Kite Research and Wind", 19)
    page.line("journal homepage: www.example.org/locate/kite", 8)
    page.y -= 10
    page.paragraph(TITLE, 15)
    page.lines([AUTHORS, *PLACES], 9)
    top = page.y
    page.column(60, top, 130)
    page.line("A R T I C L E  I N F O", 9)
    page.lines(["Article history:", "Received 3 May 2020", "Accepted 9 June 2021", "Keywords:", "Kites", "Silk"], 8)
    page.column(210, top, 325)
    page.line("A B S T R A C T", 9)
    page.paragraph(ABSTRACT, 9)
    page.line("© 2021 Elsevier Ltd. All rights reserved.", 8)
    page.column(60, page.y - 40, 475)
    page.line("1. Introduction", 11, "b")
    page.paragraph(BODY * 4)
    page.save()


def without_heading(path: Path) -> None:
    """As Nature has it: a bold paragraph below the authors and no headings at all."""
    page = Page(path)
    page.line("LETTERS", 11)
    page.line("https://doi.org/10.5555/", 8)
    page.line("s41586-021-01234-5", 8)
    page.y -= 10
    page.paragraph(TITLE, 20, "b")
    page.lines([AUTHORS, *PLACES], 9)
    page.paragraph(ABSTRACT, 10, "b", gap=16)
    page.paragraph(BODY * 4, 10)
    page.save()


def ligatures(path: Path) -> None:
    """Ligatures and soft hyphens, as TeX and typesetters leave them, and a word that has a hyphen of its own."""
    page = Page(path)
    page.paragraph("Five ﬁrst ﬂights of the efﬁcient well-known kite".replace("ffi", "fﬁ"), 17, "b")
    page.lines([AUTHORS], 10)
    page.line("ABSTRACT", 11, "b")
    page.lines(["We deﬁne ﬂight, of long-term use, as what is well-", "known to rise. Long-term ﬁgures were re\u00ad",
                "corded on 12 days, and none was well-known."], 10)  # fmt: skip
    page.line("KEYWORDS", 11, "b")
    page.line("kite; ﬂight", 10)
    page.line("INTRODUCTION", 11, "b")
    page.paragraph(BODY * 3)
    page.save()


def scanned(path: Path) -> None:
    """A picture of a page and no text."""
    from PIL import Image

    page = Page(path)
    page.canvas.drawInlineImage(Image.new("L", (60, 80), 200), 0, 0, A4[0], A4[1])
    page.save()
