"""Metrics and report of predicted tags."""

import numpy as np
from numpy.typing import NDArray

from preroll.perception.prediction.framework.task import PredictionReport, Table
from preroll.perception.prediction.metrics.average_precision import macro_average_precision
from preroll.perception.prediction.metrics.ranking import (
    global_average_precision,
    hit_at,
    label_ranking_average_precision,
    mean_reciprocal_rank_of_labels,
    precision_at_equal_recall,
)

Scores = NDArray[np.float32]
Targets = NDArray[np.bool_]


def quick_metrics(scores: Scores, targets: Targets) -> dict[str, float]:
    """Computes the metrics measured after every epoch: GAP@20, Hit@1, Hit@5 and Hit@20."""
    hits = {f"Hit@{k}": hit_at(scores, targets, k) for k in (1, 5, 20)}
    return {"GAP@20": global_average_precision(scores, targets), **hits}


def seed_metrics(by_seed: list[Scores], targets: Targets) -> dict[str, list[float]]:
    """Computes the quick metrics of each seed's network: one value per seed, by metric."""
    each = [quick_metrics(scores, targets) for scores in by_seed]
    return {name: [metrics[name] for metrics in each] for name in each[0]}


def report(scores: Scores, targets: Targets, names: tuple[str, ...]) -> PredictionReport:
    """Builds the report: all metrics, and a table of the classes with positives, most frequent first.

    Args:
        scores: float32 [n, K].
        targets: bool [n, K].
        names: names of the K classes.
    """
    macro = macro_average_precision(scores, targets)
    metrics = {
        **quick_metrics(scores, targets),
        "Hit@1, always the likeliest": float(targets.mean(0).max()),
        "PERR": precision_at_equal_recall(scores, targets),
        "macro AP": macro.mean,
        "label-ranking AP": label_ranking_average_precision(scores, targets),
        "mean_reciprocal_rank_of_labels": mean_reciprocal_rank_of_labels(scores, targets),
    }
    support = targets.sum(0)
    order = [int(k) for k in np.argsort(-support, kind="stable") if support[k]]
    rows = [(names[k], k, int(support[k]), float(macro.by_class[k])) for k in order]
    note = (
        f"macro AP is the mean over the {macro.classes:,} classes that have a positive here; "
        f"{macro.left_out:,} have none and are left out."
    )
    return PredictionReport(metrics, Table(("class", "number", "support", "AP"), rows, ("class",)), (note,))
