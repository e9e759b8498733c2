"""UCB1 per category, and its discounted and sliding-window forms for drift."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.bandits.tabular import IndexBandit, IndexSettings


class UCBSettings(IndexSettings):
    """Settings of UCB1: the width of the confidence bound."""

    alpha: float = Field(
        default=0.5,
        ge=0,
        description="factor of √(2 ln t / n): 1 in Auer et al. 2002, 0.5 suffices for values in [0, 1] (Bubeck 2010)",
    )


class UCB1(IndexBandit):
    """UCB1: the ad with the largest reward[a]·(p[k, a] + α·√(2 ln t[k] / n[k, a])) for the video's category k is shown.

    Auer, Cesa-Bianchi & Fischer 2002. p is the share of views among the n times the ad was shown, t the decisions in
    category k. With target "reward", as published, p is the mean reward and the largest reward multiplies the width.
    Every paying ad is shown once before the formula is used.

    Metrics: ``bonus``, the mean distance between index and mean [reward].

    Examples:
        >>> import numpy as np
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> agent = make_agent("ucb1", Tables.compile("classic", "demo"))
        >>> agent.arms.add(np.zeros(6, int), np.arange(6), np.eye(6)[0])  # each ad was shown once, only ad 0 viewed
        >>> agent.indices()[0].round(2)
        array([1.95, 2.84, 0.95, 1.89, 0.95, 1.89])
    """

    name = "ucb1"
    Settings = UCBSettings
    settings: UCBSettings

    def indices(self) -> NDArray[np.float64]:
        """Returns the index (K, A) of every ad; infinite for paying ads that were never shown."""
        counts = self.arms.counts
        total = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
        shown = counts > 0
        width = self.settings.alpha * np.sqrt(2 * np.log(total) / np.where(shown, counts, 1.0))
        return self.means() + self._paid(width)


class DiscountedUCBSettings(UCBSettings):
    """Settings of UCB1, discounted by default."""

    forgetting: Literal["none", "discount", "window"] = Field(
        default="discount", description="fading weight (Garivier & Moulines 2011)"
    )


class WindowUCBSettings(UCBSettings):
    """Settings of UCB1, on a sliding window by default."""

    forgetting: Literal["none", "discount", "window"] = Field(
        default="window", description="sliding window (Garivier & Moulines 2011)"
    )


class DiscountedUCB(UCB1):
    """UCB1 on discounted counts: D-UCB of Garivier & Moulines 2011.

    The index is UCB1's with n[k, a] = Σ discount^(decisions since then), p the mean under the same weights, and
    t[k] = Σ n[k, a]: old outcomes lose their weight, so that every ad is tried again. Their 2√(ξ ln t / n) with ξ = 1/2
    is alpha = 1; the default is ξ = 1/8.

    Metrics: ``bonus``, the mean distance between index and mean [reward].

    Examples:
        >>> import numpy as np
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> agent = make_agent("discounted-ucb", Tables.compile("classic", "demo"), discount=0.5)
        >>> agent.arms.add(np.zeros(2, int), np.array([0, 1]), np.ones(2))  # a view of ad 0, then one of ad 1
        >>> agent.arms.counts[0]
        array([0.5, 1. , 0. , 0. , 0. , 0. ])
    """

    name = "discounted-ucb"
    Settings = DiscountedUCBSettings


class WindowUCB(UCB1):
    """UCB1 on the last decisions of the category: SW-UCB of Garivier & Moulines 2011.

    The index is UCB1's with n, p and t counted over the last ``window`` decisions of the category. Their
    √(ξ ln t / n) with ξ = 1/2 is the default of alpha.

    Metrics: ``bonus``, the mean distance between index and mean [reward].

    Examples:
        >>> import numpy as np
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> agent = make_agent("window-ucb", Tables.compile("classic", "demo"), window=1)
        >>> agent.arms.add(np.zeros(2, int), np.array([0, 1]), np.ones(2))  # a view of ad 0, then one of ad 1
        >>> agent.arms.counts[0]
        array([0., 1., 0., 0., 0., 0.])
    """

    name = "window-ucb"
    Settings = WindowUCBSettings
