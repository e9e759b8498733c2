"""Training loop of every agent: act, step, update. Its whole state can be saved between two steps."""

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll.agents.agent import Agent
from preroll.agents.finite import check_arrays
from preroll.agents.transitions import Transitions
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.vector import SessionVectorEnv
from preroll.errors import NotFiniteError
from preroll.seeds import TRAINING, derive
from preroll.simulations.feedback.feedback import AT_ONCE, Feedback
from preroll.simulations.feedback.feedback_queue import FeedbackQueue
from preroll.simulations.training.curves import Curve, CurveBuilder
from preroll.simulations.training.provenance import Origin
from preroll.simulations.training.session_log import SessionLedger, Step
from preroll.simulations.training.timing import TimeShares

Arrays = dict[str, NDArray[Any]]


class Loop:
    """One training, step by step.

    Lanes whose recorded sessions have ended continue with further sessions. The agent learns from these too, since the
    number of lanes must not change, but they do not appear in the learning curve.

    Args:
        agent: the agent to train; :attr:`~preroll.agents.Agent.num_envs` sessions run in parallel, or ``sessions`` if
            that is fewer.
        tables: the scenario on the catalog.
        sessions: number of sessions in the learning curve.
        exact: exact values of ``tables``.
        origin: the run that is continued, of which ``agent`` is the trained one; None begins anew.
        feedback: when what happened reaches the agent; at once by default.

    Attributes:
        queue: what has not reached the agent; None where everything does at once.
        times: CPU time by phase of the loop.
        time_curve: its shares at every point of the curve, which is reproducible as they are not.
    """

    def __init__(
        self,
        agent: Agent,
        tables: Tables,
        sessions: int,
        exact: PhasedOptimum,
        origin: Origin | None = None,
        feedback: Feedback = AT_ONCE,
    ) -> None:
        self.agent, self.origin = agent, origin
        self.sessions = sessions
        lanes = min(agent.num_envs, sessions)
        self.envs = SessionVectorEnv(lanes, tables=tables, copy=False, autoreset_mode=AutoresetMode.SAME_STEP)
        if origin is None:
            self.ledger = SessionLedger(tables.spec, lanes, sessions)
            self.builder = CurveBuilder(self.ledger, exact)
        else:
            self.ledger = SessionLedger(tables.spec, lanes, sessions, origin.lane_sessions)
            self.builder = CurveBuilder(self.ledger, exact, origin.sessions, origin.regret)
        self.queue = FeedbackQueue(feedback, sessions) if feedback.late else None
        self._n_slots = tables.n_slots
        self._observations = np.empty((0, tables.layout.size), np.float32)
        self.times, self.time_curve = TimeShares(), Curve()

    @property
    def done(self) -> bool:
        """Whether all recorded sessions have ended."""
        return self.ledger.done

    @property
    def curve(self) -> Curve:
        """Learning curve so far."""
        return self.builder.curve

    def start(self, seed: int) -> None:
        """Resets the environment and starts training; lane i plays the user stream ``derive(seed, "training")`` + i.

        A run is continued with the sessions of the same streams that no lane had begun, and with its schedules at their
        ends.
        """
        self._observations, _ = self.envs.reset(seed=derive(seed, TRAINING))
        if self.origin is None:
            self.agent.start_training(self.sessions * self._n_slots)
        else:
            self.agent.start_training(self.agent.steps)
            self._observations = self.envs.skip_to(self.origin.lane_sessions)
        if self.queue is not None:
            self.agent.end_sessions(np.ones(self.envs.num_envs, np.bool_))

    def step(self) -> int:
        """Plays one slot of every lane and updates the agent.

        Returns:
            Number of recorded sessions that ended with this slot.

        Raises:
            NotFiniteError: something that the agent computed is NaN or infinite.
        """
        try:
            return self._play()
        except NotFiniteError as error:
            raise self._diverged(error) from None
        except (ValueError, ArithmeticError):
            self.check_numbers()  # torch and its users raise these about weights of NaN
            raise

    def check_numbers(self) -> None:
        """Checks that what the agent has learned are numbers.

        Raises:
            NotFiniteError: they are not; the message says at which session, and what to change.
        """
        try:
            check_arrays(self.agent.state_arrays())
        except NotFiniteError as error:
            raise self._diverged(error) from None

    def _diverged(self, error: NotFiniteError) -> NotFiniteError:
        at = min(self.ledger.ended + 1, self.sessions)
        return NotFiniteError(
            f"agent {self.agent.name}: {error}, at session {at:,} of {self.sessions:,}{_advice(self.agent)}"
        )

    def _play(self) -> int:
        observations = self._observations
        self.times.spent_on("other")
        before = None if self.queue is None else self.agent.memory()
        actions, propensities = self._decide(observations)
        self.times.spent_on("forward")
        following, rewards, terminated, truncated, _ = self.envs.step(actions)
        # Autoreset in the same step: `following` holds first observations of new sessions where one ended.
        slot = self.envs.played
        true_next = slot.successors(following)
        self.times.spent_on("environment")
        row = Transitions(
            observations, actions, rewards, true_next, terminated, truncated, slot.viewed, propensities, before,
            None if before is None else self.agent.memory(),
        )  # fmt: skip
        if self.queue is None:
            self.agent.update(row)
        self.times.spent_on("update")
        self._observations = following
        over = self.ledger.add(Step(actions, rewards, slot.expected_reward, slot.viewed, terminated, truncated))
        if self.queue is not None:
            self._learn_late(self.queue, row, over)
        return over

    def _decide(self, observations: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
        """Returns the ads, and their propensities if the agent will need them: they cost a second pass."""
        if self.queue is not None and self.agent.needs_propensities:
            return self.agent.act_with_propensities(observations)
        return self.agent.act(observations), None

    def _learn_late(self, queue: FeedbackQueue, row: Transitions, over: int) -> None:
        """Adds ``row``, with which ``over`` recorded sessions ended, to the queue; updates the agent by what is due."""
        self.times.spent_on("other")
        queue.put(row, self.ledger.ended)
        self.agent.end_sessions(row.ended)  # of the present; the agent learns of past ends
        for due in queue.due(self.ledger.ended - over, self.ledger.ended):
            self.agent.waiting = queue.transitions
            self.agent.update(due)
        self.agent.waiting = queue.transitions
        self.times.spent_on("update")

    def points(self) -> Iterator[tuple[int, dict[str, float]]]:
        """Appends the points that are ready to the curves.

        Yields:
            Sessions seen, and the value of every tag that has one, for each new point.

        Raises:
            NotFiniteError: what the agent has learned is NaN or infinite.
        """
        while self.builder.ready():
            self.check_numbers()
            seen, point = self.builder.next_point(self.agent.metrics())
            times = self.times.tags()
            self.time_curve.add(seen, times)
            yield seen, {**point, **times}
            # Users may leave early, so schedules are annealed over the measured length of sessions, not the horizon.
            if self.origin is None:
                self.agent.start_training(round(float(self.ledger.slots[:seen].mean()) * self.sessions))

    def state_arrays(self) -> Arrays:
        """Returns the state of the environment and the ledger.

        Together with the agent's own state this is all that the next step depends on.
        """
        books = {name: value for name, value in vars(self.ledger).items() if isinstance(value, np.ndarray)}
        return {
            **{f"envs/{name}": array for name, array in self.envs.state_arrays().items()},
            **{f"ledger/{name}": array for name, array in books.items()},
            **({} if self.queue is None else {f"late/{name}": a for name, a in self.queue.state_arrays().items()}),
        }

    def state_scalars(self) -> dict[str, Any]:
        """Returns the plain values that complement :meth:`state_arrays`, and the curves."""
        books = {name: value for name, value in vars(self.ledger).items() if isinstance(value, int)}
        return {
            "ledger": books,
            "curve": self.curve.to_dict(),
            "regret": self.builder.total_regret,
            "times": self.times.seconds,
            "time_curve": self.time_curve.to_dict(),
        }

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores the state returned by :meth:`state_arrays` and :meth:`state_scalars`, without a reset.

        Raises:
            PrerollError: the state of the environment has another shape or does not fit the scenario.
        """
        named = {name.removeprefix("envs/"): array for name, array in arrays.items() if name.startswith("envs/")}
        self._observations = self.envs.load_state(named)
        if self.queue is not None:
            late = {name.removeprefix("late/"): array for name, array in arrays.items() if name.startswith("late/")}
            self.queue.load_state(late, self.envs.num_envs)
            self.agent.waiting = self.queue.transitions
        for name, value in vars(self.ledger).items():
            if isinstance(value, np.ndarray):
                value[...] = arrays[f"ledger/{name}"]
        for name, number in scalars["ledger"].items():
            setattr(self.ledger, name, operator.index(number))
        self.builder.load_state(Curve.from_dict(scalars["curve"]), scalars["regret"])
        self.times.seconds.update(scalars["times"])
        self.time_curve = Curve.from_dict(scalars.get("time_curve", Curve().to_dict()))  # not in older checkpoints


def _advice(agent: Agent) -> str:
    """Returns what to change where an agent has left the numbers, to follow the error."""
    fields = type(agent.settings).model_fields
    values = {name: getattr(agent.settings, name) for name in fields if name != "sessions"}
    changed = ", ".join(f"{name}={value}" for name, value in values.items() if value != fields[name].default)
    ways = ["a smaller learning_rate"] if "learning_rate" in values else []
    ways += [f"the defaults instead of {changed}"] if changed else []
    return f"; try {', or '.join(ways)}" if ways else ""
