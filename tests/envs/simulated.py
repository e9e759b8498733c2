"""Simulated sessions beside exact values."""

import numpy as np
from scipy import stats

from preroll.envs import Optimum, Policy, rollout


def assert_simulated_as_computed(exact: Optimum, policy: Policy) -> None:
    """A million sessions: inside the 99.9 % interval; fixed seed, so this passes always or never."""
    revenue = rollout(exact.tables, policy, seed=7, lanes=1000, sessions_per_lane=1000).revenue
    assert revenue.size == 1_000_000
    standard_error = revenue.std(ddof=1) / np.sqrt(revenue.size)
    assert abs(revenue.mean() - exact.value_of(policy)) < stats.norm.ppf(0.9995) * standard_error
