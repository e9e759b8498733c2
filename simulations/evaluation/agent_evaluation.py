"""Evaluation of one frozen agent without exploration, on a fixed set of sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from preroll.agents.agent import Agent
from preroll.agents.finite import finite
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.explanation import Explanation, named
from preroll.envs.optimum.losses import LossLedger
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.rollout import Rollout, rollout
from preroll.errors import NoTableError, NotFiniteError
from preroll.seeds import EVALUATION, derive
from preroll.simulations.evaluation.agent_result import AgentResult, result_of
from preroll.simulations.evaluation.stepping import play
from preroll.simulations.statistics.intervals import mean_interval

LANES = 1000
FEWEST_LANES = 30

AgentOrPolicy = Agent | Policy


def evaluate_agent(
    name: str,
    player: AgentOrPolicy,
    tables: Tables,
    *,
    sessions: int,
    seed: int,
    exact: bool = True,
    explained: bool = False,
    values: PhasedOptimum | None = None,
) -> AgentResult:
    """Evaluates one agent; the optimal policy plays the same sessions only where the exact value is not known.

    Two agents with the same seed are compared with common random numbers: they meet the same users and draws.

    Args:
        name: name of the agent in the result.
        player: a trained agent, or its policy table.
        tables: the scenario on the catalog.
        sessions: least number of sessions; whole lanes are played.
        seed: seed of the users, who differ from those of training with any seed.
        exact: whether the agent's exact value is computed.
        explained: whether the result says where the agent loses revenue.
        values: exact values of ``tables``, if already computed.
    """
    lanes, per_lane = lanes_and_sessions(tables, sessions)
    values, base = (values or PhasedOptimum(tables)).over(per_lane), derive(seed, EVALUATION)
    player = wanted_table(player, tables, exact=exact) or player
    ledger = values.loss_ledger(lanes) if explained and isinstance(player, Agent) else None
    played, value = simulate(player, tables, values, base, lanes, per_lane, exact=exact, ledger=ledger)
    best = None
    if value is None:
        best = rollout(tables, values.policy, seed=base, lanes=lanes, sessions_per_lane=per_lane)
    result = result_of(name, played, value, values, best=best)
    return replace(result, explanation=_explanation(values, player, ledger, per_lane)) if explained else result


def _explanation(values: PhasedOptimum, player: AgentOrPolicy, ledger: LossLedger | None, per_lane: int) -> Explanation:
    """Returns where a player loses: of a table exactly, else the mean over sessions, of lanes that are independent."""
    if isinstance(player, Policy):
        return values.explain(player)
    assert ledger is not None
    losses = ledger.losses(values.optimum)
    by_lane = named(values.tables, losses)
    means = {
        split: {part: mean_interval(sums / per_lane) for part, sums in parts.items()}
        for split, parts in by_lane.items()
    }
    lost = {split: {part: mean.value for part, mean in parts.items()} for split, parts in means.items()}
    half = {split: {part: mean.half_width for part, mean in parts.items()} for split, parts in means.items()}
    return Explanation(values.optimum, lost, half, mean_interval(losses.by_ad.sum(axis=1) / per_lane).half_width)


def lanes_and_sessions(tables: Tables, sessions: int) -> tuple[int, int]:
    """Returns the number of lanes and the number of sessions per lane, with drift enough for every phase."""
    lanes = max(min(LANES, sessions // 10), FEWEST_LANES)
    per_lane = max(-(-sessions // lanes), shortest_lane(tables))
    return max(min(lanes, -(-sessions // per_lane)), FEWEST_LANES), per_lane


def shortest_lane(tables: Tables) -> int:
    """Returns the least number of sessions of a lane: with drift, half of them are in the last phase."""
    return max(2 * int(tables.arrays.phase_start[-1]), 1)


def simulate(
    player: AgentOrPolicy,
    tables: Tables,
    values: PhasedOptimum,
    seed: int,
    lanes: int,
    per_lane: int,
    *,
    exact: bool = True,
    ledger: LossLedger | None = None,
) -> tuple[Rollout, float | None]:
    """Plays a fixed set of sessions.

    Args:
        player: an agent, which acts without exploration, or a policy table.
        tables: the scenario on the catalog.
        values: exact values of ``tables`` for ``per_lane`` sessions.
        seed: lane i plays the user stream seed + i.
        lanes: n.
        per_lane: sessions of each lane.
        exact: whether the exact value of an agent is computed. Without it the agent is asked for nothing but the ads of
            these sessions; policy tables and oracles, which are tables, keep their exact value.
        ledger: takes down what an agent loses that is not a table.

    Returns:
        The sessions played, and the exact value of the policy; None if it does not fit in a table or is not wanted.

    Raises:
        NotFiniteError: what the agent computes is NaN.
    """
    if (policy := wanted_table(player, tables, exact=exact)) is not None:
        return rollout(tables, policy, seed=seed, lanes=lanes, sessions_per_lane=per_lane), values.value_of(policy)
    assert isinstance(player, Agent)
    with _about(player):
        return play(tables, player, seed=seed, lanes=lanes, sessions_per_lane=per_lane, ledger=ledger), None


@contextmanager
def _about(player: AgentOrPolicy) -> Iterator[None]:
    """Adds to an error about NaN whose it is."""
    try:
        yield
    except NotFiniteError as error:
        who = f"agent {player.name}" if isinstance(player, Agent) else "policy table"
        raise NotFiniteError(f"{who}: {error}; this is no policy") from None


def wanted_table(player: AgentOrPolicy, tables: Tables, *, exact: bool) -> Policy | None:
    """Returns the policy of a player as a table, if it is one or if exact values are wanted and there can be one.

    Raises:
        NotFiniteError: a probability is NaN.
        MemoryShortError: there is no memory for the table.
    """
    if not (exact or isinstance(player, Policy) or player.needs_tables):
        return None
    with _about(player):
        return table_of(player, tables)


def table_of(player: AgentOrPolicy, tables: Tables) -> Policy | None:
    """Returns the agent's policy without exploration as a table, or None if there are too many states for one.

    A deterministic policy is returned as a table of ads, which is played twice as fast as one of probabilities and
    gives the same sessions.

    Raises:
        NotFiniteError: a probability is NaN.
        MemoryShortError: there is no memory for the table.
        PrerollError: what an object tells are no probabilities.
    """
    try:
        policy = player.policy(tables) if isinstance(player, Agent) else player
    except NoTableError:  # too many observable states for a table, or an agent with memory
        return None
    chances = policy.probabilities
    if chances is not None:
        finite("probabilities", chances)
    if chances is None or not (chances.max(axis=-1) == 1).all():
        return policy
    return Policy(ads=chances.argmax(axis=-1).astype(np.int16))
