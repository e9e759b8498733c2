"""`preroll runs`: what is there is told, and removed when asked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from preroll.simulations import train
from tests.commands.conftest import Run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    for name in ("one", "two", "classic-thompson-0-num_envs=16-prior_views=2"):
        train("thompson", sessions=60, run=place / "runs" / name)
    return place


@pytest.fixture
def runs(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user stands in a folder with three runs in `runs`."""
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "here"))
    return Path("runs")


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda question: text == "y")


def test_the_runs_are_listed(run: Run, runs: Path) -> None:
    (runs / "two" / "result.json").write_text("{")
    status, told, errors = run("runs", "list")
    head, first, one, two, why = told.splitlines()
    assert (status, errors) == (0, "")
    assert head.split()[:3] == ["run", "state", "agent"]
    assert first.split()[:5] == [
        "classic-thompson-0-num_envs=16-prior_views=2",
        "finished",
        "thompson",
        "classic",
        "60",
    ]
    assert one.split()[:2] == ["one", "finished"]
    assert two.split()[:2] == ["two", "damaged"]
    assert why.startswith("damaged: runs/two/result.json: is not the file that was written")
    assert run("runs", "list", runs) == (0, told, "")


def test_where_there_is_none_the_command_that_makes_one_is_named(run: Run, tmp_path: Path) -> None:
    assert run("runs", "list", tmp_path) == (0, f"No runs in {tmp_path}; make one with `preroll train AGENT`.\n", "")
    status, told, errors = run("runs", "list", tmp_path / "nowhere")
    assert (status, told) == (2, "")
    assert errors == f"error: {tmp_path / 'nowhere'}: no such folder\n"


def test_runs_are_removed_when_asked_to(run: Run, runs: Path) -> None:
    status, told, _ = run("runs", "rm", "runs/one", "runs/two/", "runs/one", "--yes")
    assert status == 0
    assert told.splitlines()[0].startswith("runs/one: ")
    assert told.splitlines()[-1].startswith("Removed 2 runs, ")
    assert os.listdir(runs) == ["classic-thompson-0-num_envs=16-prior_views=2"]


def test_runs_are_removed_after_a_yes_alone(run: Run, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "")
    status, _, errors = run("runs", "rm", "runs/one")
    assert (status, errors) == (1, "error: runs rm: nothing was removed\n")
    assert (runs / "one").exists()
    answer(monkeypatch, "y")
    assert run("runs", "rm", "runs/one")[0] == 0
    assert not (runs / "one").exists()


def test_where_nobody_can_be_asked_nothing_is_removed(run: Run, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    status, told, errors = run("runs", "rm", "runs/one")
    assert (status, told) == (2, "")
    assert errors == "error: runs rm: nobody can be asked, since stdin is no terminal; add --yes to remove them\n"
    assert (runs / "one").exists()


def test_one_that_cannot_be_removed_keeps_them_all(run: Run, runs: Path) -> None:
    (runs / "two" / "notes.txt").write_text("mine")
    status, told, errors = run("runs", "rm", "runs/one", "runs/two", "--yes")
    assert (status, told) == (2, "")
    assert "two/notes.txt, which preroll did not write; nothing was removed" in errors
    assert (runs / "one").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_runs_that_were_removed_are_the_work_whatever_becomes_of_stdout(runs: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "preroll", "runs", "rm", "runs/one", "--yes"]
        assert subprocess.run(command, stdout=full, check=False).returncode == 0
    assert not (runs / "one").exists()
