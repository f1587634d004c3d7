"""Bytes to characters: Mac Roman, UTF-16 without a mark, bytes that no encoding has, several encodings in one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.papers.importers import read_papers
from rag.papers.importers.character_encoding import wide_encoding
from rag.papers.importers.western_text import western_encoding
from tests.test_importers import VALID

TEXTS = {
    "German": "Müller “große” Straßen – für 50 °C, naïve Schüler’s; Ölpreis Übung MÜNCHEN",
    "French": "L’étude d’été à Besançon: où l’œuvre « naïve » fût prête",
    "Spanish": "¿Qué niños españoles? Año 1999, Ávila",
    "Portuguese": "educação física não são João",
    "Swedish": "Åsa Öberg går på ängen",
    "English": "don’t stop — the “new” era",
}
OTHERS = {
    "cp1251": "Влияние температуры на рост кристаллов", "koi8_r": "Влияние температуры на рост кристаллов",
    "gb18030": "基于深度学习的图像识别方法研究", "big5": "基於深度學習的圖像識別方法研究",
    "shift_jis": "深層学習に基づく画像認識の研究",
    "euc_kr": "딥러닝 기반 이미지 인식 연구", "cp1253": "Επίδραση της θερμοκρασίας",
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
@pytest.mark.parametrize("language", TEXTS)
def test_western_texts_are_told_apart(language: str, encoding: str) -> None:
    assert western_encoding(TEXTS[language].encode(encoding)) == encoding


@pytest.mark.parametrize("encoding", OTHERS)
def test_texts_of_other_scripts_are_not_western(encoding: str) -> None:
    assert western_encoding(f"title,abstract\n{OTHERS[encoding]}, and some English\n".encode(encoding)) is None


@pytest.mark.parametrize("format", VALID)
def test_every_format_in_mac_roman_and_in_utf_16_without_a_mark(tmp_path: Path, format: str) -> None:
    text = VALID[format].replace("A Title", "Ein Müller’s Café –")
    for encoding in ("mac_roman", "utf-16-le", "utf-16-be"):
        path = tmp_path / "papers.txt"
        path.write_bytes(text.encode(encoding))
        (paper,) = read_papers(path)
        assert paper.title.startswith("Ein Müller’s Café"), encoding


@pytest.mark.parametrize("format", VALID)
def test_every_format_in_windows_1252_with_one_bad_byte(tmp_path: Path, format: str) -> None:
    raw = VALID[format].replace("A Title", "Ein Müller Café").encode("cp1252").replace(b"Its abs", b"Its \x81abs")
    path = tmp_path / "papers.txt"
    path.write_bytes(raw)
    (paper,) = read_papers(path)
    assert paper.title == "Ein Müller Café Here"
    assert "abstract" in paper.abstract


def test_utf_16_of_other_scripts_without_a_mark(tmp_path: Path) -> None:
    text = "TY  - JOUR\nTI  - 基于深度学习的图像识别方法研究\nAB  - " + "深度学习的图像识别。" * 300 + "\nER  - \n"
    for encoding in ("utf-16-le", "utf-16-be"):
        (tmp_path / "a.ris").write_bytes(text.encode(encoding))
        (paper,) = read_papers(tmp_path / "a.ris")
        assert paper.title == "基于深度学习的图像识别方法研究"
    assert wide_encoding(b"title,abstract\nA\x00 kite\x00,It fl\x00ies.\n" * 20) is None


def test_one_damaged_character_of_utf_16_costs_itself(tmp_path: Path) -> None:
    raw = "title,abstract\nKites,They fly.\nBows,Red.\n".encode("utf-16")
    (tmp_path / "a.csv").write_bytes(raw.replace("fly".encode("utf-16-le"), b"\x00\xd8f\x00l\x00y\x00") + b"\x00")
    assert [paper.title for paper in read_papers(tmp_path / "a.csv")] == ["Kites", "Bows"]


def test_two_encodings_in_one_file(tmp_path: Path) -> None:
    raw = "title\nKäse und Brot\n".encode("cp1252") + "Müsli für Zoë\n".encode()
    (tmp_path / "a.csv").write_bytes(raw)
    assert [paper.title for paper in read_papers(tmp_path / "a.csv")] == ["Käse und Brot", "Müsli für Zoë"]
