"""Cross-fitted calibration of a catalog's category probabilities: each temperature is fitted on other videos."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.prediction.metrics.calibration import (
    classes_temperature,
    draw_reliability,
    reliability,
    temperature_scaled_classes,
)

FOLDS = 5


def calibrated_categories(
    probabilities: NDArray[np.floating], category: NDArray[np.integer], *, folds: int = FOLDS, seed: int = 0
) -> tuple[NDArray[np.float32], list[float]]:
    """Scales each video's probabilities by a temperature fitted on the videos of the other folds.

    Args:
        probabilities: [N, K], rows of sum 1, themselves out-of-fold.
        category: int [N], true categories; negative if unknown: such videos are scaled but not fitted on.
        folds: number of folds.
        seed: seed of the shuffle.

    Returns:
        The calibrated probabilities, float32 [N, K], and the temperature of each fold.

    Raises:
        PrerollError: there are fewer videos of a known category than folds.
    """
    known = category >= 0
    if known.sum() < folds:
        raise PrerollError(f"--calibrate: {known.sum()} videos of a known category are too few for {folds} folds")
    rng, fold = np.random.default_rng(seed), np.empty(len(category), np.int64)
    for rows in (known, ~known):
        fold[rows] = rng.permutation(int(rows.sum())) % folds
    scaled = np.empty(probabilities.shape, np.float32)
    temperatures = []
    for number in range(folds):
        mine = fold == number
        teachers = ~mine & known
        temperature = classes_temperature(probabilities[teachers], category[teachers])
        scaled[mine] = temperature_scaled_classes(probabilities[mine], temperature)
        temperatures.append(temperature)
    return scaled, temperatures


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
