"""What is said of a training that left the numbers, or that taught nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from preroll.agents import Agent, AgentSettings, load_agent, make_agent
from preroll.commands.cli import app
from preroll.envs import Policy, Tables
from preroll.errors import NotFiniteError, PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations import Run, evaluate, train
from preroll.simulations.training import checkpoint
from preroll.simulations.training.training import fit

FAR: dict[str, Any] = {"num_envs": 4, "learning_rate": 1e30}
PPO = FAR | {"steps": 5, "batch": 10, "hidden": (4,)}
DIVERGE = {
    "ppo": PPO,
    "lean-ppo": PPO,
    "recurrent-ppo": PPO,
    "dqn": FAR | {"learning_starts": 0, "batch": 8, "hidden": (4,)},
    "neural-linear": FAR | {"train_every": 40, "gradient_steps": 3},
}


@pytest.mark.parametrize("name", DIVERGE)
def test_a_training_that_leaves_the_numbers_ends_in_one_line(name: str, small_catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(PrerollError) as error:
        train(name, catalog=small_catalog, sessions=12, run=tmp_path / "run", settings=DIVERGE[name])
    line = str(error.value)
    assert line.startswith(f"agent {name}: ")
    assert "NaN or infinity, at session " in line
    assert "of 12; try a smaller learning_rate, or the defaults instead of num_envs=4, " in line
    assert "\n" not in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", DIVERGE)
def test_that_nothing_was_learned_is_said_of_a_training_and_of_no_loaded_agent(
    name: str, small_catalog: Catalog, tmp_path: Path
) -> None:
    """A bug once: counters that are not saved made every loaded deep agent say that no gradient step was made."""
    result = train(
        name,
        catalog=small_catalog,
        sessions=12,
        run=tmp_path / "run",
        settings={**DIVERGE[name], "learning_rate": 1e-3},
    )
    loaded = repr(load_agent(tmp_path / "run"))
    assert f"{result.steps:,} transitions" in loaded
    assert not [
        told for told in ("no gradient step", "not trained", "gradient_steps 0", "trainings 0") if told in loaded
    ]


def test_a_training_that_was_too_short_says_so(small_catalog: Catalog) -> None:
    result = train("dqn", catalog=small_catalog, sessions=12, settings={"num_envs": 4, "hidden": (4,)})
    assert "agent dqn has not learned: no gradient step was made" in " ".join(repr(result).split())


@pytest.mark.parametrize("far", [1e31, 1e300])
def test_a_learning_rate_that_adam_cannot_hold_is_refused(far: float, small_catalog: Catalog) -> None:
    for name in DIVERGE:
        with pytest.raises(PrerollError, match="learning_rate"):
            train(name, catalog=small_catalog, sessions=12, settings={"learning_rate": far})


@pytest.mark.parametrize("name", ["ppo", "lean-ppo", "recurrent-ppo"])
def test_a_clip_range_that_torch_cannot_hold_is_refused_and_the_largest_trains(
    name: str, small_catalog: Catalog
) -> None:
    small = {"num_envs": 4, "steps": 5, "batch": 10, "hidden": (4,)}
    with pytest.raises(PrerollError, match=rf"^agent {name}: clip: 1e\+300: should be"):
        train(name, catalog=small_catalog, sessions=12, settings={**small, "clip": 1e300})
    assert train(name, catalog=small_catalog, sessions=4, settings={**small, "clip": 1e30}).sessions == 4


class Leaving(Agent):
    """Its weight leaves the numbers while it shows ads as before."""

    name = "leaving"
    weight = np.zeros(1)

    def act(self, observations: Any, *, explore: bool = True) -> Any:
        return np.zeros(len(observations), np.int64)

    def action_probabilities(self, observations: Any, *, explore: bool = False) -> Any:
        return np.full((len(observations), self.spec.n_actions), np.nan)

    def _learn(self, transitions: Any) -> None:
        self.weight = self.weight + np.inf

    def state_arrays(self, *, training: bool = False) -> dict[str, Any]:
        return {"weight": self.weight}


def test_weights_are_looked_at_where_a_choice_does_not_show_it(small_catalog: Catalog) -> None:
    tables = Tables.compile("classic", small_catalog)
    agent = Leaving(tables.spec, AgentSettings(num_envs=5))
    with pytest.raises(NotFiniteError, match=r"agent leaving: weight: holds NaN or infinity, at session 5 of 5"):
        fit(agent, tables, sessions=5)
    with pytest.raises(NotFiniteError, match=r"agent leaving: probabilities: holds NaN or infinity; this is no policy"):
        evaluate({"mine": agent}, tables, sessions=30)
    table = Policy(probabilities=np.full(6, np.nan))
    with pytest.raises(NotFiniteError, match="policy table: probabilities"):
        evaluate({"mine": table}, tables, sessions=30)


def test_no_checkpoint_is_written_of_what_is_none(small_catalog: Catalog, tmp_path: Path) -> None:
    from preroll.simulations.training.prepared_training import Training

    tables = Tables.compile("classic", small_catalog)
    agent = Leaving(tables.spec, AgentSettings(num_envs=5))
    training = Training(agent, tables, sessions=5, seed=0, target=tmp_path / "run")
    with pytest.raises(NotFiniteError, match="at session 1 of 5"):
        training.run(save_every=0)
    assert not checkpoint.place(tmp_path / "run").exists()


def test_who_did_not_learn_says_so_where_it_is_trained_and_evaluated(
    small_catalog_folder: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    arguments = ["train", "dqn", "--catalog", str(small_catalog_folder), "--sessions", "6", "--run", str(run)]
    done = CliRunner().invoke(app, [*arguments, "--set", "learning_starts=5000", "--set", "num_envs=8"])
    assert done.exit_code == 0, done.output
    played = json.loads((run / "result.json").read_text())["steps"]
    notes = [
        f"agent dqn has not learned: no gradient step was made: {played} transitions are fewer than learning_starts "
        "(5,000).",
        "agent dqn played its 6 sessions side by side, fewer than num_envs (8): none of them began with what another "
        "had taught.",
    ]
    assert Run.load(run).notes == notes
    assert all(f"note: {note}\n" in done.output for note in notes)
    told = CliRunner().invoke(app, ["evaluate", str(run), "--sessions", "30"])
    assert all(f"note: run: {note}\n" in told.output for note in notes)


@pytest.mark.parametrize(
    ("name", "settings", "why"),
    [
        ("ppo", {"steps": 30}, "20 steps of every environment are fewer than steps (30)"),
        ("lean-ppo", {"steps": 30}, "20 steps of every environment are fewer than steps (30)"),
        ("dqn", {"learning_starts": 0, "updates_per_step": 1e-9}, "updates_per_step is 1e-09"),
        ("neural-linear", {"train_every": 10**6}, "40 transitions are fewer than train_every (1,000,000)"),
        ("lean-ppo", {"steps": 10}, ""),
        ("linucb", {}, ""),
        ("random", {}, ""),
    ],
)
def test_the_reason_is_told(name: str, settings: dict[str, Any], why: str, small_catalog: Catalog) -> None:
    found = train(name, catalog=small_catalog, sessions=2, settings={"num_envs": 2, **settings})
    assert ("" if not found.notes else found.notes[0]).count(why) == 1 if why else found.notes == ()
    assert ("notes" in found.to_dict()) == bool(why)


def test_a_baseline_of_few_sessions_has_nothing_to_learn(small_catalog: Catalog) -> None:
    assert make_agent("random", Tables.compile("classic", small_catalog)).num_envs > 2
    assert train("random", catalog=small_catalog, sessions=2).notes == ()
