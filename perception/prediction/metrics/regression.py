"""How well a score is predicted: rank correlation, its interval, and the class that the score stands for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError

Floats = NDArray[np.float64]


def ranks(values: Floats) -> Floats:
    """The ranks of ``values``, 1 for the smallest; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends: Floats = np.cumsum(counts).astype(np.float64)
    shared: Floats = (ends - (counts - 1) / 2)[inverse]
    return shared


def spearman(predicted: Floats, true: Floats) -> float:
    """Spearman's ρ: Pearson's correlation of the ranks, in [−1, 1]; NaN where either is constant."""
    first, second = ranks(predicted) - (len(true) + 1) / 2, ranks(true) - (len(true) + 1) / 2
    scale = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / scale) if scale > 0 else float("nan")


def spearman_interval(
    predicted: Floats, true: Floats, groups: NDArray[np.int64], *, seed: int = 0, draws: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """Bootstrap interval of Spearman's ρ over whole movies, drawn with replacement: clips of one resemble each other.

    Args:
        predicted: [n].
        true: [n].
        groups: int [n], the movie of each clip.
        seed: of the draws.
        draws: how many.
        level: of the interval, whose ends are percentiles of the drawn values.
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
    """The probability that a positive has the larger score than a negative, ties half; NaN without one of them."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    return float((ranks(scores)[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def f1(said: NDArray[np.bool_], positive: NDArray[np.bool_]) -> float:
    """2 · right / (said + positive); NaN where nothing is said and nothing is positive."""
    total = int(said.sum() + positive.sum())
    return float(2 * (said & positive).sum() / total) if total else float("nan")


@dataclass(frozen=True)
class NoiseCeiling:
    """How well the true recall probabilities themselves would predict the measured scores.

    Attributes:
        spearman: mean over the draws; nobody can be expected to do better on such scores.
        low, high: the middle 95 % of the draws.
        prior: a and b of the Beta distribution of the clips' recall probabilities.
    """

    spearman: float
    low: float
    high: float
    prior: tuple[float, float]


def noise_ceiling(scores: Floats, annotations: NDArray[np.int64], *, seed: int = 0, draws: int = 1000) -> NoiseCeiling:
    """The Spearman that the true recall probability p would reach, where a score is k of n annotators who remembered.

    k ~ Binomial(n, p) and p ~ Beta(a, b), fitted by the mean and the variance of the scores. Given the scores, p is
    drawn from Beta(a + k, b + n − k) and correlated with k / n. With ten annotators a clip it is .53 where p has the
    standard deviation .1, .80 at .2, .92 at .3.

    Args:
        scores: [N], k / n in [0, 1].
        annotations: int [N], n, at least 1.
        seed: of the draws.
        draws: how many.

    Raises:
        PrerollError: scores or numbers are out of range, or fewer than three clips.
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
    """a and b by moments: Var(k/n) = m(1−m)/n · (1 + (n−1)·r) with r = 1/(a+b+1), solved for r over all clips."""
    mean = float(remembered.sum() / annotations.sum())
    spread = mean * (1 - mean)
    if spread == 0:
        return max(mean, 1e-6) * 1e6, max(1 - mean, 1e-6) * 1e6
    excess = (remembered / annotations - mean) ** 2 - spread / annotations
    r = float(
        np.clip(excess.sum() / (spread * (1 - 1 / annotations)).sum() if annotations.max() > 1 else 0, 1e-3, 0.99)
    )
    return mean * (1 / r - 1), (1 - mean) * (1 / r - 1)
