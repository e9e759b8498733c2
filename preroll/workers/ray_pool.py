"""Many requests on the machines of a Ray cluster (the extra ``ray``), each by the same supervised worker as here.

Every machine needs preroll, and the files that the requests name at the same paths.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from preroll.workers.job import Job, JobOutcome, Request
from preroll.workers.pool import Outcomes, Reported
from preroll.workers.ray_cluster import MachineLostError, RayCluster
from preroll.workers.supervisor import Supervisor


class RayPool:
    """Counterpart of :class:`preroll.workers.pool.Pool` with one worker in each of several actors of a cluster.

    Args:
        job: what every worker runs.
        address: as :class:`preroll.workers.ray_cluster.RayCluster` takes it.
        workers: number of actors; one per core of the cluster by default.
        tries: how often a request is tried where the job refuses it, or its process or machine is lost.
        lost: is called with a request whose worker was killed or died, to remove what it had begun to write.

    Raises:
        PrerollError: Ray is not installed.
    """

    def __init__(
        self,
        job: Job,
        *,
        address: str | None = None,
        workers: int | None = None,
        tries: int = 1,
        lost: Callable[[Request], None] = lambda _: None,
    ) -> None:
        self._cluster = RayCluster(address, cpus=workers)
        self._job, self._workers, self._tries, self._lost = job, workers, tries, lost
        self._first: Any = None

    def check(self) -> None:
        """Joins the cluster and starts one worker.

        Raises:
            PrerollError: there is no cluster at the address, or the job cannot be opened.
        """
        self._cluster.join()
        self._first = self._actor()
        try:
            self._cluster.answer(self._first.start.remote())
        except BaseException:
            self.close()
            raise

    def map(self, requests: Sequence[Request], progress: Reported | None = None) -> Outcomes:
        """Yields how each request ended, in the order in which they end.

        Args:
            requests: what the job understands.
            progress: not called: workers are elsewhere.

        Raises:
            PrerollError: there is no cluster at the address, or workers cannot open the job at all.
        """
        import ray

        self._cluster.join()
        size = min(self._workers or self._cluster.size, len(requests))
        actors = [self._first] if self._first is not None else []
        actors += [self._actor() for _ in range(size - len(actors))]
        self._first = None
        # An actor that the cluster has no room for, as after the loss of a machine, starts late or never.
        starting = {actor.start.remote(): actor for actor in actors}
        waiting = [(number, 1) for number in range(len(requests))][::-1]
        idle: list[Any] = []
        running: dict[Any, tuple[Any, int, int]] = {}
        try:
            while waiting or running:
                while waiting and idle:
                    actor, (number, nth) = idle.pop(), waiting.pop()
                    running[actor.run.remote(requests[number])] = actor, number, nth
                (done, *_), _ = ray.wait([*running, *starting])
                if done in starting:
                    idle.append(self._started(done, starting))
                    continue
                actor, number, nth = running.pop(done)
                try:
                    outcome: JobOutcome = self._cluster.answer(done)
                    idle.append(actor)
                except MachineLostError as error:
                    self._lost(requests[number])
                    outcome = JobOutcome(error=str(error), reason="died")
                    self._replace(actors, starting)
                if outcome.error is None or outcome.final or outcome.reason == "timeout" or nth == self._tries:
                    yield replace(outcome, number=number)
                else:
                    waiting.append((number, nth + 1))
        finally:
            for actor in actors:
                ray.kill(actor)
            self._cluster.leave()

    def close(self) -> None:
        """Ends the worker that :meth:`check` started, where no :meth:`map` has come to use it."""
        import ray

        if self._first is not None:
            ray.kill(self._first)
            self._first = None
            self._cluster.leave()

    def _replace(self, actors: list[Any], starting: dict[Any, Any]) -> None:
        actors.append(self._actor())
        starting[actors[-1].start.remote()] = actors[-1]

    def _started(self, reference: Any, starting: dict[Any, Any]) -> Any:
        """Returns the actor that has started."""
        self._cluster.answer(reference)
        return starting.pop(reference)

    def _actor(self) -> Any:
        import ray

        actor = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Supervisor)
        return actor.remote(self._job, self._lost)
