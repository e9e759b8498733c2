"""Many videos on the machines of a Ray cluster (the extra ``ray``), each by the same supervised worker as here.

Every machine needs preroll, and the videos and the network at the same paths. A cluster is found as Ray does it, by
RAY_ADDRESS; without one, Ray runs on this machine alone.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from preroll.errors import PrerollError
from preroll.perception.analysis import Analysis
from preroll.perception.attendant import Attendant
from preroll.perception.model_file import Carded
from preroll.perception.supervised import Limits, Progress, Task

# An actor whose machine is lost is started elsewhere, and its video tried again so often.
_TRIES = 3


class RayEngine:
    """Analyses many videos on a Ray cluster.

    Args:
        detector: what every worker loads.
        workers: number of actors with one worker each; one per core of the cluster by default.
        limits: what each worker may use.
    """

    def __init__(self, detector: Carded, *, workers: int | None = None, limits: Limits | None = None) -> None:
        if find_spec("ray") is None:
            raise PrerollError("--engine ray: Ray is not installed: pip install 'preroll[ray]'")
        self._settings = (detector, limits)
        self._workers = workers
        self._own_cluster = False
        self._first: Any = None

    def check(self) -> None:
        """Joins the cluster and starts one worker.

        Raises:
            PrerollError: where there is no cluster at RAY_ADDRESS, or the network cannot be used.
        """
        import ray

        self._join()
        self._first = self._actor()
        try:
            self._answer(self._first.start.remote())
        except BaseException:
            ray.kill(self._first)
            self._leave()
            raise

    def map(self, tasks: Sequence[Task], progress: Progress | None = None) -> Iterator[tuple[int, Analysis]]:
        """Analyses every task and yields its number with the result, in the order in which they finish.

        Args:
            tasks: the videos.
            progress: not called: workers are elsewhere.

        Raises:
            PrerollError: where workers cannot start at all.
        """
        import ray

        self._join()
        size = self._workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        first, self._first = self._first or self._actor(), None
        actors = [first, *(self._actor() for _ in range(min(size, len(tasks)) - 1))]
        waiting, idle = list(enumerate(tasks))[::-1], list(actors)
        running: dict[Any, tuple[Any, int]] = {}
        try:
            while waiting or running:
                while waiting and idle:
                    actor, (number, task) = idle.pop(), waiting.pop()
                    running[actor.attend.remote(task)] = (actor, number)
                (done, *_), _ = ray.wait(list(running))
                actor, number = running.pop(done)
                yield number, self._answer(done)
                idle.append(actor)
        finally:
            for actor in actors:
                ray.kill(actor)
            self._leave()

    def _actor(self) -> Any:
        import ray

        actor = ray.remote(num_cpus=1, max_restarts=_TRIES, max_task_retries=_TRIES)(Attendant)
        return actor.remote(*self._settings)

    def _answer(self, reference: Any) -> Any:
        import ray

        try:
            return ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, PrerollError):
                raise error.cause from None
            raise PrerollError(f"--engine ray: {' '.join(str(error.cause).split())}", status=1) from None
        except ray.exceptions.RayError as error:
            raise PrerollError(f"--engine ray: {' '.join(str(error).split())}", status=1) from None

    def _join(self) -> None:
        import ray

        if ray.is_initialized():
            return
        # Nothing is reported to anybody, and without a cluster nothing listens beyond this machine.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        alone = {} if os.environ.get("RAY_ADDRESS") else {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ray.init(configure_logging=False, log_to_driver=False, **alone)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise PrerollError(f"--engine ray: no cluster can be joined: {' '.join(str(error).split())}") from None
        self._own_cluster = True

    def _leave(self) -> None:
        import ray

        if self._own_cluster:
            ray.shutdown()
            self._own_cluster = False
