"""The map of a library: where papers lie, which groups they form, what the groups are called, and what is kept."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.datatypes import Paper
from rag.library.library import Library
from rag.survey import library_map, map_layout, topics
from rag.survey.library_map import EDGE, NAME, TONES, LibraryMap
from tests.library_parts import WordEncoder, made_papers

SUBJECTS = {
    "crab": "Hermit crabs choose empty shells. The hermit crab guards its shell in tidal pools.",
    "star": "Neutron stars spin quickly. A neutron star emits radio pulses that telescopes record.",
    "bread": "Sourdough bread rises slowly. The sourdough starter ferments wheat flour overnight.",
}


def paper(subject: str, number: int) -> Paper:
    return Paper(f"{subject}{number:03d}", f"Observation {number}", SUBJECTS[subject], year=2000 + number % 5)


def clouds(each: int, dimension: int = 48) -> tuple[list[Paper], np.ndarray]:
    """Three subjects, each a cloud around a direction of its own."""
    rng = np.random.default_rng(7)
    papers, rows = [], []
    for number, subject in enumerate(SUBJECTS):
        centre = np.zeros(dimension)
        centre[number] = 1.0
        for i in range(each):
            papers.append(paper(subject, i))
            rows.append(centre + rng.normal(0, 0.05, dimension))
    vectors = np.array(rows, np.float32)
    return papers, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def draw(papers: list[Paper], vectors: np.ndarray, fingerprint: str) -> LibraryMap:
    known = {one.id: one for one in papers}
    return library_map.make([*known], vectors, lambda ids: {one: known[one] for one in ids}, fingerprint)


@pytest.fixture(scope="module")
def three() -> tuple[list[Paper], LibraryMap]:
    papers, vectors = clouds(14)  # 42 papers: half their square root is 3
    return papers, draw(papers, vectors, "f")


def test_papers_on_one_subject_lie_together_and_form_a_group(three: tuple[list[Paper], LibraryMap]) -> None:
    papers, made = three
    places = np.array([made.x, made.y]).T
    subjects = np.array([p.id[:-3] for p in papers])
    for subject in SUBJECTS:
        inside = places[subjects == subject]
        centre = inside.mean(axis=0)
        others = places[subjects != subject]
        assert np.linalg.norm(inside - centre, axis=1).max() < np.linalg.norm(others - centre, axis=1).min()
        assert len({made.group[i] for i in np.flatnonzero(subjects == subject)}) == 1
    assert len(made.groups) == 3
    assert [g.papers for g in made.groups] == [14, 14, 14]


def test_coordinates_fill_the_map(three: tuple[list[Paper], LibraryMap]) -> None:
    _, made = three
    assert min((*made.x, *made.y)) >= 0
    assert max((*made.x, *made.y)) <= EDGE
    assert max(max(made.x) - min(made.x), max(made.y) - min(made.y)) >= EDGE - 1


def test_groups_are_named_by_their_own_terms(three: tuple[list[Paper], LibraryMap]) -> None:
    papers, made = three
    for index, group in enumerate(made.groups):
        subject = papers[made.group.index(index)].id[:-3]
        words = set(re.findall(r"\w+", SUBJECTS[subject].lower()))
        assert len(group.terms) == topics.TERMS
        assert set(re.findall(r"\w+", group.label.lower())) <= words


def test_groups_beside_each_other_have_unlike_colours(three: tuple[list[Paper], LibraryMap]) -> None:
    tones = [g.tone for g in three[1].groups]
    assert all(min((a - b) % TONES, (b - a) % TONES) >= 3 for i, a in enumerate(tones) for b in tones[:i])


def test_the_same_papers_make_the_same_map(three: tuple[list[Paper], LibraryMap]) -> None:
    papers, vectors = clouds(14)
    assert draw(papers, vectors, "f") == three[1]


@pytest.mark.parametrize("papers", [0, 1, 2, 3, 7, 8, 9, 31])
def test_small_libraries_have_a_map(papers: int) -> None:
    given, vectors = clouds(11)
    made = draw(given[:papers], vectors[:papers], "f")
    assert made.ids == tuple(p.id for p in given[:papers])
    assert len(made.x) == len(made.y) == len(made.group) == papers
    assert sum(g.papers for g in made.groups) == papers
    assert all(0 <= v <= EDGE for v in (*made.x, *made.y))


def test_papers_that_are_all_the_same_lie_side_by_side_in_the_middle() -> None:
    vectors = np.zeros((20, 8), np.float32)
    vectors[:, 0] = 1.0
    made = draw([paper("crab", i) for i in range(20)], vectors, "f")
    places = np.array([made.x, made.y]).T
    assert np.abs(places - EDGE / 2).max() < 300
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2) + 1e6 * np.eye(20)
    assert gaps.min() > 30
    assert [g.papers for g in made.groups] == [20]


def test_more_papers_than_landmarks_are_placed_beside_their_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_layout, "_LANDMARKS", 60)
    papers, vectors = clouds(60)
    made = draw(papers, vectors, "f")
    assert made == draw(papers, vectors, "f")
    places = np.array([made.x, made.y]).T
    subjects = np.array([p.id[:-3] for p in papers])
    nearest = [np.argsort(np.linalg.norm(places - place, axis=1))[1] for place in places]
    assert np.mean(subjects[nearest] == subjects) > 0.98
    assert len(set(zip(made.x, made.y, strict=True))) > 150, "points must not pile up"


def test_many_papers_lie_and_are_grouped_as_few_do(
    three: tuple[list[Paper], LibraryMap], monkeypatch: pytest.MonkeyPatch
) -> None:
    papers, vectors = clouds(14)
    whole = map_layout.principal_components(vectors)
    monkeypatch.setattr(map_layout, "_MANY", 20)
    by_parts = map_layout.principal_components(vectors.astype(np.float16))
    assert np.allclose(whole[:, :3], by_parts[:, :3], atol=2e-3)
    made = draw(papers, vectors, "f")
    subjects = np.array([p.id[:-3] for p in papers])
    assert all(len({made.group[i] for i in np.flatnonzero(subjects == subject)}) == 1 for subject in SUBJECTS)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="2 papers, 3 vectors"):
        draw([paper("crab", 0), paper("crab", 1)], np.eye(3, dtype=np.float32), "f")


@pytest.mark.parametrize(("papers", "groups"), [(1, 1), (4, 1), (16, 2), (459, 11), (5_000, TONES), (40_000, TONES)])
def test_number_of_groups(papers: int, groups: int) -> None:
    assert library_map.group_count(papers) == groups


# --- what is kept ---


@pytest.fixture
def library(tmp_path: Path) -> Library:
    encoder = WordEncoder()
    with Library.create(tmp_path / "library", embedder=encoder.id) as made:
        made.add(made_papers(20), encoder)
    return Library.open(tmp_path / "library", embedder=encoder.id)


def test_mean_vectors_are_those_of_the_passages(library: Library) -> None:
    ids, vectors = library.mean_vectors()
    assert ids == [p.id for p in library.papers()]
    assert vectors.shape == (20, WordEncoder.dimension)
    for one, vector in zip(ids, vectors, strict=True):
        mean = library.entries([one])[one].passage_vectors.mean(axis=0)
        assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_a_map_is_made_once_and_kept(library: Library) -> None:
    said: list[str] = []
    first = library_map.library_map(library, said.append)
    assert any("20 papers" in word for word in said)
    said.clear()
    assert library_map.library_map(library, said.append) == first
    assert said == []
    assert [p.name for p in library.path.glob(".map*")] == []


def test_a_map_is_made_anew_after_a_change(library: Library) -> None:
    first = library_map.library_map(library)
    encoder = WordEncoder()
    with Library.open(library.path, embedder=encoder.id, read_only=False) as writer:
        writer.remove(["made00003"])
    changed = Library.open(library.path, embedder=encoder.id)
    second = library_map.library_map(changed)
    assert len(first.ids) == 20
    assert len(second.ids) == 19
    assert "made00003" not in second.ids
    assert changed.verify() == []


@pytest.mark.parametrize("damage", ["", "{}", "[1, 2]", '{"format": 1, "fingerprint": "f"}', "\ufffd"])
def test_a_damaged_file_is_no_map(tmp_path: Path, damage: str) -> None:
    (tmp_path / NAME).write_text(damage, encoding="utf-8")
    assert library_map.load(tmp_path / NAME, "f") is None


def test_a_kept_map_comes_back_whole_and_only_for_its_library(
    tmp_path: Path, three: tuple[list[Paper], LibraryMap]
) -> None:
    made = three[1]
    library_map.save(tmp_path / NAME, made)
    assert library_map.load(tmp_path / NAME, "f") == made
    assert library_map.load(tmp_path / NAME, "g") is None
    library_map.save(tmp_path / NAME, replace(made, group=tuple(g + 9 for g in made.group)))
    assert library_map.load(tmp_path / NAME, "f") is None


def test_a_folder_that_cannot_be_written_to_costs_only_time(
    library: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path, made: LibraryMap) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(library_map, "save", refuse)
    with caplog.at_level(logging.WARNING):
        assert len(library_map.library_map(library).ids) == 20
    assert "Permission denied" in caplog.text


# --- terms ---


def test_terms_are_written_as_the_papers_mostly_write_them() -> None:
    groups = [
        ["Training GANs. We train GANs on faces.", "The GANs draw faces.", "Faces of GANs."],
        ["Graph neural nets. On graph neural nets.", "A graph neural net.", "Graph Neural Nets differ."],
    ]
    first, second = topics.name_groups(groups)
    assert set(first) == {"GANs", "faces"}
    assert second[0] == "graph neural nets"


def test_terms_do_not_cross_the_end_of_a_sentence() -> None:
    text = "It concerns shells. Pulses follow, telescopes record."
    (terms,) = topics.name_groups([[text, text]], terms=9)
    assert all(" " not in term or term in text for term in terms)
    assert "shells pulses" not in [t.lower() for t in terms]
    assert not any("pulses follow telescopes" in t.lower() for t in terms)


def test_terms_say_nothing_that_all_papers_say() -> None:
    groups = [[f"We propose a novel method for {what}. Results show that it outperforms the state of the art."] * 3
              for what in ("whales", "volcanoes")]  # fmt: skip
    assert topics.name_groups(groups) == [("whales",), ("volcanoes",)]


def test_terms_do_not_repeat_their_words() -> None:
    text = "Hermit crab shells and hermit crab legs and hermit crab eyes."
    (terms, _) = topics.name_groups([[text] * 3, ["Stars."] * 3])
    words = [word for term in terms for word in term.split()]
    assert len(words) == len(set(words))


def test_groups_without_any_word_have_no_terms() -> None:
    assert topics.name_groups([[""], ["量子力学の研究"], ["Crabs."]])[0] == ()
