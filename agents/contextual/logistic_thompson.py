"""Thompson sampling with a Bayesian logistic regression of the view per ad."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit, logit

from preroll.agents.agent import Agent, Arrays
from preroll.agents.contexts import WithConstant
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.propensities.gaussian import probability_of_being_largest
from preroll.agents.selection import pick_best
from preroll.agents.settings import AgentSettings
from preroll.agents.transitions import Transitions
from preroll.envs.model.observation import SessionSpec
from preroll.envs.policies.simple import uniform_over_best
from preroll.jit import allocating


class LogisticThompsonSettings(AgentSettings):
    """Settings of logistic Thompson sampling: prior of the weights and width of the posterior."""

    precision: float = Field(
        default=1.0, ge=1e-12, description="q starts so: weights ~ N(0, 1) (Chapelle & Li 2011: λ)"
    )
    alpha: float = Field(
        default=1.0, ge=0, description="factor of the posterior's standard deviation (Chapelle & Li 2011: 1, or 0.5)"
    )


class LogisticThompson(Agent):
    """Logistic Thompson sampling: with w̃ drawn from the posterior, the ad with the largest reward[a]·σ(w̃[a]ᵀx).

    Chapelle & Li 2011, algorithm 3, one model per ad: w̃ᵢ ~ N(mᵢ, alpha²/qᵢ), x the whole observation with a constant;
    after a view or skip m moves to the most likely weights, minimising ½ Σ qᵢ(wᵢ − mᵢ)² + ln(1 + exp(∓wᵀx)), and qᵢ
    grows by xᵢ²·p(1 − p), p = σ(mᵀx). As only w̃ᵀx matters, it is drawn itself, from N(mᵀx, alpha²·Σ xᵢ²/qᵢ). The
    posterior is updated row by row over the lanes of a batch.

    Metrics: ``width``, the mean standard deviation of w̃ᵀx over the last batch's lanes and all ads.

    Examples:
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import SessionVectorEnv
        >>> envs = SessionVectorEnv(1, scenario="classic", catalog="demo")
        >>> observations, _ = envs.reset(seed=1)
        >>> agent = make_agent("logistic-thompson", envs)
        >>> agent.action_probabilities(observations, explore=True).round(2)  # before any data
        array([[0.02, 0.54, 0.02, 0.21, 0.02, 0.21]])
    """

    name = "logistic-thompson"
    Settings = LogisticThompsonSettings
    settings: LogisticThompsonSettings

    def __init__(self, spec: SessionSpec, settings: LogisticThompsonSettings, *, seed: int = 0) -> None:
        super().__init__(spec, settings, seed=seed)
        self._with_constant = WithConstant(spec)
        shape = (spec.n_actions, self._with_constant.size)
        self.means = np.zeros(shape)
        self.precisions = np.full(shape, settings.precision)
        self.width = 0.0

    def features(self, observations: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns x, float64 (n, d + 1): the observations with a constant."""
        return self._with_constant(observations).astype(np.float64)

    def predict(self, observations: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Computes mean and standard deviation of w̃[a]ᵀx, both float64 (n, A)."""
        features = self.features(observations)
        means = features @ self.means.T
        widths: NDArray[np.float64] = self.settings.alpha * np.sqrt(features**2 @ (1.0 / self.precisions.T))
        return means, widths

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Chooses by one posterior draw per lane and ad; without ``explore``, by the posterior means."""
        logits, widths = self.predict(observations)
        if explore:
            self.width = float(widths.mean())
            logits += widths * self.rng.standard_normal(widths.shape)
        return pick_best(expit(logits) * self.spec.rewards, self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the probabilities: exact without ``explore``, by quadrature with it (error below 0.002)."""
        logits, widths = self.predict(observations)
        pay = self.spec.rewards
        if not explore:
            return uniform_over_best(expit(logits) * pay)
        paying = np.flatnonzero(pay > 0)
        if not paying.size:
            return np.full(logits.shape, 1 / len(pay))
        share = pay[paying][:, None] / pay[paying]

        def matching(points: NDArray[np.float64], _: slice) -> NDArray[np.float64]:
            """Returns the logit (n, A, P, A) at which ad b pays as much as each point (n, A, P) of ad a."""
            needed = np.minimum(expit(points)[..., None] * share[None, :, None, :], 1.0)
            values: NDArray[np.float64] = logit(needed)  # infinite where ad b cannot pay as much
            return values

        result = np.zeros(logits.shape)
        result[:, paying] = probability_of_being_largest(logits[:, paying], widths[:, paying], matching)
        return result

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the view probabilities at the posterior means, times rewards."""
        views = graph.node("Sigmoid", self._with_constant.product(graph, self.means))
        graph.output_scores(graph.node("Mul", views, graph.constant(self.spec.rewards)))

    def _learn(self, transitions: Transitions) -> None:
        features = self.features(transitions.observations)
        absorb_views(self.means, self.precisions, features, transitions.actions, transitions.viewed)

    def metrics(self) -> dict[str, float]:
        """Returns ``width``."""
        return {"width": self.width}

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Returns ``means`` and ``precisions`` (A, d + 1)."""
        return {"means": self.means, "precisions": self.precisions}

    def state_scalars(self, *, training: bool = False) -> dict[str, Any]:
        """Returns the width of the last choice, which is a metric, if ``training``."""
        return {"width": self.width} if training else {}

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores the posterior."""
        self.width = scalars.get("width", 0.0)
        self.means, self.precisions = arrays["means"].copy(), arrays["precisions"].copy()


@allocating()
def absorb_views(
    means: NDArray[np.float64],
    precisions: NDArray[np.float64],
    features: NDArray[np.float64],
    actions: NDArray[np.int64],
    viewed: NDArray[np.bool_],
) -> None:
    """Updates the posterior of each row's ad, in place, row by row.

    With one row the minimum lies at w = m + (y − σ(s))·x/q, where s = wᵀx solves s = mᵀx + (y − σ(s))·Σ xᵢ²/qᵢ. This
    scalar equation is solved by Newton's method; its left side minus its right side increases in s, so the root is
    unique.
    """
    for i in range(len(actions)):
        a = actions[i]
        y = 1.0 if viewed[i] else 0.0
        start, spread = 0.0, 0.0
        for j in range(features.shape[1]):
            start += means[a, j] * features[i, j]
            spread += features[i, j] ** 2 / precisions[a, j]
        # bracket of the root; a Newton step that would leave it is replaced by bisection
        low, high = (start, start + spread) if viewed[i] else (start - spread, start)
        s = start
        for _ in range(50):
            p = 1.0 / (1.0 + math.exp(-s))
            excess = s - start - (y - p) * spread
            if excess > 0.0:
                high = s
            else:
                low = s
            following = s - excess / (1.0 + p * (1.0 - p) * spread)
            if not low <= following <= high:
                following = 0.5 * (low + high)
            if abs(following - s) < 1e-12:
                break
            s = following
        p = 1.0 / (1.0 + math.exp(-s))
        for j in range(features.shape[1]):
            x = features[i, j]
            if x != 0.0:
                means[a, j] += (y - p) * x / precisions[a, j]
                precisions[a, j] += x * x * p * (1.0 - p)
