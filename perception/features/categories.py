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
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from preroll.perception.features.folds import Folds, stratified_folds

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
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.float32] | None:
    """Predicts each video's category with a model that was fitted without the video and without its group.

    Args:
        importance: float32 [N, C].
        category: int16 [N], the true categories.
        categories: K.
        classifier: kind of model.
        train: bool [N], the videos to fit on; all by default. They are predicted by cross-validation among themselves,
            the others by a model fitted on all of them.
        groups: int64 [N], such as the clip of which a video is a piece; without them every video is a group.

    Returns:
        float32 [N, K], rows of sum 1; None if a category has fewer than two groups to fit on. The number of folds is
        five, or that of the groups to fit on of the category with the fewest, if smaller.
    """
    folds = category_folds(category, categories, train=train, groups=groups)
    if folds is None:
        return None
    if categories == 1:
        return np.ones((len(category), 1), np.float32)
    vectors = _scaled(importance.astype(np.float64))
    probabilities = np.empty((len(category), categories))
    # One thread: the order of sums, and thus the bytes, would depend on the number of cores.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = _MODELS[classifier](len(category) if train is None else int(train.sum()))
        for learned, judged in folds:
            model.fit(vectors[learned], category[learned])
            probabilities[judged] = model.predict_proba(vectors[judged])
    return np.asarray(probabilities, np.float32)


def category_folds(
    category: NDArray[np.int16],
    categories: int,
    *,
    train: NDArray[np.bool_] | None = None,
    groups: NDArray[np.int64] | None = None,
) -> Folds | None:
    """Returns the folds of :func:`out_of_fold_probabilities`: each video is judged in one of them.

    A video outside the training, of whose group a video is in it, is judged with that video, by a model that saw
    neither.
    """
    taught = np.ones(len(category), np.bool_) if train is None else train
    rows, others = np.flatnonzero(taught), np.flatnonzero(~taught)
    inner = stratified_folds(category[rows], categories, None if groups is None else groups[rows], most=FOLDS)
    if inner is None:
        return None
    folds = [(rows[learned], rows[judged]) for learned, judged in inner]
    if groups is not None:
        kin = [others[np.isin(groups[others], groups[judged])] for _, judged in folds]
        folds = [(learned, np.concatenate((judged, more))) for (learned, judged), more in zip(folds, kin, strict=True)]
        others = others[~np.isin(groups[others], groups[rows])]
    return [*folds, (rows, others)] if len(others) else folds


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
