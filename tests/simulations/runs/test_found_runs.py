"""Every run in a folder is found, whatever its state, and nothing that is none."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.simulations import continue_training, train
from preroll.simulations.runs.found_runs import FoundRun, find_runs
from preroll.simulations.training import checkpoint
from preroll.simulations.training.run import Run
from preroll.simulations.training.training import prepare
from tests.resealed import reseal


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, one that continues it, and an unfinished one."""
    place = tmp_path_factory.mktemp("runs")
    train("thompson", sessions=60, run=place / "done")
    continue_training(place / "done", 50, to=place / "more")
    left = 200

    def stop() -> int:
        nonlocal left
        left -= 1
        return 0 if left else signal.SIGINT

    with pytest.raises(PrerollError):
        prepare("random", scenario="fatigue", sessions=2000, run=place / "stopped").run(stop=stop)
    return place


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return shutil.copytree(made, tmp_path / "runs")


def found(folder: Path) -> dict[str, FoundRun]:
    return {run.path.name: run for run in find_runs(folder)}


def killed_without_a_checkpoint(runs: Path) -> None:
    """What a training of the run ``gone`` leaves that is killed before it saved anything."""
    with atomic.folder(runs / "gone", "run") as part:
        shutil.copytree(runs / "done", part, dirs_exist_ok=True)
        shutil.copytree(runs / ".gone.preroll", runs / "copy")
    shutil.rmtree(runs / "gone")
    (runs / "copy" / "lock").unlink()
    (runs / "copy").rename(runs / ".gone.preroll")


def test_a_run_is_told_with_what_it_is(runs: Path) -> None:
    told = found(runs)
    assert list(told) == ["done", "more", "stopped"]
    assert [run.state for run in told.values()] == ["finished", "finished", "unfinished"]
    assert [run.agent for run in told.values()] == ["thompson", "thompson", "random"]
    assert [run.scenario for run in told.values()] == ["classic", "classic", "fatigue"]
    assert [run.sessions for run in told.values()] == [60, 110, 2000]
    seen = [run.seen for run in told.values()]
    assert seen[:2] == [60, 110]
    assert 0 < (seen[2] or 0) < 2000
    assert all(50 < (run.percent or 0) < 110 for run in told.values())
    assert told["done"].size == sum(path.stat().st_size for path in (runs / "done").rglob("*") if path.is_file())
    assert told["stopped"].size == sum(
        path.stat().st_size for path in checkpoint.place(runs / "stopped").rglob("*") if path.is_file()
    )
    newest = max(path.stat().st_mtime for path in (runs / "done").rglob("*") if path.is_file())
    assert told["done"].changed == newest


def test_a_run_that_is_being_written_is_running(runs: Path) -> None:
    with atomic.folder(runs / "now", "run") as part:
        for name in ("scenario.yaml", "settings.yaml"):
            shutil.copyfile(runs / "done" / name, part / name)
        assert (found(runs)["now"].state, found(runs)["now"].agent) == ("running", "thompson")
    with atomic.folder(runs / "stopped", "run"):
        run = found(runs)["stopped"]
        assert (run.state, run.agent, run.sessions) == ("running", "random", 2000)


def test_a_finished_run_that_a_killed_writer_set_aside_is_finished(runs: Path) -> None:
    whole = found(runs)["done"]
    with atomic.writing(runs / "done") as work:
        (runs / "done").rename(work / "old")
    aside = found(runs)["done"]
    assert (aside.state, aside.agent, aside.seen) == ("finished", whole.agent, whole.seen)


def test_what_a_killed_training_left_without_a_checkpoint_is_told(runs: Path) -> None:
    killed_without_a_checkpoint(runs)
    assert (found(runs)["gone"].state, found(runs)["gone"].agent) == ("killed", "thompson")


def test_other_folders_are_no_runs(runs: Path) -> None:
    prediction = runs / "genres"
    prediction.mkdir()
    for name in ("settings.yaml", "result.json", "metrics.csv"):
        (prediction / name).write_text("{}")
    for name in ("empty", ".git", ".hidden.preroll", ".done.preroll", ".x.preroll/new"):
        (runs / name).mkdir(parents=True)
    (runs / "result.json").write_text("{}")
    assert list(found(runs)) == ["done", "more", "stopped"]


@pytest.mark.parametrize("file", ["result.json", "settings.yaml", "scenario.yaml", "agent/agent.json"])
@pytest.mark.parametrize("content", [None, "", "{}", "[]", "[" * 100_000, "\0", '{"format": 2}'])
def test_a_damaged_run_is_told_and_stops_nothing(runs: Path, file: str, content: str | None) -> None:
    (runs / "done" / file).unlink()
    if content is not None:
        (runs / "done" / file).write_text(content)
    told = found(runs)
    assert [run.state for run in told.values()] == ["damaged", "finished", "unfinished"]
    assert told["done"].why
    assert "\n" not in told["done"].why


@pytest.mark.parametrize("content", ["", "[]", "{", '{"ledger": 1}'])
def test_a_damaged_checkpoint_is_told_and_stops_nothing(runs: Path, content: str) -> None:
    (checkpoint.place(runs / "stopped") / "loop.json").write_text(content)
    assert [run.state for run in found(runs).values()] == ["finished", "finished", "damaged"]
    reseal(checkpoint.place(runs / "stopped"))
    assert [run.state for run in found(runs).values()] == ["finished", "finished", "damaged"]


def test_a_curve_of_nothing_has_no_percentage(runs: Path) -> None:
    path = runs / "done" / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "curve": {"sessions": [], "values": {}}}))
    reseal(path.parent)
    assert (found(runs)["done"].state, found(runs)["done"].percent) == ("finished", None)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=f"{tmp_path / 'nowhere'}: no such folder"):
        find_runs(tmp_path / "nowhere")
    assert find_runs(tmp_path) == []


def test_looking_changes_nothing(runs: Path) -> None:
    killed_without_a_checkpoint(runs)
    (runs / ".done.old").mkdir()
    before = sorted(path for path in runs.rglob("*"))
    find_runs(runs)
    assert sorted(path for path in runs.rglob("*")) == before
    assert os.path.isdir(runs / ".done.old")


def test_a_run_that_is_not_finished_is_named_with_what_goes_on_and_no_hidden_folder_is_suggested(runs: Path) -> None:
    with pytest.raises(PrerollError, match=r"stopped: is not finished; go on with `preroll train --resume .*/stopped`"):
        Run.load(runs / "stopped")
    with pytest.raises(PrerollError) as raised:
        Run.load(runs / "stoped")
    assert ".stopped" not in str(raised.value)
