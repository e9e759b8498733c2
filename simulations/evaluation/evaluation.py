"""Evaluation of frozen agents without exploration, on a fixed set of sessions with common random numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from preroll.agents.settings import MOST_SESSIONS
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.errors import PrerollError
from preroll.seeds import EVALUATION, derive
from preroll.simulations.evaluation.agent_evaluation import (
    FEWEST_LANES,
    AgentOrPolicy,
    lanes_and_sessions,
    simulate,
)
from preroll.simulations.evaluation.agent_result import AgentResult, result_of
from preroll.simulations.evaluation.players import Player, by_name, player_of

SESSIONS = 100_000
REFERENCES = ("random", "greedy", "optimum")


@dataclass(frozen=True)
class Evaluation:
    """Comparison of agents.

    Attributes:
        scenario: name of the scenario.
        rows: the given agents, then random, greedy and optimum.

    Examples:
        >>> from preroll.envs import Tables
        >>> from preroll.simulations import evaluate
        >>> evaluation = evaluate({}, Tables.compile("fatigue", "demo"), sessions=1000)
        >>> [row.name for row in evaluation.rows], evaluation.sessions, evaluation.lanes
        (['random', 'greedy', 'optimum'], 1000, 100)
        >>> evaluation["optimum"].percent_of_optimum
        100.0
    """

    scenario: str
    rows: tuple[AgentResult, ...]

    @property
    def sessions(self) -> int:
        """Number of sessions that each agent played."""
        return self.rows[0].sessions

    @property
    def lanes(self) -> int:
        """Number of independent lanes."""
        return self.rows[0].lanes

    def __getitem__(self, name: str) -> AgentResult:
        """Returns the result of the agent ``name``."""
        return next(row for row in self.rows if row.name == name)


def evaluate(
    players: Mapping[str, Player] | Player,
    tables: TablesSource,
    *,
    sessions: int = SESSIONS,
    seed: int = 0,
    exact: bool = True,
    advance: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Compares agents with each other and with random, greedy and the exact optimum.

    Every agent plays sessions 0 … k - 1 of every lane to their end ("the first n to end" would favour short ones), with
    common random numbers: the same users and the same draws for all. Intervals are Student's t over lanes, which are
    independent.

    Args:
        players: by name, or one alone: agents, policy tables, folders of runs, ONNX files that ``preroll export``
            wrote, models of stable-baselines3, objects with ``act(observations)``, or functions from observations,
            float32 (n, d), to ads, int (n,). What remembers the session has ``end_sessions(done)``, which is called
            with the lanes whose session is over. The names random, greedy and optimum are kept for the references.
        tables: the scenario on the catalog, or a scenario to compile: see :meth:`Tables.of`.
        sessions: least number of sessions; whole lanes are played.
        seed: seed of the users, who differ from those of training with any seed.
        exact: whether the exact values of the agents are computed, for which each is asked at every observation that a
            session can show; without them the agents are simulated alone.
        advance: called with 1 after every agent, references included.

    Returns:
        The results of the agents and of the references.

    Raises:
        PrerollError: see :func:`check`.

    Examples:
        >>> from preroll.simulations import evaluate, train
        >>> result = train("thompson", scenario="classic", sessions=300)
        >>> evaluation = evaluate({"mine": result.agent}, result.tables, sessions=1000)
        >>> evaluation["mine"].percent_of_optimum > evaluation["random"].percent_of_optimum
        True
        >>> [row.name for row in evaluate(result.agent, "classic", sessions=1000).rows]
        ['thompson', 'random', 'greedy', 'optimum']
    """
    tables = Tables.of(tables)
    checked = check(by_name(players), tables, sessions)
    lanes, per_lane = lanes_and_sessions(tables, sessions)
    values = PhasedOptimum(tables, per_lane)
    base = derive(seed, EVALUATION)
    everyone: dict[str, AgentOrPolicy] = {**checked, **values.references}
    results = {}
    for name, player in everyone.items():
        results[name] = simulate(player, tables, values, base, lanes, per_lane, exact=exact)
        advance(1)
    best, worst = results["optimum"][0], results["random"][0]
    rows = (result_of(name, *result, values, best=best, worst=worst) for name, result in results.items())
    return Evaluation(tables.scenario.name, tuple(rows))


def check(players: Mapping[str, Player], tables: Tables, sessions: int) -> dict[str, AgentOrPolicy]:
    """Checks the arguments of :func:`evaluate` without starting anything, and returns the players as it plays them.

    Raises:
        PrerollError: fewer sessions than an interval needs, a reserved name, or a player that cannot be read, cannot
            act, or was made for other observations or ads.
    """
    if not FEWEST_LANES <= sessions <= MOST_SESSIONS:
        raise PrerollError(
            f"sessions: {sessions}: an interval needs at least {FEWEST_LANES}, at most {MOST_SESSIONS:,}"
        )
    if taken := sorted(set(players) & set(REFERENCES)):
        raise PrerollError(f"agent {taken[0]!r}: the name is kept for the reference, which is always shown")
    return {name: player_of(name, player, tables.spec) for name, player in players.items()}
