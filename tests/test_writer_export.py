"""The writer's adapter: what llama.cpp computes with it is what the changed weights give."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from ggufs import write_llama

from training.writer.export import export, exported, interleaved
from training.writer.packaged import PARTS, halved

HEADS = 4  # of the small model


def adapter(path: Path, *, rank: int = 2, layers: tuple[int, ...] = (1,), seed: int = 0) -> Path:
    """What training leaves, with random numbers, for the model of ``ggufs.py``."""
    draw = torch.Generator().manual_seed(seed)
    sizes = {"ffn_gate": (64, 128), "ffn_up": (64, 128), "ffn_down": (128, 64)}
    tensors = {}
    for name in (f"blk.{layer}.{part}" for layer in layers for part in PARTS):
        width, height = sizes.get(name.split(".")[2], (64, 64))
        a, b = (torch.randn(shape, generator=draw) * 0.3 for shape in ((rank, width), (height, rank)))
        tensors[name] = (a, b)
    torch.save({"alpha": 2.0 * rank, "rank": rank, "tensors": tensors}, path)
    return path


def logits(path: Path, lora: Path | None = None) -> np.ndarray:
    import llama_cpp

    from rag.system import llama_log

    llama_log.capture()
    llama = llama_cpp.Llama(
        str(path), n_ctx=64, n_threads=1, verbose=False, lora_path=str(lora) if lora is not None else None,
        type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32,
    )  # fmt: skip
    llama.eval(llama.tokenize(b"A tokenizer for molecules, trained on 2 million of them.", add_bos=False))
    found = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(llama.ctx, -1), (llama.n_vocab(),)).copy()
    llama.close()
    return found


def merged(source: Path, adapter_pt: Path, path: Path) -> Path:
    """``source`` with the change in its weights, the rotary order written out head by head."""
    path.write_bytes(source.read_bytes())
    stored = torch.load(adapter_pt, weights_only=True)
    tensors = {t.name: t for t in gguf.GGUFReader(path, "r+").tensors}
    for name, (a, b) in stored["tensors"].items():
        change = (stored["alpha"] / stored["rank"] * b @ a).numpy()
        if name.endswith(("attn_q", "attn_k")):
            width = change.shape[0] // HEADS
            firsts = [head * width + i for head in range(HEADS) for i in range(width // 2)]
            order = [row for first in firsts for row in (first, first + width // 2)]
            change = change[order]
        tensors[f"{name}.weight"].data[:] += change
    return path


def test_llama_cpp_computes_what_the_changed_weights_give(tmp_path: Path) -> None:
    plain = write_llama(tmp_path / "tiny.gguf")
    trained = adapter(tmp_path / "adapter.pt")
    wanted = logits(merged(plain, trained, tmp_path / "merged.gguf"))
    for half, tolerance in ((True, 2e-2), (False, 1e-3)):
        file = tmp_path / f"{half}.gguf"
        export(trained, file, heads=HEADS, key_heads=HEADS, half=half)
        assert np.abs(logits(plain, file) - wanted).max() < tolerance
    assert np.abs(logits(plain) - wanted).max() > 0.5


def test_the_rotary_order_and_its_inverse() -> None:
    rows = np.arange(8)
    assert interleaved(rows, 2).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    many = np.random.default_rng(0).normal(size=(24, 5))
    assert (halved(interleaved(many, 3), 3) == many).all()


def test_an_adapter_has_what_llama_cpp_asks_for_and_the_same_bytes_every_time(tmp_path: Path) -> None:
    trained = adapter(tmp_path / "adapter.pt", rank=3)
    first, again = (export(trained, tmp_path / name, heads=HEADS, key_heads=HEADS) for name in ("a.gguf", "b.gguf"))
    assert first == again
    reader = gguf.GGUFReader(tmp_path / "a.gguf")
    facts = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF")}
    assert facts["general.architecture"] == "llama" and facts["general.type"] == "adapter"
    assert facts["adapter.type"] == "lora" and facts["adapter.lora.alpha"] == 6.0
    shapes = {t.name: tuple(int(n) for n in reversed(t.shape)) for t in reader.tensors}
    assert shapes["blk.1.ffn_up.weight.lora_a"] == (3, 64) and shapes["blk.1.ffn_up.weight.lora_b"] == (128, 3)
    assert {t.tensor_type for t in reader.tensors} == {gguf.GGMLQuantizationType.F16}


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({}, "changes nothing"),
        ({"blk.0.attn_x": (torch.ones(2, 4), torch.ones(4, 2))}, "'blk.0.attn_x' is no weight"),
        ({"output": (torch.ones(2, 4), torch.ones(4, 2))}, "'output' is no weight"),
        ({"blk.0.attn_q": (torch.ones(3, 4), torch.ones(4, 3))}, "not of rank 2"),
        ({"blk.0.attn_q": (torch.full((2, 4), torch.nan), torch.ones(4, 2))}, "not finite"),
        ({"blk.0.attn_v": (torch.full((2, 4), 1e9), torch.ones(4, 2))}, "does not fit float16"),
    ],
)
def test_what_is_wrong_with_an_adapter_is_said(tmp_path: Path, tensors: dict[str, object], said: str) -> None:
    torch.save({"alpha": 2.0, "rank": 2, "tensors": tensors}, tmp_path / "adapter.pt")
    with pytest.raises(ValueError, match=said):
        export(tmp_path / "adapter.pt", tmp_path / "out.gguf", heads=2, key_heads=2)


@pytest.mark.slow
def test_llama_cpp_and_torch_are_the_same_model(tmp_path: Path) -> None:
    from training.writer.parity import compare

    draw = torch.Generator().manual_seed(1)
    sizes = {"attn_q": (576, 576), "attn_k": (576, 192), "ffn_down": (1536, 576)}
    tensors = {
        f"blk.{layer}.{part}": (
            torch.randn((2, width), generator=draw) / width**0.5,
            torch.randn((height, 2), generator=draw) * 0.05,
        )
        for layer in (0, 14, 29)
        for part, (width, height) in sizes.items()
    }
    torch.save({"alpha": 4.0, "rank": 2, "tensors": tensors}, tmp_path / "adapter.pt")
    export(tmp_path / "adapter.pt", tmp_path / "adapter.gguf")
    found = compare(tmp_path / "adapter.pt", tmp_path / "adapter.gguf", prompts=3, packaged=False)
    assert found.holds, found


def test_an_exported_adapter_is_read_back(tmp_path: Path) -> None:
    """So that the file that ships can be taught further."""
    trained = adapter(tmp_path / "adapter.pt", layers=(0, 1))
    export(trained, tmp_path / "writer.gguf", heads=HEADS, key_heads=HEADS, half=False)
    back = exported(tmp_path / "writer.gguf", heads=HEADS, key_heads=HEADS)
    stored = torch.load(trained, weights_only=True)["tensors"]
    assert sorted(back) == sorted(stored)
    for name, pair in stored.items():
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(back[name], pair, strict=True))
