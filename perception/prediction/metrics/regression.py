"""Metrics of predicted scores: rank correlation with interval and noise ceiling, ROC-AUC, and F1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError

Floats = NDArray[np.float64]


def ranks(values: Floats) -> Floats:
    """Returns the ranks of ``values``, float64, 1 for the smallest; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends: Floats = np.cumsum(counts).astype(np.float64)
    shared: Floats = (ends - (counts - 1) / 2)[inverse]
    return shared


def spearman(predicted: Floats, true: Floats) -> float:
    """Computes Spearman's ρ, Pearson's correlation of the ranks, in [−1, 1]; NaN if either input is constant."""
    first, second = ranks(predicted) - (len(true) + 1) / 2, ranks(true) - (len(true) + 1) / 2
    scale = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / scale) if scale > 0 else float("nan")


def spearman_interval(
    predicted: Floats, true: Floats, groups: NDArray[np.int64], *, seed: int = 0, draws: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """Computes a percentile bootstrap interval of Spearman's ρ.

    Whole movies are resampled with replacement, because clips of one movie resemble each other.

    Args:
        predicted: [n], predicted scores.
        true: [n], true scores.
        groups: int [n], movie of each clip.
        seed: seed of the draws.
        draws: number of bootstrap samples.
        level: level of the interval.

    Returns:
        Lower and upper end; NaN if ρ is undefined in all samples.
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    values = np.empty(draws)
    for i in range(draws):
        rows = np.concatenate([members[j] for j in rng.integers(len(members), size=len(members))])
        values[i] = spearman(predicted[rows], true[rows])
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def roc_auc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Computes the area under the ROC curve; ties count half, and NaN if positives or negatives are missing.

    It is the probability that a random positive has a larger score than a random negative.
    """
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    return float((ranks(scores)[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def f1(said: NDArray[np.bool_], positive: NDArray[np.bool_]) -> float:
    """Computes F1 = 2 · true positives / (predicted positives + positives); NaN if the denominator is 0."""
    total = int(said.sum() + positive.sum())
    return float(2 * (said & positive).sum() / total) if total else float("nan")


@dataclass(frozen=True)
class NoiseCeiling:
    """Spearman's ρ between the true recall probabilities and the measured scores.

    Attributes:
        spearman: mean over the draws; no model can be expected to exceed it on these scores.
        low, high: ends of the central 95 % of the draws.
        prior: parameters a and b of the Beta distribution of the clips' recall probabilities.
    """

    spearman: float
    low: float
    high: float
    prior: tuple[float, float]


def noise_ceiling(scores: Floats, annotations: NDArray[np.int64], *, seed: int = 0, draws: int = 1000) -> NoiseCeiling:
    """Estimates Spearman's ρ between the true recall probabilities p and the scores k / n.

    A score is the share of n annotators who remembered the clip: k ~ Binomial(n, p) with p ~ Beta(a, b), fitted by the
    mean and variance of the scores. Given the scores, p is drawn from Beta(a + k, b + n − k) and correlated with k / n.
    With ten annotators per clip, the ceiling is .53 if p has standard deviation .1, .80 at .2, and .92 at .3.

    Args:
        scores: [N], k / n in [0, 1].
        annotations: int [N], n of each clip, at least 1.
        seed: seed of the draws.
        draws: number of draws of p.

    Raises:
        PrerollError: scores or annotations are out of range, or there are fewer than three clips.
    """
    if len(scores) < 3 or not ((scores >= 0) & (scores <= 1)).all() or not (annotations >= 1).all():
        raise PrerollError("noise ceiling: at least 3 scores in [0, 1] with at least one annotator each are needed")
    remembered = np.round(scores * annotations)
    a, b = _beta(remembered, annotations)
    rng = np.random.default_rng(seed)
    values = np.array([
        spearman(rng.beta(a + remembered, b + annotations - remembered), remembered / annotations) for _ in range(draws)
    ])  # fmt: skip
    low, high = np.quantile(values, [0.025, 0.975])
    return NoiseCeiling(float(values.mean()), float(low), float(high), (a, b))


def _beta(remembered: Floats, annotations: NDArray[np.int64]) -> tuple[float, float]:
    """Fits a and b by moments: Var(k/n) = m(1−m)/n · (1 + (n−1)·r) with r = 1/(a+b+1), solved for r over all clips."""
    mean = float(remembered.sum() / annotations.sum())
    spread = mean * (1 - mean)
    if spread == 0:
        return max(mean, 1e-6) * 1e6, max(1 - mean, 1e-6) * 1e6
    excess = (remembered / annotations - mean) ** 2 - spread / annotations
    r = float(
        np.clip(excess.sum() / (spread * (1 - 1 / annotations)).sum() if annotations.max() > 1 else 0, 1e-3, 0.99)
    )
    return mean * (1 / r - 1), (1 - mean) * (1 / r - 1)
