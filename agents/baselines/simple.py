"""Baselines without knowledge of the true tables and without learning."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from preroll.agents.agent import Agent
from preroll.agents.contexts import CategoryContext
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.selection import sample_actions
from preroll.agents.settings import AgentSettings
from preroll.envs.model.observation import SessionSpec
from preroll.errors import PrerollError


class TableAgent(Agent):
    """Base class of agents with a fixed table of action probabilities (K, A), one row per category."""

    def __init__(self, spec: SessionSpec, settings: AgentSettings, *, seed: int = 0) -> None:
        super().__init__(spec, settings, seed=seed)
        self.context = CategoryContext(spec)
        self.table = self._fill()

    def _fill(self) -> NDArray[np.float64]:
        raise AssertionError("a subclass says what its table is")

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Draws from the category's row, with or without ``explore``."""
        return sample_actions(self.action_probabilities(observations), self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the exact probabilities: the category's row."""
        return self.table[self.context(observations)]

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the lookup of the category's row."""
        graph.output_probabilities(self.context.lookup(graph, self.table))


class RandomAgent(TableAgent):
    """Any action, "no ad" included, with equal probability.

    Examples:
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Optimum, Tables
        >>> tables = Tables.compile("classic", "demo")
        >>> round(Optimum(tables).value_of(make_agent("random", tables).policy(tables)), 2)  # revenue per session
        10.2
    """

    name = "random"

    def _fill(self) -> NDArray[np.float64]:
        return np.full((self.context.count, self.spec.n_actions), 1 / self.spec.n_actions)


class AlwaysLength(TableAgent):
    """Base class of agents that always show an ad of the video's category and of one length.

    If there are several such ads, they are drawn uniformly. If the scenario hides the category, or
    the category has no such ad, as where ads are of advertisers, any ad of that length is shown.
    """

    length: ClassVar[str]

    def _fill(self) -> NDArray[np.float64]:
        fits = np.array([length == self.length for length in self.spec.lengths])
        if not fits.any():
            lengths = ", ".join(sorted(set(self.spec.lengths)))
            raise PrerollError(f"agent {self.name}: no ad of the scenario is {self.length}; lengths are {lengths}")
        table = np.tile(fits, (self.context.count, 1)).astype(np.float64)
        if self.context.count > 1:
            own = table * (self.spec.ad_category == np.arange(self.context.count)[:, None])
            table = np.where(own.any(axis=1, keepdims=True), own, table)
        rows: NDArray[np.float64] = table / table.sum(axis=1, keepdims=True)
        return rows


class AlwaysShort(AlwaysLength):
    """The short ad of the video's category.

    Examples:
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Optimum, Tables
        >>> tables = Tables.compile("classic", "demo")
        >>> round(Optimum(tables).value_of(make_agent("always-short", tables).policy(tables)), 2)  # revenue per session
        16.0
    """

    name = "always-short"
    length = "short"


class AlwaysLong(AlwaysLength):
    """The long ad of the video's category.

    Examples:
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Optimum, Tables
        >>> tables = Tables.compile("classic", "demo")
        >>> round(Optimum(tables).value_of(make_agent("always-long", tables).policy(tables)), 2)  # revenue per session
        17.98
    """

    name = "always-long"
    length = "long"
