"""PPO of stable-baselines3 as its documentation starts it, to compare our agents with: no setting is changed.

``PPO("MlpPolicy", DummyVecEnv([...] * 8), seed=...)`` on the single environment, so the same observations as ours; the
horizon is told as the end of the session, as our agents take it by default. torch works in one thread, which is faster
here than its own choice.
"""

import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv

from preroll.envs import SessionEnv, Tables, uniform_over_best

LANES = 8


class TerminalHorizon(gym.Wrapper):
    """Tells the horizon as a termination, so that nobody bootstraps over it."""

    def step(self, action: Any) -> Any:
        """Plays one slot."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, terminated or truncated, False, info


class _Watch(BaseCallback):
    """Measures the policy whenever it has been trained, off the clock; stops when it is good enough or time is up."""

    def __init__(self, measure: Callable[[Any], bool], budget: float) -> None:
        super().__init__()
        self.measure, self.budget = measure, budget
        self.spent, self.done = 0.0, False

    def _on_training_start(self) -> None:
        self._since = time.process_time()

    def _on_rollout_start(self) -> None:
        self.spent += time.process_time() - self._since
        if self.num_timesteps:
            self.done = self.measure(self)
        self.done |= self.spent > self.budget
        self._since = time.process_time()

    def _on_step(self) -> bool:
        return not self.done


def train(tables: Tables, seed: int, measure: Callable[[Callable, float], bool], budget: float) -> None:
    """Trains until ``measure(action_probabilities, CPU-seconds)`` says so, or ``budget`` CPU-seconds are spent."""
    torch.set_num_threads(1)
    envs = DummyVecEnv([lambda: TerminalHorizon(SessionEnv(tables=tables))] * LANES)
    model = PPO("MlpPolicy", envs, seed=seed * LANES, device="cpu")

    def probabilities(observations: np.ndarray) -> np.ndarray:
        """The likeliest ad of every row (n, A), exploration off."""
        with torch.no_grad():
            given = model.policy.get_distribution(torch.from_numpy(observations)).distribution.probs
        return uniform_over_best(given.double().numpy())

    model.learn(1_000_000_000, callback=_Watch(lambda watch: measure(probabilities, watch.spent), budget))
