"""Experiments whose agents learn late: what they say before, during and after."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.simulations.experiment.execution.runner import cell_pool, run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.experiment.execution.tidy_table import results
from preroll.simulations.training.run import Run
from tests.simulations.conftest import MakeFile, load

LATE = {"vary": {"feedback.delay": [0, 60, 150]}, "agents": ["random", {"thompson": {"num_envs": 8}}], "seeds": 1}


def test_what_waiting_left_to_be_earned_is_in_the_table(make_file: MakeFile, tmp_path: Path) -> None:
    path, store = make_file(**LATE), Store(tmp_path / "out")
    assert not run_plan(load(path), path.read_text(), store, cell_pool(1)).failures
    assert run_plan(load(path), path.read_text(), store, cell_pool(1)).done == 0  # all are found done
    table = results(store).set_index("id")
    assert table["feedback.every"].tolist() == [1] * 6
    earned = table["earned_while_learning"].to_dict()
    learned = [earned[f"feedback.delay={delay}/thompson-num_envs=8/seed-0"] for delay in (0, 60, 150)]
    assert learned[0] > learned[1] > learned[2]
    told = Run.open(store.logdir / "feedback.delay=60" / "thompson-num_envs=8" / "seed-0")
    assert told.result["feedback"]["earned_while_learning"] == pytest.approx(learned[1], abs=1e-3)
    notes = table["note"].dropna()
    assert notes.index.tolist() == ["feedback.delay=150/thompson-num_envs=8/seed-0"]
    assert "agent thompson has not learned: feedback.delay (150) is not below its 150 sessions." in notes.iloc[0]


def test_where_nothing_is_late_the_table_has_no_word_of_it(small_store: Store) -> None:
    assert not [name for name in map(str, results(small_store)) if "feedback" in name or "learning" in name]


def test_a_dry_run_says_who_learns_late_and_who_learns_nothing(make_file: MakeFile, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["experiment", "run", str(make_file(**LATE)), "--out", str(tmp_path), "--dry-run"])
    assert done.exit_code == 0, done.output
    assert "1 cell learns from feedback 60 sessions late.\n" in done.output
    why = "feedback.delay (150) is not below its 150 sessions"
    assert f"feedback.delay=150/thompson-num_envs=8/seed-0: nothing is learned: {why}.\n" in done.output
    assert done.output.count("nothing is learned") == 1
