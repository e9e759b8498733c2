"""What bandits see of an observation: its category, or all of it with a constant."""

import numpy as np
from numpy.typing import NDArray

from preroll.agents.onnx_graph import OnnxGraph
from preroll.envs.model.observation import SessionSpec
from preroll.shown.card import Card
from preroll.shown.shown import Shown

#: Parts that hold a constant: their entries add up to 1 (but before videos whose category is not known).
COMPLETE = ("category", "fatigue", "position", "segment")


class WithConstant:
    """Features of the linear agents: the observation and what a part of it lacks to 1, so that they hold a constant.

    The last feature is 1 less the sum of the first of :data:`COMPLETE` that the layout has: 0 before a video of a known
    category, whose one-hot part is a constant already, and 1 where no part is. A 1 everywhere would be that constant
    twice, which ties the categories together: LinUCB then locked into bad ads.

    Args:
        spec: layout of the observations.

    Attributes:
        size: d + 1, number of features.

    Examples:
        >>> from preroll.envs import Tables
        >>> features = WithConstant(Tables.compile("classic", "demo").spec)  # one-hot of three categories first
        >>> features(np.eye(4, 16, dtype=np.float32))[:, -1]
        array([0., 0., 0., 1.], dtype=float32)
    """

    def __init__(self, spec: SessionSpec) -> None:
        parts = [spec.layout.parts[name].slice for name in COMPLETE if name in spec.layout.parts]
        self.size = spec.layout.size + 1
        self._columns = parts[0] if parts else slice(0, 0)

    def __call__(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the features, float32 (n, d + 1), of ``observations`` (n, d)."""
        rows = np.empty((len(observations), self.size), np.float32)
        rows[:, :-1] = observations
        rows[:, -1] = 1.0 - observations[:, self._columns].sum(axis=1)
        return rows

    def product(self, graph: OnnxGraph, weights: NDArray[np.float64]) -> str:
        """Adds the product of the features and ``weights`` (A, d + 1); returns its name, of (n, A)."""
        own = weights[:, :-1].copy()
        own[:, self._columns] -= weights[:, -1:]  # w·(1 − Σ x) = w − Σ w·x
        product = graph.node("MatMul", graph.cast(graph.observation, np.float64), graph.constant(own.T))
        return graph.node("Add", product, graph.constant(weights[:, -1]))


class CategoryContext(Shown):
    """Context of an observation: the index of the largest entry of its "category" part.

    With predicted categories this is the most probable one; if the scenario hides the category, there is one context.

    Args:
        spec: layout of the observations.

    Attributes:
        count: K, number of contexts.

    Examples:
        >>> from preroll.agents import CategoryContext
        >>> from preroll.envs import SessionVectorEnv
        >>> envs = SessionVectorEnv(3, scenario="classic", catalog="demo")
        >>> context = CategoryContext(envs.tables.spec)
        >>> observations, infos = envs.reset(seed=1)
        >>> context(observations), infos["category"], context.count
        (array([2, 1, 1]), array([2, 1, 1]), 3)
    """

    def __init__(self, spec: SessionSpec) -> None:
        part = spec.layout.parts.get("category")
        self._columns = slice(part.start, part.stop) if part else None
        self.count = part.stop - part.start if part else 1

    def _card(self) -> Card:
        where = f"entries {self._columns.start} … {self._columns.stop - 1}" if self._columns else "not observed"
        return Card("Category of an observation", {"contexts": self.count, "category": where})

    def __call__(self, observations: NDArray[np.float32]) -> NDArray[np.int64]:
        """Returns the context, int64 (n,), of each of the ``observations`` (n, d)."""
        if self._columns is None:
            return np.zeros(len(observations), dtype=np.int64)
        found: NDArray[np.int64] = observations[:, self._columns].argmax(axis=1)
        return found

    def lookup(self, graph: OnnxGraph, table: NDArray[np.float64]) -> str:
        """Adds the lookup of the row of ``table`` (K, A) that belongs to the context; returns its name, of (n, A)."""
        columns = self._columns or slice(0, 1)
        start, stop, axis = (graph.constant(np.array([value])) for value in (columns.start, columns.stop, 1))
        category = graph.node("ArgMax", graph.node("Slice", graph.observation, start, stop, axis), axis=1, keepdims=0)
        if self._columns is None:  # the category is hidden: row 0 for every observation
            category = graph.node("Mul", category, graph.constant(np.array(0)))
        return graph.node("Gather", graph.constant(table), category, axis=0)
