"""Calibration of probabilities: temperature scaling, expected calibration error, and reliability diagrams."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.files import atomic

Floats = NDArray[np.float64]
_TINY = 1e-7


@dataclass(frozen=True)
class Reliability:
    """Reliability curve: predicted probability and observed share in bins of probability.

    Attributes:
        predicted: float64 [B], mean probability of each bin; NaN if it is empty.
        observed: float64 [B], share of true outcomes of each bin; NaN if it is empty.
        count: int64 [B], number of pairs in each bin.
        error: expected calibration error Σ count/n · |observed − predicted|.
    """

    predicted: Floats
    observed: Floats
    count: NDArray[np.int64]
    error: float


def reliability(probabilities: NDArray[np.floating], outcomes: NDArray[np.bool_], bins: int = 15) -> Reliability:
    """Computes the reliability curve of probabilities in equal bins of [0, 1].

    Args:
        probabilities: probabilities of any shape.
        outcomes: bool, of the same shape.
        bins: B, the number of bins.
    """
    flat, true = np.asarray(probabilities, np.float64).ravel(), outcomes.ravel()
    place = np.clip((flat * bins).astype(np.int64), 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(place, flat, bins) / count
        observed = np.bincount(place, true, bins) / count
    error = float(np.nansum(np.abs(observed - predicted) * count) / max(1, len(flat)))
    return Reliability(predicted, observed, count, error)


def tags_temperature(probabilities: NDArray[np.floating], targets: NDArray[np.bool_]) -> float:
    """Fits the temperature T that minimises the log loss of σ(log-odds / T) over all pairs (video, class).

    Args:
        probabilities: [n, K], probabilities of labels that are not mutually exclusive.
        targets: bool [n, K].

    Returns:
        T in [0.05, 20].
    """
    odds = log_odds(probabilities)
    sign = np.where(targets, -1.0, 1.0)
    return _coldest(lambda t: float(np.logaddexp(0, sign * odds / t).sum()))


def classes_temperature(probabilities: NDArray[np.floating], truth: NDArray[np.integer]) -> float:
    """Fits the temperature T that minimises the log loss of softmax(log p / T).

    Args:
        probabilities: [n, K], rows of sum 1.
        truth: int [n], true classes.

    Returns:
        T in [0.05, 20].
    """
    return _coldest(
        lambda t: (
            -float(np.log(temperature_scaled_classes(probabilities, t)[np.arange(len(truth)), truth] + 1e-300).sum())
        )
    )


def temperature_scaled_tags(probabilities: NDArray[np.floating], temperature: float) -> Floats:
    """Computes σ(log-odds / T); T > 1 makes probabilities less confident, and their order is preserved."""
    scaled: Floats = 0.5 * (1 + np.tanh(0.5 * log_odds(probabilities) / temperature))
    return scaled


def temperature_scaled_classes(probabilities: NDArray[np.floating], temperature: float) -> Floats:
    """Computes softmax(log p / T) of each row."""
    logs = np.log(np.clip(np.asarray(probabilities, np.float64), _TINY, 1)) / temperature
    powers: Floats = np.exp(logs - logs.max(-1, keepdims=True))
    powers /= powers.sum(-1, keepdims=True)
    return powers


def log_odds(probabilities: NDArray[np.floating]) -> Floats:
    """Computes log(p / (1 − p)), with p clipped to [1e-7, 1 − 1e-7]."""
    p = np.clip(np.asarray(probabilities, np.float64), _TINY, 1 - _TINY)
    odds: Floats = np.log(p / (1 - p))
    return odds


def draw_reliability(path: Path, curves: "dict[str, Reliability]", title: str) -> None:
    """Draws a reliability diagram: observed share against predicted probability, with dot areas growing with the count.

    Args:
        path: ``.png`` or ``.svg`` file; its folder is created if it does not exist.
        curves: reliability curves by name.
        title: title of the diagram.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1)
    for name, curve in curves.items():
        known = curve.count > 0
        sizes = 8 + 10 * np.log1p(curve.count[known])
        line = axes.plot(curve.predicted[known], curve.observed[known], linewidth=1)[0]
        label = f"{name}: error {curve.error:.4f}"
        axes.scatter(curve.predicted[known], curve.observed[known], sizes, color=line.get_color(), label=label)
    axes.set(xlabel="predicted probability", ylabel="observed share", xlim=(0, 1), ylim=(0, 1), title=title)
    axes.legend(loc="upper left")
    content = io.BytesIO()
    kind = path.suffix.removeprefix(".")
    figure.savefig(content, format=kind, dpi=120, metadata={"Software": None} if kind == "png" else None)
    atomic.write_bytes(path, content.getvalue())


def _coldest(loss: "object") -> float:
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda log_t: loss(np.exp(log_t)), bounds=(np.log(0.05), np.log(20)), method="bounded")  # type: ignore[operator]
    temperature = float(np.exp(found.x))
    if not np.isfinite(temperature):
        raise PrerollError("calibration: the probabilities must be numbers")
    return temperature
