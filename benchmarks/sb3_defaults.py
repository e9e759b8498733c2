"""PPO of stable-baselines3 with its default settings, for comparison with our agents.

``PPO("MlpPolicy", DummyVecEnv([...] * 8), seed=...)`` on the single environment, so with the same observations as ours;
the horizon ends a session as a termination, as our agents treat it by default. torch uses one thread, which is faster
here than its default.
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
    """Wrapper that reports the horizon as a termination, so that values are not bootstrapped over it."""

    def step(self, action: Any) -> Any:
        """Plays one slot."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, terminated or truncated, False, info


class _Watch(BaseCallback):
    """Callback that measures the policy after every update, off the clock, and stops at the goal or out of budget."""

    def __init__(self, measure: Callable[[Any], bool], budget: float) -> None:
        super().__init__()
        self.measure, self.budget = measure, budget
        self.spent, self.done = 0.0, False

    def _on_training_start(self) -> None:
        self._since = time.process_time()

    def _on_rollout_start(self) -> None:
        self.spent += time.process_time() - self._since
        if self.num_timesteps:  # nothing has been trained before the first rollout
            self.done = self.measure(self)
        self.done |= self.spent > self.budget
        self._since = time.process_time()

    def _on_step(self) -> bool:
        return not self.done


def train(tables: Tables, seed: int, measure: Callable[[Callable, float], bool], budget: float) -> None:
    """Trains until ``measure(action_probabilities, CPU-seconds)`` returns True or ``budget`` CPU-seconds are spent."""
    torch.set_num_threads(1)
    envs = DummyVecEnv([lambda: TerminalHorizon(SessionEnv(tables=tables))] * LANES)
    model = PPO("MlpPolicy", envs, seed=seed * LANES, device="cpu")

    def probabilities(observations: np.ndarray) -> np.ndarray:
        """Returns the greedy action probabilities of every row (n, A), without exploration."""
        with torch.no_grad():
            given = model.policy.get_distribution(torch.from_numpy(observations)).distribution.probs
        return uniform_over_best(given.double().numpy())

    model.learn(1_000_000_000, callback=_Watch(lambda watch: measure(probabilities, watch.spent), budget))
