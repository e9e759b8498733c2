"""Execution of cells on a Ray cluster (the extra ``ray``), with the same function as on one machine.

Every machine needs preroll, and the experiment's folder and its catalogs at the same paths.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from preroll.errors import PrerollError
from preroll.simulations.workers.pool import Advance, JobOutcome, Outcomes, Request
from preroll.simulations.workers.worker import answer_to
from preroll.workers.ray_cluster import RayCluster


class Ray:
    """Ray cluster as an engine of :mod:`preroll.simulations.experiment.execution.runner`.

    Args:
        address: address as for :class:`preroll.workers.ray_cluster.RayCluster`.
        workers: number of cells that run in parallel; by default one per core of the cluster.

    Raises:
        PrerollError: Ray is not installed.
    """

    def __init__(self, address: str | None = None, *, workers: int | None = None) -> None:
        self._cluster = RayCluster(address, cpus=workers)
        self._workers = workers

    def __call__(self, requests: Sequence[Request], *, tries: int, advance: Advance) -> Outcomes:
        """Runs the requests as specified by :class:`preroll.simulations.experiment.execution.runner.CellEngine`.

        ``advance`` is not called: progress is known only when a whole cell ends.

        Raises:
            PrerollError: there is no cluster at the address.
        """
        self._cluster.join()
        try:
            yield from _work(self._cluster, requests, self._workers or self._cluster.size, tries)
        finally:
            self._cluster.leave()


def _work(cluster: RayCluster, requests: Sequence[Request], size: int, tries: int) -> Outcomes:
    import ray

    # A lost machine counts as an attempt, like a process that dies on one machine, so Ray itself must not retry.
    task: Any = ray.remote(num_cpus=1, max_retries=0)(answer_to)
    waiting = [(number, 1) for number in range(len(requests))][::-1]
    running: dict[Any, tuple[int, int]] = {}
    while waiting or running:
        while waiting and len(running) < size:
            number, nth = waiting.pop()
            running[task.remote(dict(requests[number]))] = number, nth
        (done, *_), _ = ray.wait(list(running))
        number, nth = running.pop(done)
        outcome = _outcome(number, cluster, done)
        if outcome.error is None or outcome.full or nth == tries:
            yield outcome
        else:
            waiting.append((number, nth + 1))


def _outcome(number: int, cluster: RayCluster, reference: Any) -> JobOutcome:
    try:
        answer: Mapping[str, Any] = cluster.answer(reference)
    except PrerollError as error:
        return JobOutcome(number, str(error), error.status)
    return JobOutcome(number, answer.get("error"), answer.get("status", 1), answer.get("full", False))
