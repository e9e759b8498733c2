"""Analysis of many videos on a Ray cluster (the extra ``ray``), with the same supervised workers as locally.

Every machine needs preroll, and the videos and the network at the same paths. The cluster is found through RAY_ADDRESS,
as usual with Ray; without it, Ray runs on this machine alone.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from preroll.perception.analysis.analysis import Analysis
from preroll.perception.onnx_models.model_file import HasModelCard
from preroll.perception.workers.process import Limits, Progress, VideoJob
from preroll.perception.workers.supervisor import Supervisor
from preroll.workers.ray_cluster import RayCluster

# Number of times that an actor whose machine is lost is restarted elsewhere, and its video retried.
_TRIES = 3


class RayEngine:
    """Engine that analyses many videos on a Ray cluster.

    Args:
        detector: the network that every worker loads.
        workers: number of actors with one worker each; one per core of the cluster by default.
        limits: time and memory limits of each worker.
    """

    def __init__(self, detector: HasModelCard, *, workers: int | None = None, limits: Limits | None = None) -> None:
        self._cluster = RayCluster()
        self._settings = (detector, limits)
        self._workers = workers
        self._first: Any = None

    def check(self) -> None:
        """Joins the cluster and starts one worker.

        Raises:
            PrerollError: if there is no cluster at RAY_ADDRESS, or the network cannot be used.
        """
        self._cluster.join()
        self._first = self._actor()
        try:
            self._cluster.answer(self._first.start.remote())
        except BaseException:
            self.close()
            raise

    def map(self, tasks: Sequence[VideoJob], progress: Progress | None = None) -> Iterator[tuple[int, Analysis]]:
        """Analyses every task and yields its index with the result, in order of completion.

        Args:
            tasks: the videos.
            progress: ignored, because the workers are remote.

        Raises:
            PrerollError: if workers cannot start at all.
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
        """Stops the worker that :meth:`check` started, if no :meth:`map` has used it."""
        import ray

        if self._first is not None:
            ray.kill(self._first)
            self._first = None
            self._cluster.leave()

    def _actor(self) -> Any:
        import ray

        actor = ray.remote(num_cpus=1, max_restarts=_TRIES, max_task_retries=_TRIES)(Supervisor)
        return actor.remote(*self._settings)
