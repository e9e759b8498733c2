"""Sample of observations, for comparing two forms of one agent."""

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll.console.given import seed_of
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.vector import SessionVectorEnv


def sample_observations(tables: TablesSource, count: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Returns observations of sessions in which ads are chosen uniformly at random.

    A fifth of ``count`` lanes contribute five observations each, spread over the session, so that early and late slots
    are represented.

    Args:
        tables: the scenario on the catalog, or a scenario to compile: see :meth:`Tables.of`.
        count: number of observations.
        seed: seed of the users and of the ads.

    Returns:
        float32 (count, d).

    Examples:
        >>> from preroll.envs import Tables
        >>> from preroll.simulations import sample_observations
        >>> tables = Tables.compile("fatigue", "demo")
        >>> observations = sample_observations(tables, 12)
        >>> observations.shape == (12, tables.layout.size), observations.dtype.name
        (True, 'float32')
    """
    tables = Tables.of(tables)
    lanes = -(-count // 5)
    envs = SessionVectorEnv(lanes, tables=tables, autoreset_mode=AutoresetMode.SAME_STEP)
    rng = np.random.default_rng(seed := seed_of(seed))
    observations, _ = envs.reset(seed=seed)
    seen = [observations]
    apart = max(1, tables.n_slots // 5)
    while len(seen) < 5:
        for _ in range(apart):
            observations = envs.step(rng.integers(tables.n_actions, size=lanes))[0]
        seen.append(observations)
    return np.concatenate(seen)[:count]
