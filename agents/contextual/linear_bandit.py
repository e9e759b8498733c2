"""Base class of the linear bandits: one ridge regression of the view, or of the reward, per ad."""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.agent import Agent, Arrays
from preroll.agents.contexts import WithConstant
from preroll.agents.contextual.ridge import choose, predict
from preroll.agents.contextual.ridge_batched import choose_lanes, pays
from preroll.agents.contextual.ridge_update import absorb
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.selection import settle_ties
from preroll.agents.settings import AgentSettings
from preroll.agents.transitions import Transitions
from preroll.envs.model.observation import SessionSpec
from preroll.envs.policies.simple import TIE
from preroll.errors import NotFiniteError


class LinearSettings(AgentSettings):
    """Settings of the linear bandits: regression target and regularisation."""

    target: Literal["view", "reward"] = Field(
        default="view",
        description="view: the reward of an ad is known, so only its view is learned; reward: as published",
    )
    ridge: float = Field(default=1.0, ge=1e-12, description="A starts as ridge · identity (Li et al. 2010: 1)")


class LinearBandit(Agent):
    """Base class of bandits with one ridge regression per ad.

    A[a] = ridge·I + Σ xxᵀ, b[a] = Σ y·x and w[a] = A[a]⁻¹b[a] over the rounds in which ad a was shown. x is the whole
    observation with a constant; y is 1 if the ad was viewed, else 0, or with target "reward" the reward / the
    largest reward.

    Attributes:
        pay: (A,), what y = 1 pays: the ad's known reward, or the largest reward.
        inverses: A⁻¹, float64 (A, d + 1, d + 1).
        moments: b, float64 (A, d + 1).
        weights: w, float64 (A, d + 1), that of the constant last.
        width: mean of √(xᵀA⁻¹x) over the lanes and ads of the last choice.
    """

    settings: LinearSettings

    def __init__(self, spec: SessionSpec, settings: LinearSettings, *, seed: int = 0) -> None:
        super().__init__(spec, settings, seed=seed)
        self.pay = spec.rewards if settings.target == "view" else np.full(spec.n_actions, spec.reward_unit)
        self.width = 0.0
        self._scores = self._ones = np.ones((0, spec.n_actions))
        self._with_constant = WithConstant(spec)
        self._start(self._with_constant.size)

    def _start(self, size: int) -> None:
        """Resets the regressions to their prior, for x with ``size`` entries."""
        count = self.spec.n_actions
        self.inverses = np.tile(np.eye(size) / self.settings.ridge, (count, 1, 1))
        self.moments = np.zeros((count, size))
        self.weights = np.zeros((count, size))

    def features(self, observations: NDArray[np.float32]) -> NDArray[np.floating]:
        """Returns x (n, d + 1): the observations with a constant."""
        return self._with_constant(observations)

    def predict(self, observations: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Computes mean and width of the prediction of every ad.

        Returns:
            means: w[a]ᵀx, float64 (n, A), in units of y.
            widths: √(xᵀA[a]⁻¹x), float64 (n, A), in units of y.
        """
        means, widths = predict(self.inverses, self.weights, self.features(observations).astype(np.float64))
        return means, widths

    def pick(
        self, observations: NDArray[np.float32], factor: float, noise: NDArray[np.float64] | None = None
    ) -> NDArray[np.int64]:
        """Picks the largest pay[a]·(w[a]ᵀx + factor·noise[a]·√(xᵀA[a]⁻¹x)), breaking ties at random.

        Sets :attr:`width` to the mean of the widths √(xᵀA[a]⁻¹x).

        Args:
            observations: float32 (n, d).
            factor: factor of the width.
            noise: (n, A); 1 if not given.

        Returns:
            int64 (n,), the action of each row.

        Raises:
            NotFiniteError: a score is NaN or infinite.
        """
        n = len(observations)
        if len(self._scores) != n:  # work arrays are kept from call to call
            self._scores = np.empty((n, self.spec.n_actions))
            self._ones = np.ones((n, self.spec.n_actions))
        choice = np.empty(n, dtype=np.int64)
        noise = self._ones if noise is None else noise
        features = self.features(observations)
        best_of = choose_lanes if pays(features) else choose
        ties, self.width = best_of(
            self.inverses, self.weights, self.pay, features, factor, noise, TIE, self._scores, choice
        )
        if not math.isfinite(self._scores.sum()):  # the kernels choose nothing where nothing is the largest
            raise NotFiniteError("scores: hold NaN or infinity")
        if ties:
            settle_ties(self._scores, choice, self.rng)
        return choice

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the predictions of all regressions, times what they pay."""
        graph.output_scores(self._with_constant.product(graph, self.weights * self.pay[:, None]))

    def learned(self, transitions: Transitions) -> NDArray[Any]:
        """Returns y (n,), the regression target of each transition."""
        return transitions.viewed if self.settings.target == "view" else transitions.rewards / self.spec.reward_unit

    def _learn(self, transitions: Transitions) -> None:
        features = self.features(transitions.observations)
        absorb(self.inverses, self.moments, self.weights, features, transitions.actions, self.learned(transitions))

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Returns ``inverses`` (A, d + 1, d + 1), ``moments`` and ``weights`` (A, d + 1)."""
        return {"inverses": self.inverses, "moments": self.moments, "weights": self.weights}

    def state_scalars(self, *, training: bool = False) -> dict[str, Any]:
        """Returns the width of the last choice, which is a metric, if ``training``."""
        return {"width": float(self.width)} if training else {}

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores the regressions."""
        self.width = scalars.get("width", 0.0)
        self.inverses, self.moments = arrays["inverses"].copy(), arrays["moments"].copy()
        self.weights = arrays["weights"].copy()
