"""Metrics and report of predicted memorability."""

import numpy as np
from numpy.typing import NDArray

from preroll.perception.prediction.formats.memorability_csv import MEMORABLE_ABOVE, GroundTruth
from preroll.perception.prediction.framework.task import PredictionReport, Table
from preroll.perception.prediction.metrics.regression import f1, noise_ceiling, roc_auc, spearman, spearman_interval


def report(predicted: NDArray[np.float64], truth: GroundTruth, notes: tuple[str, ...] = ()) -> PredictionReport:
    """Builds the report: Spearman's ρ with interval and noise ceiling, ROC-AUC and F1, and a row per movie.

    Args:
        predicted: float64 [n], predictions of models that were not trained on the clip's movie.
        truth: measured scores of the same n clips.
        notes: further notes of the report.
    """
    movies = sorted(set(truth.movies))
    groups = np.array([movies.index(movie) for movie in truth.movies])
    low, high = spearman_interval(predicted, truth.scores, groups)
    ceiling = noise_ceiling(truth.scores, truth.annotations)
    metrics = {
        "Spearman": spearman(predicted, truth.scores),
        "Spearman, low": low,
        "Spearman, high": high,
        "noise ceiling": ceiling.spearman,
        "ROC-AUC": roc_auc(predicted, truth.memorable),
        "F1": f1(predicted > MEMORABLE_ABOVE, truth.memorable),
    }
    told = [
        f"The interval is of 95 %, over whole movies. The true recall probabilities would reach {ceiling.spearman:.3f} "
        f"({ceiling.low:.3f} to {ceiling.high:.3f}) with {truth.annotations.mean():.1f} annotators a clip.",
        *notes,
    ]
    if truth.disagreeing:
        told.append(f"{truth.disagreeing} clips have another class in the file than (score > 0.5), which counts here.")
    rows = []
    for group, movie in enumerate(movies):
        mine = groups == group
        rows.append((movie, int(mine.sum()), float(truth.scores[mine].mean()), float(predicted[mine].mean())))
    return PredictionReport(metrics, Table(("movie", "clips", "score", "predicted"), rows, ("movie",)), tuple(told))
