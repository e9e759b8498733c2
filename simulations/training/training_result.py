"""What a training ended with: the agent, its learning curve, and what it cost."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preroll.agents.agent import Agent
from preroll.console.plural import counted
from preroll.envs.model.part_of import part_of
from preroll.envs.model.tables import Tables
from preroll.shown.amounts import amount
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable
from preroll.simulations.feedback.feedback import AT_ONCE, Feedback
from preroll.simulations.training.curves import PERCENT, Curve
from preroll.simulations.training.timing import TimeShares

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class TrainingResult(ShownTable):
    """Result of a training.

    Attributes:
        agent: the trained agent.
        tables: the scenario on the catalog.
        curve: learning curve over sessions seen.
        sessions: number of recorded sessions, all of which were played to their end.
        steps: number of transitions that the agent learned from.
        optimum: exact optimum in revenue per session; with drift, that of the first phase.
        seconds, cpu_seconds: wall-clock and CPU time [s].
        times: CPU-seconds by phase of the loop; see :mod:`preroll.simulations.training.timing`.
        time_curve: their shares at every point of the curve.
        run: the folder written; None if none was requested.
        phases: number of phases of drift that the recorded sessions met, or that were over; 1 without drift.
        lane_sessions: sessions that a lane began at most; a continued training goes on with the next ones.
        notes: sentences on why the agent may not have learned; usually none.
        feedback: when what happened reached the agent.
        waiting: number of transitions that had not reached it when the training ended: it did not learn from them.

    Examples:
        >>> from preroll.simulations import train
        >>> result = train("thompson", scenario="classic", sessions=300)
        >>> result.sessions, result.curve.sessions
        (300, [50, 100, 150, 200, 250, 300])
        >>> learned = result.curve.values["session/percent_of_optimum"]
        >>> learned[0] < 95 < learned[-1], round(result.optimum, 2)
        (True, 17.98)
    """

    agent: Agent
    tables: Tables
    curve: Curve
    sessions: int
    steps: int
    optimum: float
    seconds: float
    cpu_seconds: float
    times: TimeShares
    time_curve: Curve
    run: Path | None
    phases: int = 1
    lane_sessions: int = 0
    notes: tuple[str, ...] = ()
    feedback: Feedback = AT_ONCE
    waiting: int = 0

    @property
    def earned_while_learning(self) -> float:
        """Expected revenue of all recorded sessions in percent of the optimum, exploration included."""
        return self.curve.percent_earned(self.curve.sessions[-1] - self.sessions)

    def to_frame(self) -> "pd.DataFrame":
        """Returns the learning curve: :meth:`Curve.to_frame`."""
        return self.curve.to_frame()

    def plot(self, ax: "Axes | None" = None, *, tag: str = PERCENT, name: str = "") -> "Axes":
        """Draws the learning curve: :meth:`Curve.plot`, under the name of the agent unless another is given."""
        title = f"{self.tables.scenario.name}: learning curve"
        return self.curve.plot(ax, tag=tag, name=name or self.agent.name, title=title)

    def _card(self) -> Card:
        learning, part = self.curve._card(), part_of(self.tables.scenario, 0)
        optimum = f"{amount(self.optimum)}; {part}" if part else amount(self.optimum)
        facts = {
            "sessions": f"{self.sessions:,}, {self.steps:,} transitions, {self.seconds:.1f} s",
            "earned": f"{self.earned_while_learning:.1f} % of the optimum ({optimum}) while learning",
            **({"run": self.run} if self.run else {}),
            **({"note": " ".join(self.notes)} if self.notes else {}),
        }
        title = f"Training of {self.agent.name} on scenario {self.tables.scenario.name}"
        return Card(title, facts, learning.head, learning.rows)

    def to_dict(self) -> dict[str, Any]:
        """Returns the entries of ``result.json`` that describe the training."""
        return {
            "agent": self.agent.name,
            "sessions": self.sessions,
            "steps": self.steps,
            "num_envs": min(self.agent.num_envs, self.sessions),
            "lane_sessions": self.lane_sessions,
            "optimum": self.optimum,
            **self.agent.settings.model_dump(include={"device"}),  # told where it is not the CPU
            **({"notes": list(self.notes)} if self.notes else {}),
            **self._told_feedback(),
            "cost": {
                "seconds": round(self.seconds, 3),
                "cpu_seconds": round(self.cpu_seconds, 3),
                "percent": {phase: round(share, 1) for phase, share in self.times.percent().items()},
                "curve": self.time_curve.to_dict(),
            },
            "curve": self.curve.to_dict(),
        }

    def _told_feedback(self) -> dict[str, Any]:
        if not self.feedback.late:
            return {}
        earned = round(self.earned_while_learning, 3)
        return {"feedback": {**self.feedback.told, "waiting": self.waiting, "earned_while_learning": earned}}


def learning_notes(agent: Agent, sessions: int, feedback: Feedback) -> tuple[str, ...]:
    """Returns sentences on why ``agent`` may not have learned in a training of so many sessions; usually none."""
    if not agent.can_learn:
        return ()
    notes = []
    if why := feedback.untaught(sessions) or agent.unlearned():
        notes.append(f"agent {agent.name} has not learned: {why}.")
    if sessions < agent.num_envs:
        notes.append(
            f"agent {agent.name} played its {counted(sessions, 'session')} side by side, fewer than num_envs "
            f"({agent.num_envs:,}): none of them began with what another had taught."
        )
    return tuple(notes)
