"""A misspelt name of something on the disk is told the nearest one."""

import shutil
from pathlib import Path

import pytest

from preroll.simulations import train
from tests.commands.conftest import Run


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("experiment run files/drfit.yaml --out x", "No such file or directory; did you mean files/drift.yaml?"),
        ("experiment status tresholds", "tresholds: is no folder of an experiment; did you mean threshold?"),
        ("experiment results tresholds", "tresholds: is no folder of an experiment; did you mean threshold?"),
        ("runs rm runs/classic-rondom-0 --yes", "no such run; did you mean runs/classic-random-0; nothing was removed"),
        ("catalog similar demo cats-1.mp4", "its rows are 0 … 299; did you mean cats/cats-"),
        ("tensorboard rans", "rans: no such folder; did you mean runs?"),
        ("runs list rans", "rans: no such folder; did you mean runs?"),
        ("train --continue runs/classic-rondom-0", "no such folder; did you mean runs/classic-random-0?"),
        ("scenario check nope.yaml", "scenario 'nope.yaml': no such file\n"),
        ("scenario check drfit", "no such preset or file; did you mean drift? Presets are "),
        ("experiment status other", "is no folder of an experiment; make one with `preroll experiment run"),
    ],
)  # fmt: skip
def test_the_nearest_name_is_told(run: Run, command: str, told: str) -> None:
    for folder in ("threshold", "runs/classic-random-0", "files"):
        Path(folder).mkdir(parents=True)
    Path("files/drift.yaml").touch()
    Path("files/robust.yaml").touch()
    status, _, error = run(*command.split())
    assert status == 2
    assert told in error
    assert "robust" not in error


def test_a_folder_of_runs_is_told_its_runs_and_a_finished_run_how_it_goes_on(run: Run, tmp_path: Path) -> None:
    runs = [tmp_path / name for name in ("a", "b", "c", "d")]
    train("random", sessions=20, run=runs[0])
    for copy in runs[1:]:
        shutil.copytree(runs[0], copy)
    told = f"run {tmp_path}: is a folder of runs; name those in it: {', '.join(map(str, runs[:3]))} and 1 more\n"
    for command in (["evaluate", tmp_path], ["plot", tmp_path, "--out", tmp_path / "a.png"]):
        assert run(*command) == (2, "", f"error: {told}")
    needed = f"error: --continue {runs[0]}: --sessions is needed: how many further ones to see\n"
    assert run("train", "--continue", runs[0]) == (2, "", needed)
    goes_on = f"is finished; train it on with `preroll train --continue {runs[0]} --sessions N`\n"
    assert run("train", "--resume", runs[0]) == (2, "", f"error: run {runs[0]}: {goes_on}")
