"""Experiments whose agents learn late: what they say before, during and after."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.errors import MemoryShortError
from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.experiment.execution.tidy_table import results
from preroll.simulations.report.data import Material
from preroll.simulations.report.findings import headline
from preroll.simulations.report.page import page
from preroll.simulations.training.run import Run
from preroll.system import memory
from tests.simulations.conftest import MakeFile, load
from tests.simulations.experiment.execution.test_runner import in_this_process

pytestmark = pytest.mark.usefixtures("unpainted")

LATE = {"vary": {"feedback.delay": [0, 60, 150]}, "agents": ["random", {"thompson": {"num_envs": 8}}], "seeds": 1}


def test_what_waiting_left_to_be_earned_is_in_the_table(make_file: MakeFile, tmp_path: Path) -> None:
    path, store = make_file(**LATE), Store(tmp_path / "out")
    assert not run_plan(load(path), path.read_text(), store, in_this_process).failures
    assert run_plan(load(path), path.read_text(), store, in_this_process).done == 0  # all are found done
    table = results(store).set_index("id")
    assert table["feedback.every"].tolist() == [1] * 6
    earned = table["earned_while_learning"].to_dict()
    learned = [earned[f"feedback.delay={delay}/thompson-num_envs=8/seed-0"] for delay in (0, 60, 150)]
    assert learned[0] > learned[1] > learned[2]
    told = Run.load(store.logdir / "feedback.delay=60" / "thompson-num_envs=8" / "seed-0")
    assert told.result["feedback"]["earned_while_learning"] == pytest.approx(learned[1], abs=1e-3)
    told_late = [one for one in headline(Material.of(store)) if "While learning" in one]
    assert told_late == [
        f"While learning, with feedback {when}, they earned of the optimum: thompson-num_envs=8 {percent:.1f} %."
        for when, percent in zip(("at once", "60 sessions late", "150 sessions late"), learned, strict=True)
    ]
    assert told_late[0] in page(Material.of(store))
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


def test_what_waits_is_compared_with_memory_before_a_cell_starts(
    make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = memory.Limit(1 << 30, "the container", "give it more memory")
    monkeypatch.setattr(memory, "memory", lambda: limit)
    load(make_file(**LATE))
    with pytest.raises(MemoryShortError, match=r"^experiment small: the queue of feedback 150,000 sessions late, of"):
        load(make_file(**{**LATE, "vary": {"feedback.delay": [0, 150_000]}, "sessions": 10**6}))
    load(make_file(**{**LATE, "agents": ["random"], "vary": {"feedback.delay": [0, 150_000]}, "sessions": 10**6}))
