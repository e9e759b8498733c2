"""Evaluation of frozen agents without exploration, on a fixed set of sessions with common random numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preroll.agents.settings import MOST_SESSIONS
from preroll.console.given import whole
from preroll.console.nearest import known
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.errors import PrerollError
from preroll.palette import agent_colors
from preroll.seeds import EVALUATION, derive
from preroll.shown import plots
from preroll.shown.amounts import digits_of
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable
from preroll.simulations.evaluation.agent_evaluation import (
    FEWEST_LANES,
    AgentOrPolicy,
    lanes_and_sessions,
    simulate,
)
from preroll.simulations.evaluation.agent_result import AgentResult, result_of
from preroll.simulations.evaluation.own_tables import own_tables
from preroll.simulations.evaluation.players import Player, Players, by_name, player_of
from preroll.simulations.statistics.intervals import fixed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SESSIONS = 100_000
REFERENCES = ("random", "greedy", "optimum")


@dataclass(frozen=True, repr=False)
class Evaluation(ShownTable):
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
        """Returns the result of the agent ``name``.

        Raises:
            PrerollError: there is no such agent.
        """
        for row in self.rows:
            if row.name == name:
                return row
        names = [row.name for row in self.rows]
        raise PrerollError(f"evaluation: no agent {name!r}; {known(name, 'agents are', names)}")

    def __len__(self) -> int:
        return len(self.rows)

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row an agent: every number, and beside a mean ``x`` its interval, ``x_low`` to ``x_high``."""
        import pandas as pd

        return pd.DataFrame([row.to_row() for row in self.rows])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draws percent of the optimum as bars, with 95 % intervals where it is not exact; references are grey.

        Args:
            ax: the axes to draw on; new ones by default.
        """
        colors = agent_colors((row.name for row in self.rows), REFERENCES)
        rows = []
        for row in self._ranked():
            low, high = (None, None) if row.exact_revenue is not None else row.percent_interval
            rows.append(plots.Bar(row.name, row.percent_of_optimum, low, high, color=colors[row.name]))
        title = f"{self.scenario}: {self.sessions:,} sessions of each agent"
        x = "% of the optimum" + (", 95 % intervals" if any(row.low is not None for row in rows) else "")
        return plots.bars(ax, rows, title=title, x=x, best=100)

    def _ranked(self) -> list[AgentResult]:
        return sorted(self.rows, key=lambda row: (-round(row.percent_of_optimum, 5), row.name != "optimum"))

    def _card(self) -> Card:
        facts = {
            "sessions": f"{self.sessions:,} of each agent, in {self.lanes:,} independent lanes",
            "±": "95 % interval; % of optimum is exact where it has none",
        }
        rows = [
            (
                row.name,
                row.revenue.text(digits_of(row.optimum, 2), 0, row.optimum),
                row.percent_text,
                fixed(row.regret, digits_of(row.optimum)),
                f"{100 * row.view_rate:.1f} %",
            )
            for row in self._ranked()
        ]
        head = ("agent", "revenue", "% of optimum", "regret", "viewed")
        return Card(f"Evaluation on scenario {self.scenario}", facts, head, rows)


def evaluate(
    players: Players,
    tables: TablesSource | None = None,
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
        players: by name, as a list, or one alone: agents, policy tables, results of trainings, runs and their folders,
            ONNX files that ``preroll export`` wrote, models of stable-baselines3, objects with ``act(observations)``,
            or functions from observations, float32 (n, d), to ads, int (n,). What remembers the session has
            ``end_sessions(done)``, which is called with the lanes whose session is over. Without it, what has
            ``action_probabilities(observations)`` plays by these, as a table whose exact value is known; ``act`` plays
            where such a table would be too large, or without ``exact``. The names random, greedy and optimum are kept
            for the references.
        tables: the scenario on the catalog, or a scenario to compile: see :meth:`Tables.of`. By default the one that
            all players were trained on, where they are runs, folders of runs or results of trainings.
        sessions: least number of sessions; whole lanes are played.
        seed: seed of the users, who differ from those of training with any seed.
        exact: whether the exact values of the agents are computed, for which each is asked at every observation that a
            session can show; without them the agents are simulated alone.
        advance: called with 1 after every agent, references included.

    Returns:
        The results of the agents and of the references.

    Raises:
        PrerollError: see :func:`check`; without ``tables``, players that know none, or not the same.

    Examples:
        >>> from preroll.simulations import evaluate, train
        >>> result = train("thompson", scenario="classic", sessions=300)
        >>> evaluation = evaluate({"mine": result.agent}, result.tables, sessions=1000)
        >>> evaluation["mine"].percent_of_optimum > evaluation["random"].percent_of_optimum
        True
        >>> [row.name for row in evaluate(result, sessions=1000).rows]
        ['thompson', 'random', 'greedy', 'optimum']
    """
    named, sessions = by_name(players, REFERENCES), whole("sessions", sessions)
    tables = own_tables(named) if tables is None else Tables.of(tables)
    checked = check(named, tables, sessions)
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
