"""True probabilities of generated data sets: no model can be expected to predict better."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Ideal:
    """True probabilities of generated videos, and the targets drawn from them.

    Attributes:
        ids: ids of the n videos.
        probabilities: float64 [n, K]; for memorability the true recall probability [n, 1].
        targets: targets drawn from the probabilities: bool [n, K], or the measured score [n, 1].
        log_likelihood: float64 [n], log of the true joint probability of each video's targets. The likelihood ratio of
            any honest prediction to the truth has mean at most 1 and so exceeds 1/α with probability at most α; a
            larger ratio reveals that the labels leaked.
    """

    ids: tuple[str, ...]
    probabilities: NDArray[np.float64]
    targets: NDArray[np.generic]
    log_likelihood: NDArray[np.float64]

    def rows_of(self, ids: "tuple[str, ...] | list[str]") -> "Ideal":
        """Returns the entries of the given videos, in the given order."""
        place = {name: row for row, name in enumerate(self.ids)}
        rows = [place[name] for name in ids]
        return Ideal(tuple(ids), self.probabilities[rows], self.targets[rows], self.log_likelihood[rows])


def noisy_or_none(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the probabilities [n, K] of independent labels, given that a video has at least one."""
    given: NDArray[np.float64] = probabilities / (1 - np.prod(1 - probabilities, axis=1, keepdims=True))
    return given


def log_likelihood(probabilities: NDArray[np.float64], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Returns the log probability of each row of independent labels, given at least one label, float64 [n]."""
    none = np.prod(1 - probabilities, axis=1)
    with np.errstate(divide="ignore"):
        logs = np.where(labels, np.log(probabilities), np.log1p(-probabilities))
    rows: NDArray[np.float64] = logs.sum(1) - np.log1p(-none)
    return rows


def drawn_with_a_label(probabilities: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draws independent labels, bool [n, K], and redraws videos without any."""
    labels = rng.random(probabilities.shape) < probabilities
    while len(empty := np.flatnonzero(~labels.any(1))):
        labels[empty] = rng.random((len(empty), labels.shape[1])) < probabilities[empty]
    return labels
