"""Metrics and report of predicted genres."""

import numpy as np
from numpy.typing import NDArray

from preroll.perception.prediction.framework.task import PredictionReport, Table
from preroll.perception.prediction.metrics.thresholds import ClassScores, class_scores

_WHAT = ("precision", "recall", "AP")


def genre_metrics(probabilities: NDArray[np.float32], targets: NDArray[np.bool_]) -> dict[str, float]:
    """Computes precision and recall at 0.5 and AP: macro over genres with positives, micro, and weighted by support."""
    return _named(class_scores(probabilities, targets))


def _named(scores: ClassScores) -> dict[str, float]:
    named = {"macro": scores.macro(), "micro": scores.micro, "weighted": scores.weighted()}
    return {f"{how} {what}": value for how, values in named.items() for what, value in zip(_WHAT, values, strict=True)}


def report(
    probabilities: NDArray[np.float32],
    targets: NDArray[np.bool_],
    names: tuple[str, ...],
    thresholds: NDArray[np.float64],
) -> PredictionReport:
    """Builds the report: all metrics, and a table with one row per genre and the averages.

    Args:
        probabilities: float32 [n, G].
        targets: bool [n, G].
        names: names of the G genres.
        thresholds: float64 [G], selected on the validation videos; they affect only the columns added for them.
    """
    half, chosen = class_scores(probabilities, targets), class_scores(probabilities, targets, thresholds)
    rows: list[tuple[object, ...]] = [
        (
            name,
            float(half.precision[k]),
            float(half.recall[k]),
            float(half.average_precision[k]),
            int(half.support[k]),
            float(thresholds[k]),
            float(chosen.precision[k]),
            float(chosen.recall[k]),
        )
        for k, name in enumerate(names)
    ]
    total = int(half.support.sum())
    for how, at_half, at_chosen in (
        ("macro", half.macro(), chosen.macro()),
        ("micro", half.micro, chosen.micro),
        ("weighted", half.weighted(), chosen.weighted()),
    ):
        rows.append((how, *at_half, total, float("nan"), *at_chosen[:2]))
    columns = ("genre", "precision@0.5", "recall@0.5", "AP", "support", "threshold", "precision@t", "recall@t")
    empty = int((half.support == 0).sum())
    notes = ["Thresholds are chosen on the validation videos."]
    if empty:
        notes.append(f"Genres without a positive here: {empty}; they are nan, and no part of macro and weighted.")
    return PredictionReport(_named(half), Table(columns, rows, ("genre",)), tuple(notes))
