"""Many videos on the machines of a Ray cluster (the extra ``ray``), each by the same supervised worker as here.

Every machine needs preroll, and the videos and the network at the same paths. A cluster is found as Ray does it, by
RAY_ADDRESS; without one, Ray runs on this machine alone.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from preroll.perception.analysis.analysis import Analysis
from preroll.perception.onnx_models.model_file import HasModelCard
from preroll.perception.workers.process import Limits, Progress, VideoJob
from preroll.perception.workers.supervisor import Supervisor
from preroll.workers.ray_cluster import RayCluster

# An actor whose machine is lost is started elsewhere, and its video tried again so often.
_TRIES = 3


class RayEngine:
    """Analyses many videos on a Ray cluster.

    Args:
        detector: what every worker loads.
        workers: number of actors with one worker each; one per core of the cluster by default.
        limits: what each worker may use.
    """

    def __init__(self, detector: HasModelCard, *, workers: int | None = None, limits: Limits | None = None) -> None:
        self._cluster = RayCluster()
        self._settings = (detector, limits)
        self._workers = workers
        self._first: Any = None

    def check(self) -> None:
        """Joins the cluster and starts one worker.

        Raises:
            PrerollError: where there is no cluster at RAY_ADDRESS, or the network cannot be used.
        """
        self._cluster.join()
        self._first = self._actor()
        try:
            self._cluster.answer(self._first.start.remote())
        except BaseException:
            self.close()
            raise

    def map(self, tasks: Sequence[VideoJob], progress: Progress | None = None) -> Iterator[tuple[int, Analysis]]:
        """Analyses every task and yields its number with the result, in the order in which they finish.

        Args:
            tasks: the videos.
            progress: not called: workers are elsewhere.

        Raises:
            PrerollError: where workers cannot start at all.
        """
        import ray

        self._cluster.join()
        size = self._workers or self._cluster.size
        first, self._first = self._first or self._actor(), None
        actors = [first, *(self._actor() for _ in range(min(size, len(tasks)) - 1))]
        waiting, idle = list(enumerate(tasks))[::-1], list(actors)
        running: dict[Any, tuple[Any, int]] = {}
        try:
            while waiting or running:
                while waiting and idle:
                    actor, (number, task) = idle.pop(), waiting.pop()
                    running[actor.run.remote(task)] = (actor, number)
                (done, *_), _ = ray.wait(list(running))
                actor, number = running.pop(done)
                yield number, self._cluster.answer(done)
                idle.append(actor)
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

    def _actor(self) -> Any:
        import ray

        actor = ray.remote(num_cpus=1, max_restarts=_TRIES, max_task_retries=_TRIES)(Supervisor)
        return actor.remote(*self._settings)
