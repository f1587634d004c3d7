"""The two encoders agree with each other and with sentence-transformers, and are careful with their files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.datatypes import Encoder, Paper
from rag.encoding import packaged_weights
from rag.encoding.packaged_weights import gguf_weights, verified_weights, weights_folder
from rag.encoding.paper_encoder import _heading
from rag.encoding.query_encoder import QueryEncoder
from rag.errors import ModelError
from rag.library.chunking import split_passages, split_sentences
from rag.system.threads import free_cores
from tests.library_parts import paper_encoder, shipped_papers

ROOT = Path(__file__).parent.parent
TEXTS = [
    "How large is the dataset?",
    "",
    "   ",
    "Größe und Ähnlichkeit: naïve façade, ½ µm",
    "深度学习はどのように働きますか",
    "[SEP] this is text, not a mark [MASK] [CLS]",
    "a\0b \ud800 c",
    "🙂 emoji 🙂",
    "word " * 3000,
    "x" * 5000,
    "The accuracy is 52.7% (p < 0.05) on 21,866 images; see https://example.org/a_b?c=d.",
]


@pytest.fixture(scope="module")
def query_encoder(shared_home: Path) -> Iterator[QueryEncoder]:
    encoder = QueryEncoder(shared_home / "models")
    yield encoder
    encoder.close()


@pytest.fixture(scope="module")
def reference() -> Any:
    """sentence-transformers as one would use it."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(weights_folder()), device="cpu", local_files_only=True)


@pytest.fixture(params=["query", "paper"])
def encoder(request: pytest.FixtureRequest, query_encoder: QueryEncoder) -> Encoder:
    return query_encoder if request.param == "query" else paper_encoder()


def test_gives_unit_vectors_of_the_promised_shape(encoder: Encoder) -> None:
    assert isinstance(encoder, Encoder)
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dimension) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_agrees_with_sentence_transformers(encoder: Encoder, reference: Any) -> None:
    # Left out: what sentence-transformers takes for a mark or refuses, and a "word" of 5,000 letters, which is one
    # unknown word to it and many pieces to llama.cpp.
    plain = [text for text in TEXTS if not any(part in text for part in ("[SEP]", "\ud800", "xxx"))]
    plain += [f"{paper.title}. {paper.abstract}" for paper in shipped_papers()[:12]]
    expected = reference.encode(plain, normalize_embeddings=True)
    cosines = (encoder.encode(plain) * expected).sum(axis=1)
    # Two cut a long text at different places within a word; the rest is rounding.
    assert cosines.min() > 0.999, dict(zip([text[:40] for text in plain], cosines, strict=True))


def test_marks_of_the_tokenizer_in_a_text_are_text(query_encoder: QueryEncoder) -> None:
    text = "[SEP] hello [MASK] [PAD] world"
    ours, theirs = query_encoder.encode([text]), paper_encoder().encode([text])
    assert float((ours * theirs).sum()) > 0.999
    assert paper_encoder().count_tokens("[SEP]") == 3


def test_a_question_does_not_depend_on_its_neighbours(query_encoder: QueryEncoder) -> None:
    together = query_encoder.encode(TEXTS)
    alone = np.concatenate([query_encoder.encode([text]) for text in reversed(TEXTS)])[::-1]
    assert np.array_equal(together, alone)


def test_a_paper_hardly_depends_on_its_neighbours() -> None:
    texts = [paper.abstract for paper in shipped_papers()[:20]]
    together = paper_encoder().encode(texts)
    alone = paper_encoder().encode(texts[7:8])[0]
    assert float(together[7] @ alone) > 0.9995


def test_several_threads_share_one_encoder(query_encoder: QueryEncoder) -> None:
    expected = query_encoder.encode(TEXTS[:4])
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(query_encoder.encode(TEXTS[:4]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(np.array_equal(vectors, expected) for vectors in found)


# --- passages and sentences ---


def cut(paper: Paper) -> tuple[str, list, list]:
    encoder = paper_encoder()
    limit = encoder.passage_limit(paper.title)
    return paper.title, split_passages(paper, encoder.count_tokens, limit), split_sentences(paper.abstract)


def test_passages_fit_the_network_with_their_title() -> None:
    encoder = paper_encoder()
    long_title = Paper("long", "a very long title " * 200, "One sentence here. " * 100)
    for paper in (*shipped_papers()[:60], long_title):
        title, passages, _ = cut(paper)
        heading = _heading(title)
        assert passages
        assert all(encoder.count_tokens(heading + passage.text) + 2 <= encoder.max_tokens for passage in passages)


def test_a_passage_vector_is_that_of_title_and_text() -> None:
    papers = [cut(paper) for paper in shipped_papers()[:10]]
    for (title, passages, sentences), vectors in zip(papers, paper_encoder().encode_passages(papers), strict=True):
        assert vectors.passages.shape == (len(passages), 384)
        assert vectors.sentences.shape == (len(sentences), 384)
        expected = paper_encoder().encode([f"{title}. {passage.text}" for passage in passages])
        assert (vectors.passages * expected).sum(axis=1).min() > 0.999
        assert np.allclose(np.linalg.norm(vectors.sentences, axis=1), 1, atol=1e-5)


def test_sentence_vectors_are_the_means_of_their_tokens(reference: Any) -> None:
    """Against the token vectors of sentence-transformers and the offsets of its own tokenizer."""
    for paper in shipped_papers()[:4]:
        title, passages, sentences = cut(paper)
        ours = paper_encoder().encode_passages([(title, passages, sentences)])[0].sentences
        for passage in passages:
            text = f"{title}. {passage.text}"
            tokens = reference.encode(text, output_value="token_embeddings").numpy()
            offsets = reference.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
            shift = len(title) + 2 - passage.start
            for row, sentence in zip(ours, sentences, strict=True):
                if passage.start <= sentence.start and sentence.end <= passage.end:
                    begin, end = sentence.start + shift, sentence.end + shift
                    own = [i for i, (a, b) in enumerate(offsets) if begin <= a and b <= end and b]
                    expected = tokens[own].mean(axis=0)
                    assert float(row @ expected) / np.linalg.norm(expected) > 0.999, sentence


def test_a_sentence_vector_finds_its_own_sentence() -> None:
    """Among the eleven of its abstract, encoded alone: the context is in the vector, so not always."""
    right = total = 0
    for paper in shipped_papers()[:25]:
        entry = cut(paper)
        late = paper_encoder().encode_passages([entry])[0].sentences
        alone = paper_encoder().encode([sentence.text for sentence in entry[2]])
        right += int(((alone @ late.T).argmax(axis=1) == np.arange(len(alone))).sum())
        total += len(alone)
    assert right / total > 0.8, (right, total)


def test_a_sentence_in_two_passages_and_one_without_tokens_have_vectors() -> None:
    long_sentence = "We measured " + ", ".join(f"quantity {i} of the sample" for i in range(120)) + "."
    paper = Paper("p", "Title", f"{long_sentence} \u200b\u200b. Short end.")
    title, passages, sentences = cut(paper)
    assert sum(p.start < sentences[0].end and p.end > sentences[0].start for p in passages) > 1
    vectors = paper_encoder().encode_passages([(title, passages, sentences)])[0]
    assert np.allclose(np.linalg.norm(vectors.sentences, axis=1), 1, atol=1e-5)


def test_a_paper_without_an_abstract_is_its_title() -> None:
    title, passages, sentences = cut(Paper("p", "Attention is all you need"))
    vectors = paper_encoder().encode_passages([(title, passages, sentences)])[0]
    assert vectors.sentences.shape == (0, 384)
    assert float(vectors.passages[0] @ paper_encoder().encode([title])[0]) > 0.999


# --- files ---


def test_the_gguf_is_made_once_and_again_when_it_is_damaged(tmp_path: Path, query_encoder: QueryEncoder) -> None:
    source = query_encoder._models
    models = tmp_path / "models"
    query_encoder.encode(["x"])
    shutil.copytree(source, models, copy_function=shutil.copy)  # other times, same content
    target = gguf_weights(models)
    made = target.stat().st_mtime_ns
    assert gguf_weights(models).stat().st_mtime_ns == made
    content = target.read_bytes()
    target.write_bytes(content[:1000])
    assert gguf_weights(models).read_bytes() == content
    target.write_bytes(b"X" * len(content))
    assert gguf_weights(models).read_bytes() == content
    target.with_suffix(".json").write_text("{", encoding="utf-8")
    assert gguf_weights(models).read_bytes() == content
    assert not list(models.glob("*.partial*"))


def test_a_folder_for_the_gguf_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file", encoding="utf-8")
    with pytest.raises(ModelError, match=r"cannot be written .* FOOTNOTE_HOME"):
        QueryEncoder(tmp_path / "models").encode(["x"])


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.safetensors"
    monkeypatch.setattr(packaged_weights, "weights_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match="cannot be read"):
        verified_weights()
    file.write_bytes((weights_folder() / "model.safetensors").read_bytes()[:-1] + b"\1")
    with pytest.raises(ModelError, match=r"SHA-256 .* damaged\. Install it again"):
        verified_weights()
    with pytest.raises(ModelError, match="Install it again"):
        QueryEncoder(tmp_path / "models").encode(["x"])
    assert not list((tmp_path / "models").glob("*.gguf"))


def test_missing_weights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged_weights, "_PACKAGE", "no_such_package_at_all")
    with pytest.raises(ModelError, match="Install it again"):
        weights_folder()


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=True)


def test_a_question_loads_no_torch_and_prints_nothing(query_encoder: QueryEncoder) -> None:
    query_encoder.encode(["x"])
    done = run_python(
        """
import sys
from pathlib import Path
from rag.encoding.query_encoder import QueryEncoder
encoder = QueryEncoder(Path(sys.argv[1]))
encoder.encode(["a question", "", "long " * 1000])
encoder.close()
assert not {"torch", "transformers", "sentence_transformers", "safetensors"} & set(sys.modules)
""",
        query_encoder._models,
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_counting_tokens_loads_no_torch() -> None:
    done = run_python("""
import sys
from rag.encoding.paper_encoder import PaperEncoder
print(PaperEncoder().count_tokens("two words"), PaperEncoder().passage_limit("two words"), "torch" in sys.modules)
""")
    assert done.stdout.split() == ["2", "251", "False"]


def test_free_cores_stay_within_what_is_allowed() -> None:
    assert free_cores(7) == 7
    assert 1 <= free_cores() <= len(os.sched_getaffinity(0))
