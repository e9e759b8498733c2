"""Step-by-step simulation of a fixed set of sessions, for agents whose policies do not fit in a table."""

import numpy as np
from gymnasium.vector import AutoresetMode

from preroll.agents.agent import Agent
from preroll.envs.model.tables import Tables
from preroll.envs.policies.rollout import Rollout
from preroll.envs.vector import SessionVectorEnv


def play(tables: Tables, agent: Agent, *, seed: int, lanes: int, sessions_per_lane: int) -> Rollout:
    """Plays sessions 0 … k - 1 of every lane to their end, as :func:`preroll.envs.rollout` does for a policy table.

    The random numbers of a lane are those of its user stream, so a deterministic agent plays exactly the sessions of
    its table.

    Args:
        tables: the scenario on the catalog.
        agent: agent that chooses the ads without exploration; it is notified of ended sessions and is not updated.
        seed: lane i plays the user stream seed + i.
        lanes: n.
        sessions_per_lane: k.

    Returns:
        Outcomes of the n · k sessions.
    """
    envs = SessionVectorEnv(lanes, tables=tables, copy=False, autoreset_mode=AutoresetMode.SAME_STEP)
    observations, _ = envs.reset(seed=seed)
    agent.end_sessions(np.ones(lanes, np.bool_))
    played = np.zeros(lanes, np.int64)
    # The last column is discarded: lanes that have played k sessions continue into it until all lanes have.
    revenue = np.zeros((lanes, sessions_per_lane + 1))
    slots, views, left = np.zeros((3, lanes, sessions_per_lane + 1), np.int32)
    by_ad = np.zeros((lanes, tables.n_actions), np.int64)
    rows = np.arange(lanes)
    while (played < sessions_per_lane).any():
        actions = agent.act(observations, explore=False)
        observations, rewards, terminated, truncated, _ = envs.step(actions)
        place = rows, np.minimum(played, sessions_per_lane)
        revenue[place] += rewards
        slots[place] += 1
        views[place] += envs.played.viewed
        left[place] |= terminated
        by_ad[rows, actions] += played < sessions_per_lane
        over = terminated | truncated
        agent.end_sessions(over)
        played += over
    keep = slice(0, sessions_per_lane)
    return Rollout(revenue[:, keep], slots[:, keep], views[:, keep], left[:, keep].astype(np.bool_), by_ad)
