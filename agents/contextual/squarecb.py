"""SquareCB: a regression turned into exploration by inverse gap weighting."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.contextual.linear_bandit import LinearBandit, LinearSettings
from preroll.agents.selection import sample_actions
from preroll.envs.policies.simple import uniform_over_best


class SquareCBSettings(LinearSettings):
    """Settings of SquareCB: the schedule of exploration."""

    gamma: float = Field(default=10.0, gt=0, description="γt = gamma · t^exponent (Vowpal Wabbit's gamma_scale)")
    exponent: float = Field(default=0.5, ge=0, le=1, description="of γt: √t (Foster & Rakhlin 2020, section 4)")


class SquareCB(LinearBandit):
    """SquareCB: ads drawn with probability 1 / (A + γ·gap), gap the predicted loss of reward against the best ad.

    Foster & Rakhlin 2020, algorithm 1: p[a] = 1 / (A + γ·(ŷ[best] − ŷ[a])) for every a but the best one, which gets
    the rest; ŷ[a] = reward[a]·w[a]ᵀx / largest reward by ridge regression, γ = gamma·t^exponent, t the transitions
    seen. With target "reward" ŷ[a] = w[a]ᵀx, of reward / largest reward.

    Metrics: current ``gamma``.

    Examples:
        >>> import numpy as np
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> agent = make_agent("squarecb", Tables.compile("classic", "demo"))
        >>> agent.weights[1, 0], agent.steps = 0.3, 10_000  # as if learned: 30 % of ad 1 are viewed in category 0
        >>> category_0 = np.eye(1, agent.spec.layout.size, dtype=np.float32)
        >>> agent.action_probabilities(category_0, explore=True).round(3)
        array([[0.003, 0.984, 0.003, 0.003, 0.003, 0.003]])
    """

    name = "squarecb"
    Settings = SquareCBSettings
    settings: SquareCBSettings

    @property
    def gamma(self) -> float:
        """Current weight γ of the gaps."""
        return float(self.settings.gamma * max(self.steps, 1) ** self.settings.exponent)

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Draws from :meth:`action_probabilities`."""
        return sample_actions(self.action_probabilities(observations, explore=explore), self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the exact probabilities of inverse gap weighting; without ``explore``, uniform over the best ads.

        Tied best ads share what the others leave.
        """
        scores = self.predict(observations)[0] * self.pay
        best = uniform_over_best(scores)
        if not explore:
            return best
        gaps = (scores.max(axis=1, keepdims=True) - scores) / self.spec.reward_unit
        others = np.where(best > 0, 0.0, 1.0 / (self.spec.n_actions + self.gamma * gaps))
        mixed: NDArray[np.float64] = others + best * (1.0 - others.sum(axis=1, keepdims=True))
        return mixed

    def metrics(self) -> dict[str, float]:
        """Returns ``gamma``."""
        return {"gamma": self.gamma}
