"""A loop over the single environment, without any library: what clients have to agree with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

import preroll  # noqa: F401  (registers the environment)

ID = "preroll/Session-v0"
Choose = Callable[[NDArray[np.float32]], int]


@dataclass
class Session:
    """One session: T slots, T + 1 observations and infos."""

    observations: list[NDArray[np.float32]] = field(default_factory=list)
    infos: list[dict[str, Any]] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    terminated: list[bool] = field(default_factory=list)
    truncated: list[bool] = field(default_factory=list)

    @property
    def revenue(self) -> float:
        """Sum of the rewards."""
        return sum(self.rewards)


def by_progress(observation: NDArray[np.float32]) -> int:
    """Returns an action that follows from the observation alone, so that any client can take it."""
    return int(observation.sum() * 1000) % 7


def play(
    seed: int, sessions: int, choose: Choose = by_progress, *, scenario: str = "fatigue", skip: int = 0
) -> list[Session]:
    """Returns the first sessions of the stream ``seed``, after as many as ``skip`` that are not played."""
    env = gym.make(ID, scenario=scenario)
    played = []
    for number in range(skip):
        env.reset(seed=None if number else seed)
    for number in range(skip, skip + sessions):
        observation, info = env.reset(seed=None if number else seed)
        session, over = Session([observation], [info]), False
        while not over:
            action = choose(observation)
            observation, reward, terminated, truncated, info = env.step(action)
            session.observations.append(observation)
            session.infos.append(info)
            session.actions.append(action)
            session.rewards.append(float(reward))
            session.terminated.append(terminated)
            session.truncated.append(truncated)
            over = terminated or truncated
        played.append(session)
    return played
