"""Tokens through an ONNX file: what the network sees, and the files that are refused."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from rag.encoding.onnx_encoder import Network
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
def network(tmp_path: Path) -> Network:
    return Network(*write(tmp_path, COUNTS))


def run(network: Network, ids: Sequence[int], kinds: Sequence[int]) -> float:
    return float(network.logits(input_ids=ids, attention_mask=[1] * len(ids), token_type_ids=kinds).reshape(-1)[0])


def test_the_network_sees_what_it_is_given(network: Network) -> None:
    assert run(network, [5, 6, 7, 8], [0, 0, 1, 1]) == pytest.approx(15 / 4)
    assert run(network, [5], [1]) == pytest.approx(5.0)


def test_it_can_be_closed_and_used_again(network: Network) -> None:
    before = run(network, [3, 4], [0, 1])
    network.close()
    assert run(network, [3, 4], [0, 1]) == before


def test_a_damaged_file_is_not_loaded(tmp_path: Path) -> None:
    path, sha256 = write(tmp_path, COUNTS)
    path.write_bytes(COUNTS[:-1] + b"!")
    with pytest.raises(ModelError, match=r"damaged\. Install Footnote again"):
        run(Network(path, sha256), [1], [1])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.onnx cannot be read \(No such file"):
        run(Network(tmp_path / "nowhere.onnx", "0" * 64), [1], [1])


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no network", "no network that onnxruntime can run"), (OTHER_INPUT, "takes x; what is needed is input_ids")],
)
def test_what_is_no_such_network_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=message):
        run(Network(*write(tmp_path, content)), [1], [1])


def test_a_network_needs_neither_torch_nor_transformers(tmp_path: Path) -> None:
    path, sha256 = write(tmp_path, COUNTS)
    script = f"""
import sys
from collections.abc import Sequence
from pathlib import Path
from rag.encoding.onnx_encoder import Network
network = Network(Path({str(path)!r}), {sha256!r})
assert "onnxruntime" not in sys.modules, "loaded before it is needed"
network.logits(input_ids=[1], attention_mask=[1], token_type_ids=[1])
print(sorted({{"torch", "transformers", "sentence_transformers"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
