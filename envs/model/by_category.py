"""P(view) and rewards of ads before the videos of each category, as means over these videos."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.probabilities import Arrays

WITHOUT = "without category"


def kinds_by_category(
    category: NDArray[np.int32], kind: NDArray[np.int32], names: Sequence[str]
) -> dict[str, tuple[NDArray[np.int32], NDArray[np.float64]]]:
    """Returns the kinds of videos that each category has, and the share of its videos that each makes up.

    Args:
        category: category of every video, int32 [N]; -1 is a category of its own, if there are such videos.
        kind: kind of every video, int32 [N].
        names: names of the categories; those without videos are left out.
    """
    found = {}
    for k, name in [*enumerate(names), (-1, WITHOUT)]:
        if (category == k).any():
            kinds, counts = np.unique(kind[category == k], return_counts=True)
            found[name] = kinds, counts / counts.sum()
    return found


def view_by_category(
    arrays: Arrays, kinds: NDArray[np.int32], shares: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Computes mean P(view) and mean reward of a view of every ad before videos of some kinds, no ad repeated.

    Returns:
        view: float64 [P, U, S, F, A].
        reward: float64 [P, A].
    """
    view = sum(
        share * np.minimum(arrays.base * arrays.match[:, kind][:, None, None, None], 1.0)
        for kind, share in zip(kinds, shares, strict=True)
    )
    return np.asarray(view), np.einsum("r,pra->pa", shares, arrays.reward[:, kinds])
