"""A video's category as perception sees it: logistic regression on importance, fitted without the video."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

FOLDS = 5


def out_of_fold_probabilities(
    importance: NDArray[np.float32], category: NDArray[np.int16], categories: int
) -> NDArray[np.float32] | None:
    """Predicts each video's category with a model that was fitted without the video.

    Args:
        importance: float32 [N, C].
        category: int16 [N], the true categories.
        categories: K.

    Returns:
        float32 [N, K], rows of sum 1; None where a category has fewer than two videos. Folds: five, or as many as the
        smallest category has videos.
    """
    folds = min(FOLDS, int(np.bincount(category, minlength=categories).min()))
    if folds < 2:
        return None
    if categories == 1:
        return np.ones((len(category), 1), np.float32)
    splits = StratifiedKFold(folds, shuffle=True, random_state=0)
    # One thread: sums in another order would give other bytes on another number of cores.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=10.0, max_iter=2000)
        probabilities = cross_val_predict(
            model, importance.astype(np.float64), category, cv=splits, method="predict_proba"
        )
    return np.asarray(probabilities, np.float32)
