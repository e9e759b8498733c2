"""UCB1 per category, with forgetting where users drift."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.bandits.tabular import IndexBandit, IndexSettings


class UCBSettings(IndexSettings):
    """How wide the confidence is taken."""

    alpha: float = Field(
        default=0.5,
        ge=0,
        description="factor of √(2 ln t / n): 1 in Auer et al. 2002, 0.5 suffices for values in [0, 1] (Bubeck 2010)",
    )


class UCB1(IndexBandit):
    """Shows the ad with the largest reward[a]·(p[k, a] + α·√(2 ln t[k] / n[k, a])), k the category of the video.

    Auer, Cesa-Bianchi & Fischer 2002. p is the share of views among the n times the ad was shown, t the decisions in
    category k. With target "reward", as published, p is the mean reward and the factor outside the largest reward.
    Every paying ad is shown once before the formula is used.

    Metrics: ``bonus``, the mean distance between index and mean [reward].
    """

    name = "ucb1"
    Settings = UCBSettings
    settings: UCBSettings

    def indices(self) -> NDArray[np.float64]:
        """Gives the index (K, A); infinite for what pays and was never shown."""
        counts = self.arms.counts
        total = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
        shown = counts > 0
        width = self.settings.alpha * np.sqrt(2 * np.log(total) / np.where(shown, counts, 1.0))
        return self.means() + self._paid(width)


class DiscountedUCBSettings(UCBSettings):
    """As UCB1's, with fading weight."""

    forgetting: Literal["none", "discount", "window"] = Field(
        default="discount", description="fading weight (Garivier & Moulines 2011)"
    )


class WindowUCBSettings(UCBSettings):
    """As UCB1's, with a window."""

    forgetting: Literal["none", "discount", "window"] = Field(
        default="window", description="sliding window (Garivier & Moulines 2011)"
    )


class DiscountedUCB(UCB1):
    """UCB1 on discounted counts: D-UCB of Garivier & Moulines 2011.

    The index is UCB1's with n[k, a] = Σ discount^(decisions since then), p the mean under the same weights, and
    t[k] = Σ n[k, a]: what was seen long ago fades, so that every ad is tried again. Their 2√(ξ ln t / n) with ξ = 1/2
    is alpha = 1; the default is ξ = 1/8.

    Metrics: ``bonus``, the mean distance between index and mean [reward].
    """

    name = "discounted-ucb"
    Settings = DiscountedUCBSettings


class WindowUCB(UCB1):
    """UCB1 on the last decisions of the category: SW-UCB of Garivier & Moulines 2011.

    The index is UCB1's with n, p and t counted over the last ``window`` decisions of the category. Their
    √(ξ ln t / n) with ξ = 1/2 is the default of alpha.

    Metrics: ``bonus``, the mean distance between index and mean [reward].
    """

    name = "window-ucb"
    Settings = WindowUCBSettings
