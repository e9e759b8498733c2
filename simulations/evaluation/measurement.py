"""Measurements of one trained agent, as stored for a cell of an experiment."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from preroll.agents import Agent
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.rollout import Rollout, rollout
from preroll.errors import PrerollError
from preroll.seeds import EVALUATION, derive
from preroll.simulations.evaluation.evaluation import lanes_and_sessions, simulate
from preroll.simulations.statistics.intervals import mean_interval


@dataclass(frozen=True)
class Measurement:
    """Evaluation of one agent; revenue, regret and optimum are per session.

    Attributes:
        evaluation_sessions: sessions played.
        evaluation_lanes: number of independent lanes.
        revenue: simulated mean.
        revenue_half_width: half of its 95 % interval over lanes (Student's t).
        exact_revenue: exact expected revenue; None if the agent's policy does not fit in a table.
        optimum: the exact optimum.
        optimum_is_bound: whether the optimum is an upper bound, because it knows what agents cannot observe.
        percent_of_optimum: 100 · expected / optimum; from the exact value if known, else simulated and paired with the
            optimal policy by common random numbers.
        regret: optimum − expected, likewise.
        view_rate: share of the ads shown that were viewed.
        long_share: share of the ads shown that were long.
        empty_share: share of the slots left without an ad.
        session_length: slots of a session.
        terminated_share: share of sessions that the user left before the horizon.
    """

    evaluation_sessions: int
    evaluation_lanes: int
    revenue: float
    revenue_half_width: float
    exact_revenue: float | None
    optimum: float
    optimum_is_bound: bool
    percent_of_optimum: float
    regret: float
    view_rate: float
    long_share: float
    empty_share: float
    session_length: float
    terminated_share: float

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return asdict(self)


def measure(player: Agent | Policy, tables: Tables, *, sessions: int, seed: int) -> Measurement:
    """Evaluates a frozen agent without exploration.

    Two agents with the same seed are compared with common random numbers: they meet the same users and draws.

    Args:
        player: a trained agent, or its policy table.
        tables: the scenario on the catalog.
        sessions: least number of sessions; whole lanes are played.
        seed: seed of the users, who differ from those of training with any seed.
    """
    lanes, per_lane = lanes_and_sessions(tables, sessions)
    exact, base = PhasedOptimum(tables, per_lane), derive(seed, EVALUATION)
    played, value = simulate(table_of(player, tables) or player, tables, exact, base, lanes, per_lane)
    revenue = mean_interval(played.revenue.mean(axis=1))
    expected = value
    if expected is None:
        best = rollout(tables, exact.references["optimum"], seed=base, lanes=lanes, sessions_per_lane=per_lane)
        expected = exact.optimum + float(played.revenue.mean() - best.revenue.mean())
    return Measurement(
        evaluation_sessions=lanes * per_lane,
        evaluation_lanes=lanes,
        revenue=revenue.value,
        revenue_half_width=revenue.half_width,
        exact_revenue=value,
        optimum=exact.optimum,
        optimum_is_bound=exact.is_bound,
        percent_of_optimum=100 * expected / exact.optimum if exact.optimum else 100.0,
        regret=exact.optimum - expected,
        **_shares(played, tables),
    )


def table_of(player: Agent | Policy, tables: Tables) -> Policy | None:
    """Returns the agent's policy without exploration as a table, or None if there are too many states for one.

    A deterministic policy is returned as a table of ads, which is played twice as fast as one of probabilities and
    yields the same sessions.
    """
    try:
        policy = player.policy(tables) if isinstance(player, Agent) else player
    except PrerollError:
        return None
    chances = policy.probabilities
    if chances is None or not (chances.max(axis=-1) == 1).all():
        return policy
    return Policy(ads=chances.argmax(axis=-1).astype(np.int16))


def _shares(played: Rollout, tables: Tables) -> dict[str, float]:
    lengths = np.array(tables.spec.lengths)
    by_ad = played.by_ad.sum(axis=0)
    shown = max(int(by_ad[lengths != "none"].sum()), 1)
    return {
        "view_rate": float(played.views.sum()) / shown,
        "long_share": float(by_ad[lengths == "long"].sum()) / shown,
        "empty_share": float(by_ad[lengths == "none"].sum()) / float(by_ad.sum()),
        "session_length": float(played.slots.mean()),
        "terminated_share": float(played.terminated.mean()),
    }
