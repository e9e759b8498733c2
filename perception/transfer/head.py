"""A new last layer on the embeddings of a network: its training, and its evaluation on held-out pictures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from preroll.errors import PrerollError
from preroll.perception.features.folds import Rows, stratified_folds

Floats = NDArray[np.float32]
#: Share of the pictures on which the head is evaluated; at least one of each class.
HELD_OUT = 0.25


@dataclass(frozen=True)
class Head:
    """A linear layer: embedding @ weights + bias, before the softmax.

    Attributes:
        weights: float32 [d, classes].
        bias: float32 [classes].
    """

    weights: Floats
    bias: Floats

    def classify(self, embeddings: Floats) -> NDArray[np.int64]:
        """Returns the most probable class int64 [n] of each of the embeddings [n, d]."""
        best: NDArray[np.int64] = (embeddings @ self.weights + self.bias).argmax(1)
        return best


@dataclass(frozen=True)
class HoldoutScore:
    """Score of a head on pictures that it was not trained on.

    Attributes:
        right: number of correctly classified pictures, by class [classes].
        total: number of pictures, by class [classes].
        likeliest: share of the largest class among them: the accuracy of always predicting it.
    """

    right: NDArray[np.int64]
    total: NDArray[np.int64]
    likeliest: float

    @property
    def accuracy(self) -> float:
        """Share of correctly classified pictures."""
        return float(self.right.sum() / self.total.sum())

    @property
    def balanced(self) -> float:
        """Balanced accuracy: mean over the classes of the share of correctly classified pictures."""
        return float((self.right / self.total).mean())

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Returns the bounds of the exact binomial confidence interval of the accuracy (Clopper and Pearson 1934)."""
        hits, n, tail = int(self.right.sum()), int(self.total.sum()), (1 - confidence) / 2
        low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, tail))
        high = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 1 - tail))
        return low, high


def fit_head(embeddings: Floats, labels: NDArray[np.int64]) -> Head:
    """Trains a logistic regression on standardised embeddings, with balanced class weights.

    The standardisation is folded into the layer.

    Args:
        embeddings: [n, d].
        labels: [n], 0 … classes − 1, each at least once, at least two.
    """
    from sklearn.linear_model import LogisticRegression

    mean = embeddings.mean(0, dtype=np.float64)
    spread = embeddings.std(0, dtype=np.float64)
    # A constant feature carries no information; dividing by its tiny spread would amplify noise.
    spread[spread < 1e-6 * max(1.0, float(spread.max()))] = np.inf
    model = LogisticRegression(class_weight="balanced", max_iter=2000)
    model.fit((embeddings - mean) / spread, labels)
    slopes, start = model.coef_, model.intercept_
    if len(slopes) == 1:
        # For two classes scikit-learn stores only the second one's logit.
        slopes, start = np.concatenate((-slopes / 2, slopes / 2)), np.concatenate((-start / 2, start / 2))
    weights = (slopes / spread).T
    bias = start - mean @ weights
    return Head(weights.astype(np.float32), bias.astype(np.float32))


def hold_out(labels: NDArray[np.int64], seed: int = 0, groups: NDArray[np.int64] | None = None) -> tuple[Rows, Rows]:
    """Divides pictures into those to train on and those to measure on, a quarter of each class.

    Args:
        labels: [n], each of the classes at least twice.
        seed: selects the held-out pictures.
        groups: int64 [n], such as the video of which a picture is a frame; a group is held out as a whole.

    Returns:
        The rows of both parts, each with every class.

    Raises:
        PrerollError: the groups cannot be parted like that.
    """
    classes = int(labels.max()) + 1
    if groups is not None:
        for fold in stratified_folds(labels, classes, groups, most=round(1 / HELD_OUT), seed=seed) or ():
            if len(np.unique(labels[fold[1]])) == classes:
                return fold
        raise PrerollError("--group-by: no part of the groups can be held out so that every class is on both sides")
    rng = np.random.default_rng(seed)
    held = np.zeros(len(labels), np.bool_)
    for label in range(classes):
        own = rng.permutation(np.flatnonzero(labels == label))
        held[own[: max(1, round(HELD_OUT * len(own)))]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def measure_head(
    embeddings: Floats, labels: NDArray[np.int64], seed: int = 0, groups: NDArray[np.int64] | None = None
) -> HoldoutScore:
    """Trains a head on three quarters of each class and evaluates it on the rest.

    Args:
        embeddings: [n, d].
        labels: [n], each of the classes at least twice.
        seed: selects the held-out pictures.
        groups: int64 [n]; a group is held out as a whole.
    """
    taught, held = hold_out(labels, seed, groups)
    classes = int(labels.max()) + 1
    head = fit_head(embeddings[taught], labels[taught])
    truth = labels[held]
    hits = truth[head.classify(embeddings[held]) == truth]
    total = np.bincount(truth, minlength=classes)
    return HoldoutScore(np.bincount(hits, minlength=classes), total, float(total.max() / total.sum()))
