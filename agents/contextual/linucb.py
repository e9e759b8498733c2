"""LinUCB with disjoint linear models."""

import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.contextual.linear_bandit import LinearBandit, LinearSettings
from preroll.agents.settings import Overruled
from preroll.envs.policies.simple import uniform_over_best


class LinUCBSettings(LinearSettings):
    """Settings of LinUCB: the width of the confidence bound."""

    alpha: float = Field(
        default=0.3,
        ge=0,
        description="width in standard errors (Li et al. 2010); times √(2 ln t) where growth is log",
    )
    growth: Annotated[Literal["constant", "log"], Overruled("alpha", lambda s: s.alpha == 0)] = Field(
        default="log", description="a constant alpha ≤ 1 locked into a bad ad in runs with 20 seeds; √ln t never does"
    )


class LinUCB(LinearBandit):
    """LinUCB: the ad with the largest upper bound reward[a]·(w[a]ᵀx + α·√(xᵀA[a]⁻¹x)), x the observation.

    Li, Chu, Langford & Schapire 2010, algorithm 1, one ridge regression per ad: A = ridge·I + Σ xxᵀ, b = Σ y·x,
    w = A⁻¹b, with y = 1 if the ad was viewed, else 0; x holds a constant. With target "reward" y is reward / largest
    reward, and the largest reward is the factor: as published, in a unit in which alpha fits. α is constant or
    alpha·√(2 ln t), t the transitions seen.

    Metrics: current ``alpha``; ``width``, the mean of √(xᵀA⁻¹x) over the last batch's lanes and all ads.

    Examples:
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import SessionVectorEnv
        >>> envs = SessionVectorEnv(1, scenario="classic", catalog="demo")
        >>> observations, _ = envs.reset(seed=1)
        >>> make_agent("linucb", envs).act(observations)  # before any data the bound is largest where the reward is
        array([1])
    """

    name = "linucb"
    Settings = LinUCBSettings
    settings: LinUCBSettings

    @property
    def alpha(self) -> float:
        """Current width of the bound, in standard errors."""
        if self.settings.growth == "constant":
            return self.settings.alpha
        return self.settings.alpha * math.sqrt(2 * math.log(max(self.steps, 1) + 1))

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Chooses by the upper confidence bound; without ``explore``, by the mean."""
        return self.pick(observations, self.alpha if explore else 0.0)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the exact probabilities: uniform over the ads with the largest score."""
        means, widths = self.predict(observations)
        return uniform_over_best((means + (self.alpha if explore else 0.0) * widths) * self.pay)

    def metrics(self) -> dict[str, float]:
        """Returns ``alpha`` and ``width``."""
        return {"alpha": self.alpha, "width": self.width}
