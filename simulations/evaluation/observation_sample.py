"""Observations as sessions bring them, to compare two forms of one agent."""

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables
from preroll.envs.vector import SessionVectorEnv


def sample_observations(tables: Tables, count: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Gives ``count`` observations float32 (count, d) of sessions in which any ad is shown.

    A fifth of ``count`` lanes play five slots apart from each other, so that early and late ones are among them.
    """
    lanes = -(-count // 5)
    envs = SessionVectorEnv(lanes, tables=tables, autoreset_mode=AutoresetMode.SAME_STEP)
    rng = np.random.default_rng(seed)
    observations, _ = envs.reset(seed=seed)
    seen = [observations]
    apart = max(1, tables.n_slots // 5)
    while len(seen) < 5:
        for _ in range(apart):
            observations = envs.step(rng.integers(tables.n_actions, size=lanes))[0]
        seen.append(observations)
    return np.concatenate(seen)[:count]
