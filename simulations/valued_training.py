"""A training whose policy is valued exactly at some points: a curve without the noise of sessions and exploration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from preroll.envs.model.tables import Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.simulations.evaluation.agent_evaluation import table_of
from preroll.simulations.training.curves import Curve, bin_edges
from preroll.simulations.training.prepared_training import Training
from preroll.simulations.training.training import counted, prepare
from preroll.simulations.training.training_result import TrainingResult
from preroll.tensorboard_writer import EventFile, meanings
from preroll.workers.job import Progress, Request

TAG = "policy/exact"
MEANING = "exact revenue of the policy as it stands: what a session would earn without exploration"
#: What :class:`preroll.simulations.training.parallel.TrainingJob` may name as its job.
JOB = f"{__name__}:train_job"
POINTS = 12  # each costs as much as hundreds of sessions of a bandit


class PolicyValues:
    """Exact values of what an agent has learned so far, at points of its learning curve evenly spread on a log scale.

    An agent whose policy is no table has none. Looking changes nothing: the same sessions are played and learned from.

    Args:
        training: the training, before it starts.
        exact: exact values of its tables.
    """

    def __init__(self, training: Training, exact: PhasedOptimum) -> None:
        self._agent, self._exact = training.agent, exact
        self._ended, self._values = 0, dict[int, float]()
        edges = bin_edges(training.sessions)[1:]
        some = np.unique(np.searchsorted(edges, np.geomspace(edges[0], edges[-1], POINTS).round()))
        self._left = [edges[i] for i in some] if training.agent.can_learn else []

    def look(self, ended: int) -> None:
        """Values the policy where so many more sessions take the training to the next point."""
        self._ended += ended
        while self._left and self._ended >= self._left[0]:
            seen, policy = self._left.pop(0), table_of(self._agent, self._exact.tables)
            if policy is not None:
                self._values[seen] = self._exact.value_of(policy)

    def keep(self, _: Path, result: TrainingResult, events: EventFile) -> None:
        """Adds the values to the curve of the run, and to TensorBoard."""
        if not self._values:
            return
        curve: Curve = result.curve
        curve.values[TAG] = [self._values.get(seen) for seen in curve.sessions]
        for seen, value in self._values.items():
            events.write(seen, {TAG: value})
        told: Mapping[str, str] = {TAG: MEANING}
        events.write_for_plugin(0, meanings("what the tags of the policy mean", "At some points alone.", told))


def train_job(request: Request, progress: Progress) -> tuple[dict[str, Any], bytes]:
    """Trains in a worker process, as :func:`preroll.simulations.training.training.train_job` does."""
    exact = PhasedOptimum(Tables.compile(request["scenario"], request["catalog"]), 1)
    training = prepare(
        request["agent"], exact=exact, sessions=request["sessions"], seed=request["seed"], run=request["run"],
        settings=request["settings"], replace=True,
    )  # fmt: skip
    values, told = PolicyValues(training, exact), counted(progress)

    def advance(sessions: int) -> None:
        told(sessions)
        values.look(sessions)

    training.run(advance, values.keep)
    return {}, b""
