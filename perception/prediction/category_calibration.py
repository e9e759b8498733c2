"""Cross-fitted calibration of a catalog's category probabilities: each temperature is fitted on other videos."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.features.folds import Folds, near_copies
from preroll.perception.prediction.metrics.calibration import (
    classes_temperature,
    draw_reliability,
    reliability,
    temperature_scaled_classes,
)

FOLDS = 5


def calibrated_categories(
    probabilities: NDArray[np.floating],
    category: NDArray[np.integer],
    *,
    groups: NDArray[np.int64] | None = None,
    folds: int = FOLDS,
    seed: int = 0,
) -> tuple[NDArray[np.float32], list[float]]:
    """Scales each video's probabilities by a temperature fitted on the videos of the other folds.

    Args:
        probabilities: [N, K], rows of sum 1, themselves out-of-fold.
        category: int [N], true categories; negative if unknown: such videos are scaled but not fitted on.
        groups: int64 [N], such as the clip of which a video is a piece: videos of one group are in one fold.
        folds: number of folds.
        seed: seed of the shuffle.

    Returns:
        The calibrated probabilities, float32 [N, K], and the temperature of each fold.

    Raises:
        PrerollError: there are fewer videos, or groups, of a known category than folds.
    """
    scaled = np.empty(probabilities.shape, np.float32)
    temperatures = []
    for teachers, mine in calibration_folds(category, groups, folds=folds, seed=seed):
        temperature = classes_temperature(probabilities[teachers], category[teachers])
        scaled[mine] = temperature_scaled_classes(probabilities[mine], temperature)
        temperatures.append(temperature)
    return scaled, temperatures


def calibration_folds(
    category: NDArray[np.integer], groups: NDArray[np.int64] | None = None, *, folds: int = FOLDS, seed: int = 0
) -> Folds:
    """Returns the folds of :func:`calibrated_categories`: videos to fit a temperature on, and those that it scales."""
    known = category >= 0
    own = np.arange(len(category)) if groups is None else groups
    taught = np.isin(own, own[known])
    if (count := len(np.unique(own[known]))) < folds:
        what = "videos" if groups is None else "groups of videos"
        raise PrerollError(f"--calibrate: {count} {what} of a known category are too few for {folds} folds")
    rng, fold = np.random.default_rng(seed), np.empty(len(category), np.int64)
    for rows in (taught, ~taught):
        names, place = np.unique(own[rows], return_inverse=True)
        fold[rows] = (rng.permutation(len(names)) % folds)[place]
    return [(np.flatnonzero((fold != one) & known), np.flatnonzero(fold == one)) for one in range(folds)]


def can_calibrate(catalog: Catalog) -> bool:
    """Returns whether enough videos, or groups, of a catalog are of a known category."""
    own = np.arange(catalog.n_videos) if catalog.groups is None else catalog.groups
    return len(np.unique(own[catalog.category >= 0])) >= FOLDS


def calibration_copies(catalog: Catalog) -> list[tuple[str, str]]:
    """Returns pairs of paths: a video, and a nearly identical one that its temperature was fitted on."""
    folds = calibration_folds(catalog.category, catalog.groups)
    table = catalog.videos()
    paths = list(table[table["index"] >= 0].sort_values("index")["path"])
    return [(paths[one], paths[other]) for one, other in near_copies(catalog.importance, folds).tolist()]


def draw_category_reliability(
    path: Path,
    before: NDArray[np.floating],
    after: NDArray[np.floating],
    category: NDArray[np.integer],
) -> None:
    """Draws the reliability diagram of all pairs (video, category) before and after calibration.

    Args:
        path: ``.png`` or ``.svg`` file.
        before: probabilities [N, K] before calibration.
        after: probabilities [N, K] after calibration.
        category: int [N], true categories; videos of an unknown category (negative) are left out.
    """
    known = category >= 0
    true = np.eye(before.shape[1], dtype=np.bool_)[category[known]]
    pairs = {"as predicted": before[known], "with temperature": after[known]}
    curves = {name: reliability(values, true, 10) for name, values in pairs.items()}
    draw_reliability(path, curves, "Probabilities of the categories")
