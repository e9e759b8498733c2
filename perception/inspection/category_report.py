"""Evaluation of predicted categories: metrics, a confusion matrix, and its picture."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.console.plural import percent

_BINS = 15


@dataclass(frozen=True)
class CategoryReport:
    """Metrics of predicted against true categories.

    Attributes:
        accuracy: share of videos whose most probable category is the true one.
        majority: share of the largest category: the accuracy of always predicting it.
        macro_f1: mean over the categories of 2·P·R / (P + R), with P and R the precision and recall of one.
        brier: mean over the videos of Σ over k of (p[k] − [k is true])², in [0, 2] (Brier 1950).
        ece: expected calibration error over 15 equal bins of the largest probability (Naeini et al. 2015): the mean
            distance of confidence from accuracy.
        confusion: int64 [K, K], videos by true category (rows) and most probable one (columns).
        categories: the K names.
    """

    accuracy: float
    majority: float
    macro_f1: float
    brier: float
    ece: float
    confusion: NDArray[np.int64]
    categories: tuple[str, ...]


def category_report(
    probabilities: NDArray[np.float32], category: NDArray[np.int16], categories: tuple[str, ...]
) -> CategoryReport:
    """Compares predicted with true categories.

    Args:
        probabilities: float32 [N, K].
        category: int16 [N], the true categories.
        categories: the K names.
    """
    p = probabilities.astype(np.float64)
    n, k = p.shape
    best = p.argmax(1)
    confusion = np.zeros((k, k), np.int64)
    np.add.at(confusion, (category, best), 1)
    hits = np.diag(confusion)
    f1 = 2 * hits / np.maximum(confusion.sum(0) + confusion.sum(1), 1)
    truth = np.eye(k)[category]
    confidence = p.max(1)
    of_bin = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(of_bin, confidence - (best == category), _BINS)
    return CategoryReport(
        accuracy=float(hits.sum() / n),
        majority=float(confusion.sum(1).max() / n),
        macro_f1=float(f1.mean()),
        brier=float(((p - truth) ** 2).sum(1).mean()),
        ece=float(np.abs(gaps).sum() / n),
        confusion=confusion,
        categories=categories,
    )


def confusion_picture(report: CategoryReport) -> bytes:
    """Draws the confusion matrix as a PNG, coloured by share of the true category and labelled with counts."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    k = len(report.categories)
    side = 2.4 + 0.6 * min(k, 40)
    figure = Figure((side + 0.8, side), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shares = report.confusion / np.maximum(report.confusion.sum(1, keepdims=True), 1)
    shown = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(k), report.categories, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(k), report.categories)
    axes.set_xlabel("predicted from objects")
    axes.set_ylabel("true category")
    measured = f"{percent(report.accuracy)} right, macro F1 {report.macro_f1:.3f}"
    axes.set_title(f"{measured}\nalways the likeliest: {percent(report.majority)} right", fontsize="medium")
    for i, j in np.ndindex(shares.shape) if k <= 40 else ():
        color = "white" if shares[i, j] > 0.5 else "black"
        axes.text(j, i, f"{report.confusion[i, j]:,}", ha="center", va="center", color=color)
    figure.colorbar(shown, label="share of the true category")
    picture = io.BytesIO()
    # Without matplotlib's version in the metadata, equal numbers give equal bytes.
    figure.savefig(picture, format="png", dpi=110, metadata={"Software": None})
    return picture.getvalue()
