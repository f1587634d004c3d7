"""What training reads, on a machine that has little more than torch; and what becomes of what it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from ggufs import write_llama

from training.writer import cut, packaged, shards, train
from training.writer.export import export, read_adapter
from training.writer.network import Writer
from training.writer.shards import Tokens

ROOT = Path(__file__).parent.parent
# What the machine of an accelerator does not have; 'rag' stands for the program itself.
MISSING = (
    "rag", "gguf", "llama_cpp", "chromadb", "onnxruntime", "langchain", "langchain_core", "sentence_transformers",
    "matplotlib", "bm25s", "Stemmer", "sklearn", "gradio",
)  # fmt: skip


def tokens(count: int, seed: int = 0) -> list[Tokens]:
    """Noise as prompts, all with the same answer."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(6, 24, count)
    return [Tokens((*draw.integers(3, 259, n).tolist(), 70, 80, 70, 2), int(n)) for n in lengths]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Shards, and the tiny model beside them."""
    for split, count in (("train", 24), ("heldout", 4)):
        shards.write(tmp_path / "shards", split, tokens(count, len(split)))
    packaged.read(write_llama(tmp_path / "tiny.gguf")).save(tmp_path / "model.npz")
    return tmp_path


# Shards


def test_shards_hold_every_example_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "EXAMPLES", 10)
    made = tokens(25)
    shards.write(tmp_path, "train", made)
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["train-00.npz", "train-01.npz", "train-02.npz"]
    assert shards.read(tmp_path, "train") == made
    shards.write(tmp_path, "train", made[:5])
    assert shards.read(tmp_path, "train") == made[:5]
    with pytest.raises(FileNotFoundError, match=r"no shards heldout-\*"):
        shards.read(tmp_path, "heldout")


class Bytes:
    """A tokenizer: every character a piece, the chat template that of the packaged model."""

    def apply_chat_template(self, messages: list[dict[str, str]], **_: object) -> str:
        turns = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
        return f"{turns}<|im_start|>assistant\n"

    def __call__(self, text: str, **_: object) -> dict[str, list[int]]:
        return {"input_ids": [ord(c) for c in text]}


def test_an_answer_begins_behind_the_prompt_and_ends_its_turn(tmp_path: Path) -> None:
    prompt = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Do crabs learn?"}]
    long = [{"role": "user", "content": "x" * shards.LONGEST}]
    records = [{"prompt": prompt, "answer": "They do [1]."}, {"prompt": long, "answer": "Yes."}]
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    (one,) = shards.tokenised(path, Bytes())
    text = "".join(map(chr, one.ids))
    assert text[one.answer :] == "They do [1].<|im_end|>"
    assert text[: one.answer].endswith("Do crabs learn?<|im_end|>\n<|im_start|>assistant\n")


# The packaged model without the package that reads GGUF files


def test_quantised_weights_are_what_llama_cpp_says_they_are(tmp_path: Path) -> None:
    weights = np.random.default_rng(1).normal(size=(6, 96)).astype(np.float32)
    kinds = {"Q8_0": gguf.GGMLQuantizationType.Q8_0, "Q4_1": gguf.GGMLQuantizationType.Q4_1}
    for name, kind in kinds.items():
        stored = gguf.quantize(weights, kind)
        read = packaged.Packaged({"w": stored}, {"w": name}, {}, "").weight("w")
        assert np.array_equal(read, gguf.dequantize(stored, kind))
        assert np.abs(read - weights).max() < 0.3
    with pytest.raises(ValueError, match="w is quantised as Q6_K; only"):
        packaged.Packaged({"w": weights}, {"w": "Q6_K"}, {}, "").weight("w")


def test_the_model_that_travels_is_the_model(folder: Path) -> None:
    one, two = (packaged.read_model(folder / name).state_dict() for name in ("tiny.gguf", "model.npz"))
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
    assert packaged.read(folder / "model.npz").sha256 == packaged.read(folder / "tiny.gguf").sha256


# Training


def test_every_example_is_read_once_before_any_comes_again() -> None:
    examples = [Tokens((0,) * (i + 2), 1) for i in range(20)]
    following = train.batches(examples, seed=5, batch=8)
    first: list[Tokens] = []
    while len(first) < 20:
        first += next(following)
    assert sorted(len(e.ids) for e in first) == list(range(2, 22))


def test_only_the_answer_is_learnt() -> None:
    ids, mask, wanted = train.collate([Tokens((5, 6, 7, 8), 2), Tokens((9, 3), 1)])
    assert ids.tolist() == [[5, 6, 7, 8], [9, 3, 0, 0]]
    assert mask.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert wanted.tolist() == [[False, False, True, True], [False, True, False, False]]


@pytest.mark.parametrize("method", ["lora", "all"])
def test_training_learns_and_a_run_that_broke_off_is_taken_up(
    folder: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(train.RATES, method, 0.02)

    def run(out: str, epochs: float) -> train.Run:
        torch.manual_seed(1)
        (folder / out).mkdir(exist_ok=True)
        writer = Writer(packaged.read_model(folder / "tiny.gguf"), method, rank=4, first=1)
        made, held_out = tokens(12, 5), tokens(3, 6)
        return train.Run(folder / out, writer, train.Preset(epochs, 5, batch=4), made, held_out)

    whole = run("whole", 10)
    whole.teach()
    assert whole.step == 30 and whole.log[0]["step"] == 0 and whole.log[-1]["step"] == 30
    assert whole.log[-1]["held_out"] < whole.log[0]["held_out"] - 1
    assert whole.log[-1]["tokens_right"] > whole.log[0]["tokens_right"]
    assert 0 <= whole.log[-1]["answers_right"] <= 1 and "loss" in whole.log[-1]

    half = run("half", 10)
    half.done = lambda: float(half.step >= 15)  # type: ignore[method-assign]
    half.teach()
    again = run("half", 10)
    assert again.step == 15
    state, kept = half.writer.trained(), again.writer.trained()
    assert state.keys() == kept.keys() and all(torch.equal(state[name], kept[name]) for name in state)


def test_only_the_upper_matrices_change(folder: Path) -> None:
    for method in ("lora", "all"):
        writer = Writer(packaged.read_model(folder / "tiny.gguf"), method, rank=2, first=1)
        names = writer.low_rank() if method == "lora" else writer.change()
        assert sorted(names) == sorted(f"blk.1.{part}" for part in packaged.PARTS)
        assert not any("embed" in name or "norm" in name or "layers.0" in name for name in writer.trained())
    with pytest.raises(ValueError, match="'some' is no way of training; use lora or all"):
        Writer(packaged.read_model(folder / "tiny.gguf"), "some")


def test_the_machine_that_trains_needs_little(folder: Path) -> None:
    """From shards to an adapter that can be exported, by either method, with everything else out of reach."""
    script = f"""
import sys
sys.modules.update(dict.fromkeys({MISSING!r}))  # None: an import of it fails
from training.writer import network, train
network.Writer.__init__.__defaults__ = ("lora", 2, 1)  # the tiny model has two layers
for method in ("lora", "all"):
    sys.argv = ["train", "--shards", "shards", "--model", "model.npz", "--out", method, "--preset", "smoke",
                "--method", method, "--rank", "2", "--threads", "1"]
    assert train.main() == 0
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "of the change" in done.stdout
    for method in ("lora", "all"):
        adapter = read_adapter(folder / method / "adapter.pt")
        assert adapter["rank"] == 2 and sorted(adapter["tensors"]) == sorted(f"blk.1.{part}" for part in packaged.PARTS)
        assert [json.loads(line)["step"] for line in (folder / method / "log.jsonl").open()] == [0, 3]
        assert export(folder / method / "adapter.pt", folder / "out.gguf", heads=4, key_heads=4)


# A change of whole matrices as an adapter


def test_a_change_is_cut_to_its_largest_parts() -> None:
    draw = torch.Generator().manual_seed(2)
    small = torch.randn(12, 3, generator=draw) @ torch.randn(3, 20, generator=draw)
    tensors, share = cut.cut({"blk.0.ffn_up": small}, 3)
    a, b = tensors["blk.0.ffn_up"]
    assert (a.shape, b.shape) == ((3, 20), (12, 3))
    assert torch.allclose(b @ a, small, atol=1e-4) and share == pytest.approx(1)
    _, half = cut.cut({"blk.0.ffn_up": small}, 1)
    values = torch.linalg.svdvals(small) ** 2
    assert half == pytest.approx(float(values[0] / values.sum()), abs=1e-4)


def test_what_is_saved_is_the_change_that_the_exporter_reads(tmp_path: Path) -> None:
    matrix = torch.arange(12.0).reshape(3, 4)
    tensors, _ = cut.cut({"blk.0.attn_v": matrix}, 3)
    cut.save(tensors, 1.0, tmp_path / "adapter.pt")
    stored = read_adapter(tmp_path / "adapter.pt")
    a, b = stored["tensors"]["blk.0.attn_v"]
    assert torch.allclose(stored["alpha"] / stored["rank"] * b @ a, matrix, atol=1e-4)


def test_the_course_of_several_runs_is_drawn(tmp_path: Path) -> None:
    from training.writer.curves import draw

    entry = {"held_out": 1.0, "tokens_right": 0.5, "answers_right": 0.1}
    log = [{"step": 0, **entry}, {"step": 50, "loss": 0.7, **entry}]
    draw({"lora": log, "all": log}, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_teaching_goes_on_from_an_adapter_of_its_kind(folder: Path) -> None:
    def writer(rank: int, method: str = "lora") -> Writer:
        return Writer(packaged.read_model(folder / "tiny.gguf"), method, rank=rank, first=1)

    before, after = writer(4), writer(4)
    torch.nn.init.normal_(before.trained()[next(name for name in before.trained() if name.endswith(".b"))])
    after.begin_with(before.low_rank())
    ids, mask, counts = train.collate(tokens(4))
    losses = [one.loss(ids, mask, counts > 0)[0] for one in (before, after, writer(4))]
    assert torch.equal(losses[0], losses[1]) and not torch.equal(losses[0], losses[2])
    for other in (writer(2), writer(4, "all")):
        with pytest.raises(ValueError, match="another rank or other layers"):
            other.begin_with(before.low_rank())
