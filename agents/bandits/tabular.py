"""Base classes of the per-category bandits: arm statistics (counts and sums) for each (category, ad)."""

from abc import abstractmethod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.agent import Agent, Arrays
from preroll.agents.bandits.forgetting import ArmStatistics, ForgettingSettings
from preroll.agents.contexts import CategoryContext
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.selection import pick_best, untried_last
from preroll.agents.transitions import Transitions
from preroll.envs.model.observation import SessionSpec
from preroll.envs.policies.simple import uniform_over_best


class TabularBandit(Agent):
    """Base class of the per-category bandits, which record one value in [0, 1] per decision.

    The value is 1 if the ad was viewed, else 0; or it is the reward / the largest reward.

    Attributes:
        context: maps observations to categories.
        arms: counts and sums (K, A) of the values.
        unit: (A,), what a value of 1 pays: the ad's known reward, or the largest reward.
    """

    settings: ForgettingSettings
    learns: Literal["view", "reward"] = "view"

    def __init__(self, spec: SessionSpec, settings: ForgettingSettings, *, seed: int = 0) -> None:
        super().__init__(spec, settings, seed=seed)
        self.context = CategoryContext(spec)
        self.arms = ArmStatistics((self.context.count, spec.n_actions), settings)
        self.unit = spec.rewards if self.learns == "view" else np.full(spec.n_actions, spec.reward_unit)

    def _learn(self, transitions: Transitions) -> None:
        values = transitions.viewed if self.learns == "view" else transitions.rewards / self.unit[0]
        self.arms.add(self.context(transitions.observations), transitions.actions, values.astype(np.float64))

    def means(self) -> NDArray[np.float64]:
        """Returns the mean reward (K, A); infinite for paying ads that were never shown, so that they come first."""
        counts = self.arms.counts
        shown = counts > 0
        means = np.where(shown, self.arms.sums / np.where(shown, counts, 1.0), np.inf)
        return self._paid(means)

    def _paid(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiplies ``values`` (K, A) by what they pay; 0 for ads that pay nothing, even where a value is infinite."""
        return np.where(self.unit > 0, values * np.where(self.unit > 0, self.unit, 1.0), 0.0)

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Returns the arm statistics, ``counts`` and ``sums`` (K, A) first."""
        return self.arms.state_arrays()

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores the arm statistics."""
        self.arms.load_state(arrays)


class IndexSettings(ForgettingSettings):
    """Settings of index bandits: the value from which an index is computed."""

    target: Literal["view", "reward"] = Field(
        default="view",
        description="view: the reward of an ad is known, so only its view is learned; reward: as published",
    )


class IndexBandit(TabularBandit):
    """Base class of bandits that show the ad with the largest index, an upper confidence bound of its mean reward.

    The indices are a table (K, A), recomputed from the arm statistics whenever they are needed.
    """

    settings: IndexSettings

    def __init__(self, spec: SessionSpec, settings: IndexSettings, *, seed: int = 0) -> None:
        self.learns = settings.target
        super().__init__(spec, settings, seed=seed)

    @abstractmethod
    def indices(self) -> NDArray[np.float64]:
        """Returns the index (K, A) of every ad in every category; infinite for paying ads that were never shown."""

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Chooses the ad with the largest index; without ``explore``, the largest mean of the ads that were tried."""
        return pick_best(self._table(explore)[self.context(observations)], self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the exact probabilities: uniform over the ads with the largest index.

        Without ``explore``, uniform over those with the largest mean, of the ads that were tried in the category.
        """
        return uniform_over_best(self._table(explore))[self.context(observations)]

    def _table(self, explore: bool) -> NDArray[np.float64]:
        return self.indices() if explore else self.scores()

    def scores(self) -> NDArray[np.float64]:
        """Returns the mean reward (K, A), finite: ads that were never tried, those that pay nothing last, are below."""
        return untried_last(self.means(), self.arms.counts > 0, self.spec.reward_unit, self.unit > 0)

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the lookup of the category's mean rewards."""
        graph.output_scores(self.context.lookup(graph, self.scores()))

    def metrics(self) -> dict[str, float]:
        """Returns ``bonus``."""
        counts = self.arms.counts
        known = (counts > 0) & (self.unit > 0)
        gaps = self.indices()[known] - self.means()[known]
        return {"bonus": float(gaps.mean()) if gaps.size else 0.0}
