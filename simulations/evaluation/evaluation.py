"""Evaluation of frozen agents without exploration, on a fixed set of sessions with common random numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.agents import Agent
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.rollout import Rollout, rollout
from preroll.errors import PrerollError
from preroll.seeds import EVALUATION, derive
from preroll.simulations.evaluation.stepping import play
from preroll.simulations.statistics.intervals import Mean, mean_interval

SESSIONS = 100_000
LANES = 1000
FEWEST_LANES = 30
REFERENCES = ("random", "greedy", "optimum")

AgentOrPolicy = Agent | Policy


@dataclass(frozen=True)
class AgentResult:
    """Result of one agent; revenue, regret and differences are per session.

    Attributes:
        name: name of the agent, or of its run.
        revenue: simulated revenue.
        exact: exact expected revenue; None if the agent's policy does not fit in a table.
        optimum: the exact optimum.
        difference: revenue minus that of the optimal policy, paired by common random numbers.
        above_random: revenue minus that of the random policy, paired.
        view_rate: share of the ads shown that were viewed.
        long_share: share of the ads shown that were long.
        empty_share: share of the slots left without an ad.
        length: slots of a session.
        terminated_share: share of sessions that the user left before the horizon.

    Examples:
        >>> from preroll.envs import Tables
        >>> from preroll.simulations import evaluate
        >>> greedy = evaluate({}, Tables.compile("fatigue", "demo"), sessions=1000)["greedy"]
        >>> round(greedy.exact, 2), round(greedy.optimum, 2), round(greedy.regret, 2)
        (6.4, 8.84, 2.45)
        >>> greedy.revenue.low < greedy.exact < greedy.revenue.high
        True
    """

    name: str
    revenue: Mean
    exact: float | None
    optimum: float
    difference: Mean
    above_random: Mean
    view_rate: float
    long_share: float
    empty_share: float
    length: float
    terminated_share: float

    @property
    def percent(self) -> Mean:
        """Percent of the optimum: 100 · (optimum + paired difference) / optimum.

        Its interval is narrower than that of revenue / optimum.
        """
        return self.difference.scaled(100 / self.optimum, 100.0)

    @property
    def regret(self) -> float:
        """Optimum minus expected revenue: from the exact value if known, else from the paired difference."""
        return self.optimum - self.exact if self.exact is not None else -self.difference.value


@dataclass(frozen=True)
class Evaluation:
    """Comparison of agents.

    Attributes:
        scenario: name of the scenario.
        sessions: number of sessions that each agent played.
        lanes: number of independent lanes.
        optimum_is_bound: whether the optimum is an upper bound, because it knows what agents cannot observe.
        rows: the given agents, then random, greedy and optimum.

    Examples:
        >>> from preroll.envs import Tables
        >>> from preroll.simulations import evaluate
        >>> evaluation = evaluate({}, Tables.compile("fatigue", "demo"), sessions=1000)
        >>> [row.name for row in evaluation.rows], evaluation.sessions, evaluation.lanes
        (['random', 'greedy', 'optimum'], 1000, 100)
        >>> evaluation["optimum"].percent.value
        100.0
    """

    scenario: str
    sessions: int
    lanes: int
    optimum_is_bound: bool
    rows: tuple[AgentResult, ...]

    def __getitem__(self, name: str) -> AgentResult:
        """Returns the result of the agent ``name``."""
        return next(row for row in self.rows if row.name == name)


def evaluate(
    players: Mapping[str, AgentOrPolicy],
    tables: Tables,
    *,
    sessions: int = SESSIONS,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Compares agents with each other and with random, greedy and the exact optimum.

    Every agent plays sessions 0 … k - 1 of every lane to their end ("the first n to end" would favour short ones), with
    common random numbers: the same users and the same draws for all. Intervals are Student's t over lanes, which are
    independent.

    Args:
        players: agent or policy table by name; the names random, greedy and optimum are reserved for the references.
        tables: the scenario on the catalog.
        sessions: least number of sessions; whole lanes are played.
        seed: seed of the users, who differ from those of training with any seed.
        advance: called with 1 after every agent, references included.

    Returns:
        The results of the agents and of the references.

    Raises:
        PrerollError: see :func:`check`.

    Examples:
        >>> from preroll.simulations import evaluate, train
        >>> result = train("thompson", scenario="classic", sessions=300)
        >>> evaluation = evaluate({"mine": result.agent}, result.tables, sessions=1000)
        >>> evaluation["mine"].percent.value > evaluation["random"].percent.value
        True
    """
    check(players, tables, sessions)
    lanes, per_lane = lanes_and_sessions(tables, sessions)
    exact = PhasedOptimum(tables, per_lane)
    base = derive(seed, EVALUATION)
    everyone: dict[str, AgentOrPolicy] = {**players, **exact.references}
    results = {}
    for name, player in everyone.items():
        results[name] = simulate(player, tables, exact, base, lanes, per_lane)
        advance(1)
    best, worst = (results[name][0].revenue.mean(axis=1) for name in ("optimum", "random"))
    rows = [_row(name, tables, exact, *result, best, worst) for name, result in results.items()]
    return Evaluation(tables.scenario.name, lanes * per_lane, lanes, exact.is_bound, tuple(rows))


def check(players: Mapping[str, AgentOrPolicy], tables: Tables, sessions: int) -> None:
    """Checks the arguments of :func:`evaluate` without starting anything.

    Raises:
        PrerollError: fewer sessions than an interval needs, a reserved name, or an agent made for other observations or
            ads.
    """
    if sessions < FEWEST_LANES:
        raise PrerollError(f"sessions: {sessions}: an interval needs at least {FEWEST_LANES}")
    if taken := sorted(set(players) & set(REFERENCES)):
        raise PrerollError(f"agent {taken[0]!r}: the name is kept for the reference, which is always shown")
    for name, player in players.items():
        if isinstance(player, Agent):
            _check_fit(name, player, tables)


def lanes_and_sessions(tables: Tables, sessions: int) -> tuple[int, int]:
    """Returns the number of lanes and the number of sessions per lane.

    With drift, a lane is long enough to spend half of its sessions in the last phase.
    """
    lanes = max(min(LANES, sessions // 10), FEWEST_LANES)
    per_lane = max(-(-sessions // lanes), 2 * tables.scenario.phases[-1][0])
    return max(min(lanes, -(-sessions // per_lane)), FEWEST_LANES), per_lane


def simulate(
    player: AgentOrPolicy, tables: Tables, exact: PhasedOptimum, seed: int, lanes: int, per_lane: int
) -> tuple[Rollout, float | None]:
    """Plays a fixed set of sessions.

    Args:
        player: an agent, which acts without exploration, or a policy table.
        tables: the scenario on the catalog.
        exact: exact values of ``tables`` for ``per_lane`` sessions.
        seed: lane i plays the user stream seed + i.
        lanes: n.
        per_lane: sessions of each lane.

    Returns:
        The sessions played, and the exact value of the policy; None if it does not fit in a table.
    """
    if isinstance(player, Agent):
        try:
            policy = player.policy(tables)
        except PrerollError:  # too many observable states for a table, or an agent with memory
            return play(tables, player, seed=seed, lanes=lanes, sessions_per_lane=per_lane), None
    else:
        policy = player
    return rollout(tables, policy, seed=seed, lanes=lanes, sessions_per_lane=per_lane), exact.value_of(policy)


def _check_fit(name: str, agent: Agent, tables: Tables) -> None:
    """Raises an error if the agent was trained with other observations or ads."""
    theirs, ours = agent.spec, tables.spec
    for what, a, b in (
        ("ads", theirs.labels, ours.labels),
        ("categories", theirs.categories, ours.categories),
        ("observations", tuple(theirs.layout.parts), tuple(ours.layout.parts)),
        ("size of observations", theirs.layout.size, ours.layout.size),
    ):
        if a != b:
            raise PrerollError(f"agent {name}: was trained with other {what}: {a}; scenario {ours.name} has {b}")


def _row(
    name: str,
    tables: Tables,
    exact: PhasedOptimum,
    played: Rollout,
    value: float | None,
    best: NDArray[np.float64],
    worst: NDArray[np.float64],
) -> AgentResult:
    by_lane = played.revenue.mean(axis=1)
    lengths = np.array(tables.spec.lengths)
    by_ad = played.by_ad.sum(axis=0)
    shown = max(int(by_ad[lengths != "none"].sum()), 1)
    return AgentResult(
        name=name,
        revenue=mean_interval(by_lane),
        exact=value,
        optimum=exact.optimum,
        difference=mean_interval(by_lane - best),
        above_random=mean_interval(by_lane - worst),
        view_rate=float(played.views.sum()) / shown,
        long_share=float(by_ad[lengths == "long"].sum()) / shown,
        empty_share=float(by_ad[lengths == "none"].sum()) / float(by_ad.sum()),
        length=float(played.slots.mean()),
        terminated_share=float(played.terminated.mean()),
    )
