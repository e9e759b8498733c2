"""Thompson sampling on the view probability times the known reward, per category."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.agent import Agent, Arrays
from preroll.agents.beta_race import probability_of_being_best
from preroll.agents.contexts import CategoryContext
from preroll.agents.scores import pick_best
from preroll.agents.settings import AgentSettings
from preroll.agents.transitions import Transitions
from preroll.envs.observation import Spaces
from preroll.envs.policies import uniform_over_best


class ThompsonSettings(AgentSettings):
    """The prior of every view probability."""

    prior_views: float = Field(default=1.0, gt=0, description="Beta(1, 1): uniform (Agrawal & Goyal 2012, algorithm 1)")
    prior_skips: float = Field(default=1.0, gt=0, description="Beta(1, 1): uniform (Agrawal & Goyal 2012, algorithm 1)")


class Thompson(Agent):
    """Draws every view probability from its posterior and shows the ad with the largest draw times reward.

    p[k, a] ~ Beta(prior_views + views[k, a], prior_skips + skips[k, a]) for category k; score = p · reward[a]. The
    reward of an ad is known, so only the view is uncertain. "No ad" has reward 0.

    Metrics: ``posterior_std``, the mean standard deviation of the scores of all cells.
    """

    name = "thompson"
    Settings = ThompsonSettings
    settings: ThompsonSettings

    def __init__(self, spaces: Spaces, settings: ThompsonSettings, *, seed: int = 0) -> None:
        super().__init__(spaces, settings, seed=seed)
        self.context = CategoryContext(spaces)
        shape = (self.context.count, spaces.n_actions)
        self.views = np.full(shape, settings.prior_views)
        self.skips = np.full(shape, settings.prior_skips)

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Chooses by one posterior draw per lane and ad; without ``explore`` by the posterior means."""
        context = self.context(observations)
        if not explore:
            return pick_best(self._means()[context], self.rng)
        draws = self.rng.beta(self.views[context], self.skips[context])
        return pick_best(draws * self.spaces.rewards, self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Exact without ``explore``; with it the probability of the largest draw, by quadrature (error below 0.002)."""
        context = self.context(observations)
        if not explore:
            return uniform_over_best(self._means())[context]
        table = np.stack(
            [probability_of_being_best(v, s, self.spaces.rewards) for v, s in zip(self.views, self.skips, strict=True)]
        )
        return table[context]

    def _means(self) -> NDArray[np.float64]:
        means: NDArray[np.float64] = self.views / (self.views + self.skips) * self.spaces.rewards
        return means

    def _learn(self, transitions: Transitions) -> None:
        cells = self.context(transitions.observations), transitions.ads
        np.add.at(self.views, cells, transitions.viewed)
        np.add.at(self.skips, cells, ~transitions.viewed)

    def metrics(self) -> dict[str, float]:
        """Gives ``posterior_std``."""
        total = self.views + self.skips
        variance = self.views * self.skips / (total**2 * (total + 1)) * self.spaces.rewards**2
        return {"posterior_std": float(np.sqrt(variance).mean())}

    def arrays(self, *, training: bool = False) -> Arrays:
        """Gives the posterior's parameters ``views`` and ``skips`` (K, A)."""
        return {"views": self.views, "skips": self.skips}

    def restore(self, arrays: Arrays, counters: dict[str, Any]) -> None:
        """Takes back the posterior."""
        self.views, self.skips = arrays["views"].copy(), arrays["skips"].copy()
