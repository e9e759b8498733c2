"""The loop in which every agent learns: act, play a slot, update; its whole state can be saved between two steps."""

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll.agents import Agent, Transitions
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.vector import SessionVectorEnv
from preroll.seeds import TRAINING, derive
from preroll.simulations.training.curves import Curve, CurveBuilder
from preroll.simulations.training.session_log import SessionLedger, Step
from preroll.simulations.training.timing import TimeShares

Arrays = dict[str, NDArray[Any]]


class Loop:
    """One training, step by step.

    Lanes whose booked sessions ended go on with further ones, from which the agent learns too but which no curve shows:
    the number of lanes must not change.

    Args:
        agent: learns; :attr:`~preroll.agents.Agent.num_envs` sessions run side by side, or ``sessions`` if these are
            fewer.
        tables: the scenario on the catalog.
        sessions: how many sessions the curves show.
        exact: exact values of ``tables``.

    Attributes:
        times: where the CPU time went.
    """

    def __init__(self, agent: Agent, tables: Tables, sessions: int, exact: PhasedOptimum) -> None:
        self.agent = agent
        self.sessions = sessions
        lanes = min(agent.num_envs, sessions)
        self.envs = SessionVectorEnv(lanes, tables=tables, copy=False, autoreset_mode=AutoresetMode.SAME_STEP)
        self.ledger = SessionLedger(tables.spec, lanes, sessions)
        self.builder = CurveBuilder(self.ledger, exact)
        self._n_slots = tables.n_slots
        self._size = tables.layout.size
        self._observations = np.empty((0, self._size), np.float32)
        self.times = TimeShares()

    @property
    def done(self) -> bool:
        """Whether every booked session is over."""
        return self.ledger.done

    @property
    def curve(self) -> Curve:
        """The points so far."""
        return self.builder.curve

    def start(self, seed: int) -> None:
        """Begins: lanes play the streams from ``derive(seed, "training")`` on."""
        self.agent.start_training(self.sessions * self._n_slots)
        self._observations, _ = self.envs.reset(seed=derive(seed, TRAINING))

    def step(self) -> int:
        """Plays one slot of every lane and learns from it; gives how many booked sessions ended with it."""
        observations = self._observations
        self.times.spent_on("other")
        actions = self.agent.act(observations)
        self.times.spent_on("forward")
        following, rewards, terminated, truncated, infos = self.envs.step(actions)
        true_next = following
        if "final_obs" in infos:
            # rows of lanes that go on are the same in both; "final_obs" is fresh, so it may be filled up
            true_next, ended = infos["final_obs"], infos["_final_obs"]
            true_next[~ended] = following[~ended]
        self.times.spent_on("environment")
        self.agent.update(
            Transitions(observations, actions, rewards, true_next, terminated, truncated, infos["viewed"])
        )
        self.times.spent_on("update")
        self._observations = following
        return self.ledger.add(Step(actions, rewards, infos["expected_reward"], infos["viewed"], terminated, truncated))

    def points(self) -> Iterator[tuple[int, dict[str, float]]]:
        """Appends the points that are ready to the curve, and gives each as (sessions seen, value by tag)."""
        while self.builder.ready():
            seen, point = self.builder.next_point(self.agent.metrics())
            yield seen, point
            # users may leave early: schedules span the slots that sessions really have
            self.agent.start_training(round(float(self.ledger.slots[:seen].mean()) * self.sessions))

    def state_arrays(self) -> Arrays:
        """Gives lanes, last observations and books: with the agent's own state all that the next step depends on."""
        lanes = self.envs._lanes._asdict()
        books = {name: value for name, value in vars(self.ledger).items() if isinstance(value, np.ndarray)}
        return {
            "observations": self._observations.copy(),
            **{f"lanes/{name}": array for name, array in lanes.items()},
            **{f"ledger/{name}": array for name, array in books.items()},
        }

    def state_scalars(self) -> dict[str, Any]:
        """Gives the plain numbers that belong to :meth:`state_arrays`, and the curve."""
        books = {name: value for name, value in vars(self.ledger).items() if isinstance(value, int)}
        told = getattr(getattr(self.agent, "model", None), "logger", None)
        logged = {name: float(value) for name, value in told.name_to_value.items()} if told else {}
        return {
            "ledger": books,
            "curve": self.curve.to_dict(),
            "regret": self.builder.total_regret,
            "logged": logged,
            "times": self.times.seconds,
        }

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Goes back to where :meth:`state_arrays` and :meth:`state_scalars` were taken; nothing is reset."""
        expected = (self.envs.num_envs, self._size)
        if arrays["observations"].shape != expected:
            raise ValueError(f"observations: {list(arrays['observations'].shape)}, expected {list(expected)}")
        self._observations = arrays["observations"].copy()
        # All dice come from the lanes' keys; the generator only marks the lanes as started, without a reset.
        self.envs.np_random = np.random.default_rng(0)
        for name, array in self.envs._lanes._asdict().items():
            array[...] = arrays[f"lanes/{name}"]
        for name, value in vars(self.ledger).items():
            if isinstance(value, np.ndarray):
                value[...] = arrays[f"ledger/{name}"]
        for name, number in scalars["ledger"].items():
            setattr(self.ledger, name, operator.index(number))
        self.builder.load_state(Curve.from_dict(scalars["curve"]), scalars["regret"])
        self.times.seconds.update(scalars["times"])
        if scalars["logged"]:  # what stable-baselines3 logged last is among the agent's metrics
            self.agent.model.logger.name_to_value.update(scalars["logged"])  # type: ignore[attr-defined]
