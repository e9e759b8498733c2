"""Training: one loop for every agent, from random to PPO."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gymnasium.vector import AutoresetMode

from preroll import atomic
from preroll.agents import Agent, Transitions, make_agent
from preroll.agents.registry import find
from preroll.envs.scenario import Scenario
from preroll.envs.tables import Tables
from preroll.envs.vector import SessionVectorEnv
from preroll.errors import PrerollError
from preroll.events import EventFile
from preroll.perception.catalog import Catalog
from preroll.simulations.curves import Curve, CurveBuilder
from preroll.simulations.exact import Exact
from preroll.simulations.ledger import SessionLedger, Step
from preroll.simulations.run import check_target, write_result, write_settings
from preroll.simulations.seeds import AGENT, TRAINING, derive

Advance = Callable[[int], None]
OnPoint = Callable[[int, dict[str, float]], None]
Finish = Callable[[Path, "TrainingResult", EventFile], None]


@dataclass(frozen=True)
class TrainingResult:
    """What a training gave.

    Attributes:
        agent: the trained agent.
        tables: the scenario on the catalog.
        curve: points over sessions seen.
        sessions: how many sessions were booked; all of them were played to their end.
        steps: slots that the agent learned from.
        optimum: exact optimum in revenue per session, of the first phase where there is drift.
        seconds, cpu_seconds: what it cost [s].
        run: the folder that was written; None where none was asked for.
    """

    agent: Agent
    tables: Tables
    curve: Curve
    sessions: int
    steps: int
    optimum: float
    seconds: float
    cpu_seconds: float
    run: Path | None


@dataclass(frozen=True)
class Training:
    """A training that is ready to start: all that could be wrong with it has been checked.

    Attributes:
        agent: untrained.
        tables: the scenario on the catalog.
        sessions: how many to see.
        seed: of users and agent.
        target: the run folder to write; None writes nothing.
    """

    agent: Agent
    tables: Tables
    sessions: int
    seed: int
    target: Path | None

    def run(self, advance: Advance | None = None, finish: Finish | None = None) -> TrainingResult:
        """Trains, and writes the run folder.

        Args:
            advance: is called with the number of sessions that ended since the last call.
            finish: is called with the folder in the making, before ``result.json`` completes it, to add to it.
        """
        if self.target is None:
            return self._fit(lambda *_: None, advance)
        with atomic.folder(self.target) as folder:
            write_settings(folder, self)
            with EventFile(folder) as events:
                result = self._fit(events.write, advance)
                self.agent.save(folder / "agent")
                if finish is not None:
                    finish(folder, result, events)
            write_result(folder, result)
        return result

    def _fit(self, on_point: OnPoint, advance: Advance | None) -> TrainingResult:
        exact = Exact(self.tables)
        wall, cpu = time.perf_counter(), time.process_time()
        curve = fit(
            self.agent, self.tables, sessions=self.sessions, seed=self.seed, exact=exact, on_point=on_point,
            advance=advance,
        )  # fmt: skip
        return TrainingResult(
            agent=self.agent,
            tables=self.tables,
            curve=curve,
            sessions=self.sessions,
            steps=self.agent.steps,
            optimum=float(exact.optimum_by_phase[0]),
            seconds=time.perf_counter() - wall,
            cpu_seconds=time.process_time() - cpu,
            run=self.target,
        )


def prepare(
    agent_name: str,
    *,
    scenario: str | Path | Mapping[str, Any] | Scenario = "classic",
    catalog: str | Path | Catalog = "demo",
    sessions: int | None = None,
    seed: int = 0,
    run: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    replace: bool = False,
) -> Training:
    """Checks the arguments of :func:`train` without starting anything.

    Raises:
        PrerollError: something unknown or out of range.
    """
    find(agent_name)
    tables = Tables.compile(scenario, catalog)
    agent = make_agent(agent_name, tables, seed=derive(seed, AGENT), **(settings or {}))
    sessions = agent.settings.sessions if sessions is None else sessions
    if sessions < 1:
        raise PrerollError(f"sessions: {sessions}: at least 1 is needed")
    if run is not None:
        check_target(run, replace=replace)
    return Training(agent, tables, sessions, seed, run)


def train(
    agent_name: str,
    *,
    scenario: str | Path | Mapping[str, Any] | Scenario = "classic",
    catalog: str | Path | Catalog = "demo",
    sessions: int | None = None,
    seed: int = 0,
    run: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    replace: bool = False,
    advance: Advance | None = None,
) -> TrainingResult:
    """Trains an agent and writes a run folder.

    While it trains, the run is a hidden sibling ``.NAME.….part``, in which TensorBoard sees the curves grow; it gets
    its name when everything is in it, and vanishes where the training is stopped: a run is complete or does not exist.

    Args:
        agent_name: a name of :data:`preroll.agents.AGENTS`; baselines and oracles just play.
        scenario: preset name, YAML file, mapping or scenario.
        catalog: name, folder or catalog.
        sessions: sessions to see; by default as many as the agent's settings recommend.
        seed: decides users and agent; the users of :func:`preroll.simulations.evaluate` are others.
        run: the folder to write; None writes nothing.
        settings: settings of the agent.
        replace: whether an earlier run in ``run`` may be replaced.
        advance: is called with the number of sessions that ended since the last call.

    Raises:
        PrerollError: something unknown or out of range; then nothing was started or written.
    """
    training = prepare(
        agent_name, scenario=scenario, catalog=catalog, sessions=sessions, seed=seed, run=run, settings=settings,
        replace=replace,
    )  # fmt: skip
    return training.run(advance)


def fit(
    agent: Agent,
    tables: Tables,
    *,
    sessions: int,
    seed: int = 0,
    exact: Exact | None = None,
    on_point: OnPoint = lambda *_: None,
    advance: Advance | None = None,
) -> Curve:
    """Lets ``agent`` act and learn until the first ``sessions`` sessions to start have ended.

    Lanes whose sessions ended meanwhile go on with further ones, from which the agent learns too but which no curve
    shows: the number of lanes must not change.

    Args:
        agent: learns; :attr:`~preroll.agents.Agent.lanes` sessions run side by side, or fewer if ``sessions`` is less.
        tables: the scenario on the catalog.
        sessions: how many sessions the curves show.
        seed: lanes play the streams from ``derive(seed, "training")`` on.
        exact: exact values of ``tables``, if they are there already.
        on_point: is called with (sessions seen, value by tag) for every point of the curve.
        advance: is called with the number of sessions that ended since the last call.
    """
    exact = exact or Exact(tables)
    lanes = min(agent.lanes, sessions)
    envs = SessionVectorEnv(lanes, tables=tables, copy=False, autoreset_mode=AutoresetMode.SAME_STEP)
    ledger = SessionLedger(tables.spaces, lanes, sessions)
    curve = CurveBuilder(ledger, exact)
    agent.begin(sessions * tables.n_slots)
    observations, _ = envs.reset(seed=derive(seed, TRAINING))
    while not ledger.done:
        ads = agent.act(observations)
        following, rewards, terminated, truncated, infos = envs.step(ads)
        true_next = following
        if "final_obs" in infos:
            # rows of lanes that go on are the same in both; "final_obs" is fresh, so it may be filled up
            true_next, ended = infos["final_obs"], infos["_final_obs"]
            true_next[~ended] = following[~ended]
        agent.update(
            Transitions(observations, ads, rewards, true_next, terminated, truncated, infos["viewed"]),
        )
        over = ledger.add(Step(ads, rewards, infos["expected_reward"], infos["viewed"], terminated, truncated))
        observations = following
        if over and advance is not None:
            advance(over)
        while over and curve.ready():
            seen, point = curve.next_point(agent.metrics())
            on_point(seen, point)
            # users may leave early: schedules span the slots that sessions really have
            agent.begin(round(float(ledger.slots[:seen].mean()) * sessions))
    return curve.curve
