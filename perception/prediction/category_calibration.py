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
        category: int [N], the true ones.
        folds: of the videos.
        seed: of the shuffle.

    Returns:
        float32 [N, K], and the temperature of each fold.

    Raises:
        PrerollError: fewer videos than folds.
    """
    n = len(category)
    if n < folds:
        raise PrerollError(f"--calibrate: {n} videos are too few for {folds} folds")
    fold = np.random.default_rng(seed).permutation(n) % folds
    heated = np.empty(probabilities.shape, np.float32)
    temperatures = []
    for number in range(folds):
        mine = fold == number
        temperature = classes_temperature(probabilities[~mine], category[~mine])
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
        category: int [N].
    """
    true = np.eye(before.shape[1], dtype=np.bool_)[category]
    curves = {"as predicted": reliability(before, true, 10), "with temperature": reliability(after, true, 10)}
    draw_reliability(path, curves, "Probabilities of the categories")
