"""The native vector environment as a VecEnv of stable-baselines3, for direct use of its algorithms."""

from collections.abc import Sequence
from typing import Any, cast

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from preroll.agents.interop.last_slots import LastSlot, LastSlots
from preroll.envs.vector import SessionVectorEnv
from preroll.errors import PrerollError


class PrerollVecEnv(VecEnv):
    """VecEnv of stable-baselines3 over all lanes, without a Python environment per lane.

    Observations are copies, because stable-baselines3 keeps a reference to the last ones. The info of a lane whose
    session ended is that of its last slot, with ``terminal_observation`` and ``TimeLimit.truncated`` (whether the
    horizon was reached), built when it is first read. The other lanes have an empty info, the same object in every step
    until a wrapper writes to it. Wrapped in ``VecMonitor``, the environment reports revenue per session, and
    ``info_keywords`` of the last slot. Information about every slot is in the infos of :class:`SessionVectorEnv` itself
    and is not passed on.

    Args:
        envs: number of lanes; or a vector environment with ``autoreset_mode`` SAME_STEP, which stable-baselines3
            expects.
        settings: arguments of :class:`SessionVectorEnv` where ``envs`` is a number.

    Raises:
        PrerollError: another autoreset mode, or no number of lanes and no :class:`SessionVectorEnv`.

    Examples:
        >>> import numpy as np
        >>> from stable_baselines3 import PPO
        >>> from preroll.agents import PrerollVecEnv
        >>> sb3_envs = PrerollVecEnv(64, scenario="classic", catalog="demo")
        >>> observations = sb3_envs.reset()
        >>> observations, rewards, dones, infos = sb3_envs.step(np.zeros(64, dtype=np.int64))
        >>> observations.shape, rewards.dtype, len(infos)
        ((64, 16), dtype('float32'), 64)
        >>> model = PPO("MlpPolicy", sb3_envs, n_steps=20).learn(100_000)  # doctest: +SKIP
    """

    def __init__(self, envs: int | np.integer[Any] | SessionVectorEnv, **settings: Any) -> None:
        self.envs = envs = _same_step(envs, settings)
        self._actions = np.zeros(envs.num_envs, dtype=np.int64)
        self._empty: list[dict[str, Any]] = [{} for _ in range(envs.num_envs)]
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.num_envs:,} lanes: {self.envs!r}>"

    def reset(self) -> NDArray[np.float32]:
        """Starts a session on every lane, with the seeds set by :meth:`seed`; returns observations (n, d)."""
        seeds = list(self._seeds)
        observations, infos = self.envs.reset(seed=seeds if seeds[0] is not None else None)
        told = {key: values.tolist() for key, values in infos.items() if not key.startswith("_")}
        self.reset_infos = [dict(zip(told, lane, strict=True)) for lane in zip(*told.values(), strict=True)]
        self._reset_seeds()
        self._reset_options()
        return observations.copy()

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Stores the actions of the next step."""
        self._actions = np.asarray(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Plays the step.

        Returns:
            observations: float32 (n, d).
            rewards: float32 (n,).
            dones: bool (n,), whether the session ended, for either reason.
            infos: one dictionary per lane.
        """
        observations, rewards, terminated, truncated, _ = self.envs.step(self._actions)
        dones = terminated | truncated
        infos = self._empty_infos()
        if self.envs.played.ended:
            slots = LastSlots(self.envs.played, truncated > terminated)
            for lane in dones.nonzero()[0].tolist():
                infos[lane] = info = LastSlot()
                info.source, info.lane = slots, lane
        return observations.copy(), rewards.astype(np.float32), dones, infos

    def _empty_infos(self) -> list[dict[str, Any]]:
        """Returns an empty info for every lane.

        Creating new ones in every step would take longer than the step itself.
        """
        if any(self._empty):  # a wrapper wrote to the infos of the previous step
            self._empty = [{} for _ in range(self.num_envs)]
        return self._empty.copy()

    def close(self) -> None:
        """Closes the vector environment."""
        self.envs.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Returns the vector environment's attribute, once for each lane of ``indices``."""
        value = getattr(self.envs, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Sets an attribute of all lanes at once; single lanes have no attributes of their own."""
        self._only_all(indices, attr_name)
        setattr(self.envs, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Calls a method of the vector environment once and returns its result for each lane."""
        self._only_all(indices, method_name)
        result = getattr(self.envs, method_name)(*method_args, **method_kwargs)
        return [result for _ in range(self.num_envs)]

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        """Returns False for each lane: there are no single environments to wrap."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Returns the picture of each lane, which ``render`` tiles into a grid; None without ``rgb_array``."""
        if self.envs.render_mode != "rgb_array":
            return [None for _ in range(self.num_envs)]
        return cast(Sequence[Any], self.envs.render())

    def _only_all(self, indices: VecEnvIndices, name: str) -> None:
        if list(self._get_indices(indices)) != list(range(self.num_envs)):
            raise PrerollError(f"{name}: lanes share one vector environment: indices must be all of them")


def _same_step(envs: Any, settings: dict[str, Any]) -> SessionVectorEnv:
    """Returns the vector environment of stable-baselines3's autoreset mode, made if ``envs`` is a number of lanes."""
    if isinstance(envs, int | np.integer):
        defaults: dict[str, Any] = {"copy": False, "autoreset_mode": AutoresetMode.SAME_STEP}
        envs, settings = SessionVectorEnv(cast(int, envs), **defaults | settings), {}
    if not isinstance(envs, SessionVectorEnv) or settings:
        raise PrerollError(
            f"envs: {envs}: a SessionVectorEnv is expected, or a number of lanes with settings, as in "
            "PrerollVecEnv(64, scenario='fatigue')"
        )
    if envs.autoreset_mode is not AutoresetMode.SAME_STEP:
        raise PrerollError(f"autoreset_mode: {envs.autoreset_mode.value!r}: stable-baselines3 needs 'SameStep'")
    return envs
