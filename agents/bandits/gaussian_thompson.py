"""Thompson sampling on the reward itself, with normal posteriors, per category."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.bandits.forgetting import ForgettingSettings
from preroll.agents.bandits.tabular import TabularBandit
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.propensities.gaussian import probability_of_being_largest
from preroll.agents.selection import pick_best
from preroll.envs.policies.simple import uniform_over_best


class GaussianThompsonSettings(ForgettingSettings):
    """Settings of Gaussian Thompson sampling: the assumed noise of a reward."""

    noise: float = Field(
        default=0.5,
        gt=0,
        description="standard deviation of a reward / largest reward: 0.5 bounds that of values in [0, 1] "
        "(Agrawal & Goyal 2013 take 1)",
    )


class GaussianThompson(TabularBandit):
    """Thompson sampling with a normal posterior of every mean reward: the ad with the largest draw is shown.

    θ[k, a] ~ N(S / (n + 1), noise² / (n + 1)) · R for category k, with S the sum of rewards / R, n how often the ad was
    shown, R the largest reward: Agrawal & Goyal 2013, algorithm 2. It does not use that the rewards of ads are known.

    Metrics: ``posterior_std``, the mean standard deviation of all arms [reward].

    Examples:
        >>> import numpy as np
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> agent = make_agent("gaussian-thompson", Tables.compile("classic", "demo"))
        >>> agent.arms.add(np.zeros(9, int), np.zeros(9, int), np.full(9, 1 / 3))  # ad 0 paid 1 of 3, nine times
        >>> means, deviations = agent.posterior()
        >>> means[0].round(2), deviations[0].round(2)
        (array([0.9, 0. , 0. , 0. , 0. , 0. ]), array([0.47, 1.5 , 1.5 , 1.5 , 1.5 , 1.5 ]))
    """

    name = "gaussian-thompson"
    Settings = GaussianThompsonSettings
    settings: GaussianThompsonSettings
    learns: Literal["view", "reward"] = "reward"

    def posterior(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the means and standard deviations of the mean rewards, both (K, A)."""
        weight = self.arms.counts + 1.0
        return self.arms.sums / weight * self.unit, self.settings.noise / np.sqrt(weight) * self.unit

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Chooses by one posterior draw per lane and ad; without ``explore``, by the posterior means."""
        context = self.context(observations)
        means, deviations = self.posterior()
        scores = means[context]
        if explore:
            scores = scores + deviations[context] * self.rng.standard_normal(scores.shape)
        return pick_best(scores, self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the probabilities: exact without ``explore``, by quadrature with it (error below 0.002)."""
        means, deviations = self.posterior()
        table = probability_of_being_largest(means, deviations) if explore else uniform_over_best(means)
        return table[self.context(observations)]

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the lookup of the category's posterior means."""
        graph.output_scores(self.context.lookup(graph, self.posterior()[0]))

    def metrics(self) -> dict[str, float]:
        """Returns ``posterior_std``."""
        return {"posterior_std": float(self.posterior()[1].mean())}
