"""Linear Thompson sampling with disjoint models."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.contextual.linear_bandit import LinearBandit, LinearSettings
from preroll.agents.propensities.gaussian import probability_of_being_largest
from preroll.envs.policies.simple import uniform_over_best


class LinTSSettings(LinearSettings):
    """Settings of LinTS: the width of the posterior."""

    v: float = Field(
        default=0.5,
        gt=0,
        description="standard deviation of the noise: at most 0.5 for a view (v of Agrawal & Goyal 2013, algorithm 1)",
    )


class LinTS(LinearBandit):
    """Linear Thompson sampling: with weights w̃ drawn from the posterior, the ad with the largest reward[a]·w̃[a]ᵀx.

    Agrawal & Goyal 2013 with one model per ad: w̃[a] ~ N(w[a], v²·A[a]⁻¹), A = ridge·I + Σ xxᵀ, w = A⁻¹Σ y·x, y = 1 if
    the ad was viewed. As only w̃ᵀx matters, and every decision draws anew, w̃ᵀx ~ N(wᵀx, v²·xᵀA⁻¹x) itself is drawn:
    the same distribution from one number instead of d. With target "reward" y is reward / largest reward, and the
    largest reward is the factor.

    Metrics: ``width``, the mean of v·√(xᵀA⁻¹x) over the last batch's lanes and all ads.

    Examples:
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import SessionVectorEnv
        >>> envs = SessionVectorEnv(1, scenario="classic", catalog="demo")
        >>> observations, _ = envs.reset(seed=1)
        >>> make_agent("lints", envs).action_probabilities(observations, explore=True).round(2)  # before any data
        array([[0.09, 0.3 , 0.09, 0.21, 0.09, 0.21]])
    """

    name = "lints"
    Settings = LinTSSettings
    settings: LinTSSettings

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Chooses by one posterior draw per lane and ad; without ``explore``, by the posterior means."""
        if not explore:
            return self.pick(observations, 0.0)
        return self.pick(observations, self.settings.v, self.rng.standard_normal((len(observations), len(self.pay))))

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the probabilities: exact without ``explore``, by quadrature with it (error below 0.002)."""
        means, widths = self.predict(observations)
        if not explore:
            return uniform_over_best(means * self.pay)
        return probability_of_being_largest(means * self.pay, self.settings.v * widths * self.pay)

    def metrics(self) -> dict[str, float]:
        """Returns ``width``."""
        return {"width": self.settings.v * self.width}
