"""EXP3 per category, which makes no assumption about users."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.agent import Agent, Arrays
from preroll.agents.contexts import CategoryContext
from preroll.agents.finite import finite
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.selection import sample_actions
from preroll.agents.settings import AgentSettings
from preroll.agents.transitions import Transitions
from preroll.envs.model.observation import SessionSpec
from preroll.envs.policies.simple import uniform_over_best


class EXP3Settings(AgentSettings):
    """Settings of EXP3: the learning rate."""

    rate: float = Field(
        default=1.0, gt=0, description="factor of ηt = √(ln A / (t·A)) (Bubeck & Cesa-Bianchi 2012, theorem 3.1)"
    )


class EXP3(Agent):
    """EXP3: ads drawn in proportion to exp(−η·L[k, a]), with L the estimated sum of losses of ad a in category k.

    Bubeck & Cesa-Bianchi 2012, figure 3.1, with the rate of theorem 3.1 that needs no horizon. The loss of a decision
    is 1 − reward / largest reward; it is divided by the probability of the ad, so that L is unbiased whatever the users
    do. All lanes of a batch are drawn from one distribution.

    Where feedback is late, the probability is that with which the ad was drawn, and ηt = √(ln A / (t·A + D)), D the sum
    of the delays in decisions of the category (Thune, Cesa-Bianchi & Seldin 2019, delayed exponential weights; here of
    what is known so far). The decisions of all categories that wait are shared among them as those learned from are.

    Metrics: ``rate``, the mean of η over categories; ``entropy`` [nat] of the distribution, the mean over categories.

    Examples:
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> agent = make_agent("exp3", Tables.compile("classic", "demo"))
        >>> agent.losses[0] = [4, 0, 5, 5, 5, 5]
        >>> agent.table()[0].round(2)
        array([0.08, 0.73, 0.05, 0.05, 0.05, 0.05])
    """

    name = "exp3"
    Settings = EXP3Settings
    settings: EXP3Settings
    needs_propensities = True

    def __init__(self, spec: SessionSpec, settings: EXP3Settings, *, seed: int = 0) -> None:
        super().__init__(spec, settings, seed=seed)
        self.context = CategoryContext(spec)
        self.losses = np.zeros((self.context.count, spec.n_actions))
        self.rounds = np.zeros(self.context.count, dtype=np.int64)
        self.delays = np.zeros(self.context.count)  # D

    def rates(self) -> NDArray[np.float64]:
        """Returns the rate η (K,) of every category for its next decision."""
        count = self.spec.n_actions
        decisions = (self.rounds + 1) * count + self.delays
        rates: NDArray[np.float64] = self.settings.rate * np.sqrt(np.log(count) / decisions)
        return rates

    def table(self) -> NDArray[np.float64]:
        """Returns the probabilities (K, A) of the next decision."""
        exponents = -self.rates()[:, None] * (self.losses - self.losses.min(axis=1, keepdims=True))
        weights = np.exp(exponents)
        table: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return table

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Draws from the distribution; without ``explore``, chooses the most probable ad."""
        return sample_actions(self.action_probabilities(observations, explore=explore), self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the exact distribution; without ``explore``, uniform over the most probable ads."""
        table = self.table()
        return (table if explore else uniform_over_best(table))[self.context(observations)]

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the lookup of the category's distribution, of which the most probable ad is shown."""
        graph.output_scores(self.context.lookup(graph, self.table()))

    def _learn(self, transitions: Transitions) -> None:
        context, actions = self.context(transitions.observations), transitions.actions
        chances = transitions.propensities
        if chances is None:  # the table is still the one from which these ads were drawn
            chances = self.table()[context, actions]
        losses = 1.0 - transitions.rewards / self.spec.reward_unit
        np.add.at(self.losses, (context, actions), losses / chances)
        np.add.at(self.rounds, context, 1)
        if self.waiting:
            shares = self.rounds / self.rounds.sum()
            np.add.at(self.delays, context, self.waiting * shares[context])

    def metrics(self) -> dict[str, float]:
        """Returns ``rate`` and ``entropy``."""
        table = self.table()
        entropy = -(table * np.log(np.maximum(table, 1e-300))).sum(axis=1)
        return {"rate": float(self.rates().mean()), "entropy": float(entropy.mean())}

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Returns ``losses`` (K, A), ``rounds`` (K,) and, where feedback was late, ``delays`` (K,)."""
        late = {"delays": self.delays} if self.delays.any() else {}
        return {"losses": self.losses, "rounds": self.rounds, **late}

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores losses, rounds and delays."""
        self.losses, self.rounds = arrays["losses"].copy(), arrays["rounds"].copy()
        if "delays" in arrays:
            self.delays[:] = finite("delays", arrays["delays"])
