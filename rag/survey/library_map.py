"""A map of the library: every paper a point, near what it is near in meaning, in groups named by their terms.

The vector of a paper is the mean of its passages'. The plane comes from t-SNE (van der Maaten and Hinton 2008), begun
at the principal components (Kobak and Berens 2019, 'The art of using t-SNE for single-cell transcriptomics'), which
keeps the large distances meaningful and needs no luck. Groups are k-means over both, what the papers mean and where
they lie, so that a group is a region of the map. Terms are chosen by class-based tf-idf (Grootendorst 2022,
'BERTopic').

The map of a library depends on its papers alone: everything is seeded, and computed by one thread because sums of
several differ in their last bits. It is kept in ``map.json`` inside the library's folder until the papers change.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rag.datatypes import Paper
from rag.survey.topics import name_groups

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.datatypes import Matrix

    Plane = npt.NDArray[np.float64]
    Groups = npt.NDArray[np.int64]

NAME = "map.json"
EDGE = 10_000  # coordinates run from 0 to this
TONES = 12  # colours that a page tells apart; more groups would be more than a reader can
_FORMAT = 1
_SEED = 0
_COMPONENTS = 30  # t-SNE works on these; further ones are mostly noise, and cost time
_FEW = 8  # with fewer papers than this, neighbourhoods say nothing: the two components alone
_LANDMARKS = 1_500  # papers that t-SNE lays out, 4 s on one core; 5,000 would take 40
_NEIGHBOURS = 6  # landmarks that place a further paper
_PERPLEXITY = 30.0
_SPOT = 40  # papers nearer than this cannot be told apart on a screen
_ROOM = 5_000  # papers that fit beside each other
_NAMED = 150  # papers of a group whose texts are read for its terms

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Group:
    """A region of the map. ``terms`` name it, best first; ``x``, ``y`` is the point of it that is most crowded.

    ``tone`` is a colour from 0 to ``TONES - 1``, unlike those of the groups beside it.
    """

    terms: tuple[str, ...]
    x: int
    y: int
    papers: int
    tone: int

    @property
    def label(self) -> str:
        """The terms as one line."""
        return ", ".join(self.terms)


@dataclass(frozen=True, slots=True)
class LibraryMap:
    """The points of all papers, in the order of ``ids``; coordinates from 0 to ``EDGE``, ``y`` downwards.

    ``group[i]`` is the index of paper ``i``'s group in ``groups``, which are ordered by size, largest first.
    """

    fingerprint: str
    ids: tuple[str, ...]
    x: tuple[int, ...]
    y: tuple[int, ...]
    group: tuple[int, ...]
    groups: tuple[Group, ...]


class Source(Protocol):
    """What a map needs of :class:`rag.library.library.Library`."""

    path: Path

    @property
    def fingerprint(self) -> str: ...

    def papers(self) -> list[Paper]: ...

    def mean_vectors(self) -> tuple[list[str], Matrix]: ...


def library_map(library: Source, say: Callable[[str], object] = lambda word: None) -> LibraryMap:
    """The map of ``library``: the kept one, or one that is made now and kept. ``say`` gets a word about each step.

    Where the folder cannot be written to, the map is made anew every time. Raises what reading the library raises.
    """
    fingerprint = library.fingerprint
    kept = load(library.path / NAME, fingerprint)
    if kept is not None:
        return kept
    say("Reading the vectors of all papers…")
    ids, vectors = library.mean_vectors()
    papers = {paper.id: paper for paper in library.papers()}
    known = [i for i, one in enumerate(ids) if one in papers]  # another process may be changing the library
    atlas = make([papers[ids[i]] for i in known], vectors[known], fingerprint, say)
    try:
        save(library.path / NAME, atlas)
    except OSError as error:
        logger.warning("The map of %s is not kept: %s.", library.path, error.strerror or error)
    return atlas


def make(
    papers: Sequence[Paper], vectors: Matrix, fingerprint: str, say: Callable[[str], object] = lambda word: None
) -> LibraryMap:
    """The map of ``papers`` with ``vectors``, shape ``(len(papers), dimension)``."""
    if len(papers) != len(vectors):
        raise ValueError(f"not the same length: {len(papers)} papers, {len(vectors)} vectors")
    if not papers:
        return LibraryMap(fingerprint, (), (), (), (), ())
    with _one_thread():
        say(f"Laying out {len(papers):,} papers…")
        components = _components(vectors)
        plane = _squared(_layout(components))
        say("Finding groups…")
        labels = _grouped(components, plane, group_count(len(papers)))
        plane = _beside(plane)
    say("Naming the groups…")
    members = [[int(i) for i in (labels == g).nonzero()[0]] for g in range(int(labels.max()) + 1)]
    centres = [_crowded(plane, rows) for rows in members]
    texts = [[_text(papers[i]) for i in _sample(rows)] for rows in members]
    tones = _tones(centres)
    groups = tuple(
        Group(terms, round(x), round(y), len(rows), tone)
        for terms, (x, y), rows, tone in zip(name_groups(texts), centres, members, tones, strict=True)
    )
    xs, ys = (tuple(round(float(v)) for v in column) for column in plane.T)
    return LibraryMap(fingerprint, tuple(p.id for p in papers), xs, ys, tuple(int(g) for g in labels), groups)


def group_count(papers: int) -> int:
    """How many groups: half the square root of the number of papers, at least 1, at most ``TONES``.

    The square root is the usual rule of thumb; half of it leaves a group enough papers to be named by (459 papers: 11
    groups of some 40).
    """
    return max(1, min(TONES, round(math.sqrt(papers) / 2)))


def load(path: Path, fingerprint: str) -> LibraryMap | None:
    """The map that was kept for the library of this fingerprint; None where there is none or it is another one's."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["format"] != _FORMAT or kept["fingerprint"] != fingerprint:
            return None
        groups = tuple(
            Group(tuple(map(str, g["terms"])), int(g["x"]), int(g["y"]), int(g["papers"]), int(g["tone"]))
            for g in kept["groups"]
        )
        x, y, group = (tuple(map(int, kept[name])) for name in ("x", "y", "group"))
        ids = tuple(map(str, kept["ids"]))
        if not len(ids) == len(x) == len(y) == len(group) or not all(0 <= g < len(groups) for g in group):
            return None
        return LibraryMap(fingerprint, ids, x, y, group, groups)
    except (OSError, ValueError, KeyError, TypeError):  # a damaged file costs seconds, not the map
        return None


def save(path: Path, atlas: LibraryMap) -> None:
    """Keep the map, in one step: who reads meanwhile finds the old one or the new one. Raises :class:`OSError`."""
    groups = [{"terms": g.terms, "x": g.x, "y": g.y, "papers": g.papers, "tone": g.tone} for g in atlas.groups]
    columns = {name: getattr(atlas, name) for name in ("ids", "x", "y", "group")}
    content = {"format": _FORMAT, "fingerprint": atlas.fingerprint, "groups": groups, **columns}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _one_thread() -> Any:
    """While the block runs, numpy and scikit-learn compute in one thread: the same sums, and no spinning for a core."""
    import sklearn.cluster
    import sklearn.manifold  # noqa: F401  # only what is loaded is limited
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def _components(vectors: Matrix) -> Plane:
    """Principal components, shape ``(papers, up to 30)``; the signs are sklearn's, which are fixed."""
    import numpy as np
    from sklearn.decomposition import PCA

    count = min(_COMPONENTS, *vectors.shape)
    if len(vectors) < 2 or not vectors.std(axis=0).any():  # one paper, or the same one again and again
        return np.zeros((len(vectors), 2))
    found = PCA(count, svd_solver="covariance_eigh", random_state=_SEED).fit_transform(vectors.astype(np.float64))
    return found if count > 1 else np.hstack([found, np.zeros_like(found)])


def _layout(components: Plane) -> Plane:
    """Places in the plane, shape ``(papers, 2)``, in any unit.

    More papers than ``_LANDMARKS`` are placed by the landmarks that they are near, the way t-SNE maps take up new
    points (Poličar, Stražar and Zupan 2019, 'Embedding to reference t-SNE space').
    """
    import numpy as np

    papers = len(components)
    if papers < _FEW or not components.any():
        return components[:, :2]
    if papers <= _LANDMARKS:
        return _tsne(components)
    rng = np.random.default_rng(_SEED)
    landmarks = np.sort(rng.choice(papers, _LANDMARKS, replace=False))
    plane = np.empty((papers, 2))
    plane[landmarks] = laid = _tsne(components[landmarks])
    others = np.setdiff1d(np.arange(papers), landmarks)
    plane[others] = _placed(components[others], components[landmarks], laid, rng)
    return plane


def _tsne(components: Plane) -> Plane:
    import numpy as np
    from sklearn.manifold import TSNE

    papers = len(components)
    method = TSNE(
        2,
        init=np.ascontiguousarray(components[:, :2] / max(components[:, 0].std(), 1e-12) * 1e-4),
        perplexity=min(_PERPLEXITY, (papers - 1) / 3),
        max_iter=1000 if papers <= 800 else 500,  # by then it has settled: the divergence falls by 1% in the rest
        random_state=_SEED,
        n_jobs=1,
    )
    return np.asarray(method.fit_transform(components), dtype=np.float64)


def _placed(papers: Plane, landmarks: Plane, laid: Plane, rng: Any) -> Plane:
    """Each paper amid its nearest landmarks, the nearer the stronger, and a little beside: points would pile up."""
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    distances, nearest = NearestNeighbors(n_neighbors=_NEIGHBOURS, n_jobs=1).fit(landmarks).kneighbors(papers)
    weights = 1.0 / np.maximum(distances, 1e-9) ** 4
    weights /= weights.sum(axis=1, keepdims=True)
    # Neighbours in meaning may lie far apart on the map; between them is nowhere, so the nearest one decides.
    places = laid[nearest]
    near = np.linalg.norm(places - places[:, :1], axis=2) < 0.1 * np.ptp(laid, axis=0).max()
    weights = weights * near
    weights /= weights.sum(axis=1, keepdims=True)
    gaps = NearestNeighbors(n_neighbors=2, n_jobs=1).fit(laid).kneighbors(laid)[0][:, 1]
    result: Plane = (places * weights[:, :, None]).sum(axis=1) + rng.normal(0.0, np.median(gaps), (len(papers), 2))
    return result


def _squared(plane: Plane) -> Plane:
    """The same picture between 0 and ``EDGE``, its middle in the middle and its proportions kept."""
    import numpy as np

    low, high = plane.min(axis=0), plane.max(axis=0)
    reach = float((high - low).max())
    if reach <= 0:
        return np.full_like(plane, EDGE / 2)
    result: Plane = (plane - (low + high) / 2) / reach * EDGE + EDGE / 2
    return np.rint(result)


def _beside(plane: Plane) -> Plane:
    """Papers that lie on one spot, as copies of an abstract do, beside each other instead: each can be pointed at.

    They form a spiral of even density (Vogel 1979, 'A better way to construct the sunflower head'). Large libraries
    stay as they are: there is no room.
    """
    import numpy as np

    if len(plane) > _ROOM:
        return plane
    result = plane.copy()
    spots, which = np.unique(np.rint(plane / _SPOT), axis=0, return_inverse=True)
    crowds = np.bincount(which.ravel(), minlength=len(spots))
    for spot in np.flatnonzero(crowds > 1):
        rows = np.flatnonzero(which.ravel() == spot)
        turn = np.arange(len(rows)) * math.pi * (3 - math.sqrt(5))
        reach = _SPOT * np.sqrt(np.arange(len(rows)) + 0.5)
        places = plane[rows].mean(axis=0) + np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=1)
        result[rows] = np.rint(np.clip(places, 0, EDGE))
    return result


def _grouped(components: Plane, plane: Plane, count: int) -> Groups:
    """The group of each paper, 0 for the largest. k-means (Lloyd 1982), over meaning and place with equal weight."""
    import numpy as np
    from sklearn.cluster import KMeans

    spread = np.sqrt(components.var(axis=0).sum()), np.sqrt(plane.var(axis=0).sum())
    both = np.hstack([components / max(spread[0], 1e-12), plane / max(spread[1], 1e-12)])
    count = min(count, len(np.unique(both, axis=0)))
    found = KMeans(count, n_init=4, random_state=_SEED).fit_predict(both)
    sizes = np.bincount(found, minlength=count)
    ranks = np.empty(count, dtype=np.int64)
    ranks[np.lexsort((np.arange(count), -sizes))] = np.arange(count)
    result: Groups = ranks[found]
    return result


def _crowded(plane: Plane, rows: Sequence[int]) -> tuple[float, float]:
    """Where a group's label belongs: the middle of the half of its points that lie nearest to their median."""
    import numpy as np

    points = plane[list(rows)]
    reach = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    x, y = points[reach <= np.median(reach)].mean(axis=0)
    return float(x), float(y)


def _sample(rows: Sequence[int]) -> Sequence[int]:
    """At most ``_NAMED`` of them, evenly spread."""
    step = max(1.0, len(rows) / _NAMED)
    return [rows[int(i * step)] for i in range(min(len(rows), _NAMED))]


def _text(paper: Paper) -> str:
    return f"{paper.title}. {paper.abstract}"


def _tones(centres: Sequence[tuple[float, float]]) -> list[int]:
    """A colour for each group. The largest chooses first; each takes what is least like the colours near it."""
    chosen: list[int] = []
    for x, y in centres:
        free = [tone for tone in range(TONES) if tone not in chosen] or list(range(TONES))

        def likeness(tone: int, x: float = x, y: float = y) -> float:
            return sum(
                (TONES / 2 - _apart(tone, other)) ** 2 / (1.0 + math.dist((x, y), centre) / 1000.0) ** 2
                for other, centre in zip(chosen, centres, strict=False)
            )

        chosen.append(min(free, key=lambda tone: (likeness(tone), tone)))
    return chosen


def _apart(one: int, other: int) -> int:
    return min((one - other) % TONES, (other - one) % TONES)
