"""Sessions: the scenario, its tables, one kernel, the environments on it, and the exact optimum.

Read in this order: scenario → tables → kernel → session and vector → policies → optimum.
"""

from preroll.envs.conformance.check import check_env
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.optimum import Optimum
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.rollout import Rollout, rollout
from preroll.envs.scenario.scenario import Scenario, preset_names
from preroll.envs.session import SessionEnv
from preroll.envs.vector import SessionVectorEnv

__all__ = [
    "Optimum",
    "Policy",
    "Rollout",
    "Scenario",
    "SessionEnv",
    "SessionVectorEnv",
    "Tables",
    "check_env",
    "preset_names",
    "rollout",
]
