"""Contexts of the per-category bandits: the category that an observation shows."""

import numpy as np
from numpy.typing import NDArray

from preroll.agents.onnx_graph import OnnxGraph
from preroll.envs.model.observation import SessionSpec


class CategoryContext:
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
        (array([2, 1, 1]), array([2, 1, 1], dtype=int32), 3)
    """

    def __init__(self, spec: SessionSpec) -> None:
        part = spec.layout.parts.get("category")
        self._columns = slice(part.start, part.stop) if part else None
        self.count = part.stop - part.start if part else 1

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
