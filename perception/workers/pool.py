"""Videos analysed by several supervised workers, on this machine or on a Ray cluster."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.perception.analysis.analysis import Analysis
from preroll.perception.onnx_models.model_file import HasModelCard
from preroll.perception.workers.codec import unpack
from preroll.system.memory import VIDEOS
from preroll.workers.job import Job, JobOutcome, Progress, Request
from preroll.workers.job import Limits as Limits  # part of the face
from preroll.workers.pool import Pool, WorkerPool
from preroll.workers.ray_pool import RayPool

# CPU time in which a worker must have loaded a network and tried it on two frames [s], if a video has no more.
_OPENING = 60.0
# A worker's death may have come from outside: its video gets two tries.
_TRIES = 2


@dataclass(frozen=True)
class VideoJob:
    """One video to analyse.

    Attributes:
        path: video file or folder of frames.
        save_frames: folder that receives its sampled frames, if any.
        fast: skip the frames that no other frame refers to.
        overlay: folder that receives the frames with the objects drawn into them, if any.
    """

    path: Path
    save_frames: Path | None = None
    fast: bool = False
    overlay: Path | None = None

    def request(self) -> Request:
        """Returns the job as a request to a worker, which may run in another folder."""
        save, overlay = (one and os.path.abspath(one) for one in (self.save_frames, self.overlay))
        return {"path": os.path.abspath(self.path), "save_frames": save, "overlay": overlay, "fast": self.fast}


class VideoPool:
    """Workers that analyse videos with one network.

    Args:
        network: detector or encoder that every worker loads.
        workers: number of processes; one per core by default.
        limits: time and memory limits of each worker.
        engine: ``local``, or ``ray`` for a Ray cluster.
        command: starts another process as a worker, for tests.

    Raises:
        PrerollError: the engine is unknown or not installed.
    """

    def __init__(
        self,
        network: HasModelCard,
        *,
        workers: int | None = None,
        limits: Limits | None = None,
        engine: str = "local",
        command: Sequence[str] = (),
    ) -> None:
        if engine not in ("local", "ray"):
            raise PrerollError(f"--engine {engine}: must be local or ray")
        arguments = {"model": str(network.model), "card": network.card.model_dump(mode="json")}
        function = f"preroll.perception.workers.jobs:{network.card.job}"
        given = limits or Limits()
        name, opening = f"network {network.model}", max(_OPENING, given.seconds)
        job = Job(function, arguments, given, grace=0.0, command=command, need=VIDEOS, opening=opening, name=name)
        kind = RayPool if engine == "ray" else Pool
        self._pool: WorkerPool = kind(job, workers=workers, tries=_TRIES, lost=_remove_begun)

    def check(self) -> None:
        """Starts one worker, which the next :meth:`map` uses.

        Raises:
            PrerollError: the network cannot be loaded, or does not fit its card.
        """
        self._pool.check()

    def map(self, tasks: Sequence[VideoJob], progress: Progress | None = None) -> Iterator[tuple[int, Analysis]]:
        """Analyses every video and yields pairs (number, analysis) in order of completion.

        Args:
            tasks: the videos.
            progress: called with the seconds done and promised of the video at hand; useful for one alone.

        Raises:
            PrerollError: workers cannot start at all, or frames cannot be saved.
        """
        report = None if progress is None else lambda _, done, promised: progress(done, promised)
        outcomes = self._pool.map([task.request() for task in tasks], report)
        with closing(outcomes):
            for outcome in outcomes:
                yield outcome.number, _analysis_of(outcome)

    def close(self) -> None:
        """Ends the worker that :meth:`check` started, if no :meth:`map` has used it."""
        self._pool.close()


def drawn(
    videos: Sequence[Path], *, workers: int | None = None, limits: Limits | None = None, engine: str = "local"
) -> list[bool | None]:
    """Looks at the first seconds of videos in workers.

    Returns:
        Whether preroll drew each video; None for one that cannot be decoded.
    """
    job = Job("preroll.perception.workers.jobs:look", None, limits or Limits(), grace=0.0, need=VIDEOS)
    pool: WorkerPool = (RayPool if engine == "ray" else Pool)(job, workers=workers, tries=_TRIES)
    found: list[bool | None] = [None] * len(videos)
    with closing(pool), closing(pool.map([{"path": os.path.abspath(video)} for video in videos])) as outcomes:
        for outcome in outcomes:
            if outcome.message is not None:
                found[outcome.number] = outcome.message["drawing"]
    return found


def _analysis_of(outcome: JobOutcome) -> Analysis:
    """Returns the analysis, or what became of the worker as a finding about the video."""
    if outcome.message is not None:
        return unpack(outcome.message, outcome.payload)
    if outcome.reason == "timeout":
        return Analysis("timeout", "it took longer than the time limit")
    if outcome.reason == "died":
        return Analysis("damaged", f"the worker that decoded it died twice ({outcome.error})")
    raise PrerollError(str(outcome.error), status=1)


def _remove_begun(request: Request) -> None:
    for key in ("save_frames", "overlay"):
        if request[key] is not None:
            atomic.sweep(Path(request[key]))


def try_in_worker(network: HasModelCard) -> None:
    """Loads and runs a network once in a worker with limits, before it is loaded in this process.

    Raises:
        PrerollError: it needs too much memory, or does not fit its card.
    """
    with closing(VideoPool(network, workers=1)) as pool:
        pool.check()
