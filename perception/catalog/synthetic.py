"""Catalogs without videos: categories, sizes and tags are given, content and neighbours are planted.

Every category and every tag is an object class. With u the smaller of two uniform draws from [0, 1], for every video
and class,

    importance = content · (the video is of the category, or has the tag) + (1 − content) · u

so that ``content`` is how much of a video is said by its category and tags: 0 says nothing, and with 1 all videos of a
category with the same tags are the same. Neighbours are the nearest by cosine. Predicted categories are the exact
posterior of this model, given the importance of the categories' classes and the shares of the categories.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.console.given import shortened, whole
from preroll.errors import PrerollError
from preroll.perception.catalog.arrays import NEIGHBORS
from preroll.seeds import derive

MOST = 30_000  # videos, each of which is compared with all
BLOCK = 2**24  # cosines at once
DIGITS = 6  # of cosines: the last ones depend on the machine, and would decide between equals
LONGEST = 255
LEAST = 1e-300  # stands for a density of 0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Listed:
    """Videos as they are given: a name, a category and tags each."""

    names: tuple[str, ...]
    categories: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...]


def listed(categories: "Sequence[str] | Mapping[str, int]", videos: int) -> Listed:
    """Returns the videos of some categories.

    Args:
        categories: names, which get equal parts of the videos, the first ones one more if need be; or sizes by name.
        videos: number of videos; without meaning where sizes are given.

    Raises:
        PrerollError: there is no category, one is named twice, or it has no video; or something has another type.
    """
    if isinstance(categories, str):
        raise PrerollError(f"categories: {categories!r}: must be a list of names, as [{categories!r}]")
    if not isinstance(categories, Iterable):
        raise PrerollError(
            f"categories: {shortened(categories)}: names are expected, as ['cooking', 'travel'], or numbers of videos "
            "by name, as {'cooking': 30, 'travel': 10}"
        )
    names = list(categories)
    if other := [name for name in names if not isinstance(name, str)]:
        raise PrerollError(f"categories: {shortened(other[0])}: a name is expected, which is text")
    if isinstance(categories, Mapping):
        sizes = {name: whole(f"categories: {name!r}", size) for name, size in categories.items()}
    else:
        videos = whole("videos", videos)
        sizes = {name: videos // len(names) + (i < videos % len(names)) for i, name in enumerate(names)}
    if not names:
        raise PrerollError("categories: at least one is needed")
    if twice := [name for name in names if names.count(name) > 1]:
        raise PrerollError(f"categories: {twice[0]!r}: is named twice")
    for name, size in sizes.items():
        if size < 1:
            raise PrerollError(f"categories: {name!r}: would have {size} videos; at least 1 is needed")
    _check_number(sum(sizes.values()))
    return Listed(
        tuple(f"{name}/{i + 1}" for name in names for i in range(sizes[name])),
        tuple(name for name in names for _ in range(sizes[name])),
        ((),) * sum(sizes.values()),
    )


def planted(given: Listed, seed: int, content: float) -> dict[str, Any]:
    """Returns the arguments of ``Catalog.from_arrays`` for videos of some categories and tags.

    Args:
        given: the videos.
        seed: seed of all draws.
        content: how much of a video is said by its category and tags, in [0, 1].

    Raises:
        PrerollError: a name, a number or an argument is not what is allowed.
    """
    _check(given, content)
    names = sorted(set(given.categories))
    classes = [*names, *sorted({tag for tags in given.tags for tag in tags} - set(names))]
    place = {name: i for i, name in enumerate(classes)}
    has = np.zeros((len(given.names), len(classes)))
    for row, (category, tags) in enumerate(zip(given.categories, given.tags, strict=True)):
        has[row, [place[category], *(place[tag] for tag in tags)]] = 1.0
    drawn = np.random.default_rng(derive(seed, "synthetic catalog")).random((2, *has.shape)).min(axis=0)
    importance = content * has + (1 - content) * drawn
    of = np.array([place[name] for name in given.categories])
    neighbors, scores = nearest(importance)
    return {
        "categories": names,
        "category": of,
        "classes": classes,
        "importance": importance,
        "neighbors": neighbors,
        "neighbor_scores": scores,
        "category_probabilities": posterior(importance[:, : len(names)], np.bincount(of), content),
        "paths": given.names,
    }


def posterior(importance: Floats, counts: NDArray[np.int64], content: float) -> Floats:
    """Computes the probability of every category, float64 [N, K], from the importance of the categories' classes.

    The density of u is 2 · (1 − u): the class of the video's own category has that of (importance − content) / (1 −
    content), every other that of importance / (1 − content).
    """
    rest = max(1 - content, LEAST)
    own = np.where(importance >= content, 1 - (importance - content) / rest, 0.0)
    log_own, log_other = (np.log(np.maximum(density, LEAST)) for density in (own, 1 - importance / rest))
    likelihood = log_own - log_other + log_other.sum(axis=1, keepdims=True) + np.log(counts)
    weights = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def nearest(importance: Floats) -> tuple[NDArray[np.int32], Floats]:
    """Returns the ten nearest other videos by cosine, best first, int32 [N, 10], and the cosines; -1 behind them."""
    n = len(importance)
    k = min(NEIGHBORS, n - 1)
    lengths = np.linalg.norm(importance, axis=1, keepdims=True)
    unit = importance / np.maximum(lengths, 1e-300)
    neighbors, scores = np.full((n, NEIGHBORS), -1, np.int32), np.zeros((n, NEIGHBORS))
    step = max(BLOCK // n, 1)
    for start in range(0, n if k else 0, step):
        rows = np.arange(start, min(start + step, n))
        cosines = np.clip(np.round(unit[rows] @ unit.T, DIGITS), 0.0, 1.0)
        cosines[np.arange(len(rows)), rows] = -1.0
        found = np.sort(np.argpartition(-cosines, k - 1, axis=1)[:, :k], axis=1)
        near = np.take_along_axis(cosines, found, axis=1)
        order = np.argsort(-near, axis=1, kind="stable")
        neighbors[rows, :k] = np.take_along_axis(found, order, axis=1)
        scores[rows, :k] = np.take_along_axis(near, order, axis=1)
    return neighbors, scores


def _check_number(videos: int) -> None:
    if not 1 <= videos <= MOST:
        raise PrerollError(f"videos: {videos:,}: at least 1 is needed, at most {MOST:,} are allowed")


def _check(given: Listed, content: float) -> None:
    if not isinstance(content, Real) or not 0 <= content <= 1:
        raise PrerollError(f"content: {shortened(content)}: should lie in [0, 1]")
    _check_number(len(given.names))
    categories = set(given.categories)
    for name in sorted(categories | {tag for tags in given.tags for tag in tags}):
        if not name or len(name) > LONGEST or "*" in name or not name.isprintable():
            told = f"should have 1 to {LONGEST} characters, none of which is * or cannot be printed"
            raise PrerollError(f"categories: {name!r}: {told}")
    for name, own, tags in zip(given.names, given.categories, given.tags, strict=True):
        if other := sorted((set(tags) & categories) - {own}):
            raise PrerollError(f"tags: {other[0]!r} of video {name}: is the name of another category than its own")
