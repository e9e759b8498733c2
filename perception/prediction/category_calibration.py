"""Calibrating what a catalog says about its videos' categories, each video by a temperature that never saw it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.prediction.metrics.calibration import (
    classes_temperature,
    draw_reliability,
    heated_classes,
    reliability,
)

FOLDS = 5


def calibrated_categories(
    probabilities: NDArray[np.floating], category: NDArray[np.integer], *, folds: int = FOLDS, seed: int = 0
) -> tuple[NDArray[np.float32], list[float]]:
    """Heats each video's probabilities by the temperature that is right for the videos of the other folds.

    Args:
        probabilities: [N, K], rows of sum 1, out-of-fold themselves.
        category: int [N], the true ones; negative where nobody knows, which is heated and teaches nothing.
        folds: of the videos.
        seed: of the shuffle.

    Returns:
        float32 [N, K], and the temperature of each fold.

    Raises:
        PrerollError: fewer videos of a known category than folds.
    """
    known = category >= 0
    if known.sum() < folds:
        raise PrerollError(f"--calibrate: {known.sum()} videos of a known category are too few for {folds} folds")
    rng, fold = np.random.default_rng(seed), np.empty(len(category), np.int64)
    for rows in (known, ~known):
        fold[rows] = rng.permutation(int(rows.sum())) % folds
    heated = np.empty(probabilities.shape, np.float32)
    temperatures = []
    for number in range(folds):
        mine = fold == number
        teachers = ~mine & known
        temperature = classes_temperature(probabilities[teachers], category[teachers])
        heated[mine] = heated_classes(probabilities[mine], temperature)
        temperatures.append(temperature)
    return heated, temperatures


def draw_category_reliability(
    path: Path,
    before: NDArray[np.floating],
    after: NDArray[np.floating],
    category: NDArray[np.integer],
) -> None:
    """Writes the reliability picture of all pairs (video, category), before and after.

    Args:
        path: ``.png`` or ``.svg``.
        before: [N, K].
        after: [N, K].
        category: int [N]; videos of an unknown one, negative, are left out.
    """
    known = category >= 0
    true = np.eye(before.shape[1], dtype=np.bool_)[category[known]]
    pairs = {"as predicted": before[known], "with temperature": after[known]}
    curves = {name: reliability(values, true, 10) for name, values in pairs.items()}
    draw_reliability(path, curves, "Probabilities of the categories")
