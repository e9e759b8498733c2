"""Fraction of an ad that was watched before it was abandoned; information only, nothing in the model depends on it."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout, step
from preroll.envs.kernel.lanes import Lanes
from preroll.envs.scenario.scenario import Scenario


def abandoned_at(scenario: Scenario, lanes: Lanes) -> NDArray[np.float64]:
    """Draws the fraction at which the ad of the coming slot is abandoned if it is not viewed.

    The scenario's abandonment curve is the distribution of this fraction among users who abandon; it is sampled by
    inversion.

    Args:
        scenario: a scenario with an abandonment curve.
        lanes: state of the lanes before the step.

    Returns:
        Fractions, float64 [n]; 0 in lanes where the next step only starts a new session.
    """
    fractions, shares = np.array(scenario.user.abandonment).T
    dice = np.empty(lanes.n)
    step.watch_dice(lanes.words, dice)
    return np.asarray(np.interp(dice, shares, fractions) * (lanes.read(layout.ENDED) == 0))


def watched(
    abandoned: NDArray[np.float64], viewed: NDArray[np.bool_], ads: NDArray[np.int64], n_ads: int
) -> NDArray[np.float64]:
    """Returns the fraction of the ad that was watched: 1 if it was viewed, 0 for an empty slot.

    Args:
        abandoned: fraction at which an ad that is not viewed is abandoned, float64 [n].
        viewed: whether the ad was viewed, bool [n].
        ads: actions, int64 [n]; an action beyond the ``n_ads`` ads is an empty slot.
        n_ads: number of ads of the scenario.

    Returns:
        Fractions, float64 [n].
    """
    return np.where(viewed, 1.0, abandoned) * (ads < n_ads)
