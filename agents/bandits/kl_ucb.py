"""KL-UCB per category: the tight confidence bound for views."""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.bandits.tabular import IndexBandit, IndexSettings
from preroll.jit import compiled


class KLUCBSettings(IndexSettings):
    """Settings of KL-UCB: the confidence level."""

    c: float = Field(
        default=0.0, ge=0, description="of f(t) = ln t + c·ln ln t: 0 works best (Garivier & Cappé 2011, section 2)"
    )


class KLUCB(IndexBandit):
    """KL-UCB: the ad with the largest reward[a]·max{q: n[k, a]·kl(p[k, a], q) ≤ ln t[k] + c·ln ln t[k]} is shown.

    Garivier & Cappé 2011; kl(p, q) = p ln(p/q) + (1 − p) ln((1 − p)/(1 − q)). Never wider than UCB1, and far tighter
    near 0 and 1. With target "reward" p is the mean of reward / largest reward.

    Metrics: ``bonus``, the mean distance between index and mean [reward].

    Examples:
        >>> import numpy as np
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> agent = make_agent("kl-ucb", Tables.compile("classic", "demo"))
        >>> agent.arms.add(np.zeros(6, int), np.arange(6), np.eye(6)[0])  # each ad was shown once, only ad 0 viewed
        >>> agent.indices()[0].round(2)
        array([1.  , 2.5 , 0.83, 1.67, 0.83, 1.67])
    """

    name = "kl-ucb"
    Settings = KLUCBSettings
    settings: KLUCBSettings

    def indices(self) -> NDArray[np.float64]:
        """Returns the index (K, A) of every ad; infinite for paying ads that were never shown."""
        counts = self.arms.counts
        logs = np.log(np.maximum(counts.sum(axis=1, keepdims=True), 1.0))
        budget = logs + self.settings.c * np.log(np.maximum(logs, 1.0))
        bounds = np.full(counts.shape, np.inf)
        upper_bounds(self.arms.sums, counts, np.broadcast_to(budget, counts.shape).copy(), bounds)
        return self._paid(bounds)


@compiled
def upper_bounds(
    sums: NDArray[np.float64], counts: NDArray[np.float64], budget: NDArray[np.float64], bounds: NDArray[np.float64]
) -> None:
    """Writes max{q ≤ 1: n·kl(S/n, q) ≤ budget} into ``bounds`` where n = counts > 0, all (K, A), by bisection."""
    for k in range(counts.shape[0]):
        for a in range(counts.shape[1]):
            if counts[k, a] <= 0.0:
                continue
            p = min(max(sums[k, a] / counts[k, a], 0.0), 1.0)
            limit = budget[k, a] / counts[k, a]
            # Pinsker: kl(p, q) ≥ 2 (p − q)², which bounds q from above
            low, high = p, min(1.0, p + math.sqrt(limit / 2.0))
            for _ in range(40):
                q = 0.5 * (low + high)
                divergence = 0.0
                if p > 0.0:
                    divergence += p * math.log(p / q)
                if p < 1.0:
                    divergence += (1.0 - p) * math.log((1.0 - p) / (1.0 - q)) if q < 1.0 else math.inf
                if divergence > limit:
                    high = q
                else:
                    low = q
            bounds[k, a] = low
