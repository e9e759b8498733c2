"""The native vector environment as a VecEnv of stable-baselines3, for people who use its algorithms directly."""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from preroll.envs.vector import SessionVectorEnv
from preroll.errors import PrerollError


class PrerollVecEnv(VecEnv):
    """All lanes behind stable-baselines3's interface, without a Python environment for each of them.

    Observations are copies, because stable-baselines3 keeps a reference to the last ones. A lane whose session ended
    has ``terminal_observation`` and ``TimeLimit.truncated`` (the horizon was reached) in its info; the other lanes have
    an empty one, the same in every step until somebody writes to it. ``VecMonitor`` around it shows revenue per
    session; what the environment tells of every slot is in the infos of :class:`SessionVectorEnv` itself.

    >>> from stable_baselines3 import PPO                                                       # doctest: +SKIP
    >>> envs = SessionVectorEnv(64, scenario="classic", autoreset_mode="SameStep")              # doctest: +SKIP
    >>> PPO("MlpPolicy", PrerollVecEnv(envs), n_steps=20).learn(100_000)                        # doctest: +SKIP

    Args:
        envs: a vector environment with ``autoreset_mode`` SAME_STEP, which stable-baselines3 expects.

    Raises:
        PrerollError: another autoreset mode.
    """

    def __init__(self, envs: SessionVectorEnv) -> None:
        mode = envs.metadata["autoreset_mode"]
        if mode is not AutoresetMode.SAME_STEP:
            raise PrerollError(f"autoreset_mode: {mode.value!r}: stable-baselines3 needs 'SameStep'")
        self.envs = envs
        self._actions = np.zeros(envs.num_envs, dtype=np.int64)
        self._empty: list[dict[str, Any]] = [{} for _ in range(envs.num_envs)]
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)

    def reset(self) -> NDArray[np.float32]:
        """Starts a session on every lane, with the seeds given to :meth:`seed` before."""
        seeds = list(self._seeds)
        observations, _ = self.envs.reset(seed=seeds if seeds[0] is not None else None)
        self._reset_seeds()
        self._reset_options()
        return observations.copy()

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Takes the ads of the next step."""
        self._actions = np.asarray(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Plays the step: observations float32 (n, d), rewards float32 (n,), dones bool (n,), infos."""
        observations, rewards, terminated, truncated, told = self.envs.step(self._actions)
        dones = terminated | truncated
        infos = self._empty_infos()
        lanes = np.flatnonzero(dones)
        if lanes.size:
            last_seen, cut = told["final_obs"][lanes], truncated[lanes].tolist()
            for lane, seen, at_horizon in zip(lanes.tolist(), last_seen, cut, strict=True):
                infos[lane] = {"terminal_observation": seen, "TimeLimit.truncated": at_horizon}
        return observations.copy(), rewards.astype(np.float32), dones, infos

    def _empty_infos(self) -> list[dict[str, Any]]:
        """An empty info for every lane. New ones in every step would take longer than the step itself."""
        if any(self._empty):  # a wrapper wrote to the infos of the step before
            self._empty = [{} for _ in range(self.num_envs)]
        return self._empty.copy()

    def close(self) -> None:
        """Closes the vector environment."""
        self.envs.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Gives the vector environment's attribute once for each lane of ``indices``."""
        value = getattr(self.envs, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Sets an attribute of all lanes; single lanes have none of their own."""
        self._only_all(indices, attr_name)
        setattr(self.envs, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Calls a method of the vector environment once and gives the result for each lane."""
        self._only_all(indices, method_name)
        result = getattr(self.envs, method_name)(*method_args, **method_kwargs)
        return [result for _ in range(self.num_envs)]

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        """No lane is wrapped: there are no single environments."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Gives None for every lane: there is nothing to see."""
        return [None for _ in range(self.num_envs)]

    def _only_all(self, indices: VecEnvIndices, name: str) -> None:
        if list(self._get_indices(indices)) != list(range(self.num_envs)):
            raise PrerollError(f"{name}: lanes share one vector environment: indices must be all of them")
