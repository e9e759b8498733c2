"""Several trainings side by side, each in a worker process."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.system.memory import NETWORKS
from preroll.workers.job import Job
from preroll.workers.pool import Pool

TRAIN = "preroll.simulations.training.training:train_job"
#: Time that a worker has to tidy up [s].
GRACE = 5.0


@dataclass(frozen=True)
class TrainingJob:
    """One training: arguments of :func:`preroll.simulations.train`, as plain values.

    Attributes:
        agent: name of the agent.
        scenario: preset or file.
        catalog: name or folder.
        sessions: sessions to see.
        seed: seed of users and agent.
        run: folder to write; an existing run is replaced.
        settings: settings of the agent.
    """

    agent: str
    scenario: str
    catalog: str
    sessions: int
    seed: int
    run: str
    settings: dict[str, Any] = field(default_factory=dict)


def train_all(
    jobs: Sequence[TrainingJob], *, workers: int, advance: Callable[[int], None] = lambda _: None, job: str = TRAIN
) -> None:
    """Runs all trainings, in order; results do not depend on the number of workers.

    Args:
        jobs: trainings, the longest first, so that the last worker does not end long after the others.
        workers: number of processes.
        advance: called in this thread with the number of sessions that ended, in any training.
        job: what a worker does with a job, as ``module:function``.

    Raises:
        PrerollError: error of the first training that failed; the others are stopped and leave no partial files.
    """
    ended = [0.0] * len(jobs)

    def report(number: int, sessions: float, _: float | None) -> None:
        advance(round(sessions - ended[number]))
        ended[number] = sessions

    pool = Pool(Job(job, grace=GRACE, need=NETWORKS), workers=workers)
    try:
        with closing(pool.map([asdict(job) for job in jobs], report)) as outcomes:
            for outcome in outcomes:
                if outcome.error is not None:
                    which = f"training {jobs[outcome.number].agent}: " if outcome.reason == "died" else ""
                    raise PrerollError(which + outcome.line, status=outcome.status)
    except BaseException:
        for one in jobs:  # a worker that was compiling hears no signal, and is killed when its time is over
            atomic.sweep(Path(one.run))
        raise
