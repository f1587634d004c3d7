"""Vectors of papers to points in the plane, and the points to groups. Knows numbers alone, no paper.

The plane comes from t-SNE (van der Maaten and Hinton 2008), started from the principal components (Kobak and Berens
2019, 'The art of using t-SNE for single-cell transcriptomics'), which keeps the large distances meaningful and makes
the result independent of chance. Groups are k-means over both the vectors and the points, so that a group is a region
of the map. Everything is seeded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.datatypes import Matrix

    Plane = npt.NDArray[np.float64]
    Groups = npt.NDArray[np.int64]

EDGE = 10_000  # coordinates run from 0 to this
_SEED = 0
_COMPONENTS = 30  # t-SNE works on these; further ones are mostly noise, and cost time
_FEW = 8  # below this number of papers, neighbourhoods mean nothing: the first two components are the layout
_LANDMARKS = 1_500  # papers that t-SNE lays out, 4 s on one core; 5,000 would take 40
_NEIGHBOURS = 6  # landmarks that place a further paper
_PERPLEXITY = 30.0
_MANY = 20_000  # papers beyond which components are found a part at a time, and groups from as many drawn by lot
_SPOT = 40  # papers nearer than this cannot be told apart on a screen
_ROOM = 5_000  # papers up to which duplicates are spread: beyond it the map is too full


def one_thread() -> Any:
    """Limits numpy and scikit-learn to one thread while the block runs: sums of several differ in their last bits."""
    import sklearn.cluster
    import sklearn.manifold  # noqa: F401  # the limit reaches only libraries that are loaded
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def principal_components(vectors: Matrix) -> Plane:
    """Principal components, shape ``(papers, up to 30)``, with the signs that scikit-learn fixes."""
    import numpy as np
    from sklearn.decomposition import PCA

    if len(vectors) > _MANY:
        return _components_of_many(vectors)
    count = min(_COMPONENTS, *vectors.shape)
    if len(vectors) < 2 or not vectors.std(axis=0).any():  # one paper, or copies of one
        return np.zeros((len(vectors), 2))
    found = PCA(count, svd_solver="covariance_eigh", random_state=_SEED).fit_transform(vectors.astype(np.float64))
    return found if count > 1 else np.hstack([found, np.zeros_like(found)])


def _components_of_many(vectors: Matrix) -> Plane:
    """The same from the covariance, a part of the papers at a time: a copy of all in double precision takes 1 GB."""
    import numpy as np

    parts = [slice(at, at + _MANY) for at in range(0, len(vectors), _MANY)]
    mean = np.zeros(vectors.shape[1])
    products = np.zeros((vectors.shape[1], vectors.shape[1]))
    for part in parts:
        rows = vectors[part].astype(np.float32)
        mean += rows.sum(axis=0, dtype=np.float64)
        products += rows.T @ rows
    mean /= len(vectors)
    _, axes = np.linalg.eigh(products / len(vectors) - np.outer(mean, mean))
    axes = axes[:, ::-1][:, : min(_COMPONENTS, *vectors.shape)]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    found: Plane = np.concatenate([vectors[part].astype(np.float64) @ axes for part in parts]) - mean @ axes
    return found


def lay_out(components: Plane) -> Plane:
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
    """Places each paper at the weighted mean of its nearest landmarks, plus noise so that points do not pile up."""
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    distances, nearest = NearestNeighbors(n_neighbors=_NEIGHBOURS, n_jobs=1).fit(landmarks).kneighbors(papers)
    weights = 1.0 / np.maximum(distances, 1e-9) ** 4
    weights /= weights.sum(axis=1, keepdims=True)
    # Landmarks near in meaning may lie far apart on the map, with nothing related between them: only those close to
    # the nearest one count.
    places = laid[nearest]
    near = np.linalg.norm(places - places[:, :1], axis=2) < 0.1 * np.ptp(laid, axis=0).max()
    weights = weights * near
    weights /= weights.sum(axis=1, keepdims=True)
    gaps = NearestNeighbors(n_neighbors=2, n_jobs=1).fit(laid).kneighbors(laid)[0][:, 1]
    result: Plane = (places * weights[:, :, None]).sum(axis=1) + rng.normal(0.0, np.median(gaps), (len(papers), 2))
    return result


def scale_to_edge(plane: Plane) -> Plane:
    """The layout scaled to 0…``EDGE`` and centred, proportions kept; whole numbers."""
    import numpy as np

    low, high = plane.min(axis=0), plane.max(axis=0)
    reach = float((high - low).max())
    if reach <= 0:
        return np.full_like(plane, EDGE / 2)
    result: Plane = (plane - (low + high) / 2) / reach * EDGE + EDGE / 2
    return np.rint(result)


def spread_duplicates(plane: Plane) -> Plane:
    """Moves papers that share one spot, as copies of an abstract do, side by side so that each can be selected.

    They form a spiral of even density (Vogel 1979, 'A better way to construct the sunflower head'). Libraries over
    ``_ROOM`` papers stay as they are.
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


def cluster(components: Plane, plane: Plane, count: int) -> Groups:
    """The group of each paper, 0 for the largest. k-means (Lloyd 1982), over meaning and place with equal weight."""
    import numpy as np
    from sklearn.cluster import KMeans

    spread = np.sqrt(components.var(axis=0).sum()), np.sqrt(plane.var(axis=0).sum())
    both = np.hstack([components / max(spread[0], 1e-12), plane / max(spread[1], 1e-12)])
    count = min(count, len(np.unique(both[:_MANY], axis=0)))
    sample = both
    if len(both) > _MANY:
        sample = both[np.random.default_rng(_SEED).choice(len(both), _MANY, replace=False)]
    found = KMeans(count, n_init=4, random_state=_SEED).fit(sample).predict(both)
    sizes = np.bincount(found, minlength=count)
    ranks = np.empty(count, dtype=np.int64)
    ranks[np.lexsort((np.arange(count), -sizes))] = np.arange(count)
    result: Groups = ranks[found]
    return result


def label_point(plane: Plane, rows: Sequence[int]) -> tuple[float, float]:
    """Where the label of a group belongs: the mean of the half of its points that lie nearest to their median."""
    import numpy as np

    points = plane[list(rows)]
    reach = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    x, y = points[reach <= np.median(reach)].mean(axis=0)
    return float(x), float(y)
