import os
import signal
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.simulations.training import parallel
from preroll.simulations.training.parallel import TrainingJob, train_all
from preroll.simulations.training.run import Run
from preroll.workers.job import Job
from preroll.workers.process import WorkerProcess
from tests.child_processes import worker_processes
from tests.workers.in_this_process import in_this_process


def job(agent: str, catalog: Path, run: Path, sessions: int = 150) -> TrainingJob:
    return TrainingJob(agent, "classic", str(catalog), sessions, 5, str(run))


def test_runs_are_the_same_for_any_number_of_workers(small_catalog_folder: Path, tmp_path: Path) -> None:
    names = ("thompson", "random", "epsilon-greedy")
    for workers in (1, 2):
        counted: list[int] = []
        jobs = [job(name, small_catalog_folder, tmp_path / str(workers) / name) for name in names]
        with in_this_process() if workers == 1 else nullcontext():
            train_all(jobs, workers=workers, advance=counted.append)
        assert sum(counted) == 3 * 150
    for name in names:
        assert Run.load(tmp_path / "1" / name).curve == Run.load(tmp_path / "2" / name).curve


def test_a_worker_that_is_killed_before_it_has_tidied_up_leaves_nothing_half_written(
    small_catalog_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was compiling when its time was over."""
    monkeypatch.setattr(parallel, "GRACE", 0.0)

    def stop(_: int) -> None:
        assert list(tmp_path.iterdir())  # it is being written
        raise PrerollError("enough")

    with pytest.raises(PrerollError, match="enough"):
        train_all([job("random", small_catalog_folder, tmp_path / "long", 10_000_000)], workers=1, advance=stop)
    assert not list(tmp_path.iterdir())


def test_the_error_of_one_training_stops_all_and_leaves_nothing_half_written(
    small_catalog_folder: Path, tmp_path: Path
) -> None:
    long = job("random", small_catalog_folder, tmp_path / "long", sessions=10_000_000)
    wrong = job("thomson", small_catalog_folder, tmp_path / "wrong")
    with pytest.raises(PrerollError, match="agent 'thomson': unknown"):
        train_all([long, wrong], workers=2)
    assert not list(tmp_path.iterdir())


def test_a_killed_worker_is_told(small_catalog_folder: Path, tmp_path: Path) -> None:
    def kill_workers(_: int) -> None:
        for worker in worker_processes():
            os.kill(worker, signal.SIGKILL)

    with pytest.raises(PrerollError, match=r"training random: its process died \(SIGKILL\)") as error:
        train_all([job("random", small_catalog_folder, tmp_path / "run", 10_000_000)], workers=1, advance=kill_workers)
    assert error.value.status == 1


def test_a_worker_tidies_up_when_nobody_listens_any_more(small_catalog_folder: Path, tmp_path: Path) -> None:
    process = WorkerProcess(Job("preroll.simulations.training.training:train_job", grace=600.0))
    process.start()
    process._say(asdict(job("random", small_catalog_folder, tmp_path / "run", 10_000_000)))
    assert process._next(float("inf"))[0]["event"] == "progress"
    assert list(tmp_path.iterdir())
    process._requests.close()
    process._process.wait(timeout=600)
    process.kill()
    assert not list(tmp_path.iterdir())
