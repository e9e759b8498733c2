"""Environment under test: its construction, the sessions that checks play, and the comparison of their records."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables

SLOTS = 4000  # played by a check with one environment, as far as whole sessions permit
SAMPLED_SLOTS = 400_000  # in the sample that is compared with the tables


class CheckFailedError(Exception):
    """Raised if the environment violates a check; the message describes where."""


class NotApplicableError(Exception):
    """Raised if the scenario lacks the subject of a check; the message describes what is missing."""


class StepRecord(NamedTuple):
    """What one ``reset`` or ``step`` returned; ``kept`` is a copy of the observation made immediately."""

    observation: NDArray[np.float32]
    kept: NDArray[np.float32]
    reward: float
    terminated: bool
    truncated: bool
    info: dict[str, Any]


@dataclass(frozen=True)
class EnvUnderTest:
    """An environment under test.

    Attributes:
        env_id: its registered id.
        tables: the compiled scenario, shared by all copies of the environment.
        seed: seed of everything that the checks draw.
        arguments: scenario and catalog as JSON values, for a spec; None if the catalog exists only in memory.
        slots: size of the sample that is compared with the tables.
    """

    env_id: str
    tables: Tables
    seed: int
    arguments: Mapping[str, Any] | None
    slots: int = SAMPLED_SLOTS

    def single(self) -> gym.Env[Any, Any]:
        """Creates a copy of the environment, without wrappers."""
        return gym.make(self.env_id, tables=self.tables, disable_env_checker=True).unwrapped

    def vector(self, n: int, mode: AutoresetMode, **settings: Any) -> Any:
        """Creates a copy of its vector form with n lanes and further settings.

        Raises:
            NotApplicableError: If it has none.
        """
        if gym.spec(self.env_id).vector_entry_point is None:
            raise NotApplicableError(f"{self.env_id} is registered without a vector environment")
        envs = gym.make_vec(
            self.env_id,
            num_envs=n,
            vectorization_mode="vector_entry_point",
            tables=self.tables,
            autoreset_mode=mode,
            **settings,
        )
        return envs.unwrapped

    @property
    def n_sessions(self) -> int:
        """Number of sessions that a check plays: 2 to 50, within about ``SLOTS`` slots if possible."""
        return max(2, min(50, SLOTS // self.tables.n_slots))

    def ads(self) -> Iterator[int]:
        """Yields the ads that checks show, drawn uniformly; the same sequence in every call."""
        rng = np.random.default_rng([self.seed, 1])
        while True:
            yield from rng.integers(0, self.tables.n_actions, 1000).tolist()

    def play(self, env: gym.Env[Any, Any], seed: int | None = None) -> Iterator[StepRecord]:
        """Plays whole sessions, the first of which is session 0 of ``seed``, and yields a record per reset and step.

        Raises:
            CheckFailedError: If a session continues after its last slot.
        """
        ads = self.ads()
        for number in range(self.n_sessions):
            observation, info = env.reset(seed=(self.seed if seed is None else seed) if number == 0 else None)
            yield StepRecord(observation, observation.copy(), 0.0, False, False, info)
            yield from self.session(env, ads)

    def session(self, env: gym.Env[Any, Any], ads: Iterator[int]) -> Iterator[StepRecord]:
        """Plays a running session to its end, and yields a record per step.

        Raises:
            CheckFailedError: If the session continues after its last slot.
        """
        for _ in range(self.tables.n_slots):
            observation, reward, terminated, truncated, info = env.step(next(ads))
            yield StepRecord(observation, observation.copy(), float(reward), terminated, truncated, info)
            if terminated or truncated:
                return
        raise CheckFailedError(f"a session continues after its last slot, number {self.tables.n_slots}")


def difference(one: StepRecord, other: StepRecord) -> str | None:
    """Describes the first of observation, reward and flags in which two records differ; None if they are equal."""
    for name in ("kept", "reward", "terminated", "truncated"):
        if told := unequal(getattr(one, name), getattr(other, name)):
            return f"{'observation' if name == 'kept' else name}{told}"
    return None


def unequal(one: Any, other: Any) -> str | None:
    """Describes where two numbers, or two arrays [n], differ, with both values; None if they are equal."""
    if np.array_equal(one, other):
        return None
    if np.ndim(one) != 1 or np.shape(one) != np.shape(other):
        return f": {one} and {other}"
    entry = int(np.flatnonzero(np.asarray(one) != np.asarray(other))[0])
    return f"[{entry}]: {one[entry]} and {other[entry]}"


def info_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """Describes the first entry in which two infos differ by key, type or value; None if they are equal."""
    if list(one) != list(other):
        return f"infos have the keys {', '.join(one)} and {', '.join(other)}"
    for name, value in one.items():
        if type(value) is not type(other[name]) or not np.array_equal(value, other[name], equal_nan=True):
            return f"info {name}: {value!r} and {other[name]!r}"
    return None
