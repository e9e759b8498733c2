"""Predicted categories: a classifier on class importance, with out-of-fold probabilities."""

import math
import warnings
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

FOLDS = 5
#: Split on which the classifier is fitted; all other splits are predicted by that fit.
TRAIN = "train"

Classifier = Literal["logistic-regression", "random-forest", "gradient-boosting"]
CLASSIFIERS: tuple[Classifier, ...] = get_args(Classifier)


def out_of_fold_probabilities(
    importance: NDArray[np.float32],
    category: NDArray[np.int16],
    categories: int,
    *,
    classifier: Classifier = "logistic-regression",
    train: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32] | None:
    """Predicts each video's category with a model that was fitted without the video.

    Args:
        importance: float32 [N, C].
        category: int16 [N], the true categories.
        categories: K.
        classifier: kind of model.
        train: bool [N], the videos to fit on; all by default. They are predicted by cross-validation among themselves,
            the others by a model fitted on all of them.

    Returns:
        float32 [N, K], rows of sum 1; None if a category has fewer than two videos to fit on. The number of folds is
        five, or that of the smallest category's videos to fit on, if smaller.
    """
    learned = np.ones(len(category), np.bool_) if train is None else train
    folds = min(FOLDS, int(np.bincount(category[learned], minlength=categories).min()))
    if folds < 2:
        return None
    if categories == 1:
        return np.ones((len(category), 1), np.float32)
    vectors = _scaled(importance.astype(np.float64))
    probabilities = np.empty((len(category), categories))
    splits = StratifiedKFold(folds, shuffle=True, random_state=0)
    # One thread: the order of sums, and thus the bytes, would depend on the number of cores.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = _MODELS[classifier](int(learned.sum()))
        probabilities[learned] = cross_val_predict(
            model, vectors[learned], category[learned], cv=splits, method="predict_proba"
        )
        if not learned.all():
            model.fit(vectors[learned], category[learned])
            probabilities[~learned] = model.predict_proba(vectors[~learned])
    return np.asarray(probabilities, np.float32)


def _scaled(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scales vectors by a power of two, so that their largest number lies in (.5, 1].

    Areas are small and would be regularised away; a power of two changes no digit.
    """
    largest = float(vectors.max())
    return vectors if largest <= 0 else vectors * 2.0 ** -math.ceil(math.log2(largest))


def _logistic_regression(_videos: int) -> Any:
    return LogisticRegression(C=10.0, max_iter=2000)


def _random_forest(_videos: int) -> Any:
    return RandomForestClassifier(n_estimators=200, min_samples_leaf=2, random_state=0, n_jobs=1)


def _gradient_boosting(videos: int) -> Any:
    # Small leaves, because a hundred videos per category are typical, and smaller ones for fewer videos, which could
    # not be split otherwise. No early stopping, which would set aside a share of the videos.
    leaf = max(1, min(5, videos // 20))
    return HistGradientBoostingClassifier(
        max_iter=100, learning_rate=0.1, min_samples_leaf=leaf, early_stopping=False, random_state=0
    )


_MODELS: dict[Classifier, Callable[[int], Any]] = {
    "logistic-regression": _logistic_regression,
    "random-forest": _random_forest,
    "gradient-boosting": _gradient_boosting,
}
