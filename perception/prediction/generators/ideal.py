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
    """

    ids: tuple[str, ...]
    probabilities: NDArray[np.float64]
    targets: NDArray[np.generic]

    def rows_of(self, ids: "tuple[str, ...] | list[str]") -> "Ideal":
        """The same for these videos, in their order."""
        place = {name: row for row, name in enumerate(self.ids)}
        rows = [place[name] for name in ids]
        return Ideal(tuple(ids), self.probabilities[rows], self.targets[rows])


def noisy_or_none(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probabilities of independent labels, given that a video has at least one, [n, K]."""
    given: NDArray[np.float64] = probabilities / (1 - np.prod(1 - probabilities, axis=1, keepdims=True))
    return given


def drawn_with_a_label(probabilities: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Independent labels, drawn again for the videos that got none, bool [n, K]."""
    labels = rng.random(probabilities.shape) < probabilities
    while len(empty := np.flatnonzero(~labels.any(1))):
        labels[empty] = rng.random((len(empty), labels.shape[1])) < probabilities[empty]
    return labels
