"""A model of stable-baselines3 that a program has trained, as a player: nothing is copied and nothing unpickled."""

from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from preroll.agents.interop.own_agent import OwnAgent
from preroll.envs.model.observation import SessionSpec
from preroll.errors import PrerollError


class Predicts(Protocol):
    """What is known of a model: its spaces and how it chooses."""

    observation_space: Any
    action_space: Any

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Any]:
        """Returns an action for each observation, and the state of recurrent networks."""


def is_model(player: Any) -> TypeGuard[Predicts]:
    """Returns whether a player is a model of stable-baselines3, or is used as one."""
    return hasattr(player, "predict") and hasattr(player, "observation_space") and hasattr(player, "action_space")


def model_agent(name: str, model: Predicts, spec: SessionSpec) -> OwnAgent:
    """Returns a model as an agent that chooses as ``predict`` does, deterministic where it does not explore.

    Raises:
        PrerollError: the model was made for other observations or another number of ads.
    """
    for what, theirs, ours in (
        ("observations", getattr(model.observation_space, "shape", None), (spec.layout.size,)),
        ("ads", getattr(model.action_space, "n", None), spec.n_actions),
    ):
        if theirs != ours:
            told = f"was trained with other {what}: {theirs}; scenario {spec.name} has {ours}"
            raise PrerollError(f"agent {name}: {told}")
    _, state = model.predict(np.zeros((1, spec.layout.size), np.float32))
    player = _Reactive(model, spec.n_actions) if state is None else _Recurrent(model)
    return OwnAgent(player, spec, name=name)


class _Reactive:
    """A model whose choice is a function of the observation."""

    def __init__(self, model: Predicts, n_actions: int) -> None:
        self.model, self.n_actions = model, n_actions

    def act(self, observations: NDArray[np.float32], explore: bool = False) -> Any:
        return self.model.predict(observations, deterministic=not explore)[0]

    def action_probabilities(self, observations: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns 1 for the ad that it chooses without exploration."""
        return np.asarray(np.eye(self.n_actions)[self.act(observations)])


class _Recurrent:
    """A model with a recurrent network, which remembers the session."""

    def __init__(self, model: Predicts) -> None:
        self.model, self.state = model, None
        self.starts = np.ones(0, np.bool_)

    def act(self, observations: NDArray[np.float32], explore: bool = False) -> Any:
        ads, self.state = self.model.predict(observations, self.state, self.starts, not explore)
        self.starts = np.zeros(len(observations), np.bool_)
        return ads

    def end_sessions(self, done: NDArray[np.bool_]) -> None:
        self.state = None if len(done) != len(self.starts) else self.state
        self.starts = done
