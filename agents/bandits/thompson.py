"""Thompson sampling on the view probability times the known reward, per category."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.bandits.forgetting import ForgettingSettings
from preroll.agents.bandits.tabular import TabularBandit
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.propensities.beta import probability_of_being_best
from preroll.agents.selection import pick_best
from preroll.envs.policies.simple import uniform_over_best


class ThompsonSettings(ForgettingSettings):
    """Settings of Thompson sampling: the prior of every view probability."""

    prior_views: float = Field(
        default=1.0, gt=0, le=1e30, description="Beta(1, 1): uniform (Agrawal & Goyal 2012, algorithm 1)"
    )
    prior_skips: float = Field(
        default=1.0, gt=0, le=1e30, description="Beta(1, 1): uniform (Agrawal & Goyal 2012, algorithm 1)"
    )


class Thompson(TabularBandit):
    """Thompson sampling of every view probability: the ad with the largest draw times reward is shown.

    p[k, a] ~ Beta(prior_views + views[k, a], prior_skips + skips[k, a]) for category k; score = p · reward[a]. The
    reward of an ad is known, so only the view is uncertain. "No ad" has reward 0.

    Metrics: ``posterior_std``, the mean standard deviation of the scores of all arms.

    Examples:
        >>> import numpy as np
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> agent = make_agent("thompson", Tables.compile("classic", "demo"))
        >>> agent.arms.add(np.zeros(20, int), np.repeat([0, 1], 10), np.repeat([1.0, 0.0], 10))
        >>> agent.views[0], agent.skips[0]  # ad 0 was viewed ten times, ad 1 skipped ten times
        (array([11.,  1.,  1.,  1.,  1.,  1.]), array([ 1., 11.,  1.,  1.,  1.,  1.]))
        >>> cats = np.eye(1, agent.spec.layout.size, dtype=np.float32)  # a video of category 0
        >>> agent.action_probabilities(cats, explore=True).round(2)
        array([[0.18, 0.01, 0.02, 0.39, 0.02, 0.39]])
    """

    name = "thompson"
    Settings = ThompsonSettings
    settings: ThompsonSettings

    @property
    def views(self) -> NDArray[np.float64]:
        """First parameter (K, A) of the Beta posterior."""
        # a windowed or discounted sum may lie below 0 by rounding
        parameters: NDArray[np.float64] = self.settings.prior_views + np.maximum(self.arms.sums, 0.0)
        return parameters

    @property
    def skips(self) -> NDArray[np.float64]:
        """Second parameter (K, A) of the Beta posterior."""
        skips = np.maximum(self.arms.counts - self.arms.sums, 0.0)
        parameters: NDArray[np.float64] = self.settings.prior_skips + skips
        return parameters

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Chooses by one posterior draw per lane and ad; without ``explore``, by the posterior means."""
        context = self.context(observations)
        if not explore:
            return pick_best(self._posterior_means()[context], self.rng)
        draws = self.rng.beta(self.views[context], self.skips[context])
        return pick_best(draws * self.spec.rewards, self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the probabilities: exact without ``explore``, by quadrature with it (error below 0.002)."""
        context = self.context(observations)
        if not explore:
            return uniform_over_best(self._posterior_means())[context]
        table = np.stack(
            [probability_of_being_best(v, s, self.spec.rewards) for v, s in zip(self.views, self.skips, strict=True)]
        )
        return table[context]

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the lookup of the category's posterior means times rewards."""
        graph.output_scores(self.context.lookup(graph, self._posterior_means()))

    def _posterior_means(self) -> NDArray[np.float64]:
        views = self.views
        means: NDArray[np.float64] = views / (views + self.skips) * self.spec.rewards
        return means

    def metrics(self) -> dict[str, float]:
        """Returns ``posterior_std``."""
        views, skips = self.views, self.skips
        total = views + skips
        variance = views * skips / (total**2 * (total + 1)) * self.spec.rewards**2
        return {"posterior_std": float(np.sqrt(variance).mean())}


class DiscountedThompsonSettings(ThompsonSettings):
    """Settings of Thompson sampling, discounted by default."""

    forgetting: Literal["none", "discount", "window"] = Field(
        default="discount", description="fading weight (Raj & Kalyani 2017, dTS)"
    )


class WindowThompsonSettings(ThompsonSettings):
    """Settings of Thompson sampling, on a sliding window by default."""

    forgetting: Literal["none", "discount", "window"] = Field(
        default="window", description="sliding window (Trovò et al. 2020, SW-TS)"
    )


class DiscountedThompson(Thompson):
    """Thompson sampling whose views and skips are discounted with every decision of their category.

    Raj & Kalyani 2017 (dTS): S ← discount·S + view, F ← discount·F + skip for the ad shown; for the others S and F are
    only multiplied by the discount; the prior is not discounted.

    Metrics: ``posterior_std``, the mean standard deviation of the scores of all arms.

    Examples:
        >>> import numpy as np
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> agent = make_agent("discounted-thompson", Tables.compile("classic", "demo"), discount=0.5)
        >>> agent.arms.add(np.zeros(2, int), np.array([0, 1]), np.ones(2))  # a view of ad 0, then one of ad 1
        >>> agent.views[0]
        array([1.5, 2. , 1. , 1. , 1. , 1. ])
    """

    name = "discounted-thompson"
    Settings = DiscountedThompsonSettings


class WindowThompson(Thompson):
    """Thompson sampling on the last ``window`` decisions of every category.

    Trovò, Paladino, Restelli & Gatti 2020 (SW-TS).

    Metrics: ``posterior_std``, the mean standard deviation of the scores of all arms.

    Examples:
        >>> import numpy as np
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> agent = make_agent("window-thompson", Tables.compile("classic", "demo"), window=1)
        >>> agent.arms.add(np.zeros(2, int), np.array([0, 1]), np.ones(2))  # a view of ad 0, then one of ad 1
        >>> agent.views[0]
        array([1., 2., 1., 1., 1., 1.])
    """

    name = "window-thompson"
    Settings = WindowThompsonSettings
