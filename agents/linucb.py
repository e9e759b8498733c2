"""LinUCB with disjoint linear models."""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.agent import Agent, Arrays
from preroll.agents.linear import absorb, predict
from preroll.agents.scores import pick_best
from preroll.agents.settings import AgentSettings
from preroll.agents.transitions import Transitions
from preroll.envs.observation import Spaces
from preroll.envs.policies import uniform_over_best


class LinUCBSettings(AgentSettings):
    """How the model is regularised and how wide its confidence is taken."""

    alpha: float = Field(
        default=0.3,
        ge=0,
        description="width in standard errors (Li et al. 2010); times √(2 ln t) where growth is log",
    )
    growth: Literal["constant", "log"] = Field(
        default="log", description="a constant alpha ≤ 1 locked into a bad ad in runs with 20 seeds; √ln t never does"
    )
    target: Literal["view", "reward"] = Field(
        default="view",
        description="view: the reward of an ad is known, so only its view is learned; reward: as published",
    )
    ridge: float = Field(default=1.0, gt=0, description="A starts as ridge · identity (Li et al. 2010: 1)")


class LinUCB(Agent):
    """Shows the ad with the largest upper bound reward[a]·(w[a]ᵀx + α·√(xᵀA[a]⁻¹x)), x the whole observation.

    Li, Chu, Langford & Schapire 2010, algorithm 1, one ridge regression per ad: A = ridge·I + Σ xxᵀ, b = Σ y·x,
    w = A⁻¹b, with y = 1 if the ad was viewed, else 0. With target "reward" y is the reward and the factor reward[a] is
    left out, as published. α is constant or alpha·√(2 ln t), t the transitions seen.

    Metrics: ``alpha`` now; ``width``, the mean of √(xᵀA⁻¹x) over the last batch's lanes and all ads.
    """

    name = "linucb"
    Settings = LinUCBSettings
    settings: LinUCBSettings

    def __init__(self, spaces: Spaces, settings: LinUCBSettings, *, seed: int = 0) -> None:
        super().__init__(spaces, settings, seed=seed)
        size = spaces.layout.size
        self.pay = spaces.rewards if settings.target == "view" else np.ones(spaces.n_actions)
        self.inverses = np.tile(np.eye(size) / settings.ridge, (spaces.n_actions, 1, 1))
        self.moments = np.zeros((spaces.n_actions, size))
        self.weights = np.zeros((spaces.n_actions, size))
        self._width = 0.0

    @property
    def alpha(self) -> float:
        """The width in standard errors now."""
        if self.settings.growth == "constant":
            return self.settings.alpha
        return self.settings.alpha * math.sqrt(2 * math.log(max(self.steps, 1) + 1))

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Chooses by the upper confidence bound; without ``explore`` by the mean."""
        return pick_best(self._scores(observations, explore), self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Exact: uniform over the ads with the largest score."""
        return uniform_over_best(self._scores(observations, explore))

    def _scores(self, observations: NDArray[np.float32], explore: bool) -> NDArray[np.float64]:
        means, widths = predict(self.inverses, self.weights, observations.astype(np.float64))
        if not explore:
            expected: NDArray[np.float64] = means * self.pay
            return expected
        self._width = float(widths.mean())
        bounds: NDArray[np.float64] = (means + self.alpha * widths) * self.pay
        return bounds

    def _learn(self, transitions: Transitions) -> None:
        features = transitions.observations.astype(np.float64)
        learned = transitions.viewed if self.settings.target == "view" else transitions.rewards
        absorb(self.inverses, self.moments, self.weights, features, transitions.ads, learned.astype(np.float64))

    def metrics(self) -> dict[str, float]:
        """Gives ``alpha`` and ``width``."""
        return {"alpha": self.alpha, "width": self._width}

    def arrays(self, *, training: bool = False) -> Arrays:
        """Gives ``inverses`` (A, d, d), ``moments`` and ``weights`` (A, d)."""
        return {"inverses": self.inverses, "moments": self.moments, "weights": self.weights}

    def restore(self, arrays: Arrays, counters: dict[str, Any]) -> None:
        """Takes back the regressions."""
        self.inverses, self.moments = arrays["inverses"].copy(), arrays["moments"].copy()
        self.weights = arrays["weights"].copy()
