"""What somebody who knew how a data set was made would predict: nobody can be expected to do better."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Ideal:
    """The true probabilities of generated videos.

    Attributes:
        ids: n names.
        probabilities: float64 [n, K]; of memorability the true recall probability [n, 1].
        targets: what was drawn from them: bool [n, K], or the measured score [n, 1].
        log_likelihood: float64 [n], the log of the true probability of each video's targets, all labels together. The
            likelihood ratio of any other honest prediction to the truth has a mean of at most 1, so that it exceeds
            1/α with a probability of at most α: who exceeds it has seen the labels.
    """

    ids: tuple[str, ...]
    probabilities: NDArray[np.float64]
    targets: NDArray[np.generic]
    log_likelihood: NDArray[np.float64]

    def rows_of(self, ids: "tuple[str, ...] | list[str]") -> "Ideal":
        """The same for these videos, in their order."""
        place = {name: row for row, name in enumerate(self.ids)}
        rows = [place[name] for name in ids]
        return Ideal(tuple(ids), self.probabilities[rows], self.targets[rows], self.log_likelihood[rows])


def noisy_or_none(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probabilities of independent labels, given that a video has at least one, [n, K]."""
    given: NDArray[np.float64] = probabilities / (1 - np.prod(1 - probabilities, axis=1, keepdims=True))
    return given


def log_likelihood(probabilities: NDArray[np.float64], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The log of the probability of each row of independent labels, given that it has at least one, float64 [n]."""
    none = np.prod(1 - probabilities, axis=1)
    with np.errstate(divide="ignore"):
        logs = np.where(labels, np.log(probabilities), np.log1p(-probabilities))
    rows: NDArray[np.float64] = logs.sum(1) - np.log1p(-none)
    return rows


def drawn_with_a_label(probabilities: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Independent labels, drawn again for the videos that got none, bool [n, K]."""
    labels = rng.random(probabilities.shape) < probabilities
    while len(empty := np.flatnonzero(~labels.any(1))):
        labels[empty] = rng.random((len(empty), labels.shape[1])) < probabilities[empty]
    return labels
