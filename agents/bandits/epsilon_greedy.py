"""Epsilon-greedy per category."""

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.agent import Agent, Arrays
from preroll.agents.contexts import CategoryContext
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.selection import pick_best, sample_actions, untried_last
from preroll.agents.settings import AgentSettings, Overruled
from preroll.agents.transitions import Transitions
from preroll.envs.model.observation import SessionSpec
from preroll.envs.policies.simple import uniform_over_best


class EpsilonGreedySettings(AgentSettings):
    """Settings of epsilon-greedy: the schedule of exploration."""

    schedule: Literal["constant", "decaying"] = Field(
        default="decaying", description="decaying: Auer, Cesa-Bianchi & Fischer 2002, figure 3 (εn-greedy)"
    )
    epsilon: Annotated[float, Overruled("schedule", lambda s: s.schedule == "decaying")] = Field(
        default=0.1, ge=0, le=1, description="constant epsilon (Sutton & Barto 2018, section 2.3)"
    )
    pulls: Annotated[float, Overruled("schedule", lambda s: s.schedule == "constant")] = Field(
        default=10.0,
        gt=0,
        description="c/d² of εn = min(1, c·A / (d²·n)): larger explores longer (10 measured on `classic`)",
    )


class EpsilonGreedy(Agent):
    """Epsilon-greedy choice: the ad with the largest mean reward of the category or, with probability epsilon, any ad.

    ε is constant, or εn = min(1, pulls · A / n) with n the decisions made in that category so far. Ads that were never
    shown come first with exploration, and last without it.

    Metrics: ``epsilon``, the mean over categories.

    Examples:
        >>> import numpy as np
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> agent = make_agent("epsilon-greedy", Tables.compile("classic", "demo"), schedule="constant", epsilon=0.12)
        >>> agent.counts[0], agent.sums[0] = 10, [8, 9, 2, 3, 1, 4]
        >>> cats = np.eye(1, agent.spec.layout.size, dtype=np.float32)  # a video of category 0
        >>> agent.action_probabilities(cats, explore=True).round(2)
        array([[0.02, 0.9 , 0.02, 0.02, 0.02, 0.02]])
    """

    name = "epsilon-greedy"
    Settings = EpsilonGreedySettings
    settings: EpsilonGreedySettings

    def __init__(self, spec: SessionSpec, settings: EpsilonGreedySettings, *, seed: int = 0) -> None:
        super().__init__(spec, settings, seed=seed)
        self.context = CategoryContext(spec)
        self.counts = np.zeros((self.context.count, spec.n_actions), dtype=np.int64)
        self.sums = np.zeros(self.counts.shape)

    def scores(self, *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the mean rewards (K, A); below 0 where the ad was never shown, with ``explore`` infinite."""
        shown, means = self.counts > 0, self.sums / np.maximum(self.counts, 1)
        return np.where(shown, means, np.inf) if explore else untried_last(means, shown, self.spec.reward_unit)

    def epsilons(self) -> NDArray[np.float64]:
        """Returns the current epsilon (K,) of each category."""
        if self.settings.schedule == "constant":
            return np.full(self.context.count, self.settings.epsilon)
        seen = np.maximum(self.counts.sum(axis=1), 1)
        shares: NDArray[np.float64] = np.minimum(1.0, self.settings.pulls * self.spec.n_actions / seen)
        return shares

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Chooses epsilon-greedily; without ``explore``, the ad with the largest mean reward."""
        context = self.context(observations)
        if explore:
            return sample_actions(self._table(explore=True)[context], self.rng)
        return pick_best(self.scores()[context], self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the exact probabilities: (1 − ε) uniform over the best ads, plus ε/A for every ad."""
        return self._table(explore=explore)[self.context(observations)]

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the lookup of the category's mean rewards."""
        graph.output_scores(self.context.lookup(graph, self.scores()))

    def _table(self, *, explore: bool) -> NDArray[np.float64]:
        best = uniform_over_best(self.scores(explore=explore))
        if not explore:
            return best
        epsilon = self.epsilons()[:, None]
        mixed: NDArray[np.float64] = (1 - epsilon) * best + epsilon / self.spec.n_actions
        return mixed

    def _learn(self, transitions: Transitions) -> None:
        places = self.context(transitions.observations), transitions.actions
        np.add.at(self.counts, places, 1)
        np.add.at(self.sums, places, transitions.rewards)

    def metrics(self) -> dict[str, float]:
        """Returns ``epsilon``."""
        return {"epsilon": float(self.epsilons().mean())}

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Returns ``counts`` and ``sums`` (K, A)."""
        return {"counts": self.counts, "sums": self.sums}

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores counts and sums."""
        self.counts, self.sums = arrays["counts"].copy(), arrays["sums"].copy()
