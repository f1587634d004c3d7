"""Pairs through an ONNX file: the tokens that the network sees, and the files that are refused."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from rag.encoding.onnx_encoder import PairScorer
from rag.encoding.packaged_weights import weights_folder
from rag.errors import ModelError

# Two networks of a few nodes, made with onnx.helper. The first takes the three inputs and gives the sum of the second
# text's token ids over the number of all tokens, so that a test can tell what it was fed; the second takes one 'x'.
COUNTS = base64.b85decode(
    "2niAZI^O~cBMJ#=Zg6#UUuk4>3J!E{Yh`X<ba`-PUuk4>5&>``15I^o3ML8xa0&upcoG3~A_-DuWOZX@Q*~`B4+;otWo2+=X>D^D0iXc_3Ns20VRUq5Z"
    "ggpHZeML-b889$VR#Y&ZXyX%Wn^_@Wm9!+Dh~<>Yh`6{WNB@47y+OG0ty%k0do=pb7mq0Lt%4tDhUb#bZ-~|paB937zzPy5&~{!A_PNWb95>R3IcR*7y+"
    "OG0tyuh0&`{x0&Zp!25fI<X>@ZU14L<d5&>r_3kU%a2RZ=(LIPoUS{(`rX>M?JbYE#?a}p2=4hRPl3JL=f0b&XR5&?8tA_@*+baZ8IbZKvHUu|J?YZ4F&"
    "4hRPl3JL=f0b&XR5&?8tA_@+4Z);_4UvznJWnXDza}p2=4hRPl3JL=f0b&XR5&?8#843n$Z)a(Aa}o~<4F~}e2?_%e0b&XQ2mwL_3IGrh"
)
OTHER_INPUT = base64.b85decode("2njkl3J?kbcoG45A_z%jWo~q7ba@g1XIc;n0eBJ%3JC}S5(Nqa5&>>v5DEc#5(^3m2mulW3Ih@WZbAeK01y!")


def write(folder: Path, content: bytes) -> tuple[Path, str]:
    path = folder / "network.onnx"
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


@pytest.fixture
def scorer(tmp_path: Path) -> PairScorer:
    return PairScorer(*write(tmp_path, COUNTS), max_tokens=16)


def expected(first: str, second: str) -> float:
    """What COUNTS must give, from a tokenizer that is set up here."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    one = tokenizer.encode(first, add_special_tokens=False).ids
    two = tokenizer.encode(second, add_special_tokens=False).ids
    return (sum(two) + tokenizer.token_to_id("[SEP]")) / (len(one) + len(two) + 3)


def test_the_network_sees_both_texts(scorer: PairScorer) -> None:
    pairs = [("It works.", "A long sentence, in fact."), ("a", ""), ("", "b"), ("Ünïcode", "日本 text")]

    assert scorer.score(pairs) == pytest.approx([expected(*pair) for pair in pairs], rel=1e-5)
    assert scorer.score([]) == []


def test_a_pair_is_scored_whatever_its_neighbours_are(scorer: PairScorer) -> None:
    pair = ("It works.", "It does.")

    assert scorer.score([pair, ("a", "much longer text than the other one")])[0] == scorer.score([pair])[0]


def test_the_longer_text_loses_its_end(scorer: PairScorer) -> None:
    words = "one two three four five six seven eight nine ten eleven twelve thirteen".split()

    (score,) = scorer.score([("claim", " ".join(words))])

    assert score == pytest.approx(expected("claim", " ".join(words[:12])), rel=1e-5)


def test_special_tokens_in_a_text_are_text(scorer: PairScorer) -> None:
    separated, plain = scorer.score([("a", "[SEP]"), ("a", "b")])

    assert separated != pytest.approx(expected("a", "[SEP]"), rel=1e-3)
    assert plain == pytest.approx(expected("a", "b"), rel=1e-5)


def test_lone_surrogates_do_no_harm(scorer: PairScorer) -> None:
    assert scorer.score([("a\ud800", "b")]) == scorer.score([("a?", "b")])


def test_it_can_be_closed_and_used_again(scorer: PairScorer) -> None:
    before = scorer.score([("a", "b")])
    scorer.close()

    assert scorer.score([("a", "b")]) == before


def test_a_damaged_file_is_not_loaded(tmp_path: Path) -> None:
    path, sha256 = write(tmp_path, COUNTS)
    path.write_bytes(COUNTS[:-1] + b"!")

    with pytest.raises(ModelError, match=r"damaged\. Install Footnote again"):
        PairScorer(path, sha256).score([("a", "b")])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.onnx cannot be read \(No such file"):
        PairScorer(tmp_path / "nowhere.onnx", "0" * 64).score([("a", "b")])


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no network", "no network that onnxruntime can run"), (OTHER_INPUT, "takes x; what is needed is input_ids")],
)
def test_what_is_no_pair_scorer_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=message):
        PairScorer(*write(tmp_path, content)).score([("a", "b")])


def test_scoring_needs_neither_torch_nor_transformers(tmp_path: Path) -> None:
    path, sha256 = write(tmp_path, COUNTS)
    script = f"""
import sys
from pathlib import Path
from rag.encoding.onnx_encoder import PairScorer
scorer = PairScorer(Path({str(path)!r}), {sha256!r})
assert "onnxruntime" not in sys.modules, "loaded before it is needed"
scorer.score([("a", "b")])
print(sorted({{"torch", "transformers", "sentence_transformers"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
