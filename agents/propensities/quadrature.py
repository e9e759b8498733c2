"""Where the distributions of a race are looked at: equal slices, and ever thinner ones where an unlikely winner wins.

Equal slices alone know nothing of what lies beyond the middle of the last: an ad that wins once in 10,000 times, by a
lucky draw of its own, was told a propensity of 1e-40, and one such row of a log outweighs all others when it is divided
by that.
"""

import numpy as np
from numpy.typing import NDArray

SLICES = 256  # against 4,096 of them the probabilities of `classic` posteriors differ by less than 0.002
LAST = 4  # of them are cut anew,
CUTS = 88  # each cut 2^(1/4) thinner than the one before: the thinnest begins 4e-9 from the end


def _cut() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle and width of every slice, as probabilities counted from the upper end of the distribution."""
    thinner = LAST / SLICES * 2.0 ** (-np.arange(CUTS) / 4)
    edges = np.concatenate([np.arange(SLICES, LAST, -1) / SLICES, thinner, [0.0]])
    return (edges[:-1] + edges[1:]) / 2, edges[:-1] - edges[1:]


#: Probability beyond the middle of every slice, falling, and the probability of the slice itself; these add up to 1.
BEYOND, WEIGHTS = _cut()
