"""How much of an ad was watched that was not viewed to its end: information beside the model, nothing depends on it."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout, step
from preroll.envs.scenario.scenario import Scenario


def abandoned_at(scenario: Scenario, lanes: layout.State, n: int) -> NDArray[np.float64]:
    """The fraction at which the ad of the slot to come is abandoned if it is not viewed, float64 [n].

    Drawn from the scenario's abandonment curve, the distribution of fractions among those who abandon, by inversion;
    0 in lanes that the next step only starts anew.
    """
    fractions, shares = np.array(scenario.user.abandonment).T
    dice = np.empty(n)
    step.watch_dice(lanes, dice)
    return np.asarray(np.interp(dice, shares, fractions) * (lanes.state[layout.ENDED, :n] == 0))


def watched(
    abandoned: NDArray[np.float64], viewed: NDArray[np.bool_], ads: NDArray[np.int64], n_ads: int
) -> NDArray[np.float64]:
    """The fraction that was watched: 1 if viewed, 0 for an empty slot, which is an action beyond the ``n_ads`` ads."""
    return np.where(viewed, 1.0, abandoned) * (ads < n_ads)
